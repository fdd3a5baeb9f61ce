"""How the API server calls a webhook: the faults of its address, or of the Service that it is behind.

Source: Kubernetes API reference, WebhookClientConfig; the texts are those of upstream's validation.
"""

from typing import Final
from urllib.parse import urlsplit

from naru.api import admissionregistration_v1, apiextensions_v1
from naru.api.errors import FieldError
from naru.api.field_errors import invalid, required
from naru.api.names import check_dns_subdomain, check_port

ClientConfig = admissionregistration_v1.WebhookClientConfig | apiextensions_v1.WebhookClientConfig
Service = admissionregistration_v1.ServiceReference | apiextensions_v1.ServiceReference

_FORM: Final = "; desired format: https://host[/path]"


def validate_client(client: ClientConfig, path: str) -> list[FieldError]:
    """Return the faults of how a webhook is called."""
    if client.url is not None and client.service is None:
        return _validate_url(client.url, f"{path}.url")
    if client.url is None and client.service is not None:
        return _validate_service(client.service, f"{path}.service")
    return [required(path, "exactly one of url or service is required")]


def _validate_url(url: str, path: str) -> list[FieldError]:
    try:
        parts = urlsplit(url)
    except ValueError as error:
        return [required(path, f"url must be a valid URL: {error}{_FORM}")]
    user, _, host = parts.netloc.rpartition("@")
    faults = (
        (parts.scheme != "https", parts.scheme, f"'https' is the only allowed URL scheme{_FORM}"),
        (not host, host, f"host must be specified{_FORM}"),
        ("@" in parts.netloc, user, "user information is not permitted in the URL"),
        (bool(parts.fragment), parts.fragment, "fragments are not permitted in the URL"),
        (bool(parts.query), parts.query, "query parameters are not permitted in the URL"),
    )
    return [invalid(path, value, why) for wrong, value, why in faults if wrong]


def _validate_service(service: Service, path: str) -> list[FieldError]:
    # upstream takes one for the other where it says what is missing
    errors = [required(f"{path}.name")] if not service.namespace else []
    errors += [required(f"{path}.namespace")] if not service.name else []
    port = service.port or 0
    if complaints := check_port(port):
        errors.append(invalid(f"{path}.port", port, f"port is not valid: {', '.join(complaints)}"))
    return errors + _validate_path(service.path or "/", f"{path}.path")


def _validate_path(text: str, path: str) -> list[FieldError]:
    if text == "/":
        return []
    if text == "//":
        return [invalid(path, text, "segment[0] may not be empty")]
    errors = [] if text.startswith("/") else [invalid(path, text, "must start with a '/'")]
    for index, step in enumerate(text[1:].removesuffix("/").split("/")):
        if not step:
            errors.append(invalid(path, text, f"segment[{index}] may not be empty"))
        else:
            errors += [invalid(path, text, f"segment[{index}]: {fault}") for fault in check_dns_subdomain(step)]
    return errors
