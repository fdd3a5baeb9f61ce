"""Pod: the containers that share a network address, volumes and a fate.

The spec is the user's, except ``nodeName``, which the scheduler writes once through the ``binding`` subresource.

Source: Kubernetes API reference, core/v1.
"""

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field

from naru.api.container_v1 import Container, EphemeralContainer
from naru.api.meta import KubeObject, ObjectMeta
from naru.api.model import ATOMIC, POINTER, REPLACE_KEYS, REQUIRED, STORED, Int32, ListMapKeys, MergeKey, Model, Stored
from naru.api.placement_v1 import Affinity, Toleration, TopologySpreadConstraint
from naru.api.pod_status_v1 import PodStatus
from naru.api.quantity import Quantity
from naru.api.refs_v1 import LocalObjectReference, ObjectReference
from naru.api.resource_requirements_v1 import ResourceRequirements
from naru.api.security_v1 import PodSecurityContext
from naru.api.volumes_v1 import Volume


class RestartPolicy(StrEnum):
    """What the node does when a container of the pod ends."""

    ALWAYS = "Always"
    ON_FAILURE = "OnFailure"
    NEVER = "Never"


class HostAlias(Model):
    """Lines for the pod's ``/etc/hosts``."""

    ip: Annotated[str, REQUIRED] = ""  # address that the line starts with
    hostnames: tuple[str, ...] = ()  # names that stand for the address


class PodDNSConfigOption(Model):
    """One option of the resolver."""

    name: str = ""  # name of the option, such as ndots
    value: str | None = None  # value of the option, if it takes one


class PodDNSConfig(Model):
    """Resolver settings that are merged with those of the DNS policy."""

    nameservers: tuple[str, ...] = ()  # addresses of name servers, after those of the DNS policy
    searches: tuple[str, ...] = ()  # domains in which short names are looked up, after those of the DNS policy
    # settings of the resolver; one of the same name wins over the DNS policy's
    options: tuple[PodDNSConfigOption, ...] = ()


class PodReadinessGate(Model):
    """A condition that somebody else sets, without which the pod does not count as ready."""

    condition_type: Annotated[str, REQUIRED] = ""  # type of the condition


class PodOS(Model):
    """The operating system that the pod is made for."""

    name: Annotated[str, REQUIRED, Stored(("linux",))] = ""  # which system: linux or windows


class PodSchedulingGate(Model):
    """A reason, taken away by somebody else, not to schedule the pod yet."""

    name: Annotated[str, REQUIRED] = ""  # name of the gate, unique in the pod


class PodResourceClaim(Model):
    """A ResourceClaim of the pod, or the template to make one from."""

    protobuf: ClassVar[str] = "1 3 4"

    name: Annotated[str, REQUIRED] = ""  # name by which containers refer to it
    resource_claim_name: str | None = None  # name of a ResourceClaim in the pod's namespace
    resource_claim_template_name: str | None = None  # name of the template to make a ResourceClaim from


class PodSchedulingGroup(Model):
    """The group of pods that this one is scheduled with."""

    pod_group_name: str | None = None  # name of the PodGroup, in the pod's namespace


class PodSpec(Model):
    """Desired state: all of it the user's, except ``nodeName``."""

    protobuf: ClassVar[str] = "1 20 2 34 3-9 21 10-13 27 14-19 22-26 28-33 35-41 43"

    # what containers can mount
    volumes: Annotated[tuple[Volume, ...], MergeKey("name"), REPLACE_KEYS, ListMapKeys(("name",))] = ()
    # run to success one after the other, before the containers start
    init_containers: Annotated[tuple[Container, ...], MergeKey("name"), ListMapKeys(("name",))] = ()
    # at least one; none can be added or removed later
    containers: Annotated[tuple[Container, ...], MergeKey("name"), ListMapKeys(("name",)), REQUIRED] = ()
    ephemeral_containers: Annotated[
        tuple[EphemeralContainer, ...], MergeKey("name"), ListMapKeys(("name",)), STORED
    ] = ()  # added to the running pod, to look into it
    restart_policy: str = "Always"  # Always, OnFailure or Never: what happens when a container ends
    termination_grace_period_seconds: int = 30  # time from SIGTERM to SIGKILL; 0: no time at all
    active_deadline_seconds: int | None = None  # so long after its start the pod is ended and Failed; unset: never
    # ClusterFirst, ClusterFirstWithHostNet, Default (the node's resolver) or None (dnsConfig alone)
    dns_policy: Annotated[str, Stored(("Default",))] = "ClusterFirst"
    node_selector: Annotated[dict[str, str], ATOMIC] = {}  # labels that the node must have
    service_account_name: str = ""  # identity of the pod, a ServiceAccount of its namespace; empty: default
    service_account: str = ""  # the old name of serviceAccountName, kept equal to it
    automount_service_account_token: Annotated[bool | None, STORED] = None  # do containers get a token of it
    node_name: str = ""  # empty until the scheduler binds the pod
    host_network: bool = False  # use the node's network, and its address
    host_pid: bool = False  # see and be seen by the node's processes
    host_ipc: bool = False  # share System V IPC and message queues with the node
    share_process_namespace: bool | None = None  # the containers see each other's processes; not together with hostPID
    # rights of all containers, and owner of their volumes
    security_context: Annotated[PodSecurityContext, POINTER] = Field(default_factory=PodSecurityContext)
    image_pull_secrets: Annotated[
        tuple[LocalObjectReference, ...], MergeKey("name"), ListMapKeys(("name",)), STORED
    ] = ()  # Secrets with the passwords of registries
    hostname: str = ""  # host name in the containers; empty: the pod's name
    subdomain: Annotated[str, STORED] = ""  # name of a Service under which DNS knows the pod's hostname
    affinity: Annotated[Affinity | None, STORED] = None  # which nodes, and which pods nearby, it wants or avoids
    scheduler_name: str = "default-scheduler"  # which scheduler finds the node; others leave the pod alone
    tolerations: tuple[Toleration, ...] = ()  # taints of nodes that do not keep the pod away
    host_aliases: Annotated[tuple[HostAlias, ...], MergeKey("ip"), ListMapKeys(("ip",))] = ()  # lines for /etc/hosts
    # whose number becomes priority: system-node-critical, system-cluster-critical, or empty for 0
    priority_class_name: str = ""
    priority: Int32 | None = None  # set by the server from the priority class; a higher one is scheduled first
    dns_config: Annotated[PodDNSConfig | None, STORED] = None  # additions to what dnsPolicy yields
    # conditions that must be True, beside the containers' own, for the pod to be Ready
    readiness_gates: tuple[PodReadinessGate, ...] = ()
    # name of the RuntimeClass; unset: the node's usual runtime
    runtime_class_name: Annotated[str | None, STORED] = None
    enable_service_links: bool | None = None  # variables for each Service; naru has no Services yet
    # PreemptLowerPriority (also when unset): others may have to go for it; or Never
    preemption_policy: Annotated[str | None, Stored(("PreemptLowerPriority", "Never"))] = None
    # what running the pod itself costs, counted beside its requests; set from the runtime class
    overhead: Annotated[dict[str, Quantity], STORED] = {}
    topology_spread_constraints: Annotated[
        tuple[TopologySpreadConstraint, ...],
        MergeKey("topologyKey"),
        ListMapKeys(("topologyKey", "whenUnsatisfiable")),
        STORED,
    ] = ()  # how evenly pods like this one are spread; all must hold
    set_hostname_as_fqdn: Annotated[bool | None, STORED] = None  # true: the host name is the full DNS name
    os: PodOS | None = None  # operating system that the containers need
    # false: a user namespace of its own, where root is nobody on the node
    host_users: Annotated[bool | None, Stored((True,))] = None
    # not scheduled until this is empty; entries can only be taken away
    scheduling_gates: Annotated[tuple[PodSchedulingGate, ...], MergeKey("name"), ListMapKeys(("name",))] = ()
    resource_claims: Annotated[
        tuple[PodResourceClaim, ...], MergeKey("name"), REPLACE_KEYS, ListMapKeys(("name",)), STORED
    ] = ()  # devices that containers may use
    resources: Annotated[ResourceRequirements | None, STORED] = None  # requests and limits of the pod as a whole
    # host name, in place of what hostname and subdomain yield; not with hostNetwork
    hostname_override: str | None = None
    # pods that are scheduled all together or not at all
    scheduling_group: Annotated[PodSchedulingGroup | None, STORED] = None


class Pod(KubeObject):
    """Containers that share a network address, volumes and a fate."""

    kind: str = "Pod"
    api_version: str = "v1"
    spec: PodSpec = Field(default_factory=PodSpec)  # what the pod should be; after its creation little of it can change
    status: PodStatus = Field(default_factory=PodStatus)  # what the node agent last saw; no wish, but a report


class PodTemplateSpec(Model):
    """The pods that a controller makes: their labels and their spec."""

    metadata: ObjectMeta = Field(default_factory=ObjectMeta)  # labels and annotations of the pods
    spec: PodSpec = Field(default_factory=PodSpec)  # spec of the pods


class Binding(KubeObject):
    """The scheduler's one write: this pod belongs to that node."""

    kind: str = "Binding"
    api_version: str = "v1"
    target: Annotated[ObjectReference, REQUIRED] = Field(default_factory=ObjectReference)  # the node
