"""The subresources: which kind each one speaks and which verbs it answers; one table for discovery and OpenAPI.

A subresource that the scheme names and this table does not is not served, and so not listed.

Source: Kubernetes API reference; `kubectl get --raw /api/v1` of a real cluster shows the same rows.
"""

from dataclasses import dataclass
from typing import Final

from naru.api.scheme import Resource


@dataclass(frozen=True)
class Subresource:
    """What ``.../NAME/SUBRESOURCE`` takes and gives; without a kind of its own it is that of the resource."""

    verbs: tuple[str, ...]
    group: str = ""
    version: str = ""
    kind: str = ""

    def group_version_kind(self, resource: Resource) -> tuple[str, str, str]:
        """Return the kind that is sent or answered."""
        return (self.group, self.version, self.kind) if self.kind else (resource.group, resource.version, resource.kind)


_CHANGED: Final = ("get", "patch", "update")
_STREAMED: Final = ("create", "get")

SUBRESOURCES: Final[dict[str, Subresource]] = {
    "approval": Subresource(_CHANGED),
    "attach": Subresource(_STREAMED, "", "v1", "PodAttachOptions"),
    "binding": Subresource(("create",), "", "v1", "Binding"),
    "ephemeralcontainers": Subresource(_CHANGED),
    "eviction": Subresource(("create",), "policy", "v1", "Eviction"),
    "exec": Subresource(_STREAMED, "", "v1", "PodExecOptions"),
    "finalize": Subresource(("update",)),
    "log": Subresource(("get",)),
    "resize": Subresource(_CHANGED),
    "scale": Subresource(_CHANGED, "autoscaling", "v1", "Scale"),
    "status": Subresource(_CHANGED),
    "token": Subresource(("create",), "authentication.k8s.io", "v1", "TokenRequest"),
}


def subresources_of(resource: Resource) -> dict[str, Subresource]:
    """Return a resource's served subresources by name, in the order that discovery lists them."""
    return {name: SUBRESOURCES[name] for name in sorted(resource.subresources) if name in SUBRESOURCES}
