"""Defaults of Pods, and of the templates that Pods are made from."""

from typing import Any, Final, TypeVar

from naru.api.container_v1 import Container, EphemeralContainer, PullPolicy
from naru.api.pod_v1 import Pod, PodSpec, PodTemplateSpec
from naru.api.pods import container_requests
from naru.api.volumes_v1 import EmptyDirVolumeSource, Volume

C = TypeVar("C", bound=Container)


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


def default_template(template: PodTemplateSpec) -> PodTemplateSpec:
    """Fill in the template of a workload."""
    return template.model_copy(update={"spec": default_pod_spec(template.spec)})


DEFAULTS: Final = {Pod: default_pod}
