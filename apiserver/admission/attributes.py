"""Attributes: one request as the admission plugins see it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from apiserver.authn import User
from apiserver.state import ObjectReader
from naru.api.errors import Forbidden
from naru.api.meta import KubeObject
from naru.api.scheme import Resource


class Operation(StrEnum):
    """What the request does to the object."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"


@dataclass(frozen=True)
class Attributes:
    """One request: who does what to which object, and what it looked like before."""

    operation: Operation
    resource: Resource
    obj: KubeObject  # for a deletion: the object that is to go
    old: KubeObject | None
    user: User
    reader: ObjectReader
    default_toleration_seconds: int = 300

    def creates(self, group_resource: str) -> bool:
        """Tell whether a new object of a kind is made."""
        return self.operation is Operation.CREATE and self.resource.group_resource == group_resource

    def refuse(self, why: str, causes: list[dict[str, str]] | None = None) -> Forbidden:
        """Build the refusal of the request."""
        name = self.obj.metadata.name or self.obj.metadata.generate_name
        details: dict[str, Any] = {"name": name, "group": self.resource.group, "kind": self.resource.plural}
        if causes:
            details["causes"] = causes
        message = f'{self.resource.group_resource} "{name}" is forbidden: {why}'
        return Forbidden(message, details={key: value for key, value in details.items() if value})


Plugin = Callable[[Attributes], Awaitable[KubeObject]]
"""Returns the object, perhaps changed; raises an ``APIError`` to refuse the request."""
