"""The body of an apply: a configuration in YAML, checked to be for the object of the URL.

Source: k8s.io/apiserver, endpoints/handlers/patch.go; apimachinery, "managedfields" (versionCheckManager).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import orjson

from apiserver.bodies.parsing import Malformed, is_too_deep, parse_yaml
from apiserver.managed_fields.updater import Document
from apiserver.patch.document import mismatch
from naru.api import strict
from naru.api.errors import BadRequest


@dataclass(frozen=True)
class Configuration:
    """What is applied, and the keys that its text gives twice."""

    document: Document
    repeated: Sequence[str] = ()


def read_configuration(body: bytes) -> Configuration:
    """Read the body of an apply, which is YAML (and so may be JSON, which is read faster).

    Raises:
        BadRequest: it is neither, or no object.
    """
    try:
        document = orjson.loads(body) if body[:1] == b"{" else None
    except orjson.JSONDecodeError:
        document = None
    if isinstance(document, dict) and not is_too_deep(body, document) and not strict.may_repeat(body, document):
        return Configuration(document)
    try:
        parsed = parse_yaml(body)
    except Malformed as fault:
        raise BadRequest(f"error decoding patch: error converting YAML to JSON: {fault.problem}") from None
    if parsed.value is None:
        return Configuration({})
    if not isinstance(parsed.value, dict):
        prefix = "error decoding patch: error unmarshaling JSON: while decoding JSON: "
        raise mismatch(parsed.value, "Go value of type map[string]interface {}", prefix)
    return Configuration(parsed.value, parsed.repeated)


def check_configuration(applied: Document, api_version: str, kind: str) -> None:
    """Refuse a configuration for another kind, or one that brings a record of managers.

    Raises:
        BadRequest: it is one of these.
    """
    if (applied.get("apiVersion"), applied.get("kind")) != (api_version, kind):
        raise BadRequest(f"invalid object type: {group_version_kind(applied)}")
    metadata = applied.get("metadata")
    if isinstance(metadata, dict) and isinstance(metadata.get("managedFields"), list):
        raise BadRequest("metadata.managedFields must be nil")


def group_version_kind(applied: Document) -> str:
    """Write the kind of a document as upstream does: ``apps/v1, Kind=Deployment``."""
    version = str(applied.get("apiVersion") or "")
    return f"{version if '/' in version else f'/{version}'}, Kind={applied.get('kind') or ''}"
