"""The node server: logs, exec and attach for the API server's proxies."""
