"""A container of a pod: image, command, environment, ports, mounts.

Source: Kubernetes API reference, core/v1.
"""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from naru.api.model import STORED, ListMapKeys, MergeKey, Model
from naru.api.probes_v1 import Lifecycle, Probe
from naru.api.refs_v1 import (
    ConfigMapKeySelector,
    FileKeySelector,
    LocalObjectReference,
    ObjectFieldSelector,
    ResourceFieldSelector,
    SecretKeySelector,
)
from naru.api.resources_v1 import ResourceRequirements
from naru.api.security_v1 import SecurityContext
from naru.api.volumes_v1 import VolumeDevice, VolumeMount


class PullPolicy(StrEnum):
    """When the node fetches an image from its registry."""

    ALWAYS = "Always"
    IF_NOT_PRESENT = "IfNotPresent"
    NEVER = "Never"


class ContainerPort(Model):
    """A port that the container listens on; only ``hostPort`` has an effect."""

    name: str = ""
    host_port: int = 0  # 0: none
    container_port: int
    protocol: str = "TCP"
    host_ip: str = ""


class ConfigMapEnvSource(LocalObjectReference):
    """All keys of a ConfigMap."""

    optional: bool | None = None


class SecretEnvSource(LocalObjectReference):
    """All keys of a Secret."""

    optional: bool | None = None


class EnvFromSource(Model):
    """Variables from all keys of a ConfigMap or Secret."""

    prefix: str = ""  # put before every name
    config_map_ref: ConfigMapEnvSource | None = None
    secret_ref: SecretEnvSource | None = None


class EnvVarSource(Model):
    """Where a variable's value comes from: exactly one field is set."""

    field_ref: ObjectFieldSelector | None = None
    resource_field_ref: ResourceFieldSelector | None = None
    config_map_key_ref: ConfigMapKeySelector | None = None
    secret_key_ref: SecretKeySelector | None = None
    file_key_ref: Annotated[FileKeySelector | None, STORED] = None


class EnvVar(Model):
    """A variable: a value (in which ``$(NAME)`` is replaced), or a source."""

    name: str
    value: str = ""
    value_from: EnvVarSource | None = None


class ContainerResizePolicy(Model):
    """Whether a changed limit restarts the container."""

    resource_name: str
    restart_policy: str


class ContainerRestartRuleOnExitCodes(Model):
    """The exit codes that a rule is about."""

    operator: str = ""
    values: tuple[int, ...] = ()


class ContainerRestartRule(Model):
    """What to do for certain exit codes, whatever the restart policy says."""

    action: str = ""
    exit_codes: ContainerRestartRuleOnExitCodes | None = None


class Container(Model):
    """One container of a pod."""

    name: str
    image: str = ""
    command: tuple[str, ...] = ()  # replaces the image's entrypoint
    args: tuple[str, ...] = ()  # replaces the image's cmd
    working_dir: str = ""
    ports: Annotated[
        tuple[ContainerPort, ...],
        MergeKey("containerPort"),
        ListMapKeys(("containerPort", "protocol")),
    ] = ()
    env_from: tuple[EnvFromSource, ...] = ()
    env: Annotated[tuple[EnvVar, ...], MergeKey("name"), ListMapKeys(("name",))] = ()
    resources: ResourceRequirements = Field(default_factory=ResourceRequirements)
    resize_policy: Annotated[tuple[ContainerResizePolicy, ...], STORED] = ()
    restart_policy: Annotated[str | None, STORED] = None
    restart_policy_rules: Annotated[tuple[ContainerRestartRule, ...], STORED] = ()
    volume_mounts: Annotated[tuple[VolumeMount, ...], MergeKey("mountPath"), ListMapKeys(("mountPath",))] = ()
    volume_devices: Annotated[
        tuple[VolumeDevice, ...], MergeKey("devicePath"), ListMapKeys(("devicePath",)), STORED
    ] = ()
    liveness_probe: Annotated[Probe | None, STORED] = None
    readiness_probe: Annotated[Probe | None, STORED] = None
    startup_probe: Annotated[Probe | None, STORED] = None
    lifecycle: Annotated[Lifecycle | None, STORED] = None
    termination_message_path: str = "/dev/termination-log"
    termination_message_policy: str = "File"
    image_pull_policy: str = ""
    security_context: SecurityContext | None = None
    stdin: bool = False
    stdin_once: bool = False
    tty: bool = False


class EphemeralContainer(Container):
    """A container added to a running pod to look into it."""

    target_container_name: str = ""
