"""A container of a pod: image, command, environment, ports, mounts.

Source: Kubernetes API reference, core/v1.
"""

from enum import StrEnum
from typing import Annotated, ClassVar, Final

from pydantic import Field

from naru.api.model import REQUIRED, SET, STORED, Int32, ListMapKeys, MergeKey, Model, Refused
from naru.api.probes_v1 import Lifecycle, Probe
from naru.api.refs_v1 import (
    ConfigMapKeySelector,
    FileKeySelector,
    LocalObjectReference,
    ObjectFieldSelector,
    ResourceFieldSelector,
    SecretKeySelector,
)
from naru.api.resource_requirements_v1 import ResourceRequirements
from naru.api.security_v1 import SecurityContext
from naru.api.volumes_v1 import VolumeDevice, VolumeMount

NO_SIDECARS: Final = Refused("`Always` in an init container: it would be waited for without end")


class PullPolicy(StrEnum):
    """When the node fetches an image from its registry."""

    ALWAYS = "Always"
    IF_NOT_PRESENT = "IfNotPresent"
    NEVER = "Never"


class ContainerPort(Model):
    """A port that the container listens on: a note to readers, except for ``hostPort``."""

    name: str = ""  # unique in the pod; probes may use it in place of the number
    # Port of the node; pods that want the same one do not share a node. Nothing forwards it to the pod yet: a pod on
    # the host's network listens on it itself. 0: none.
    host_port: Annotated[Int32, STORED] = 0
    container_port: Annotated[Int32, REQUIRED] = 0  # where the process listens, 1 to 65535
    protocol: str = "TCP"  # TCP, UDP or SCTP
    host_ip: str = ""  # the node's address that hostPort is meant for; empty: all of them


class ConfigMapEnvSource(LocalObjectReference):
    """All keys of a ConfigMap."""

    protobuf: ClassVar[str] = "1.1 2"

    optional: bool | None = None  # true: the container starts even without the ConfigMap


class SecretEnvSource(LocalObjectReference):
    """All keys of a Secret."""

    protobuf: ClassVar[str] = "1.1 2"

    optional: bool | None = None  # true: the container starts even without the Secret


class EnvFromSource(Model):
    """Variables from all keys of a ConfigMap or Secret."""

    prefix: str = ""  # put before every name
    config_map_ref: ConfigMapEnvSource | None = None
    secret_ref: SecretEnvSource | None = None


class EnvVarSource(Model):
    """Where a variable's value comes from: exactly one field is set."""

    field_ref: ObjectFieldSelector | None = None  # a field of the pod, such as its name or address
    resource_field_ref: ResourceFieldSelector | None = None  # a limit or request of a container
    config_map_key_ref: ConfigMapKeySelector | None = None
    secret_key_ref: SecretKeySelector | None = None
    file_key_ref: Annotated[FileKeySelector | None, STORED] = None


class EnvVar(Model):
    """A variable: a value (in which ``$(NAME)`` is replaced), or a source."""

    name: Annotated[str, REQUIRED] = ""  # of the variable; if it comes twice, the later one counts
    value: str = ""  # $(NAME) stands for a variable set before this one, $$ for a plain $
    value_from: EnvVarSource | None = None  # where the value comes from, in place of value


class ContainerResizePolicy(Model):
    """Whether a changed limit restarts the container."""

    resource_name: Annotated[str, REQUIRED] = ""  # which resource: cpu or memory
    restart_policy: Annotated[str, REQUIRED] = ""  # NotRequired or RestartContainer


class ContainerRestartRuleOnExitCodes(Model):
    """The exit codes that a rule is about."""

    operator: str = ""  # In or NotIn
    values: Annotated[tuple[Int32, ...], SET] = ()  # exit codes, at most 255 of them


class ContainerRestartRule(Model):
    """What to do for certain exit codes, whatever the restart policy says."""

    action: str = ""  # Restart, or RestartAllContainers
    exit_codes: ContainerRestartRuleOnExitCodes | None = None  # when the rule applies


class Container(Model):
    """One container of a pod."""

    protobuf: ClassVar[str] = "1-6 19 7 8 23-25 9 21 10 11 22 12 13 20 14-18"

    name: Annotated[str, REQUIRED] = ""  # unique in the pod, and a DNS label; it never changes
    image: str = ""  # reference of the image, such as registry.example.com/team/app:1.2
    command: tuple[str, ...] = ()  # replaces the image's entrypoint
    args: tuple[str, ...] = ()  # replaces the image's cmd
    working_dir: str = ""  # where the process starts; empty: as the image says
    ports: Annotated[
        tuple[ContainerPort, ...],
        MergeKey("containerPort"),
        ListMapKeys(("containerPort", "protocol")),
    ] = ()  # for readers and for the scheduler; a port that is not listed works as well
    env_from: tuple[EnvFromSource, ...] = ()  # variables from whole objects; a name in env wins over one from here
    # variables of the process, beside those of the image
    env: Annotated[tuple[EnvVar, ...], MergeKey("name"), ListMapKeys(("name",))] = ()
    # what is kept free for the container, and what it may use at most
    resources: ResourceRequirements = Field(default_factory=ResourceRequirements)
    # by resource: does a changed amount restart the container
    resize_policy: Annotated[tuple[ContainerResizePolicy, ...], STORED] = ()
    # Always: this init container goes on running beside the pod's containers
    restart_policy: Annotated[str | None, STORED, NO_SIDECARS] = None
    # looked at before restartPolicy, first match wins
    restart_policy_rules: Annotated[tuple[ContainerRestartRule, ...], STORED] = ()
    # which of the pod's volumes the container sees, and where
    volume_mounts: Annotated[tuple[VolumeMount, ...], MergeKey("mountPath"), ListMapKeys(("mountPath",))] = ()
    volume_devices: Annotated[
        tuple[VolumeDevice, ...], MergeKey("devicePath"), ListMapKeys(("devicePath",)), STORED
    ] = ()  # which block devices the container sees, and where
    liveness_probe: Annotated[Probe | None, STORED] = None  # the container is restarted when this fails
    readiness_probe: Annotated[Probe | None, STORED] = None  # the pod counts as not ready while this fails
    startup_probe: Annotated[Probe | None, STORED] = None  # the other probes wait until this has succeeded once
    lifecycle: Annotated[Lifecycle | None, STORED] = None  # what else runs when the container starts or stops
    # file in the container whose text becomes the message of its end; at most 4096 bytes
    termination_message_path: str = "/dev/termination-log"
    # File; or FallbackToLogsOnError: after a failure without a message, the log's last lines
    termination_message_policy: str = "File"
    # Always, IfNotPresent or Never; by default Always for the tag latest, else IfNotPresent
    image_pull_policy: str = ""
    security_context: SecurityContext | None = None  # its rights; what is set here wins over the pod's securityContext
    stdin: bool = False  # keep an open standard input, for attach
    stdin_once: bool = False  # close standard input after the first client that attached has left
    tty: bool = False  # give the process a terminal; needs stdin to be of use


class EphemeralContainer(Container):
    """A container added to a running pod to look into it."""

    protobuf: ClassVar[str] = "1.1-6 1.19 1.7 1.8 1.23-25 1.9 1.21 1.10 1.11 1.22 1.12 1.13 1.20 1.14-18 2"

    target_container_name: str = ""  # the container whose processes this one sees
