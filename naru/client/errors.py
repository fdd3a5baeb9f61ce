"""What goes wrong before or beside an answer of the API server; a refusal it sends is an ``APIError`` instead."""

from naru.api.errors import APIError


class ConfigError(Exception):
    """The kubeconfig is missing, cannot be read, or does not say what is needed."""


class ConnectionFailed(Exception):
    """The server could not be reached, or the connection broke; a write may or may not have been carried out."""


class DeadlineExceeded(ConnectionFailed):
    """No answer came in time; a write may or may not have been carried out."""


def namespace_terminates(error: Exception) -> bool:
    """Whether a creation was refused because its namespace is on its way out: nothing is wrong, nothing is to do."""
    causes = error.details.get("causes", ()) if isinstance(error, APIError) else ()
    return any(cause.get("reason") == "NamespaceTerminating" for cause in causes)
