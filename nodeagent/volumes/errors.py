"""What goes wrong with a volume; the pod waits, and an event says why."""


class VolumeError(Exception):
    """A volume cannot be made as asked; the message is for people."""
