"""Store: the objects of one kind as last seen, found by key or by index.

Flow: Reflector -> Informer -> *Store* -> listers (controllers, the scheduler, the node agent).
Invariant: objects are frozen and shared; whoever wants another version of one makes it with ``model_copy``.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Generic, TypeVar

from naru.api.keys import ObjectKey, key_of
from naru.api.meta import KubeObject

M = TypeVar("M", bound=KubeObject)

IndexFunction = Callable[[M], Iterable[str]]
"""The values under which an index finds an object."""


class Store(Generic[M]):
    """A cache of objects with indexes kept along."""

    def __init__(self) -> None:
        self._objects: dict[ObjectKey, M] = {}
        self._functions: dict[str, IndexFunction[M]] = {}
        self._indexes: dict[str, dict[str, dict[ObjectKey, M]]] = {}

    def __len__(self) -> int:
        """Count the objects."""
        return len(self._objects)

    def get(self, key: ObjectKey) -> M | None:
        """Return the object of that key, None when it was not there when last looked."""
        return self._objects.get(key)

    def list(self) -> Sequence[M]:
        """Return every object."""
        return list(self._objects.values())

    def by_index(self, name: str, value: str) -> Sequence[M]:
        """Return the objects that an index has under a value."""
        return list(self._indexes[name].get(value, {}).values())

    def add_index(self, name: str, function: IndexFunction[M]) -> None:
        """Keep an index; the same one may be asked for again.

        Raises:
            ValueError: the name is taken by another function.
        """
        if self._functions.setdefault(name, function) is not function:
            raise ValueError(f"index {name!r} exists with another function")
        if name not in self._indexes:
            self._indexes[name] = {}
            for key, obj in self._objects.items():
                self._enter(name, key, obj)

    def put(self, obj: M) -> M | None:
        """Keep an object; return what it replaces."""
        key = key_of(obj)
        old = self.remove(key)
        self._objects[key] = obj
        for name in self._functions:
            self._enter(name, key, obj)
        return old

    def remove(self, key: ObjectKey) -> M | None:
        """Drop an object; return it."""
        old = self._objects.pop(key, None)
        if old is not None:
            for name in self._functions:
                self._leave(name, key, old)
        return old

    def _enter(self, name: str, key: ObjectKey, obj: M) -> None:
        for value in self._functions[name](obj):
            self._indexes[name].setdefault(value, {})[key] = obj

    def _leave(self, name: str, key: ObjectKey, obj: M) -> None:
        index = self._indexes[name]
        for value in self._functions[name](obj):
            found = index.get(value, {})  # a function may name one value twice
            found.pop(key, None)
            if not found:
                index.pop(value, None)  # values such as uids never come back: an empty entry would stay for ever


def controller_uid(obj: KubeObject) -> tuple[str, ...]:
    """Return the uid of an object's managing controller, of which it has at most one (an index function)."""
    return tuple(owner.uid for owner in obj.metadata.owner_references if owner.controller)


def namespace_of(obj: KubeObject) -> tuple[str, ...]:
    """Return an object's namespace (an index function)."""
    return (obj.metadata.namespace,)
