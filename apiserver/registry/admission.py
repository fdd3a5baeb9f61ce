"""Webhooks and policies that have a say in writes.

All of them count the changes of what they ask for; of a webhook configuration that is the list of webhooks.
"""

from datetime import datetime
from typing import Any, ClassVar, Final, TypeVar

from apiserver.registry.columns import AGE, NAME, Column
from apiserver.registry.strategy import Context, Strategy, status_alone, with_meta
from apiserver.registry.volumes import UNSET
from naru.api.admissionregistration_v1 import (
    MutatingAdmissionPolicy,
    MutatingAdmissionPolicyBinding,
    MutatingWebhookConfiguration,
    ParamKind,
    ParamRef,
    ValidatingAdmissionPolicy,
    ValidatingAdmissionPolicyBinding,
    ValidatingWebhookConfiguration,
)
from naru.api.durations import human_age

W = TypeVar("W", bound=ValidatingWebhookConfiguration | MutatingWebhookConfiguration)
B = TypeVar("B", ValidatingAdmissionPolicyBinding, MutatingAdmissionPolicyBinding)

_PARAM_KIND: Final = Column("ParamKind", "Kind of the parameters.")


class WebhookStrategy(Strategy[W]):
    """The rules of webhook configurations."""

    allows_unconditional_update = False
    columns: ClassVar[tuple[Column, ...]] = (NAME, Column("Webhooks", "How many webhooks there are.", "integer"), AGE)

    def prepare_for_create(self, obj: W, context: Context) -> W:
        """Begin to count."""
        return with_meta(super().prepare_for_create(obj, context), {"generation": 1})

    def prepare_for_update(self, new: W, old: W) -> W:
        """Count the change."""
        prepared = super().prepare_for_update(new, old)
        if prepared.webhooks == old.webhooks:
            return prepared
        return with_meta(prepared, {"generation": old.metadata.generation + 1})

    def row(self, obj: W, now: datetime) -> list[Any]:
        """Count the webhooks."""
        return [obj.metadata.name, len(obj.webhooks), human_age(obj.metadata.creation_timestamp, now)]


class ValidatingPolicyStrategy(Strategy[ValidatingAdmissionPolicy]):
    """The rules of policies that allow or refuse."""

    allows_unconditional_update = False
    has_status = True
    counts_generations = True
    columns: ClassVar[tuple[Column, ...]] = (
        NAME,
        Column("Validations", "How many conditions there are.", "integer"),
        _PARAM_KIND,
        AGE,
    )

    def prepare_for_status_update(
        self, new: ValidatingAdmissionPolicy, old: ValidatingAdmissionPolicy
    ) -> ValidatingAdmissionPolicy:
        """Keep everything but the status."""
        return status_alone(new, old)

    def row(self, obj: ValidatingAdmissionPolicy, now: datetime) -> list[Any]:
        """Count the conditions."""
        spec = obj.spec
        age = human_age(obj.metadata.creation_timestamp, now)
        return [obj.metadata.name, len(spec.validations), _param_kind(spec.param_kind), age]


class MutatingPolicyStrategy(Strategy[MutatingAdmissionPolicy]):
    """The rules of policies that change."""

    allows_unconditional_update = False
    counts_generations = True
    columns: ClassVar[tuple[Column, ...]] = (
        NAME,
        Column("Mutations", "How many changes are made.", "integer"),
        _PARAM_KIND,
        AGE,
    )

    def row(self, obj: MutatingAdmissionPolicy, now: datetime) -> list[Any]:
        """Count the changes."""
        spec = obj.spec
        age = human_age(obj.metadata.creation_timestamp, now)
        return [obj.metadata.name, len(spec.mutations), _param_kind(spec.param_kind), age]


class BindingStrategy(Strategy[B]):
    """The rules of what puts a policy into force."""

    allows_unconditional_update = False
    counts_generations = True
    columns: ClassVar[tuple[Column, ...]] = (
        NAME,
        Column("PolicyName", "The policy."),
        Column("ParamRef", "Where its parameters come from."),
        AGE,
    )

    def row(self, obj: B, now: datetime) -> list[Any]:
        """Show the policy and its parameters."""
        age = human_age(obj.metadata.creation_timestamp, now)
        return [obj.metadata.name, obj.spec.policy_name, _param_ref(obj.spec.param_ref), age]


def _param_kind(kind: ParamKind | None) -> str:
    return UNSET if kind is None else f"{kind.api_version}/{kind.kind}"


def _param_ref(ref: ParamRef | None) -> str:
    if ref is None:
        return UNSET
    if ref.name:
        return f"{ref.namespace or '*'}/{ref.name}"
    return UNSET if ref.selector is None else _selector_text(ref)


def _selector_text(ref: ParamRef) -> str:
    """Write a selector as Go prints the type, which is what upstream shows."""
    assert ref.selector is not None
    labels = "".join(f"{key}: {value}," for key, value in sorted(ref.selector.match_labels.items()))
    lines = (
        f"LabelSelectorRequirement{{Key:{line.key},Operator:{line.operator},Values:[{' '.join(line.values)}],}},"
        for line in ref.selector.match_expressions
    )
    return (
        f"&LabelSelector{{MatchLabels:map[string]string{{{labels}}},"
        f"MatchExpressions:[]LabelSelectorRequirement{{{''.join(lines)}}},}}"
    )


STRATEGIES: Final = {
    "mutatingadmissionpolicies.admissionregistration.k8s.io": MutatingPolicyStrategy(),
    "mutatingadmissionpolicybindings.admissionregistration.k8s.io": BindingStrategy[MutatingAdmissionPolicyBinding](),
    "mutatingwebhookconfigurations.admissionregistration.k8s.io": WebhookStrategy[MutatingWebhookConfiguration](),
    "validatingadmissionpolicies.admissionregistration.k8s.io": ValidatingPolicyStrategy(),
    "validatingadmissionpolicybindings.admissionregistration.k8s.io": BindingStrategy[
        ValidatingAdmissionPolicyBinding
    ](),
    "validatingwebhookconfigurations.admissionregistration.k8s.io": WebhookStrategy[ValidatingWebhookConfiguration](),
}
