"""Validation of APIServices: which server answers for which version of an API group.

Source: Kubernetes API reference, apiregistration.k8s.io/v1; the texts are those of upstream's validation.
"""

from typing import Final

from naru.api.apiregistration_v1 import APIService, APIServiceSpec, ServiceReference
from naru.api.errors import FieldError
from naru.api.field_errors import each_invalid, invalid, not_supported, quoted, required
from naru.api.names import check_dns_subdomain, check_path_segment, check_port, check_rfc_1035_label
from naru.api.validation.meta import validate_meta, validate_meta_update
from naru.api.validation.rules import Rules

MAX_GROUP_PRIORITY: Final = 20000
MAX_VERSION_PRIORITY: Final = 1000
_STATUSES: Final = ("True", "False", "Unknown")


def validate_api_service(service: APIService) -> list[FieldError]:
    """Return the faults of an APIService, whose name follows from what it is for."""
    spec, name = service.spec, f"{service.spec.version}.{service.spec.group}"

    def check_name(given: str) -> list[str]:
        fault = [] if given == name else [f'must be `spec.version+"."+spec.group`: {quoted(name)}']
        return check_path_segment(given) or fault

    errors = validate_meta(service.metadata, namespaced=False, check_name=check_name)
    errors += _validate_version(spec)
    return errors + (_validate_local(spec) if spec.service is None else _validate_remote(spec, spec.service))


def _validate_version(spec: APIServiceSpec) -> list[FieldError]:
    group, version, errors = spec.group, spec.version, []
    if group:
        errors += each_invalid("spec.group", group, check_dns_subdomain(group))
    elif version != "v1":
        errors.append(required("spec.group", "only v1 may have an empty group and it better be legacy kube"))
    errors += each_invalid("spec.version", version, check_rfc_1035_label(version))
    for path, number, limit in (
        ("spec.groupPriorityMinimum", spec.group_priority_minimum, MAX_GROUP_PRIORITY),
        ("spec.versionPriority", spec.version_priority, MAX_VERSION_PRIORITY),
    ):
        if not 0 < number <= limit:
            errors.append(invalid(path, number, f"must be positive and less than {limit}"))
    return errors


def _validate_local(spec: APIServiceSpec) -> list[FieldError]:
    errors = []
    if spec.ca_bundle:
        size = f"{len(spec.ca_bundle)} bytes"
        errors.append(invalid("spec.caBundle", size, "local APIServices may not have a caBundle"))
    if spec.insecure_skip_tls_verify:
        why = "local APIServices may not have insecureSkipTLSVerify"
        errors.append(invalid("spec.insecureSkipTLSVerify", True, why))
    return errors


def _validate_remote(spec: APIServiceSpec, service: ServiceReference) -> list[FieldError]:
    fields = (("namespace", service.namespace), ("name", service.name))
    errors = [required(f"spec.service.{field}") for field, value in fields if not value]
    port = service.port or 0
    if complaints := check_port(port):
        errors.append(invalid("spec.service.port", port, f"port is not valid: {', '.join(complaints)}"))
    if spec.insecure_skip_tls_verify and spec.ca_bundle:
        why = "may not be true if caBundle is present"
        errors.append(invalid("spec.insecureSkipTLSVerify", True, why))
    return errors


def validate_api_service_status(new: APIService, old: APIService) -> list[FieldError]:
    """Return the faults of an APIService's status."""
    return validate_meta_update(new.metadata, old.metadata) + [
        not_supported(f"status.conditions[{index}].status", condition.status, _STATUSES)
        for index, condition in enumerate(new.status.conditions)
        if condition.status not in _STATUSES
    ]


RULES: Final = {APIService: Rules(validate_api_service, status=validate_api_service_status)}
