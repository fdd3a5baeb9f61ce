"""How many requests of whom the API server works on at once.

Source: Kubernetes API reference, flowcontrol.apiserver.k8s.io/v1.
"""

from typing import Annotated, ClassVar

from pydantic import Field

from naru.api.meta import KubeObject
from naru.api.model import ALWAYS, REQUIRED, SET, Int32, ListMapKeys, MergeKey, Model, OptionalTime


class PriorityLevelConfigurationReference(Model):
    """The priority level that takes the requests of a FlowSchema."""

    name: Annotated[str, REQUIRED] = ""  # name of the PriorityLevelConfiguration


class FlowDistinguisherMethod(Model):
    """How the requests of one FlowSchema are told apart into flows, which share a level fairly."""

    type: Annotated[str, REQUIRED] = ""  # ByUser or ByNamespace


class UserSubject(Model):
    """One user, or every user."""

    name: Annotated[str, REQUIRED] = ""  # the user's name; * means everybody


class GroupSubject(Model):
    """The members of a group."""

    name: Annotated[str, REQUIRED] = ""  # the group's name; * means every group


class ServiceAccountSubject(Model):
    """A ServiceAccount, or all of a namespace."""

    namespace: Annotated[str, REQUIRED] = ""  # namespace of the account
    name: Annotated[str, REQUIRED] = ""  # name of the account; * means all of the namespace


class Subject(Model):
    """Who sends a request; exactly the member that kind names is set."""

    kind: Annotated[str, REQUIRED] = ""  # User, Group or ServiceAccount
    user: UserSubject | None = None  # for kind User
    group: GroupSubject | None = None  # for kind Group
    service_account: ServiceAccountSubject | None = None  # for kind ServiceAccount


class ResourcePolicyRule(Model):
    """Requests for resources; all of verb, group, resource and scope must match."""

    verbs: Annotated[tuple[str, ...], SET, REQUIRED] = ()  # verbs that match; * means all
    # API groups that match; * means all, an empty text is the core group
    api_groups: Annotated[tuple[str, ...], SET, REQUIRED] = ()
    # plurals that match, such as pods or nodes/status; * means all
    resources: Annotated[tuple[str, ...], SET, REQUIRED] = ()
    cluster_scope: bool = False  # true: requests that name no namespace match too
    namespaces: Annotated[tuple[str, ...], SET, ALWAYS] = ()  # namespaces that match; * means all of them


class NonResourcePolicyRule(Model):
    """Requests for paths that are no resources, such as /healthz."""

    protobuf: ClassVar[str] = "1 6"

    verbs: Annotated[tuple[str, ...], SET, REQUIRED] = ()  # verbs that match; * means all
    non_resource_urls: Annotated[tuple[str, ...], SET, REQUIRED] = ()  # paths that match, with * at the end as wildcard


class PolicyRulesWithSubjects(Model):
    """A request matches if one of the subjects sends it and one of the rules covers it."""

    subjects: Annotated[tuple[Subject, ...], REQUIRED] = ()  # who; at least one
    resource_rules: tuple[ResourcePolicyRule, ...] = ()  # what, among resources
    non_resource_rules: tuple[NonResourcePolicyRule, ...] = ()  # what, among other paths


class FlowSchemaSpec(Model):
    """Which requests belong together, and at which level they are served."""

    # the level that takes them
    priority_level_configuration: Annotated[PriorityLevelConfigurationReference, REQUIRED] = Field(
        default_factory=PriorityLevelConfigurationReference
    )
    # of all schemas that match a request the one with the lowest number takes it: 1 to 10000
    matching_precedence: Annotated[Int32, ALWAYS] = 0
    # how they are told apart into flows; unset: they are one flow
    distinguisher_method: FlowDistinguisherMethod | None = None
    rules: tuple[PolicyRulesWithSubjects, ...] = ()  # a request matches if one rule does; none: nothing matches


class FlowSchemaCondition(Model):
    """One aspect of a FlowSchema's state."""

    type: str = ""  # Dangling: the level that it names is not there
    status: str = ""  # True, False or Unknown
    last_transition_time: OptionalTime = None  # when status last changed
    reason: str = ""  # why, in one CamelCase word for programs
    message: str = ""  # why, in a sentence for people


class FlowSchemaStatus(Model):
    """What is known of a FlowSchema."""

    # its conditions, one of a type
    conditions: Annotated[tuple[FlowSchemaCondition, ...], MergeKey("type"), ListMapKeys(("type",))] = ()


class FlowSchema(KubeObject):
    """Requests that are treated alike, and the level at which they are."""

    kind: str = "FlowSchema"
    api_version: str = "flowcontrol.apiserver.k8s.io/v1"
    spec: FlowSchemaSpec = FlowSchemaSpec()  # what is wanted
    status: FlowSchemaStatus = FlowSchemaStatus()  # what is known


class QueuingConfiguration(Model):
    """How requests wait at a full level: in many queues, so that a loud flow fills only a few of them."""

    queues: Annotated[Int32, ALWAYS] = 0  # how many queues there are; 64 if not said
    hand_size: Annotated[Int32, ALWAYS] = 0  # over how many of them one flow is spread; 8 if not said
    # how many requests wait in one queue before more are turned away; 50 if not said
    queue_length_limit: Annotated[Int32, ALWAYS] = 0


class LimitResponse(Model):
    """What happens to a request when its level is full."""

    type: Annotated[str, REQUIRED] = ""  # Queue: it waits; Reject: it is turned away with a 429
    queuing: QueuingConfiguration | None = None  # how it waits; only for Queue


class LimitedPriorityLevelConfiguration(Model):
    """The share of the server that a level has, and what happens beyond it."""

    nominal_concurrency_shares: Int32 | None = None  # its weight among all levels; 30 if not said
    limit_response: LimitResponse = LimitResponse()  # what happens to what does not fit
    lendable_percent: Int32 | None = None  # how much of its share other levels may borrow while it is idle, in percent
    # how much it may borrow itself, in percent of its own share; unset: without limit
    borrowing_limit_percent: Int32 | None = None


class ExemptPriorityLevelConfiguration(Model):
    """The share that is set aside for requests that are never held back."""

    nominal_concurrency_shares: Int32 | None = None  # its weight among all levels; 0 if not said
    lendable_percent: Int32 | None = None  # how much of it other levels may borrow, in percent


class PriorityLevelConfigurationSpec(Model):
    """Whether requests of the level are limited, and how."""

    type: Annotated[str, REQUIRED] = ""  # Limited, or Exempt: never held back
    limited: LimitedPriorityLevelConfiguration | None = None  # for type Limited
    exempt: ExemptPriorityLevelConfiguration | None = None  # for type Exempt


class PriorityLevelConfigurationCondition(Model):
    """One aspect of a level's state."""

    type: str = ""  # name of the aspect
    status: str = ""  # True, False or Unknown
    last_transition_time: OptionalTime = None  # when status last changed
    reason: str = ""  # why, in one CamelCase word for programs
    message: str = ""  # why, in a sentence for people


class PriorityLevelConfigurationStatus(Model):
    """What is known of a level."""

    # its conditions, one of a type
    conditions: Annotated[
        tuple[PriorityLevelConfigurationCondition, ...], MergeKey("type"), ListMapKeys(("type",))
    ] = ()


class PriorityLevelConfiguration(KubeObject):
    """A share of the API server's attention."""

    kind: str = "PriorityLevelConfiguration"
    api_version: str = "flowcontrol.apiserver.k8s.io/v1"
    spec: PriorityLevelConfigurationSpec = PriorityLevelConfigurationSpec()  # what is wanted
    status: PriorityLevelConfigurationStatus = PriorityLevelConfigurationStatus()  # what is known
