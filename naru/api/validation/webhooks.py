"""Validation of webhooks that have a say in writes.

Faults that an object had before are put up with where upstream added the rule later.

Source: Kubernetes API reference, admissionregistration.k8s.io/v1; the texts are those of upstream's validation.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from naru.api.admissionregistration_v1 import (
    MutatingWebhook,
    MutatingWebhookConfiguration,
    ValidatingWebhook,
    ValidatingWebhookConfiguration,
)
from naru.api.errors import FieldError
from naru.api.field_errors import duplicate, each_invalid, invalid, not_supported, required
from naru.api.names import check_dns_subdomain, check_rfc_1035_label
from naru.api.validation.admission_rules import (
    MATCH_POLICIES,
    one_of_optional,
    validate_conditions,
    validate_optional_selector,
    validate_rule,
)
from naru.api.validation.meta import validate_meta, validate_meta_update
from naru.api.validation.rules import Rules
from naru.api.validation.webhook_clients import validate_client

Config = ValidatingWebhookConfiguration | MutatingWebhookConfiguration
Webhook = ValidatingWebhook | MutatingWebhook

MAX_TIMEOUT_S: Final = 30
REVIEW_VERSIONS: Final = ("v1", "v1beta1")  # of AdmissionReview, that the server knows
FAILURE_POLICIES: Final = ("Fail", "Ignore")
REINVOCATION_POLICIES: Final = ("IfNeeded", "Never")
NO_SIDE_EFFECTS: Final = ("None", "NoneOnDryRun")
SIDE_EFFECTS: Final = ("None", "NoneOnDryRun", "Some", "Unknown")


@dataclass(frozen=True)
class Strictness:
    """Which rules hold: all for a new object, and for a changed one those that it kept before."""

    side_effects: Sequence[str] = NO_SIDE_EFFECTS
    needs_known_version: bool = True
    needs_unique_names: bool = True

    @classmethod
    def after(cls, hooks: Sequence[Webhook]) -> "Strictness":
        """Return how strict one may be with what follows some webhooks."""
        names, reviews = [hook.name for hook in hooks], (hook.admission_review_versions for hook in hooks)
        return cls(
            NO_SIDE_EFFECTS if all(hook.side_effects in NO_SIDE_EFFECTS for hook in hooks) else SIDE_EFFECTS,
            all(not versions or set(versions) & set(REVIEW_VERSIONS) for versions in reviews),
            len(set(names)) == len(names),
        )


def validate_webhooks(config: Config) -> list[FieldError]:
    """Return the faults of new webhooks."""
    return _validate(config, Strictness())


def validate_webhooks_update(new: Config, old: Config) -> list[FieldError]:
    """Return the faults of changed webhooks."""
    return validate_meta_update(new.metadata, old.metadata) + _validate(new, Strictness.after(old.webhooks))


def _validate(config: Config, strictness: Strictness) -> list[FieldError]:
    errors = validate_meta(config.metadata, namespaced=False, check_name=check_dns_subdomain)
    hooks: Sequence[Webhook] = config.webhooks
    seen = set[str]()
    for index, hook in enumerate(hooks):
        at = f"webhooks[{index}]"
        errors += _validate_webhook(hook, strictness, at)
        path = f"{at}.admissionReviewVersions"
        errors += _validate_versions(hook.admission_review_versions, strictness, path)
        if strictness.needs_unique_names and hook.name in seen:
            errors.append(duplicate(f"{at}.name", hook.name))
        seen |= {hook.name} if hook.name else set()
    return errors


def _validate_webhook(hook: Webhook, strictness: Strictness, at: str) -> list[FieldError]:
    errors = validate_full_name(hook.name, f"{at}.name")
    for index, rule in enumerate(hook.rules):
        errors += validate_rule(rule, f"{at}.rules[{index}]")
    errors += one_of_optional(f"{at}.failurePolicy", hook.failure_policy, FAILURE_POLICIES)
    errors += one_of_optional(f"{at}.matchPolicy", hook.match_policy, MATCH_POLICIES)
    errors += _validate_side_effects(hook.side_effects, strictness.side_effects, f"{at}.sideEffects")
    if hook.timeout_seconds is not None and not 1 <= hook.timeout_seconds <= MAX_TIMEOUT_S:
        why = f"the timeout value must be between 1 and {MAX_TIMEOUT_S} seconds"
        errors.append(invalid(f"{at}.timeoutSeconds", hook.timeout_seconds, why))
    errors += validate_optional_selector(hook.namespace_selector, f"{at}.namespaceSelector")
    errors += validate_optional_selector(hook.object_selector, f"{at}.objectSelector")
    if isinstance(hook, MutatingWebhook):
        errors += one_of_optional(f"{at}.reinvocationPolicy", hook.reinvocation_policy, REINVOCATION_POLICIES)
    errors += validate_client(hook.client_config, f"{at}.clientConfig")
    return errors + validate_conditions(hook.match_conditions, f"{at}.matchConditions")


def validate_full_name(name: str, path: str) -> list[FieldError]:
    """Return the faults of a name of at least three parts, such as image.example.com."""
    if not name:
        return [required(path)]
    if complaints := check_dns_subdomain(name):
        return [invalid(path, name, ",".join(complaints))]
    if name.count(".") < 2:
        return [invalid(path, name, "should be a domain with at least three segments separated by dots")]
    return []


def _validate_side_effects(effects: str | None, allowed: Sequence[str], path: str) -> list[FieldError]:
    if effects is None:
        return [required(path, f"must specify one of {', '.join(allowed)}")]
    return [] if effects in allowed else [not_supported(path, effects, allowed)]


def _validate_versions(versions: Sequence[str], strictness: Strictness, path: str) -> list[FieldError]:
    known = ", ".join(REVIEW_VERSIONS)
    if not versions:
        return [required(path, f"must specify one of {known}")]
    errors = []
    for index, version in enumerate(versions):
        if version in versions[:index]:
            errors.append(invalid(f"{path}[{index}]", version, "duplicate version"))
        else:
            errors += each_invalid(f"{path}[{index}]", version, check_rfc_1035_label(version))
    if strictness.needs_known_version and not set(versions) & set(REVIEW_VERSIONS):
        errors.append(invalid(path, list(versions), f"must include at least one of {known}"))
    return errors


WEBHOOK_RULES: Final = Rules(validate_webhooks, validate_webhooks_update)
