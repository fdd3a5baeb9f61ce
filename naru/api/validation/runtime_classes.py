"""Validation of RuntimeClasses.

Source: Kubernetes API reference, node.k8s.io/v1; the texts are those of upstream's validation.
"""

from collections.abc import Sequence
from typing import Final

from naru.api.errors import FieldError
from naru.api.field_errors import IMMUTABLE, duplicate, each_invalid, invalid
from naru.api.names import check_dns_label, check_dns_subdomain
from naru.api.placement_v1 import Toleration
from naru.api.resource_requirements_v1 import ResourceRequirements
from naru.api.runtime_class_v1 import RuntimeClass
from naru.api.validation.containers import validate_resources
from naru.api.validation.internal import internal
from naru.api.validation.meta import validate_labels, validate_meta, validate_meta_update
from naru.api.validation.pod_placement import validate_tolerations
from naru.api.validation.rules import Rules


def validate_runtime_class(runtime: RuntimeClass) -> list[FieldError]:
    """Return the faults of a runtime that pods can ask for."""
    errors = validate_meta(runtime.metadata, namespaced=False, check_name=check_dns_subdomain)
    errors += each_invalid("handler", runtime.handler, check_dns_label(runtime.handler))
    if runtime.overhead is not None:
        errors += validate_resources(ResourceRequirements(limits=runtime.overhead.pod_fixed), "overhead")
    if runtime.scheduling is not None:
        errors += validate_labels(runtime.scheduling.node_selector, "scheduling.nodeSelector")
        errors += _validate_tolerations(runtime.scheduling.tolerations, "scheduling.tolerations")
    return errors


def _validate_tolerations(tolerations: Sequence[Toleration], path: str) -> list[FieldError]:
    errors, seen = validate_tolerations(tolerations, path), set()
    for index, toleration in enumerate(tolerations):
        key = (toleration.key, toleration.operator, toleration.value, toleration.effect)
        if key in seen:
            errors.append(duplicate(f"{path}[{index}]", internal(toleration)))
        seen.add(key)
    return errors


def validate_runtime_class_update(new: RuntimeClass, old: RuntimeClass) -> list[FieldError]:
    """Return the faults of changing it: pods run by what it names."""
    errors = validate_runtime_class(new) + validate_meta_update(new.metadata, old.metadata)
    return [*errors, invalid("handler", new.handler, IMMUTABLE)] if new.handler != old.handler else errors


RULES: Final = {RuntimeClass: Rules(validate_runtime_class, validate_runtime_class_update)}
