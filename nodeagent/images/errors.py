"""What goes wrong with images, said in the words that Kubernetes users know from containerd."""


class ImageError(Exception):
    """An image could not be read, stored or removed; the message is for people."""


class ImagePullError(ImageError):
    """An image could not be had; ``reason`` is the word for a waiting container's state."""

    reason = "ErrImagePull"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class InvalidReference(ImagePullError):
    """The text is no image name, so no retry will help."""

    reason = "InvalidImageName"
