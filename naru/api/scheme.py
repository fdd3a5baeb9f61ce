"""The table of resources: which kind is served where, under which names.

Flow: one ``Resource`` a row -> discovery, routing, the client, the informers, the CLI's names.
Owns: the mapping between a kind's class, its group/version/kind and its group/version/resource.
The classes are imported when first asked for, so a program pays only for the groups that it uses.
"""

import importlib
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from naru.api.meta import KubeObject

ALL_VERBS: Final = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")


@dataclass(frozen=True)
class Resource:
    """One resource of the API: ``/apis/GROUP/VERSION/[namespaces/NS/]PLURAL``; the core group is ``""``."""

    group: str
    version: str
    kind: str
    plural: str
    namespaced: bool
    module: str  # where the class named ``kind`` lives
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    subresources: tuple[str, ...] = ()
    verbs: tuple[str, ...] = ALL_VERBS

    @property
    def singular(self) -> str:
        """The name for one object, in lower case."""
        return self.kind.lower()

    @property
    def api_version(self) -> str:
        """``v1`` or ``apps/v1``, as objects write it."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def group_resource(self) -> str:
        """``pods`` or ``deployments.apps``, as messages write it."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @cached_property
    def model(self) -> type[KubeObject]:
        """The class of the kind."""
        model: type[KubeObject] = getattr(importlib.import_module(self.module), self.kind)
        return model

    def path(self, namespace: str = "", name: str = "", subresource: str = "") -> str:
        """Return the URL path of the resource, of one object, or of a subresource of it."""
        parts = ["/api" if not self.group else f"/apis/{self.group}", self.version]
        if namespace and self.namespaced:
            parts += ["namespaces", namespace]
        parts += [part for part in (self.plural, name, subresource) if part]
        return "/".join(parts)


_CORE: Final = "naru.api.core_v1"
_APPS: Final = "naru.api.apps_v1"

RESOURCES: Final[tuple[Resource, ...]] = (
    Resource("", "v1", "Namespace", "namespaces", False, _CORE, ("ns",), (), ("status", "finalize")),
    Resource("", "v1", "Node", "nodes", False, _CORE, ("no",), (), ("status",)),
    Resource(
        "",
        "v1",
        "Pod",
        "pods",
        True,
        _CORE,
        ("po",),
        ("all",),
        ("status", "binding", "log", "exec", "attach", "eviction"),
    ),
    Resource("", "v1", "ConfigMap", "configmaps", True, _CORE, ("cm",)),
    Resource("", "v1", "Secret", "secrets", True, _CORE),
    Resource("", "v1", "ServiceAccount", "serviceaccounts", True, _CORE, ("sa",)),
    Resource("", "v1", "Event", "events", True, _CORE, ("ev",)),
    Resource("apps", "v1", "ReplicaSet", "replicasets", True, _APPS, ("rs",), ("all",), ("status", "scale")),
    Resource("apps", "v1", "Deployment", "deployments", True, _APPS, ("deploy",), ("all",), ("status", "scale")),
    Resource("coordination.k8s.io", "v1", "Lease", "leases", True, "naru.api.coordination_v1"),
)

_BY_PLURAL: Final = {(r.group, r.version, r.plural): r for r in RESOURCES}
_BY_KIND: Final = {(r.api_version, r.kind): r for r in RESOURCES}


def by_plural(group: str, version: str, plural: str) -> Resource | None:
    """Find the resource of a URL path."""
    return _BY_PLURAL.get((group, version, plural))


def by_kind(api_version: str, kind: str) -> Resource | None:
    """Find the resource of an object."""
    return _BY_KIND.get((api_version, kind))


def resource_of(model: type[KubeObject]) -> Resource:
    """Find the resource of a class.

    Raises:
        LookupError: the class is registered nowhere.
    """
    fields = model.model_fields
    key = (fields["api_version"].default, fields["kind"].default)
    try:
        return _BY_KIND[key]
    except KeyError:
        raise LookupError(f"no resource is registered for {model.__name__}") from None


def by_any_name(name: str) -> Resource | None:
    """Find a resource as people name it: ``deploy``, ``deployment``, ``deployments``, ``deployments.apps``."""
    wanted = name.lower()
    for resource in RESOURCES:
        names = (resource.plural, resource.singular, resource.group_resource, *resource.short_names)
        if wanted in names:
            return resource
    return None
