"""Reset fields: what a write through a resource or a subresource cannot change, and so nobody comes to own by it.

``status`` belongs to the status subresource alone, ``spec`` to everything but it.

Source: the ``GetResetFields`` of each strategy of upstream's API server.
"""

from typing import Final

from apiserver.managed_fields.field_sets import FieldSet, set_of
from naru.api.scheme import Resource

_STATUS: Final = (("f:status",),)
_SPEC: Final = (("f:spec",),)

_OF_STATUS: Final = {
    ("", "pods"): (*_SPEC, ("f:metadata", "f:deletionTimestamp"), ("f:metadata", "f:ownerReferences")),
    ("apps", "deployments"): (*_SPEC, ("f:metadata", "f:labels")),
    ("apiextensions.k8s.io", "customresourcedefinitions"): (*_SPEC, ("f:metadata",)),
    ("admissionregistration.k8s.io", "validatingadmissionpolicies"): (*_SPEC, ("f:metadata",)),
}


def reset_fields(resource: Resource, subresource: str) -> FieldSet:
    """Return the fields that a request leaves as they are."""
    if subresource == "status":
        return set_of(_OF_STATUS.get((resource.group, resource.plural), _SPEC))
    return set_of(_STATUS) if "status" in resource.subresources else {}
