"""The toolkit that controllers are written with."""
