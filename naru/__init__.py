"""naru's shared library: it knows Kubernetes and no component."""
