"""ConfigMap and Secret: settings that pods read as environment or as files.

Source: Kubernetes API reference, core/v1.
"""

import base64
import binascii
from typing import Annotated, ClassVar

from pydantic import BeforeValidator, PlainSerializer

from naru.api.meta import KubeObject


def _decode_base64(value: object) -> object:
    """Read what is on the wire; bytes given by a program are taken as they are."""
    if not isinstance(value, str):
        return value
    try:
        return base64.b64decode("".join(value.split()), validate=True)
    except binascii.Error as error:
        raise ValueError(f"illegal base64 data: {error}") from error


def _encode_base64(value: bytes) -> str:
    return base64.b64encode(value).decode()


Base64 = Annotated[bytes, BeforeValidator(_decode_base64), PlainSerializer(_encode_base64, return_type=str)]
"""Bytes, in base64 on the wire."""


class ConfigMap(KubeObject):
    """Settings, as text or as bytes, by key."""

    protobuf: ClassVar[str] = "1 4 2 3"

    kind: str = "ConfigMap"
    api_version: str = "v1"
    immutable: bool | None = None  # true: the data can never change again, nor this field; only delete the object
    # UTF-8 text by key; a key names a file or a variable, so it has only letters, digits, -, _ and .
    data: dict[str, str] = {}
    binary_data: dict[str, Base64] = {}  # bytes by key, base64 on the wire; no key may be in data too


class Secret(KubeObject):
    """Values, base64 on the wire, that should not be shown around."""

    protobuf: ClassVar[str] = "1 5 2 4 3"

    kind: str = "Secret"
    api_version: str = "v1"
    immutable: bool | None = None  # true: the data can never change again, nor this field; only delete the object
    data: dict[str, Base64] = {}  # bytes by key, base64 on the wire (which hides nothing)
    string_data: dict[str, str] = {}  # write-only: merged into data by the API server
    type: str = "Opaque"  # what the keys mean to programs, such as kubernetes.io/tls; it never changes
