"""Defaults of NetworkPolicies and IngressClasses."""

from typing import Any, Final, TypeVar

from naru.api.networking_v1 import (
    IngressClass,
    NetworkPolicy,
    NetworkPolicyEgressRule,
    NetworkPolicyIngressRule,
    NetworkPolicyPort,
)

R = TypeVar("R", NetworkPolicyIngressRule, NetworkPolicyEgressRule)


def default_network_policy(policy: NetworkPolicy) -> NetworkPolicy:
    """Fill in protocols, and the directions: packets to the pods always, those from them if there are rules for it."""
    spec = policy.spec
    update: dict[str, Any] = {
        "ingress": tuple(map(_default_rule, spec.ingress)),
        "egress": tuple(map(_default_rule, spec.egress)),
        "policy_types": spec.policy_types or (("Ingress", "Egress") if spec.egress else ("Ingress",)),
    }
    return policy.model_copy(update={"spec": spec.model_copy(update=update)})


def _default_rule(rule: R) -> R:
    return rule.model_copy(update={"ports": tuple(map(_default_port, rule.ports))}) if rule.ports else rule


def _default_port(port: NetworkPolicyPort) -> NetworkPolicyPort:
    return port if port.protocol is not None else port.model_copy(update={"protocol": "TCP"})


def default_ingress_class(ingress_class: IngressClass) -> IngressClass:
    """Look for the parameters among objects without a namespace."""
    parameters = ingress_class.spec.parameters
    if parameters is None or parameters.scope is not None:
        return ingress_class
    spec = ingress_class.spec.model_copy(update={"parameters": parameters.model_copy(update={"scope": "Cluster"})})
    return ingress_class.model_copy(update={"spec": spec})


DEFAULTS: Final = {IngressClass: default_ingress_class, NetworkPolicy: default_network_policy}
