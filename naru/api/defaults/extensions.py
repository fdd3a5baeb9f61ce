"""Defaults of what extends the API: webhooks, policies, other servers."""

from typing import Any, Final, TypeVar

from naru.api.admissionregistration_v1 import (
    MatchResources,
    MutatingAdmissionPolicy,
    MutatingAdmissionPolicyBinding,
    MutatingWebhook,
    MutatingWebhookConfiguration,
    NamedRuleWithOperations,
    RuleWithOperations,
    ValidatingAdmissionPolicy,
    ValidatingAdmissionPolicyBinding,
    ValidatingWebhook,
    ValidatingWebhookConfiguration,
    WebhookClientConfig,
)
from naru.api.apiregistration_v1 import APIService
from naru.api.meta import LabelSelector

P = TypeVar("P", ValidatingAdmissionPolicy, MutatingAdmissionPolicy)
B = TypeVar("B", ValidatingAdmissionPolicyBinding, MutatingAdmissionPolicyBinding)
R = TypeVar("R", RuleWithOperations, NamedRuleWithOperations)

HTTPS_PORT: Final = 443
TIMEOUT_S: Final = 10
EVERYTHING: Final = LabelSelector()


def default_validating_webhooks(config: ValidatingWebhookConfiguration) -> ValidatingWebhookConfiguration:
    """Fill in each webhook."""
    hooks = (hook.model_copy(update=_webhook_defaults(hook)) for hook in config.webhooks)
    return config.model_copy(update={"webhooks": tuple(hooks)})


def default_mutating_webhooks(config: MutatingWebhookConfiguration) -> MutatingWebhookConfiguration:
    """Fill in each webhook, which is asked once only."""
    hooks = (
        hook.model_copy(
            update={**_webhook_defaults(hook), "reinvocation_policy": _or(hook.reinvocation_policy, "Never")}
        )
        for hook in config.webhooks
    )
    return config.model_copy(update={"webhooks": tuple(hooks)})


def _webhook_defaults(hook: ValidatingWebhook | MutatingWebhook) -> dict[str, Any]:
    return {
        "client_config": _default_client(hook.client_config),
        "rules": tuple(map(_default_rule, hook.rules)),
        "failure_policy": _or(hook.failure_policy, "Fail"),
        "match_policy": _or(hook.match_policy, "Equivalent"),
        "namespace_selector": _or(hook.namespace_selector, EVERYTHING),
        "object_selector": _or(hook.object_selector, EVERYTHING),
        "timeout_seconds": _or(hook.timeout_seconds, TIMEOUT_S),
    }


def _or(value: Any, default: Any) -> Any:
    return default if value is None else value


def _default_client(client: WebhookClientConfig) -> WebhookClientConfig:
    if client.service is None or client.service.port is not None:
        return client
    return client.model_copy(update={"service": client.service.model_copy(update={"port": HTTPS_PORT})})


def _default_rule(rule: R) -> R:
    return rule if rule.scope is not None else rule.model_copy(update={"scope": "*"})


def _default_match(match: MatchResources | None) -> MatchResources | None:
    if match is None:
        return None
    return MatchResources(
        namespace_selector=_or(match.namespace_selector, EVERYTHING),
        object_selector=_or(match.object_selector, EVERYTHING),
        resource_rules=tuple(map(_default_rule, match.resource_rules)),
        exclude_resource_rules=tuple(map(_default_rule, match.exclude_resource_rules)),
        match_policy=_or(match.match_policy, "Equivalent"),
    )


def default_policy(policy: P) -> P:
    """Let a policy that fails refuse the write, and match everything that its rules name."""
    update = {
        "failure_policy": _or(policy.spec.failure_policy, "Fail"),
        "match_constraints": _default_match(policy.spec.match_constraints),
    }
    return policy.model_copy(update={"spec": policy.spec.model_copy(update=update)})


def default_binding(binding: B) -> B:
    """Fill in what the policy is narrowed to."""
    if binding.spec.match_resources is None:
        return binding
    update = {"match_resources": _default_match(binding.spec.match_resources)}
    return binding.model_copy(update={"spec": binding.spec.model_copy(update=update)})


def default_api_service(service: APIService) -> APIService:
    """Call the other server at the usual port."""
    other = service.spec.service
    if other is None or other.port is not None:
        return service
    spec = service.spec.model_copy(update={"service": other.model_copy(update={"port": HTTPS_PORT})})
    return service.model_copy(update={"spec": spec})


DEFAULTS: Final = {
    APIService: default_api_service,
    MutatingAdmissionPolicy: default_policy,
    MutatingAdmissionPolicyBinding: default_binding,
    MutatingWebhookConfiguration: default_mutating_webhooks,
    ValidatingAdmissionPolicy: default_policy,
    ValidatingAdmissionPolicyBinding: default_binding,
    ValidatingWebhookConfiguration: default_validating_webhooks,
}
