"""Storage of objects: etcd and the watch cache before it."""
