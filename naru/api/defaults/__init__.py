"""Defaults that a field's declaration cannot give, because they follow from other fields.

Flow: decode -> *defaults* -> admission. Everything else has its default in the model. All functions are pure and
may be repeated: where the defaults are filled in, nothing changes. One module a family of kinds, with a table
``DEFAULTS``; it is imported when the first object of the family is decoded.

Source: Kubernetes API reference, where each field says what it defaults to.
"""

import importlib
from collections.abc import Callable
from functools import cache
from typing import Any, Final, TypeVar

from naru.api.model import Model

M = TypeVar("M", bound=Model)

_MODULES: Final[dict[str, str]] = {
    "admissionregistration_v1": "extensions",
    "apiextensions_v1": "definitions",
    "apiregistration_v1": "extensions",
    "apps_v1": "apps",
    "autoscaling_v2": "autoscaling",
    "batch_v1": "batch",
    "config_v1": "core",
    "discovery_v1": "services",
    "flowcontrol_v1": "flow_control",
    "namespace_v1": "core",
    "networking_v1": "networking",
    "node_v1": "core",
    "persistent_volume_v1": "storage",
    "pod_v1": "pods",
    "quota_v1": "quotas",
    "rbac_v1": "rbac",
    "replication_controller_v1": "replication_controllers",
    "resource_v1": "devices",
    "service_v1": "services",
    "storage_v1": "storage",
}  # by the module that declares a kind: the one of this package that holds its defaults


def with_defaults(obj: M) -> M:
    """Fill in the defaults of an object of any kind."""
    rule = _rule_of(type(obj))
    return rule(obj) if rule is not None else obj


@cache
def _rule_of(model: type[M]) -> Callable[[M], M] | None:
    module = _MODULES.get(model.__module__.rpartition(".")[2])
    if module is None:
        return None
    table: dict[type[Any], Callable[[M], M]] = importlib.import_module(f"{__name__}.{module}").DEFAULTS
    return table.get(model)
