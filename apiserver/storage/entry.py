"""Entry: one stored object as the API server keeps it, in the very bytes that answers are made of.

An object is encoded once, when it is written. etcd holds it without a resourceVersion, since that is the revision of
the write itself; here it is put into the bytes, right after ``"metadata":{``. So a GET, a LIST and every watcher share
one buffer, and the typed object is only made for those who have to look inside.
"""

from collections.abc import Mapping
from typing import Any, Final

import orjson

from apiserver.registry import strategy_for
from naru.api.conversion import to_version
from naru.api.keys import ObjectKey
from naru.api.meta import KubeObject
from naru.api.scheme import Resource

ROOT: Final = b"/registry/"
NO_LABELS: Final[Mapping[str, str]] = {}
_METADATA: Final = b'"metadata":{'


class Entry:
    """An object at one revision: always the same to all who share it."""

    __slots__ = ("_fields", "_labels", "_obj", "_origin", "_others", "data", "key", "resource", "revision")

    def __init__(self, resource: Resource, key: ObjectKey, data: bytes, revision: int) -> None:
        self.resource = resource
        self.key = key
        self.data = data  # JSON with the resourceVersion in it
        self.revision = revision
        self._obj: KubeObject | None = None
        self._fields: dict[str, str] | None = None
        self._labels: Mapping[str, str] | None = None
        self._origin: Entry | None = None  # the entry in the version that is stored, where this is another one
        self._others: dict[str, Entry] | None = None  # the same in other versions, by apiVersion

    @classmethod
    def stored(cls, resource: Resource, key: ObjectKey, value: bytes, revision: int) -> "Entry":
        """Make the entry of a value as etcd holds it, in the version of the resource."""
        return cls(resource.storage, key, with_revision(value, revision), revision).seen_as(resource)

    @classmethod
    def written(cls, resource: Resource, key: ObjectKey, value: bytes, revision: int, obj: KubeObject) -> "Entry":
        """Make the entry of an object that was just encoded and stored, so that it needs no decoding."""
        entry = cls.stored(resource, key, value, revision)
        if entry._origin is not None:
            return entry
        meta = obj.metadata.model_copy(update={"resource_version": str(revision)})
        entry._obj = obj.model_copy(update={"metadata": meta})
        return entry

    @property
    def origin(self) -> "Entry":
        """The object in the version that is stored."""
        return self._origin or self

    def seen_as(self, resource: Resource) -> "Entry":
        """Return the same object in another version: converted and encoded once for all who ask for it."""
        if resource.api_version == self.resource.api_version:
            return self
        others = self._others if self._others is not None else {}
        self._others = others
        if (other := others.get(resource.api_version)) is None:
            data = with_revision(encode(to_version(self.peek(), resource)), self.revision)
            other = others[resource.api_version] = Entry(resource, self.key, data, self.revision)
            other._origin = self
        return other

    @property
    def obj(self) -> KubeObject:
        """The typed object, decoded when first asked for, and kept: for those who ask again and again."""
        if self._obj is None:
            self._obj = self.resource.model.model_validate_json(self.data)
        return self._obj

    def peek(self) -> KubeObject:
        """Return the typed object without keeping it: for those who look at many objects once."""
        return self._obj or self.resource.model.model_validate_json(self.data)

    @property
    def labels(self) -> Mapping[str, str]:
        """The labels, for which the object need not be made."""
        if self._labels is None:
            self._labels = self._obj.metadata.labels if self._obj else self.metadata().get("labels", NO_LABELS)
        return self._labels

    @property
    def fields(self) -> dict[str, str]:
        """The fields that a field selector may name."""
        if self._fields is None:
            self._fields = strategy_for(self.resource).selectable_fields(self.peek())
        return self._fields

    def metadata(self) -> dict[str, Any]:
        """Return the metadata on the wire."""
        metadata: dict[str, Any] = orjson.loads(self.data)["metadata"]
        return metadata

    def shrink(self) -> None:
        """Keep the bytes alone: a Pod takes eight times their memory, and the past is seldom looked into."""
        self._obj = self._fields = self._labels = self._others = None

    def at(self, revision: int) -> "Entry":
        """Return the same object with another resourceVersion: what a deleted object looked like last."""
        data = self.data.replace(_version(self.revision), _version(revision), 1)
        return Entry(self.resource, self.key, data, revision)

    def decoded(self) -> dict[str, object]:
        """Return a fresh wire form that the caller may change."""
        document: dict[str, object] = orjson.loads(self.data)
        return document


def _version(revision: int) -> bytes:
    return b'"metadata":{"resourceVersion":"%d"' % revision


def with_revision(value: bytes, revision: int) -> bytes:
    """Put the resourceVersion into an object as :func:`encode` made it."""
    return value.replace(_METADATA, _version(revision) + b",", 1)


def encode(obj: KubeObject) -> bytes:
    """Encode an object as it goes into etcd.

    ``metadata`` follows ``kind`` and ``apiVersion``, which are fixed texts, so its first mention is the object's own;
    and it is never empty, since every stored object has a name.
    """
    return obj.model_copy(update={"metadata": obj.metadata.model_copy(update={"resource_version": ""})}).wire_json()


def prefix_of(resource: Resource, namespace: str = "") -> bytes:
    """Return what the keys of a resource (in a namespace) begin with in etcd."""
    stored = resource.storage
    prefix = f"/registry/{stored.group or 'core'}/{stored.plural}/"
    return (f"{prefix}{namespace}/" if namespace and resource.namespaced else prefix).encode()


def storage_key(resource: Resource, key: ObjectKey) -> bytes:
    """Return the key of an object in etcd: ``/registry/apps/deployments/default/web``."""
    return prefix_of(resource, key.namespace) + key.name.encode()


def object_key(resource: Resource, rest: bytes) -> ObjectKey:
    """Read the key of an object off what follows the resource's prefix in etcd."""
    namespace, _, name = rest.decode().rpartition("/")
    return ObjectKey(namespace, name) if resource.namespaced else ObjectKey("", rest.decode())
