"""The asyncio client of the Kubernetes API: kubeconfig, typed verbs, watch, streams."""
