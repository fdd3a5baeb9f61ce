"""Webhooks and policies that have a say in every write.

Source: Kubernetes API reference, admissionregistration.k8s.io/v1.
"""

from typing import Annotated, ClassVar

from naru.api.config_v1 import Base64
from naru.api.meta import Condition, KubeObject, LabelSelector
from naru.api.model import REQUIRED, SET, Int32, ListMapKeys, MergeKey, Model


class Rule(Model):
    """Which resources are meant."""

    api_groups: tuple[str, ...] = ()  # API groups; * means all, and then stands alone
    api_versions: tuple[str, ...] = ()  # versions; * means all
    # plurals, with subresources as pods/status, pods/* or */scale; * means all resources without subresources
    resources: tuple[str, ...] = ()
    scope: str | None = None  # Cluster, Namespaced, or * for both


class ParamKind(Model):
    """The kind of the objects that a policy takes its parameters from."""

    atomic: ClassVar[bool] = True

    api_version: str = ""  # group and version of the kind
    kind: str = ""  # name of the kind


class RuleWithOperations(Model):
    """Which writes are meant: the operations, and the resources."""

    protobuf: ClassVar[str] = "1 2.1 2.2 2.3 2.4"

    operations: tuple[str, ...] = ()  # CREATE, UPDATE, DELETE, CONNECT, or * for all
    api_groups: tuple[str, ...] = ()  # API groups; * means all
    api_versions: tuple[str, ...] = ()  # versions; * means all
    resources: tuple[str, ...] = ()  # plurals, with subresources as pods/status; * means all
    scope: str | None = None  # Cluster, Namespaced, or * for both


class NamedRuleWithOperations(Model):
    """Which writes are meant, perhaps only those of objects with certain names."""

    atomic: ClassVar[bool] = True
    protobuf: ClassVar[str] = "1 2.1 2.2.1 2.2.2 2.2.3 2.2.4"

    resource_names: tuple[str, ...] = ()  # names of the objects; none: any
    operations: tuple[str, ...] = ()  # CREATE, UPDATE, DELETE, CONNECT, or * for all
    api_groups: tuple[str, ...] = ()  # API groups; * means all
    api_versions: tuple[str, ...] = ()  # versions; * means all
    resources: tuple[str, ...] = ()  # plurals, with subresources as pods/status; * means all
    scope: str | None = None  # Cluster, Namespaced, or * for both


class MatchResources(Model):
    """Which writes a policy looks at."""

    atomic: ClassVar[bool] = True
    protobuf: ClassVar[str] = "1-4 7"

    namespace_selector: LabelSelector | None = None  # labels that the object's namespace must have
    object_selector: LabelSelector | None = None  # labels that the object must have, before or after the write
    resource_rules: tuple[NamedRuleWithOperations, ...] = ()  # writes that are looked at
    # writes that are not, although a rule above names them
    exclude_resource_rules: tuple[NamedRuleWithOperations, ...] = ()
    # Exact: as the rules say; Equivalent: also through other versions of the same resource
    match_policy: str | None = None


class Validation(Model):
    """A condition in CEL, and what is said when it does not hold."""

    # the expression; object, oldObject, request, params and variables are known in it
    expression: Annotated[str, REQUIRED] = ""
    message: str = ""  # what the client is told
    reason: str | None = None  # reason of the refusal: Unauthorized, Forbidden, Invalid or RequestEntityTooLarge
    message_expression: str = ""  # an expression that makes the message; it goes before message


class AuditAnnotation(Model):
    """A note for the audit log."""

    key: Annotated[str, REQUIRED] = ""  # name of the note
    value_expression: Annotated[str, REQUIRED] = ""  # CEL expression that makes its text; null or empty: no note


class MatchCondition(Model):
    """A condition in CEL that a request must meet to be looked at."""

    name: Annotated[str, REQUIRED] = ""  # name of the condition, unique in the list
    expression: Annotated[str, REQUIRED] = ""  # the expression


class Variable(Model):
    """A value that later expressions use as variables.NAME."""

    atomic: ClassVar[bool] = True

    name: Annotated[str, REQUIRED] = ""  # name of the variable
    expression: Annotated[str, REQUIRED] = ""  # CEL expression that computes it, at its first use


class ValidatingAdmissionPolicySpec(Model):
    """Which writes are checked, and how."""

    param_kind: ParamKind | None = None  # kind of the parameters; unset: the policy has none
    match_constraints: MatchResources | None = None  # which writes it looks at
    validations: tuple[Validation, ...] = ()  # conditions that must hold
    failure_policy: str | None = None  # Fail or Ignore: what an error of the policy itself means for the write
    audit_annotations: tuple[AuditAnnotation, ...] = ()  # notes for the audit log
    # conditions that a request must meet to be looked at, checked first
    match_conditions: Annotated[tuple[MatchCondition, ...], MergeKey("name"), ListMapKeys(("name",))] = ()
    # values that the expressions share
    variables: Annotated[tuple[Variable, ...], MergeKey("name"), ListMapKeys(("name",))] = ()


class ExpressionWarning(Model):
    """What is odd about an expression."""

    protobuf: ClassVar[str] = "2 3"

    field_ref: Annotated[str, REQUIRED] = ""  # path of the expression in the policy
    warning: Annotated[str, REQUIRED] = ""  # what the type check says


class TypeChecking(Model):
    """What the type check of the policy's expressions found."""

    expression_warnings: tuple[ExpressionWarning, ...] = ()  # its warnings, one for an expression


class ValidatingAdmissionPolicyStatus(Model):
    """What is known of a policy."""

    observed_generation: int = 0  # the metadata.generation that this status is about
    type_checking: TypeChecking | None = None  # result of the type check; unset: it has not ended
    conditions: Annotated[tuple[Condition, ...], ListMapKeys(("type",))] = ()  # its conditions, one of a type


class ValidatingAdmissionPolicy(KubeObject):
    """Conditions in CEL that writes must meet."""

    kind: str = "ValidatingAdmissionPolicy"
    api_version: str = "admissionregistration.k8s.io/v1"
    spec: ValidatingAdmissionPolicySpec = ValidatingAdmissionPolicySpec()  # what is wanted
    status: ValidatingAdmissionPolicyStatus = ValidatingAdmissionPolicyStatus()  # what is known


class ParamRef(Model):
    """Which objects a policy takes its parameters from."""

    atomic: ClassVar[bool] = True

    name: str = ""  # name of the object; not together with selector
    namespace: str = ""  # its namespace; unset: that of the object that is checked
    selector: LabelSelector | None = None  # labels of the objects, of which each is used
    parameter_not_found_action: str | None = None  # Allow or Deny: what happens when there is no such object


class ValidatingAdmissionPolicyBindingSpec(Model):
    """Where a policy holds, with which parameters, and what a failure does."""

    policy_name: str = ""  # name of the policy
    param_ref: ParamRef | None = None  # where its parameters come from
    match_resources: MatchResources | None = None  # narrows what the policy looks at
    validation_actions: Annotated[tuple[str, ...], SET] = ()  # what a failure does: Deny, Warn or Audit


class ValidatingAdmissionPolicyBinding(KubeObject):
    """Puts a ValidatingAdmissionPolicy into force."""

    kind: str = "ValidatingAdmissionPolicyBinding"
    api_version: str = "admissionregistration.k8s.io/v1"
    spec: ValidatingAdmissionPolicyBindingSpec = ValidatingAdmissionPolicyBindingSpec()  # what is wanted


class ServiceReference(Model):
    """The Service behind which a webhook answers."""

    namespace: Annotated[str, REQUIRED] = ""  # namespace of the Service
    name: Annotated[str, REQUIRED] = ""  # name of the Service
    path: str | None = None  # path of the request
    port: Int32 | None = None  # port of the Service; 443 if not said


class WebhookClientConfig(Model):
    """How a webhook is called: by address or through a Service."""

    protobuf: ClassVar[str] = "3 1 2"

    url: str | None = None  # address of the webhook, with https
    service: ServiceReference | None = None  # the Service to call; not together with url
    ca_bundle: Base64 = b""  # PEM certificates by which the webhook's one is checked


class ValidatingWebhook(Model):
    """A webhook that allows or refuses a write."""

    protobuf: ClassVar[str] = "1-4 9 5 10 6-8 11"

    name: Annotated[str, REQUIRED] = ""  # full name of the webhook, such as image.example.com
    client_config: Annotated[WebhookClientConfig, REQUIRED] = WebhookClientConfig()  # how it is called
    rules: tuple[RuleWithOperations, ...] = ()  # which writes it is asked about
    failure_policy: str | None = None  # Fail or Ignore: what it means when the webhook does not answer
    # Exact: as the rules say; Equivalent: also through other versions of the same resource
    match_policy: str | None = None
    namespace_selector: LabelSelector | None = None  # labels that the object's namespace must have
    object_selector: LabelSelector | None = None  # labels that the object must have, before or after the write
    side_effects: str | None = None  # None or NoneOnDryRun: whether a call changes anything elsewhere
    timeout_seconds: Int32 | None = None  # how long to wait for an answer: 1 to 30
    # versions of AdmissionReview that it understands, the best one first
    admission_review_versions: Annotated[tuple[str, ...], REQUIRED] = ()
    # conditions in CEL that a request must meet to be sent
    match_conditions: Annotated[tuple[MatchCondition, ...], MergeKey("name"), ListMapKeys(("name",))] = ()


class ValidatingWebhookConfiguration(KubeObject):
    """Webhooks that are asked whether a write may happen."""

    kind: str = "ValidatingWebhookConfiguration"
    api_version: str = "admissionregistration.k8s.io/v1"
    # the webhooks; all are asked at once
    webhooks: Annotated[tuple[ValidatingWebhook, ...], MergeKey("name"), ListMapKeys(("name",))] = ()


class MutatingWebhook(Model):
    """A webhook that may change what is written."""

    protobuf: ClassVar[str] = "1-4 9 5 11 6-8 10 12"

    name: Annotated[str, REQUIRED] = ""  # full name of the webhook, such as image.example.com
    client_config: Annotated[WebhookClientConfig, REQUIRED] = WebhookClientConfig()  # how it is called
    rules: tuple[RuleWithOperations, ...] = ()  # which writes it is asked about
    failure_policy: str | None = None  # Fail or Ignore: what it means when the webhook does not answer
    # Exact: as the rules say; Equivalent: also through other versions of the same resource
    match_policy: str | None = None
    namespace_selector: LabelSelector | None = None  # labels that the object's namespace must have
    object_selector: LabelSelector | None = None  # labels that the object must have, before or after the write
    side_effects: str | None = None  # None or NoneOnDryRun: whether a call changes anything elsewhere
    timeout_seconds: Int32 | None = None  # how long to wait for an answer: 1 to 30
    # versions of AdmissionReview that it understands, the best one first
    admission_review_versions: Annotated[tuple[str, ...], REQUIRED] = ()
    reinvocation_policy: str | None = None  # Never, or IfNeeded: asked once more if a later webhook changed the object
    # conditions in CEL that a request must meet to be sent
    match_conditions: Annotated[tuple[MatchCondition, ...], MergeKey("name"), ListMapKeys(("name",))] = ()


class MutatingWebhookConfiguration(KubeObject):
    """Webhooks that may change what is written."""

    kind: str = "MutatingWebhookConfiguration"
    api_version: str = "admissionregistration.k8s.io/v1"
    # the webhooks; they are asked one after the other, in order of their names
    webhooks: Annotated[tuple[MutatingWebhook, ...], MergeKey("name"), ListMapKeys(("name",))] = ()


class ApplyConfiguration(Model):
    """A change as server-side apply makes it."""

    expression: str = ""  # CEL expression that makes an Object with the fields to set


class JSONPatch(Model):
    """A change as a list of patch operations."""

    expression: str = ""  # CEL expression that makes a list of JSONPatch operations


class Mutation(Model):
    """One change that a policy makes."""

    protobuf: ClassVar[str] = "2-4"

    patch_type: Annotated[str, REQUIRED] = ""  # ApplyConfiguration or JSONPatch
    apply_configuration: ApplyConfiguration | None = None  # for type ApplyConfiguration
    json_patch: JSONPatch | None = None  # for type JSONPatch


class MutatingAdmissionPolicySpec(Model):
    """Which writes are changed, and how."""

    param_kind: ParamKind | None = None  # kind of the parameters; unset: the policy has none
    match_constraints: MatchResources | None = None  # which writes it looks at
    variables: tuple[Variable, ...] = ()  # values that the expressions share
    mutations: tuple[Mutation, ...] = ()  # the changes, one after the other
    failure_policy: str | None = None  # Fail or Ignore: what an error of the policy itself means for the write
    # conditions that a request must meet to be looked at, checked first
    match_conditions: Annotated[tuple[MatchCondition, ...], MergeKey("name"), ListMapKeys(("name",))] = ()
    reinvocation_policy: str = ""  # Never, or IfNeeded: once more if something later changed the object


class MutatingAdmissionPolicy(KubeObject):
    """Changes in CEL that are made to what is written."""

    kind: str = "MutatingAdmissionPolicy"
    api_version: str = "admissionregistration.k8s.io/v1"
    spec: MutatingAdmissionPolicySpec = MutatingAdmissionPolicySpec()  # what is wanted


class MutatingAdmissionPolicyBindingSpec(Model):
    """Where a policy holds, and with which parameters."""

    policy_name: str = ""  # name of the policy
    param_ref: ParamRef | None = None  # where its parameters come from
    match_resources: MatchResources | None = None  # narrows what the policy looks at


class MutatingAdmissionPolicyBinding(KubeObject):
    """Puts a MutatingAdmissionPolicy into force."""

    kind: str = "MutatingAdmissionPolicyBinding"
    api_version: str = "admissionregistration.k8s.io/v1"
    spec: MutatingAdmissionPolicyBindingSpec = MutatingAdmissionPolicyBindingSpec()  # what is wanted
