"""Admission: what the cluster adds to a request, or has against it, whoever sends it."""
