"""Validation of requests and limits of a pod as a whole, against those of its containers.

Source: KEP 2837 (pod-level resources); the texts are those of upstream's validation.
"""

from decimal import Decimal
from typing import Final

from naru.api.errors import FieldError
from naru.api.field_errors import forbidden, invalid, not_supported
from naru.api.pod_v1 import PodSpec
from naru.api.quantity import format_quantity, parse_quantity
from naru.api.validation.containers import validate_resources

SUPPORTED: Final = ("cpu", "hugepages-", "memory")


def validate_pod_resources(spec: PodSpec, path: str) -> list[FieldError]:
    """Return the faults of what a pod asks for as a whole."""
    resources, at = spec.resources, f"{path}.resources"
    if resources is None:
        return []
    if spec.os is not None and spec.os.name == "windows":
        return [forbidden(at, "may not be set for a windows pod")]
    errors = []
    if resources.claims:
        errors.append(forbidden(f"{at}.claims", "claims may not be set for Resources at pod-level"))
    for bound, amounts in (("limits", resources.limits), ("requests", resources.requests)):
        unknown = [name for name in amounts if not name.startswith(SUPPORTED)]
        errors += [not_supported(f"{at}.{bound}[{name}]", name, SUPPORTED) for name in unknown]
    return errors + validate_resources(resources, at) + _validate_sums(spec, at)


def _validate_sums(spec: PodSpec, path: str) -> list[FieldError]:
    """Hold the pod's amounts against those of its containers together, and its limits against each one's."""
    assert spec.resources is not None
    errors = []
    for name, amount in spec.resources.requests.items():
        total = _requested(spec, name)
        if total > parse_quantity(amount):
            shown = format_quantity(total, binary=name != "cpu")
            why = f"must be greater than or equal to aggregate container requests of {shown}"
            errors.append(invalid(f"{path}.requests[{name}]", amount, why))
    for index, container in enumerate(spec.containers):
        for name, limit in container.resources.limits.items():
            bound = spec.resources.limits.get(name)
            if bound is not None and parse_quantity(limit) > parse_quantity(bound):
                why = f"must be less than or equal to pod limits of {bound}"
                errors.append(invalid(f"{path}.containers[{index}][{name}].limits", limit, why))
    return errors


def _requested(spec: PodSpec, name: str) -> Decimal:
    """Return what containers request of a resource: all of them together, or the greediest init container."""
    together = sum((parse_quantity(c.resources.requests.get(name, "0")) for c in spec.containers), Decimal(0))
    alone = (parse_quantity(c.resources.requests.get(name, "0")) for c in spec.init_containers)
    return max([together, *alone])
