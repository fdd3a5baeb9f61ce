"""Validation of Ingresses and IngressClasses; the table of the group's rules is in :mod:`networking`.

Source: Kubernetes API reference, networking.k8s.io/v1; the texts are those of upstream's validation.
"""

from collections.abc import Callable, Sequence
from typing import Final

from naru.api.errors import FieldError
from naru.api.field_errors import IMMUTABLE, each_invalid, forbidden, invalid, not_supported, required, too_long
from naru.api.ip_addresses import check_ip, parse_ip
from naru.api.names import (
    check_dns_label,
    check_dns_subdomain,
    check_http_path,
    check_path_segment,
    check_port,
    check_port_name,
    check_rfc_1035_label,
    check_wildcard_subdomain,
)
from naru.api.networking_v1 import (
    HTTPIngressPath,
    Ingress,
    IngressBackend,
    IngressClass,
    IngressClassParametersReference,
    IngressRule,
    IngressServiceBackend,
    IngressSpec,
    IngressTLS,
)
from naru.api.validation.meta import validate_meta, validate_meta_update

CLASS_ANNOTATION: Final = "kubernetes.io/ingress.class"
PATH_TYPES: Final = ("Exact", "ImplementationSpecific", "Prefix")
SCOPES: Final = ("Cluster", "Namespace")
MAX_CONTROLLER_BYTES: Final = 250
_BAD_PARTS: Final = ("//", "/./", "/../", "%2f", "%2F")
_BAD_ENDS: Final = ("/..", "/.")


def validate_ingress(ingress: Ingress) -> list[FieldError]:
    """Return the faults of a new Ingress."""
    errors = validate_meta(ingress.metadata, namespaced=True, check_name=check_dns_subdomain)
    errors += _validate_spec(ingress.spec)
    noted, name = ingress.metadata.annotations.get(CLASS_ANNOTATION), ingress.spec.ingress_class_name
    if noted is not None and name is not None and noted != name:
        why = "must match `ingressClassName` when both are specified"
        errors.append(invalid(f"annotations.{CLASS_ANNOTATION}", noted, why))
    return errors


def validate_ingress_update(new: Ingress, old: Ingress) -> list[FieldError]:
    """Return the faults of changing an Ingress."""
    errors = validate_meta_update(new.metadata, old.metadata)
    errors += validate_meta(new.metadata, namespaced=True, check_name=check_dns_subdomain)
    return errors + _validate_spec(new.spec)


def _validate_spec(spec: IngressSpec) -> list[FieldError]:
    errors = []
    if not spec.rules and spec.default_backend is None:
        errors.append(invalid("spec", None, "either `defaultBackend` or `rules` must be specified"))
    if spec.default_backend is not None:
        errors += _validate_backend(spec.default_backend, "spec.defaultBackend")
    for index, rule in enumerate(spec.rules):
        errors += _validate_rule(rule, f"spec.rules[{index}]")
    for index, tls in enumerate(spec.tls):
        errors += _validate_tls(tls, f"spec.tls[{index}]")
    name = spec.ingress_class_name
    return errors + (each_invalid("spec.ingressClassName", name, check_dns_subdomain(name)) if name is not None else [])


def _check_host(host: str) -> list[str]:
    return check_wildcard_subdomain(host) if "*" in host else check_dns_subdomain(host)


def _validate_tls(tls: IngressTLS, at: str) -> list[FieldError]:
    errors = []
    for index, host in enumerate(tls.hosts):
        errors += each_invalid(f"{at}.hosts[{index}]", host, _check_host(host))
    if tls.secret_name:
        errors += each_invalid(f"{at}.secretName", tls.secret_name, check_dns_subdomain(tls.secret_name))
    return errors


def _validate_rule(rule: IngressRule, at: str) -> list[FieldError]:
    errors = []
    if rule.host:
        if parse_ip(rule.host) is not None:
            errors.append(invalid(f"{at}.host", rule.host, "must be a DNS name, not an IP address"))
        errors += each_invalid(f"{at}.host", rule.host, _check_host(rule.host))
    if rule.http is None:
        return errors
    if not rule.http.paths:
        errors.append(required(f"{at}.http.paths"))
    for index, path in enumerate(rule.http.paths):
        errors += _validate_path(path, f"{at}.http.paths[{index}]")
    return errors


def _validate_path(path: HTTPIngressPath, at: str) -> list[FieldError]:
    if path.path_type is None:
        return [required(f"{at}.pathType", "pathType must be specified")]
    errors, text = [], path.path
    if path.path_type not in PATH_TYPES:
        errors.append(not_supported(f"{at}.pathType", path.path_type, PATH_TYPES))
    elif path.path_type != "ImplementationSpecific" or text:
        complaints = [] if text.startswith("/") else ["must be an absolute path"]
        if path.path_type != "ImplementationSpecific":
            complaints += [f"must not contain '{part}'" for part in _BAD_PARTS if part in text]
            complaints += [f"cannot end with '{end}'" for end in _BAD_ENDS if text.endswith(end)]
        errors += each_invalid(f"{at}.path", text, complaints)
    return errors + _validate_backend(path.backend, f"{at}.backend")


def _validate_backend(backend: IngressBackend, at: str) -> list[FieldError]:
    if backend.resource is not None and backend.service is not None:
        return [invalid(at, "", "cannot set both resource and service backends")]
    if backend.resource is not None:
        reference = backend.resource
        return _validate_reference(reference.api_group, reference.kind, reference.name, f"{at}.resource")
    if backend.service is None:
        return [invalid(at, "", "resource or service backend is required")]
    return _validate_service_backend(backend.service, at)


def _validate_service_backend(service: IngressServiceBackend, at: str) -> list[FieldError]:
    name, path, port = service.name, f"{at}.service.name", service.port
    errors = each_invalid(path, name, check_rfc_1035_label(name)) if name else [required(path)]
    if port.name and port.number:
        return [*errors, invalid(at, "", "cannot set both port name & port number")]
    if port.name:
        return errors + each_invalid(f"{at}.service.port.name", port.name, check_port_name(port.name))
    if port.number:
        return errors + each_invalid(f"{at}.service.port.number", port.number, check_port(port.number))
    return [*errors, required(at, "port name or number is required")]


def _validate_reference(group: str | None, kind: str, name: str, at: str) -> list[FieldError]:
    errors = each_invalid(f"{at}.apiGroup", group, check_dns_subdomain(group)) if group is not None else []
    for field, value in (("kind", kind), ("name", name)):
        path = f"{at}.{field}"
        errors += each_invalid(path, value, check_path_segment(value)) if value else [required(path)]
    return errors


def validate_ingress_status(new: Ingress, old: Ingress) -> list[FieldError]:
    """Return the faults of an Ingress' status."""
    errors = validate_meta_update(new.metadata, old.metadata)
    kept = [way.ip for way in old.status.load_balancer.ingress]
    for index, way in enumerate(new.status.load_balancer.ingress):
        at = f"status.loadBalancer.ingress[{index}]"
        errors += each_invalid(f"{at}.ip", way.ip, check_ip(way.ip, kept=kept)) if way.ip else []
        if way.hostname:
            errors += each_invalid(f"{at}.hostname", way.hostname, check_dns_subdomain(way.hostname))
            if parse_ip(way.hostname) is not None:
                errors.append(invalid(f"{at}.hostname", way.hostname, "must be a DNS name, not an IP address"))
    return errors


def validate_ingress_class(ingress_class: IngressClass) -> list[FieldError]:
    """Return the faults of an IngressClass."""
    errors = validate_meta(ingress_class.metadata, namespaced=False, check_name=check_dns_subdomain)
    controller, path = ingress_class.spec.controller, "spec.controller"
    if not controller:
        errors.append(required(path))
    else:
        if len(controller.encode()) > MAX_CONTROLLER_BYTES:
            errors.append(too_long(path, MAX_CONTROLLER_BYTES))
        errors += _validate_domain_prefixed(controller, path)
    parameters = ingress_class.spec.parameters
    return errors + (_validate_parameters(parameters) if parameters is not None else [])


def _validate_domain_prefixed(text: str, path: str) -> list[FieldError]:
    """Return the faults of a name such as ``example.com/ingress``."""
    domain, _, rest = text.partition("/")
    if not domain or not rest:
        return [invalid(path, text, 'must be a domain-prefixed path (such as "acme.io/foo")')]
    checks: Sequence[tuple[str, Callable[[str], list[str]]]] = ((domain, check_dns_subdomain), (rest, check_http_path))
    return [error for part, check in checks for error in each_invalid(path, part, check(part))]


def _validate_parameters(parameters: IngressClassParametersReference) -> list[FieldError]:
    at = "spec.parameters"
    errors = _validate_reference(parameters.api_group, parameters.kind, parameters.name, at)
    scope, namespace = parameters.scope, parameters.namespace
    if scope is None:
        return [*errors, required(f"{at}.scope")]
    if scope not in SCOPES:
        return [*errors, not_supported(f"{at}.scope", scope, SCOPES)]
    path = f"{at}.namespace"
    if scope == "Namespace" and namespace is None:
        errors.append(required(path, "`parameters.scope` is set to 'Namespace'"))
    elif scope == "Namespace" and namespace is not None:
        errors += each_invalid(path, namespace, check_dns_label(namespace))
    elif namespace is not None:
        errors.append(forbidden(path, "`parameters.scope` is set to 'Cluster'"))
    return errors


def validate_ingress_class_update(new: IngressClass, old: IngressClass) -> list[FieldError]:
    """Return the faults of changing an IngressClass, which stays with its controller."""
    errors = validate_meta_update(new.metadata, old.metadata)
    if new.spec.controller != old.spec.controller:
        errors.append(invalid("spec.controller", new.spec.controller, IMMUTABLE))
    return errors + validate_ingress_class(new)
