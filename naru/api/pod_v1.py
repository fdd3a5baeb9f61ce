"""Pod: the containers that share a network address, volumes and a fate.

The spec is the user's, except ``nodeName``, which the scheduler writes once through the ``binding`` subresource.

Source: Kubernetes API reference, core/v1.
"""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from naru.api.container_v1 import Container, EphemeralContainer
from naru.api.meta import KubeObject, ObjectMeta
from naru.api.model import REPLACE_KEYS, STORED, ListMapKeys, MergeKey, Model
from naru.api.placement_v1 import Affinity, Toleration, TopologySpreadConstraint
from naru.api.pod_status_v1 import PodStatus
from naru.api.quantity import Quantity
from naru.api.refs_v1 import LocalObjectReference, ObjectReference
from naru.api.resources_v1 import ResourceRequirements
from naru.api.security_v1 import PodSecurityContext
from naru.api.volumes_v1 import Volume


class RestartPolicy(StrEnum):
    """What the node does when a container of the pod ends."""

    ALWAYS = "Always"
    ON_FAILURE = "OnFailure"
    NEVER = "Never"


class HostAlias(Model):
    """Lines for the pod's ``/etc/hosts``."""

    ip: str
    hostnames: tuple[str, ...] = ()


class PodDNSConfigOption(Model):
    """One option of the resolver."""

    name: str = ""
    value: str | None = None


class PodDNSConfig(Model):
    """Resolver settings that are merged with those of the DNS policy."""

    nameservers: tuple[str, ...] = ()
    searches: tuple[str, ...] = ()
    options: tuple[PodDNSConfigOption, ...] = ()


class PodReadinessGate(Model):
    """A condition that somebody else sets, without which the pod does not count as ready."""

    condition_type: str


class PodOS(Model):
    """The operating system that the pod is made for."""

    name: str


class PodSchedulingGate(Model):
    """A reason, taken away by somebody else, not to schedule the pod yet."""

    name: str


class PodResourceClaim(Model):
    """A ResourceClaim of the pod, or the template to make one from."""

    name: str
    resource_claim_name: str | None = None
    resource_claim_template_name: str | None = None


class PodSchedulingGroup(Model):
    """The group of pods that this one is scheduled with."""

    pod_group_name: str | None = None


class PodSpec(Model):
    """Desired state: all of it the user's, except ``node_name``."""

    volumes: Annotated[tuple[Volume, ...], MergeKey("name"), REPLACE_KEYS, ListMapKeys(("name",))] = ()
    init_containers: Annotated[tuple[Container, ...], MergeKey("name"), ListMapKeys(("name",))] = ()
    containers: Annotated[tuple[Container, ...], MergeKey("name"), ListMapKeys(("name",))]
    ephemeral_containers: Annotated[
        tuple[EphemeralContainer, ...], MergeKey("name"), ListMapKeys(("name",)), STORED
    ] = ()
    restart_policy: str = "Always"
    termination_grace_period_seconds: int = 30
    active_deadline_seconds: int | None = None
    dns_policy: Annotated[str, STORED] = "ClusterFirst"
    node_selector: dict[str, str] = {}
    service_account_name: str = ""
    service_account: str = ""  # the old name of serviceAccountName, kept equal to it
    automount_service_account_token: bool | None = None
    node_name: str = ""  # empty until the binding
    host_network: bool = False
    host_pid: bool = False
    host_ipc: bool = False
    share_process_namespace: bool | None = None
    security_context: PodSecurityContext = Field(default_factory=PodSecurityContext)
    image_pull_secrets: Annotated[
        tuple[LocalObjectReference, ...], MergeKey("name"), ListMapKeys(("name",)), STORED
    ] = ()
    hostname: str = ""
    subdomain: Annotated[str, STORED] = ""
    affinity: Annotated[Affinity | None, STORED] = None
    scheduler_name: str = "default-scheduler"
    tolerations: tuple[Toleration, ...] = ()
    host_aliases: Annotated[tuple[HostAlias, ...], MergeKey("ip"), ListMapKeys(("ip",))] = ()
    priority_class_name: str = ""
    priority: int | None = None  # set by admission from the priority class
    dns_config: Annotated[PodDNSConfig | None, STORED] = None
    readiness_gates: tuple[PodReadinessGate, ...] = ()
    runtime_class_name: Annotated[str | None, STORED] = None
    enable_service_links: bool | None = None  # True in a Pod; naru has no Services to announce yet
    preemption_policy: Annotated[str | None, STORED] = None
    overhead: Annotated[dict[str, Quantity], STORED] = {}
    topology_spread_constraints: Annotated[
        tuple[TopologySpreadConstraint, ...],
        MergeKey("topologyKey"),
        ListMapKeys(("topologyKey", "whenUnsatisfiable")),
        STORED,
    ] = ()
    set_hostname_as_fqdn: Annotated[bool | None, STORED] = None
    os: Annotated[PodOS | None, STORED] = None
    host_users: Annotated[bool | None, STORED] = None
    scheduling_gates: Annotated[tuple[PodSchedulingGate, ...], MergeKey("name"), ListMapKeys(("name",)), STORED] = ()
    resource_claims: Annotated[
        tuple[PodResourceClaim, ...], MergeKey("name"), REPLACE_KEYS, ListMapKeys(("name",)), STORED
    ] = ()
    resources: Annotated[ResourceRequirements | None, STORED] = None
    hostname_override: str | None = None
    scheduling_group: Annotated[PodSchedulingGroup | None, STORED] = None


class Pod(KubeObject):
    """Containers that share a network address, volumes and a fate."""

    kind: str = "Pod"
    api_version: str = "v1"
    spec: PodSpec
    status: PodStatus = Field(default_factory=PodStatus)


class PodTemplateSpec(Model):
    """The pods that a controller makes: their labels and their spec."""

    metadata: ObjectMeta = Field(default_factory=ObjectMeta)
    spec: PodSpec


class Binding(KubeObject):
    """The scheduler's one write: this pod belongs to that node."""

    kind: str = "Binding"
    api_version: str = "v1"
    target: ObjectReference  # the node
