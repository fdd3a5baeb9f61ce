"""The names of the OpenAPI documents, which follow from the table of resources without any model."""

from collections.abc import Sequence
from functools import cache
from typing import Final

from naru.api.scheme import RESOURCES, Resource

ROOTS: Final = ("api", "apis", "version")


def document_path(resource: Resource) -> str:
    """Return the index key of a resource's group-version: ``api/v1``, ``apis/apps/v1``."""
    return f"apis/{resource.api_version}" if resource.group else f"api/{resource.version}"


@cache
def document_names() -> Sequence[str]:
    """List the documents of version 3, in order."""
    versions = {document_path(resource) for resource in RESOURCES}
    groups = {f"apis/{resource.group}" for resource in RESOURCES if resource.group}
    return sorted(versions | groups | set(ROOTS))
