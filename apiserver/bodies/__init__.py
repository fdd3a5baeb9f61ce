"""Bodies: from the bytes of a request to plain dicts and lists, or to why that cannot be.

Flow: bytes and Content-Type -> *JSON, YAML or protobuf* -> plain values -> ``handlers.body`` makes them typed objects.
What is read is bounded before it is believed: in size, in depth, and in what the aliases of a YAML document expand to.
"""
