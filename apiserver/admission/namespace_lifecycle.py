"""Namespace lifecycle: nothing is made in a namespace that does not exist or is going away.

Without it an object could appear after the namespace controller has emptied its namespace, and stay for ever.
"""

from typing import Final

from apiserver.admission.attributes import Attributes, Operation
from naru.api.errors import NotFound
from naru.api.meta import KubeObject
from naru.api.namespace_v1 import Namespace
from naru.api.scheme import resource_of

IMMORTAL: Final = ("default", "kube-system", "kube-public")


async def check_namespace(attributes: Attributes) -> KubeObject:
    """Check the namespace of a new object, and keep the cluster's own namespaces from being deleted."""
    if attributes.operation is Operation.DELETE:
        if attributes.resource.plural == "namespaces" and attributes.obj.metadata.name in IMMORTAL:
            raise attributes.refuse("this namespace may not be deleted")
    elif attributes.operation is Operation.CREATE and attributes.resource.namespaced:
        await _check_is_active(attributes)
    return attributes.obj


async def _check_is_active(attributes: Attributes) -> None:
    name, resource = attributes.obj.metadata.namespace, resource_of(Namespace)
    namespace = attributes.reader.cached(resource, "", name) or await attributes.reader.fresh(resource, "", name)
    if namespace is None:
        raise NotFound(f'namespaces "{name}" not found', details={"name": name, "kind": "namespaces"})
    if namespace.metadata.deletion_timestamp is not None:
        cause = {
            "reason": "NamespaceTerminating",
            "message": f"namespace {name} is being terminated",
            "field": "metadata.namespace",
        }
        why = f"unable to create new content in namespace {name} because it is being terminated"
        raise attributes.refuse(why, [cause])
