"""The scheduler: pending Pods in, bindings out."""
