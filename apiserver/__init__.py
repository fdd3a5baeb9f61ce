"""The API server: HTTP in front, etcd behind, admission and the watch cache between."""
