"""The life of one pod on its node: what it needs next (plan), doing it (worker), telling it (status)."""
