"""Table and PartialObjectMetadata: objects as rows for people, or stripped to their metadata.

Flow: objects -> strategy's columns and rows -> ``Table``, when the client's Accept header asks for one.

Source: Kubernetes documents, "API Concepts: Receiving resources as Tables"; API reference, meta/v1.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final

from apiserver.registry import strategy_for
from apiserver.registry.strategy import Strategy
from naru.api.errors import BadRequest
from naru.api.field_errors import invalid
from naru.api.meta import KubeObject
from naru.api.scheme import Resource

GROUP: Final = "meta.k8s.io"
INCLUDE_OBJECT: Final = ("None", "Metadata", "Object")


def table(
    resource: Resource,
    objects: Iterable[KubeObject],
    include_object: str = "Metadata",
    version: str = "v1",
    metadata: dict[str, Any] | None = None,
    now: datetime | None = None,
) -> dict[str, Any]:
    """Return a ``Table`` with one row an object, each with as much of its object as is asked for."""
    strategy, moment = strategy_for(resource), now or datetime.now(UTC)
    rows = [_row(strategy, obj, include_object, version, moment) for obj in objects]
    return {
        "kind": "Table",
        "apiVersion": f"{GROUP}/{version}",
        "metadata": metadata or {},
        "columnDefinitions": _column_definitions(resource),
        "rows": rows,
    }


def check_include(include_object: str) -> None:
    """Check what the rows shall carry of their objects.

    Raises:
        BadRequest: it is none of the three values.
    """
    if include_object not in INCLUDE_OBJECT:
        problem = invalid("includeObject", include_object, "must be 'Metadata', 'Object', 'None', or empty")
        raise BadRequest(f"Unable to convert to Table as requested: {problem}")


@cache
def _column_definitions(resource: Resource) -> Sequence[dict[str, Any]]:
    return [column.wire() for column in strategy_for(resource).columns]


def _row(strategy: Strategy[Any], obj: KubeObject, include: str, version: str, now: datetime) -> dict[str, Any]:
    row: dict[str, Any] = {"cells": strategy.row(obj, now)}
    if conditions := strategy.row_conditions(obj):
        row["conditions"] = conditions
    row["object"] = (
        None if include == "None" else obj.wire() if include == "Object" else partial(obj.metadata.wire(), version)
    )
    return row


def partial(metadata: dict[str, Any], version: str = "v1") -> dict[str, Any]:
    """Return what is left of an object that is stripped to its metadata."""
    return {"kind": "PartialObjectMetadata", "apiVersion": f"{GROUP}/{version}", "metadata": metadata}


def partial_list(
    stripped: Iterable[dict[str, Any]], metadata: dict[str, Any] | None = None, version: str = "v1"
) -> dict[str, Any]:
    """Return a list of objects stripped to their metadata, and the metadata of its own."""
    return {
        "kind": "PartialObjectMetadataList",
        "apiVersion": f"{GROUP}/{version}",
        "metadata": metadata or {},
        "items": [partial(one, version) for one in stripped],
    }
