"""Defaults that a field's declaration cannot give, because they follow from other fields.

Flow: decode -> *defaults* -> admission. Everything else has its default in the model. All functions are pure and
may be repeated: where the defaults are filled in, nothing changes.

Source: Kubernetes API reference, where each field says what it defaults to.
"""

from collections.abc import Callable
from typing import Any, Final, TypeVar

from naru.api.apps_v1 import Deployment, ReplicaSet, RollingUpdateDeployment
from naru.api.config_v1 import Secret
from naru.api.container_v1 import Container, EphemeralContainer, PullPolicy
from naru.api.model import Model
from naru.api.namespace_v1 import Namespace
from naru.api.node_v1 import Node
from naru.api.pod_v1 import Pod, PodSpec, PodTemplateSpec
from naru.api.pods import container_requests
from naru.api.volumes_v1 import EmptyDirVolumeSource, Volume

M = TypeVar("M", bound=Model)
C = TypeVar("C", bound=Container)

NAME_LABEL: Final = "kubernetes.io/metadata.name"  # every namespace carries its own name as a label


def with_defaults(obj: M) -> M:
    """Fill in the defaults of an object of any kind."""
    rule: Callable[[M], M] | None = _RULES.get(type(obj))
    return rule(obj) if rule is not None else obj


def pull_policy_of(image: str) -> PullPolicy:
    """Return the policy of an image whose container names none: ``latest`` moves, so it is pulled every time."""
    name, _, digest = image.partition("@")
    tag = name.rpartition("/")[2].partition(":")[2]
    return PullPolicy.ALWAYS if not digest and tag in ("", "latest") else PullPolicy.IF_NOT_PRESENT


def default_pod(pod: Pod) -> Pod:
    """Fill in a Pod; some defaults are for Pods only, and not for the templates that Pods are made from."""
    spec = default_pod_spec(pod.spec)
    update: dict[str, Any] = {
        "containers": tuple(_in_pod(container, spec.host_network) for container in spec.containers),
        "init_containers": tuple(_in_pod(container, spec.host_network) for container in spec.init_containers),
        "enable_service_links": spec.enable_service_links is not False,
    }
    return pod.model_copy(update={"spec": spec.model_copy(update=update)})


def _in_pod(container: Container, host_network: bool) -> Container:
    """Let requests follow limits and, on the host's network, let every port be a host port."""
    update: dict[str, Any] = {}
    if container.resources.limits:
        requests = container_requests(container)
        update["resources"] = container.resources.model_copy(update={"requests": requests})
    if host_network:
        ports = (
            port.model_copy(update={"host_port": port.host_port or port.container_port}) for port in container.ports
        )
        update["ports"] = tuple(ports)
    return container.model_copy(update=update) if update else container


def default_pod_spec(spec: PodSpec) -> PodSpec:
    """Fill in what Pods and templates have in common."""
    account = spec.service_account_name or spec.service_account
    update: dict[str, Any] = {
        "containers": tuple(default_container(container) for container in spec.containers),
        "init_containers": tuple(default_container(container) for container in spec.init_containers),
        "ephemeral_containers": tuple(_default_ephemeral(container) for container in spec.ephemeral_containers),
        "volumes": tuple(_default_volume(volume) for volume in spec.volumes),
        "service_account_name": account,
        "service_account": account,
    }
    return spec.model_copy(update=update)


def default_container(container: Container) -> Container:
    """Fill in the pull policy."""
    if container.image_pull_policy:
        return container
    return container.model_copy(update={"image_pull_policy": pull_policy_of(container.image).value})


def _default_ephemeral(container: EphemeralContainer) -> EphemeralContainer:
    policy = container.image_pull_policy or pull_policy_of(container.image).value
    return container.model_copy(update={"image_pull_policy": policy})


def _default_volume(volume: Volume) -> Volume:
    """Make a volume without a source an empty directory."""
    has_source = any(getattr(volume, name) is not None for name in Volume.model_fields if name != "name")
    return volume if has_source else volume.model_copy(update={"empty_dir": EmptyDirVolumeSource()})


def _default_template(template: PodTemplateSpec) -> PodTemplateSpec:
    return template.model_copy(update={"spec": default_pod_spec(template.spec)})


def default_replica_set(replica_set: ReplicaSet) -> ReplicaSet:
    """Fill in the template of a ReplicaSet."""
    template = _default_template(replica_set.spec.template)
    return replica_set.model_copy(update={"spec": replica_set.spec.model_copy(update={"template": template})})


def default_deployment(deployment: Deployment) -> Deployment:
    """Fill in the template of a Deployment, and the bounds of its rolling update."""
    spec = deployment.spec
    update: dict[str, Any] = {"template": _default_template(spec.template)}
    if spec.strategy.type == "RollingUpdate" and spec.strategy.rolling_update is None:
        update["strategy"] = spec.strategy.model_copy(update={"rolling_update": RollingUpdateDeployment()})
    return deployment.model_copy(update={"spec": spec.model_copy(update=update)})


def default_namespace(namespace: Namespace) -> Namespace:
    """Label a namespace with its name, so that selectors can name it."""
    meta = namespace.metadata
    if not meta.name or meta.labels.get(NAME_LABEL) == meta.name:
        return namespace
    labels = {**meta.labels, NAME_LABEL: meta.name}
    return namespace.model_copy(update={"metadata": meta.model_copy(update={"labels": labels})})


def default_node(node: Node) -> Node:
    """Let pods have all of a node that does not say what it keeps for itself."""
    status = node.status
    if status.allocatable or not status.capacity:
        return node
    return node.model_copy(update={"status": status.model_copy(update={"allocatable": status.capacity})})


def default_secret(secret: Secret) -> Secret:
    """Move what was written as text to where it is read as bytes."""
    if not secret.string_data:
        return secret
    data = {**secret.data, **{key: text.encode() for key, text in secret.string_data.items()}}
    return secret.model_copy(update={"data": data, "string_data": {}})


_RULES: Final[dict[type[Model], Callable[[Any], Any]]] = {
    Pod: default_pod,
    Namespace: default_namespace,
    Node: default_node,
    ReplicaSet: default_replica_set,
    Deployment: default_deployment,
    Secret: default_secret,
}
