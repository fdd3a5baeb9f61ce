"""Images: references, registries, archives, and the store of unpacked layers."""
