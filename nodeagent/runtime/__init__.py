"""Containers from scratch: from a spec to a process in its own namespaces."""
