"""Conversion between the versions in which one kind is served; all of it is pure.

Flow of a write: object in the version of the request -> *to_stored* -> etcd.
Flow of a read:  stored object -> *to_version* -> bytes in the version of the request (once for all who ask for it).

Objects of a kind are stored in one version (the ``stored_as`` of the scheme's table says which), so whatever is written
through one version is seen through all of them, under the same uid and resourceVersion. One module a kind, imported
when the first object is converted; each has a table ``CONVERSIONS``.

Source: Kubernetes documents, "Versions in CustomResourceDefinitions", which tells the same of custom kinds.
"""

import importlib
from collections.abc import Callable
from functools import cache
from typing import Any, Final

from naru.api.meta import KubeObject
from naru.api.scheme import Resource, by_kind

Convert = Callable[[Any], KubeObject]

_MODULES: Final = {"Event": "events", "HorizontalPodAutoscaler": "autoscaling"}  # by kind


@cache
def _conversion(kind: str, version: str, wanted: str) -> Convert:
    table: dict[tuple[str, str], Convert] = importlib.import_module(f"{__name__}.{_MODULES[kind]}").CONVERSIONS
    return table[version, wanted]


def to_version(obj: KubeObject, resource: Resource) -> KubeObject:
    """Return an object as it looks in the version of a resource."""
    if obj.api_version == resource.api_version:
        return obj
    return _conversion(obj.kind, obj.api_version, resource.api_version)(obj)


def to_stored(obj: KubeObject) -> KubeObject:
    """Return an object as it is stored."""
    if obj.kind not in _MODULES:
        return obj
    resource = by_kind(obj.api_version, obj.kind)
    assert resource is not None, f"{obj.api_version} {obj.kind} is not in the scheme"
    return to_version(obj, resource.storage)
