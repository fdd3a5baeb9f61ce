"""The network of a node and between nodes."""
