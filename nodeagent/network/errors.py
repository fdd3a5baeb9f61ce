"""What goes wrong with the network."""


class NetworkError(Exception):
    """The network could not be made as it should be; the message is for people."""


class KernelRefusal(NetworkError):
    """The kernel refused a request over netlink; ``code`` is its errno."""

    def __init__(self, what: str, code: int, detail: str) -> None:
        super().__init__(f"{what}: {detail}")
        self.code = code
