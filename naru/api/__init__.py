"""The kinds of the Kubernetes API, and the table that says where each is served."""
