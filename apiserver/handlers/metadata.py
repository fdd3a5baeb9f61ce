"""Metadata as requests touch it: names that must agree. Pure.

Source: Kubernetes API conventions, "Metadata".
"""

from typing import Any

from naru.api.errors import BadRequest
from naru.api.meta import KubeObject
from naru.api.scheme import Resource


def with_meta(obj: KubeObject, **fields: Any) -> KubeObject:
    """Return the object with some fields of its metadata changed."""
    return obj.model_copy(update={"metadata": obj.metadata.model_copy(update=fields)})


def place(obj: KubeObject, resource: Resource, namespace: str) -> KubeObject:
    """Put an object into the namespace of the URL.

    Raises:
        BadRequest: it says that it belongs elsewhere.
    """
    said = obj.metadata.namespace
    if not resource.namespaced:
        return with_meta(obj, namespace="") if said else obj
    if said and said != namespace:
        raise BadRequest("the namespace of the provided object does not match the namespace sent on the request")
    return obj if said else with_meta(obj, namespace=namespace)


def check_name(obj: KubeObject, name: str) -> None:
    """Hold the object's name against the one in the URL.

    Raises:
        BadRequest: they differ, or the object has none.
    """
    if not obj.metadata.name:
        raise BadRequest("name is required in the object's metadata")
    if obj.metadata.name != name:
        raise BadRequest(f"the name of the object ({obj.metadata.name}) does not match the name on the URL ({name})")
