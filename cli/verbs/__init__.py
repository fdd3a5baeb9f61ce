"""The verbs on objects: a small kubectl over naru.client."""
