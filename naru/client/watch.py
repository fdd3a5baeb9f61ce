"""Watch events: one line of JSON each, as typed objects.

Flow: GET ...?watch=1 -> lines -> *WatchEvent* -> informers, ``kubectl get -w`` and its like.
An ERROR line (410 Gone when the revision asked for is no longer kept) is raised as the APIError that it holds.
"""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, Generic, TypeVar

import orjson
from pydantic import ValidationError

from naru.api.errors import InternalError, from_status
from naru.api.meta import KubeObject, ObjectMeta
from naru.client.errors import ConnectionFailed
from naru.client.http import ByteStream

M = TypeVar("M", bound=KubeObject)

INITIAL_EVENTS_END: Final = "k8s.io/initial-events-end"  # annotation of the bookmark that ends a watch-list's list


class EventType(StrEnum):
    """What happened to the object."""

    ADDED = "ADDED"
    MODIFIED = "MODIFIED"
    DELETED = "DELETED"
    BOOKMARK = "BOOKMARK"


@dataclass(frozen=True, slots=True)
class WatchEvent(Generic[M]):
    """One change; ``object`` is the state after it (before it, when DELETED). A BOOKMARK has metadata only."""

    type: EventType
    object: M

    @property
    def ends_initial_events(self) -> bool:
        """Whether this is the bookmark after the last object that a watch-list began with."""
        return self.type is EventType.BOOKMARK and INITIAL_EVENTS_END in self.object.metadata.annotations


async def decode_stream(model: type[M], stream: ByteStream) -> AsyncGenerator[WatchEvent[M], None]:
    """Yield the events of a watch's answer until the server ends it."""
    async for line in stream.lines():
        if line:
            yield decode_event(model, line)


def decode_event(model: type[M], line: bytes) -> WatchEvent[M]:
    """Read one line.

    Raises:
        APIError: the line is an ERROR event.
        ConnectionFailed: the line is cut short.
    """
    kind, content = read_event(line)
    if kind is EventType.BOOKMARK:
        return WatchEvent(kind, model.model_construct(metadata=ObjectMeta.model_validate(content["metadata"])))
    try:
        return WatchEvent(kind, model.model_validate(content))
    except ValidationError as error:
        raise InternalError(f"the watch tells of something that is no {model.__name__}: {error}") from error


def read_event(line: bytes) -> tuple[EventType, dict[str, Any]]:
    """Read one line without judging what the object is; raises as :func:`decode_event` does."""
    try:
        event: dict[str, Any] = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise ConnectionFailed(f"watch broke in the middle of an event: {error}") from error
    if event["type"] == "ERROR":
        raise from_status(event["object"], 500)
    return EventType(event["type"]), event["object"]
