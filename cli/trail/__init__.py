"""The trail as people read it: which write led to which."""
