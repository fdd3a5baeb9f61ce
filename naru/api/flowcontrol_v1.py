"""How many requests of whom the API server works on at once.

Source: Kubernetes API reference, flowcontrol.apiserver.k8s.io/v1.
"""

from typing import Annotated, ClassVar

from pydantic import Field

from naru.api.meta import KubeObject
from naru.api.model import ALWAYS, REQUIRED, SET, Int32, ListMapKeys, MergeKey, Model, OptionalTime


class PriorityLevelConfigurationReference(Model):
    """TODO."""

    name: Annotated[str, REQUIRED] = ""


class FlowDistinguisherMethod(Model):
    """TODO."""

    type: Annotated[str, REQUIRED] = ""


class UserSubject(Model):
    """TODO."""

    name: Annotated[str, REQUIRED] = ""


class GroupSubject(Model):
    """TODO."""

    name: Annotated[str, REQUIRED] = ""


class ServiceAccountSubject(Model):
    """TODO."""

    namespace: Annotated[str, REQUIRED] = ""
    name: Annotated[str, REQUIRED] = ""


class Subject(Model):
    """TODO."""

    kind: Annotated[str, REQUIRED] = ""
    user: UserSubject | None = None
    group: GroupSubject | None = None
    service_account: ServiceAccountSubject | None = None


class ResourcePolicyRule(Model):
    """TODO."""

    verbs: Annotated[tuple[str, ...], SET, REQUIRED] = ()
    api_groups: Annotated[tuple[str, ...], SET, REQUIRED] = ()
    resources: Annotated[tuple[str, ...], SET, REQUIRED] = ()
    cluster_scope: bool = False
    namespaces: Annotated[tuple[str, ...], SET, ALWAYS] = ()


class NonResourcePolicyRule(Model):
    """TODO."""

    protobuf: ClassVar[str] = "1 6"

    verbs: Annotated[tuple[str, ...], SET, REQUIRED] = ()
    non_resource_urls: Annotated[tuple[str, ...], SET, REQUIRED] = ()


class PolicyRulesWithSubjects(Model):
    """TODO."""

    subjects: Annotated[tuple[Subject, ...], REQUIRED] = ()
    resource_rules: tuple[ResourcePolicyRule, ...] = ()
    non_resource_rules: tuple[NonResourcePolicyRule, ...] = ()


class FlowSchemaSpec(Model):
    """TODO."""

    priority_level_configuration: Annotated[PriorityLevelConfigurationReference, REQUIRED] = Field(
        default_factory=PriorityLevelConfigurationReference
    )
    matching_precedence: Annotated[Int32, ALWAYS] = 0
    distinguisher_method: FlowDistinguisherMethod | None = None
    rules: tuple[PolicyRulesWithSubjects, ...] = ()


class FlowSchemaCondition(Model):
    """TODO."""

    type: str = ""
    status: str = ""
    last_transition_time: OptionalTime = None
    reason: str = ""
    message: str = ""


class FlowSchemaStatus(Model):
    """TODO."""

    conditions: Annotated[tuple[FlowSchemaCondition, ...], MergeKey("type"), ListMapKeys(("type",))] = ()


class FlowSchema(KubeObject):
    """TODO."""

    kind: str = "FlowSchema"
    api_version: str = "flowcontrol.apiserver.k8s.io/v1"
    spec: FlowSchemaSpec = FlowSchemaSpec()
    status: FlowSchemaStatus = FlowSchemaStatus()


class QueuingConfiguration(Model):
    """TODO."""

    queues: Annotated[Int32, ALWAYS] = 0
    hand_size: Annotated[Int32, ALWAYS] = 0
    queue_length_limit: Annotated[Int32, ALWAYS] = 0


class LimitResponse(Model):
    """TODO."""

    type: Annotated[str, REQUIRED] = ""
    queuing: QueuingConfiguration | None = None


class LimitedPriorityLevelConfiguration(Model):
    """TODO."""

    nominal_concurrency_shares: Int32 | None = None
    limit_response: LimitResponse = LimitResponse()
    lendable_percent: Int32 | None = None
    borrowing_limit_percent: Int32 | None = None


class ExemptPriorityLevelConfiguration(Model):
    """TODO."""

    nominal_concurrency_shares: Int32 | None = None
    lendable_percent: Int32 | None = None


class PriorityLevelConfigurationSpec(Model):
    """TODO."""

    type: Annotated[str, REQUIRED] = ""
    limited: LimitedPriorityLevelConfiguration | None = None
    exempt: ExemptPriorityLevelConfiguration | None = None


class PriorityLevelConfigurationCondition(Model):
    """TODO."""

    type: str = ""
    status: str = ""
    last_transition_time: OptionalTime = None
    reason: str = ""
    message: str = ""


class PriorityLevelConfigurationStatus(Model):
    """TODO."""

    conditions: Annotated[
        tuple[PriorityLevelConfigurationCondition, ...], MergeKey("type"), ListMapKeys(("type",))
    ] = ()


class PriorityLevelConfiguration(KubeObject):
    """TODO."""

    kind: str = "PriorityLevelConfiguration"
    api_version: str = "flowcontrol.apiserver.k8s.io/v1"
    spec: PriorityLevelConfigurationSpec = PriorityLevelConfigurationSpec()
    status: PriorityLevelConfigurationStatus = PriorityLevelConfigurationStatus()
