"""Service account: every pod acts under an account, ``default`` if it names none."""

from typing import Final

from apiserver.admission.attributes import Attributes
from naru.api.meta import KubeObject
from naru.api.pod_v1 import Pod
from naru.api.scheme import resource_of
from naru.api.service_account_v1 import ServiceAccount

DEFAULT: Final = "default"


async def set_service_account(attributes: Attributes) -> KubeObject:
    """Set the account of a new pod; one that the pod names has to exist.

    ``default`` is made by a controller a moment after its namespace. It carries no token yet, so a pod need not wait
    for it.
    """
    pod = attributes.obj
    if not attributes.creates("pods") or not isinstance(pod, Pod):
        return pod
    name = pod.spec.service_account_name or DEFAULT
    if name != DEFAULT:
        await _check_exists(attributes, name)
    spec = pod.spec.model_copy(update={"service_account_name": name, "service_account": name})
    return pod.model_copy(update={"spec": spec})


async def _check_exists(attributes: Attributes, name: str) -> None:
    reader, resource, namespace = attributes.reader, resource_of(ServiceAccount), attributes.obj.metadata.namespace
    if reader.cached(resource, namespace, name) or await reader.fresh(resource, namespace, name):
        return
    why = f'error looking up service account {namespace}/{name}: serviceaccount "{name}" not found'
    raise attributes.refuse(why)
