"""Validation: what is wrong with an object, every fault with its field, in upstream's words.

Flow: decode -> defaults -> admission -> *validate* -> store. All of it is pure: same object, same faults.
One module a family of kinds, imported when the first object of the family is checked; this one finds it.
"""

import importlib
from functools import cache
from typing import Final

from naru.api.errors import FieldError
from naru.api.meta import KubeObject
from naru.api.validation.meta import validate_meta_update
from naru.api.validation.rules import Rules

_MODULES: Final[dict[str, str]] = {
    "admissionregistration_v1": "admission",
    "apiextensions_v1": "definitions",
    "apiregistration_v1": "api_services",
    "apps_v1": "apps",
    "autoscaling_v2": "autoscaling",
    "batch_v1": "batch",
    "certificates_v1": "certificates",
    "config_v1": "core",
    "coordination_v1": "core",
    "discovery_v1": "endpoints",
    "endpoints_v1": "endpoints",
    "event_v1": "events",
    "flowcontrol_v1": "flow_control",
    "namespace_v1": "core",
    "networking_v1": "networking",
    "node_v1": "core",
    "persistent_volume_claim_v1": "persistent_volume_claims",
    "persistent_volume_v1": "persistent_volumes",
    "pod_v1": "pod_updates",
    "policy_v1": "policy",
    "quota_v1": "quotas",
    "rbac_v1": "rbac",
    "replication_controller_v1": "replication_controllers",
    "resource_v1": "resource_claims",
    "runtime_class_v1": "runtime_classes",
    "scheduling_v1": "scheduling",
    "service_account_v1": "core",
    "service_v1": "services",
    "storage_v1": "storage",
}  # by the module that declares a kind: the one of this package that holds its rules


@cache
def rules_of(model: type[KubeObject]) -> Rules:
    """Return the rules of a kind; every kind that is stored has some."""
    module = _MODULES[model.__module__.rpartition(".")[2]]
    table: dict[type[KubeObject], Rules] = importlib.import_module(f"{__name__}.{module}").RULES
    return table[model]


def validate(obj: KubeObject) -> list[FieldError]:
    """Return the faults of a new object."""
    return rules_of(type(obj)).new(obj)


def validate_update(new: KubeObject, old: KubeObject) -> list[FieldError]:
    """Return the faults of an object, and of turning ``old`` into it."""
    rules = rules_of(type(new))
    if rules.update is not None:
        return rules.update(new, old)
    return validate_meta_update(new.metadata, old.metadata) + rules.new(new)


def validate_status_update(new: KubeObject, old: KubeObject) -> list[FieldError]:
    """Return the faults of a new status."""
    rules = rules_of(type(new))
    if rules.status is not None:
        return rules.status(new, old)
    return validate_meta_update(new.metadata, old.metadata)
