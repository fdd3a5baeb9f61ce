"""Webhooks and policies that have a say in every write.

Source: Kubernetes API reference, admissionregistration.k8s.io/v1.
"""

from typing import Annotated, ClassVar

from naru.api.config_v1 import Base64
from naru.api.meta import Condition, KubeObject, LabelSelector
from naru.api.model import REQUIRED, SET, Int32, ListMapKeys, MergeKey, Model


class Rule(Model):
    """TODO."""

    api_groups: tuple[str, ...] = ()
    api_versions: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    scope: str | None = None


class ParamKind(Model):
    """TODO."""

    atomic: ClassVar[bool] = True

    api_version: str = ""
    kind: str = ""


class RuleWithOperations(Model):
    """TODO."""

    protobuf: ClassVar[str] = "1 2.1 2.2 2.3 2.4"

    operations: tuple[str, ...] = ()
    api_groups: tuple[str, ...] = ()
    api_versions: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    scope: str | None = None


class NamedRuleWithOperations(Model):
    """TODO."""

    atomic: ClassVar[bool] = True
    protobuf: ClassVar[str] = "1 2.1 2.2.1 2.2.2 2.2.3 2.2.4"

    resource_names: tuple[str, ...] = ()
    operations: tuple[str, ...] = ()
    api_groups: tuple[str, ...] = ()
    api_versions: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    scope: str | None = None


class MatchResources(Model):
    """TODO."""

    atomic: ClassVar[bool] = True
    protobuf: ClassVar[str] = "1-4 7"

    namespace_selector: LabelSelector | None = None
    object_selector: LabelSelector | None = None
    resource_rules: tuple[NamedRuleWithOperations, ...] = ()
    exclude_resource_rules: tuple[NamedRuleWithOperations, ...] = ()
    match_policy: str | None = None


class Validation(Model):
    """TODO."""

    expression: Annotated[str, REQUIRED] = ""
    message: str = ""
    reason: str | None = None
    message_expression: str = ""


class AuditAnnotation(Model):
    """TODO."""

    key: Annotated[str, REQUIRED] = ""
    value_expression: Annotated[str, REQUIRED] = ""


class MatchCondition(Model):
    """TODO."""

    name: Annotated[str, REQUIRED] = ""
    expression: Annotated[str, REQUIRED] = ""


class Variable(Model):
    """TODO."""

    atomic: ClassVar[bool] = True

    name: Annotated[str, REQUIRED] = ""
    expression: Annotated[str, REQUIRED] = ""


class ValidatingAdmissionPolicySpec(Model):
    """TODO."""

    param_kind: ParamKind | None = None
    match_constraints: MatchResources | None = None
    validations: tuple[Validation, ...] = ()
    failure_policy: str | None = None
    audit_annotations: tuple[AuditAnnotation, ...] = ()
    match_conditions: Annotated[tuple[MatchCondition, ...], MergeKey("name"), ListMapKeys(("name",))] = ()
    variables: Annotated[tuple[Variable, ...], MergeKey("name"), ListMapKeys(("name",))] = ()


class ExpressionWarning(Model):
    """TODO."""

    protobuf: ClassVar[str] = "2 3"

    field_ref: Annotated[str, REQUIRED] = ""
    warning: Annotated[str, REQUIRED] = ""


class TypeChecking(Model):
    """TODO."""

    expression_warnings: tuple[ExpressionWarning, ...] = ()


class ValidatingAdmissionPolicyStatus(Model):
    """TODO."""

    observed_generation: int = 0
    type_checking: TypeChecking | None = None
    conditions: Annotated[tuple[Condition, ...], ListMapKeys(("type",))] = ()


class ValidatingAdmissionPolicy(KubeObject):
    """TODO."""

    kind: str = "ValidatingAdmissionPolicy"
    api_version: str = "admissionregistration.k8s.io/v1"
    spec: ValidatingAdmissionPolicySpec = ValidatingAdmissionPolicySpec()
    status: ValidatingAdmissionPolicyStatus = ValidatingAdmissionPolicyStatus()


class ParamRef(Model):
    """TODO."""

    atomic: ClassVar[bool] = True

    name: str = ""
    namespace: str = ""
    selector: LabelSelector | None = None
    parameter_not_found_action: str | None = None


class ValidatingAdmissionPolicyBindingSpec(Model):
    """TODO."""

    policy_name: str = ""
    param_ref: ParamRef | None = None
    match_resources: MatchResources | None = None
    validation_actions: Annotated[tuple[str, ...], SET] = ()


class ValidatingAdmissionPolicyBinding(KubeObject):
    """TODO."""

    kind: str = "ValidatingAdmissionPolicyBinding"
    api_version: str = "admissionregistration.k8s.io/v1"
    spec: ValidatingAdmissionPolicyBindingSpec = ValidatingAdmissionPolicyBindingSpec()


class ServiceReference(Model):
    """TODO."""

    namespace: Annotated[str, REQUIRED] = ""
    name: Annotated[str, REQUIRED] = ""
    path: str | None = None
    port: Int32 | None = None


class WebhookClientConfig(Model):
    """TODO."""

    protobuf: ClassVar[str] = "3 1 2"

    url: str | None = None
    service: ServiceReference | None = None
    ca_bundle: Base64 = b""


class ValidatingWebhook(Model):
    """TODO."""

    protobuf: ClassVar[str] = "1-4 9 5 10 6-8 11"

    name: Annotated[str, REQUIRED] = ""
    client_config: Annotated[WebhookClientConfig, REQUIRED] = WebhookClientConfig()
    rules: tuple[RuleWithOperations, ...] = ()
    failure_policy: str | None = None
    match_policy: str | None = None
    namespace_selector: LabelSelector | None = None
    object_selector: LabelSelector | None = None
    side_effects: str | None = None
    timeout_seconds: Int32 | None = None
    admission_review_versions: Annotated[tuple[str, ...], REQUIRED] = ()
    match_conditions: Annotated[tuple[MatchCondition, ...], MergeKey("name"), ListMapKeys(("name",))] = ()


class ValidatingWebhookConfiguration(KubeObject):
    """TODO."""

    kind: str = "ValidatingWebhookConfiguration"
    api_version: str = "admissionregistration.k8s.io/v1"
    webhooks: Annotated[tuple[ValidatingWebhook, ...], MergeKey("name"), ListMapKeys(("name",))] = ()


class MutatingWebhook(Model):
    """TODO."""

    protobuf: ClassVar[str] = "1-4 9 5 11 6-8 10 12"

    name: Annotated[str, REQUIRED] = ""
    client_config: Annotated[WebhookClientConfig, REQUIRED] = WebhookClientConfig()
    rules: tuple[RuleWithOperations, ...] = ()
    failure_policy: str | None = None
    match_policy: str | None = None
    namespace_selector: LabelSelector | None = None
    object_selector: LabelSelector | None = None
    side_effects: str | None = None
    timeout_seconds: Int32 | None = None
    admission_review_versions: Annotated[tuple[str, ...], REQUIRED] = ()
    reinvocation_policy: str | None = None
    match_conditions: Annotated[tuple[MatchCondition, ...], MergeKey("name"), ListMapKeys(("name",))] = ()


class MutatingWebhookConfiguration(KubeObject):
    """TODO."""

    kind: str = "MutatingWebhookConfiguration"
    api_version: str = "admissionregistration.k8s.io/v1"
    webhooks: Annotated[tuple[MutatingWebhook, ...], MergeKey("name"), ListMapKeys(("name",))] = ()


class ApplyConfiguration(Model):
    """TODO."""

    expression: str = ""


class JSONPatch(Model):
    """TODO."""

    expression: str = ""


class Mutation(Model):
    """TODO."""

    protobuf: ClassVar[str] = "2-4"

    patch_type: Annotated[str, REQUIRED] = ""
    apply_configuration: ApplyConfiguration | None = None
    json_patch: JSONPatch | None = None


class MutatingAdmissionPolicySpec(Model):
    """TODO."""

    param_kind: ParamKind | None = None
    match_constraints: MatchResources | None = None
    variables: tuple[Variable, ...] = ()
    mutations: tuple[Mutation, ...] = ()
    failure_policy: str | None = None
    match_conditions: Annotated[tuple[MatchCondition, ...], MergeKey("name"), ListMapKeys(("name",))] = ()
    reinvocation_policy: str = ""


class MutatingAdmissionPolicy(KubeObject):
    """TODO."""

    kind: str = "MutatingAdmissionPolicy"
    api_version: str = "admissionregistration.k8s.io/v1"
    spec: MutatingAdmissionPolicySpec = MutatingAdmissionPolicySpec()


class MutatingAdmissionPolicyBindingSpec(Model):
    """TODO."""

    policy_name: str = ""
    param_ref: ParamRef | None = None
    match_resources: MatchResources | None = None


class MutatingAdmissionPolicyBinding(KubeObject):
    """TODO."""

    kind: str = "MutatingAdmissionPolicyBinding"
    api_version: str = "admissionregistration.k8s.io/v1"
    spec: MutatingAdmissionPolicyBindingSpec = MutatingAdmissionPolicyBindingSpec()
