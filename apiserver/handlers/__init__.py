"""The verbs: one module each, from the request that came in to the answer that goes out."""
