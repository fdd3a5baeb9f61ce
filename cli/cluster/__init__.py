"""The life of a cluster on one machine: what it is made of, and how it starts, is looked after and ends."""
