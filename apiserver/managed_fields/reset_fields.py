"""Reset fields: what a write through a resource or a subresource cannot change, and so nobody comes to own by it.

``status`` belongs to the status subresource alone, ``spec`` to everything but it.

Source: the ``GetResetFields`` and ``GetResetFieldsFilter`` of each strategy of upstream's API server.
"""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Final

from apiserver.managed_fields.field_sets import FieldSet, Path, children_of, is_member, node, set_of, without
from naru.api.scheme import Resource

Filter = Callable[[FieldSet], FieldSet]
"""What of a set may be owned."""

ANY: Final = "*"  # in a pattern: whatever element stands there

_STATUS: Final[tuple[Path, ...]] = (("f:status",),)
_SPEC: Final[tuple[Path, ...]] = (("f:spec",),)
_SPEC_AND_META: Final[tuple[Path, ...]] = (*_SPEC, ("f:metadata",))

_OF_STATUS: Final[dict[tuple[str, str], tuple[Path, ...]]] = {
    ("", "pods"): (*_SPEC, ("f:metadata", "f:deletionTimestamp"), ("f:metadata", "f:ownerReferences")),
    ("apps", "deployments"): (*_SPEC, ("f:metadata", "f:labels")),
    ("admissionregistration.k8s.io", "validatingadmissionpolicies"): _SPEC_AND_META,
    ("apiregistration.k8s.io", "apiservices"): _SPEC_AND_META,
    ("certificates.k8s.io", "certificatesigningrequests"): (*_SPEC, ("f:status", "f:conditions")),
    ("flowcontrol.apiserver.k8s.io", "flowschemas"): _SPEC_AND_META,
    ("flowcontrol.apiserver.k8s.io", "prioritylevelconfigurations"): _SPEC_AND_META,
    ("storage.k8s.io", "volumeattachments"): _SPEC_AND_META,
}
_OF_APPROVAL: Final[tuple[Path, ...]] = (*_SPEC, ("f:status", "f:certificate"))
_FIXED_SPECS: Final = (("certificates.k8s.io", "certificatesigningrequests"),)  # an update leaves the spec alone, too
_ONLY: Final[dict[str, tuple[Path, ...]]] = {
    "ephemeralcontainers": (("f:spec", "f:ephemeralContainers"),),
    "resize": tuple(
        ("f:spec", f"f:{containers}", ANY, f"f:{field}")
        for containers in ("containers", "initContainers")
        for field in ("resources", "resizePolicy")
    ),
}


def reset_fields(resource: Resource, subresource: str) -> Filter:
    """Return the filter for requests to a resource through a subresource."""
    if subresource in ("status", "approval"):  # an approval is a condition in the status
        return excluding(_OF_STATUS.get((resource.group, resource.plural), _SPEC))
    if subresource == "approval":
        return excluding(_OF_APPROVAL)
    if subresource in _ONLY:
        return partial(only, patterns=_ONLY[subresource])
    if (resource.group, resource.plural) in _FIXED_SPECS:
        return excluding((*_SPEC, *_STATUS))
    return excluding(_STATUS) if "status" in resource.subresources else everything


def everything(fields: FieldSet) -> FieldSet:
    """Filter nothing."""
    return fields


def excluding(paths: Iterable[Path]) -> Filter:
    """Return a filter that drops some fields, with all that is in them."""
    excluded = set_of(paths)
    return lambda fields: without(fields, excluded)


def only(fields: FieldSet, patterns: Iterable[Path]) -> FieldSet:
    """Keep the fields on the way to what matches a pattern, and all that is in that."""
    result = {}
    for element, found in fields.items():
        rests = [pattern[1:] for pattern in patterns if pattern[0] in (element, ANY)]
        if not rests:
            continue
        children = children_of(found)
        kept = node(member=is_member(found), children=only(children, rests) if all(rests) else children)
        if kept is not None:
            result[element] = kept
    return result
