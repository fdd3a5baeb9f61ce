"""Columns: what ``kubectl get`` shows of a kind.

The server makes the rows, so a client shows kinds that it has never heard of. Columns with a priority above zero
are for ``-o wide``.

Source: Kubernetes API reference, meta/v1 Table.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import Any, Final

from naru.api.container_v1 import Container
from naru.api.meta import KubeObject

NONE: Final = "<none>"


@dataclass(frozen=True)
class Column:
    """One column of a Table."""

    name: str
    description: str
    type: str = "string"
    format: str = ""
    wide: bool = False

    def wire(self) -> dict[str, Any]:
        """Return the column definition that goes on the wire."""
        return {
            "name": self.name,
            "type": self.type,
            "format": self.format,
            "description": self.description,
            "priority": 1 if self.wide else 0,
        }


_NAMES: Final = "https://kubernetes.io/docs/concepts/overview/working-with-objects/names#names"
_CONVENTIONS: Final = "https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata"
NAME: Final = Column(
    "Name",
    "Name must be unique within a namespace. Is required when creating resources, although some resources may allow a "
    "client to request the generation of an appropriate name automatically. Name is primarily intended for creation "
    f"idempotence and configuration definition. Cannot be updated. More info: {_NAMES}",
    format="name",
)
AGE: Final = Column(
    "Age",
    "CreationTimestamp is a timestamp representing the server time when this object was created. It is not guaranteed "
    "to be set in happens-before order across separate operations. Clients may not set this value. It is represented "
    "in RFC3339 form and is in UTC.\n\nPopulated by the system. Read-only. Null for lists. More info: "
    f"{_CONVENTIONS}",
)
CREATED_AT: Final = Column("Created At", "When the object was created.", type="date")  # of kinds without own columns

WORKLOAD: Final = (
    Column("Containers", "Names of the template's containers.", wide=True),
    Column("Images", "Images of the template's containers.", wide=True),
    Column("Selector", "Which pods belong to the object, by their labels.", wide=True),
)


def workload_cells(containers: Sequence[Container], selector: str) -> list[str]:
    """Return the cells of the ``WORKLOAD`` columns."""
    names, images = (container.name for container in containers), (container.image for container in containers)
    return [",".join(names), ",".join(images), selector or NONE]


def labels_text(labels: Mapping[str, str]) -> str:
    """Write labels in one line, ordered by their names."""
    return ",".join(f"{key}={value}" for key, value in sorted(labels.items())) or NONE


def created_at(obj: KubeObject) -> str | None:
    """Return the cell of the ``CREATED_AT`` column."""
    moment = obj.metadata.creation_timestamp
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if moment else None


def or_none(value: str) -> str:
    """Show that there is nothing to show."""
    return value or NONE


def count(*maps: Mapping[str, object]) -> int:
    """Return the number of entries of several maps."""
    return sum(len(entries) for entries in maps)
