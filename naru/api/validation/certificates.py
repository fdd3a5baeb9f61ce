"""Validation of CertificateSigningRequests: what may be asked for, and who may decide what.

Source: Kubernetes API reference, certificates.k8s.io/v1; the texts are those of upstream's validation.
"""

import base64
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

from naru.api.certificates_v1 import CertificateSigningRequest, CertificateSigningRequestCondition
from naru.api.errors import FieldError
from naru.api.field_errors import duplicate, each_invalid, forbidden, invalid, not_supported, required, too_long
from naru.api.names import LABEL_MAX, SUBDOMAIN_MAX, check_dns_label, check_dns_subdomain
from naru.api.validation.meta import validate_meta, validate_meta_update
from naru.api.validation.rules import Rules

APPROVED: Final = "Approved"
DENIED: Final = "Denied"
FAILED: Final = "Failed"
DECISIONS: Final = (APPROVED, DENIED)
USAGES: Final = (
    "any",
    "cert sign",
    "client auth",
    "code signing",
    "content commitment",
    "crl sign",
    "data encipherment",
    "decipher only",
    "digital signature",
    "email protection",
    "encipher only",
    "ipsec end system",
    "ipsec tunnel",
    "ipsec user",
    "key agreement",
    "key encipherment",
    "microsoft sgc",
    "netscape sgc",
    "ocsp signing",
    "s/mime",
    "server auth",
    "signing",
    "timestamping",
)
LEGACY_SIGNER: Final = "kubernetes.io/legacy-unknown"
MIN_EXPIRATION_S: Final = 600
MAX_SIGNER: Final = SUBDOMAIN_MAX + 1 + LABEL_MAX + 1 + SUBDOMAIN_MAX  # DOMAIN/NAMESPACE.NAME

_PEM_BLOCK: Final = re.compile(
    rb"-----BEGIN (?P<type>[^\r\n]*?)-----[ \t]*\r?\n(?P<body>.*?)-----END (?P=type)-----", re.DOTALL
)
_STATUSES: Final = ("False", "True", "Unknown")
_CONDITIONS: Final = "status.conditions"
_CERTIFICATE: Final = "status.certificate"


def validate_request(request: CertificateSigningRequest) -> list[FieldError]:
    """Return the faults of a new request."""
    return _validate(request, None)


def _validate(request: CertificateSigningRequest, old: CertificateSigningRequest | None) -> list[FieldError]:
    """Return the faults of a request; those that it had before are put up with."""
    errors = validate_meta(request.metadata, namespaced=False, check_name=lambda name: [])
    errors += _validate_spec(request, old) + _validate_conditions(request.status.conditions, old)
    if old is not None and old.status.certificate == request.status.certificate:
        return errors
    if old is not None and certificate_fault(old.status.certificate):
        return errors
    fault = certificate_fault(request.status.certificate)
    return [*errors, invalid(_CERTIFICATE, "<certificate data>", fault)] if fault else errors


def _validate_spec(request: CertificateSigningRequest, old: CertificateSigningRequest | None) -> list[FieldError]:
    spec, errors = request.spec, []
    if fault := request_fault(spec.request):
        shown = base64.b64encode(spec.request).decode() if spec.request else None
        errors.append(invalid("spec.request", shown, fault))
    errors += _validate_usages(spec.usages, old.spec.usages if old is not None else ())
    if spec.signer_name == LEGACY_SIGNER and (old is None or old.spec.signer_name != LEGACY_SIGNER):
        why = "the legacy signerName is not allowed via this API version"
        errors.append(invalid("spec.signerName", spec.signer_name, why))
    else:
        errors += validate_signer_name(spec.signer_name, "spec.signerName")
    if spec.expiration_seconds is not None and spec.expiration_seconds < MIN_EXPIRATION_S:
        why = "may not specify a duration less than 600 seconds (10 minutes)"
        errors.append(invalid("spec.expirationSeconds", spec.expiration_seconds, why))
    return errors


def _validate_usages(usages: Sequence[str], old: Sequence[str]) -> list[FieldError]:
    errors = [] if usages else [required("spec.usages")]
    if all(usage in USAGES for usage in old):
        unknown = ((index, usage) for index, usage in enumerate(usages) if usage not in USAGES)
        errors += [not_supported(f"spec.usages[{index}]", usage, USAGES) for index, usage in unknown]
    if len(set(old)) == len(old):
        repeated = ((index, usage) for index, usage in enumerate(usages) if usage in usages[:index])
        errors += [duplicate(f"spec.usages[{index}]", usage) for index, usage in repeated]
    return errors


@lru_cache(maxsize=64)
def request_fault(pem: bytes) -> str:
    """Say what is wrong with a PKCS #10 request in PEM; empty: nothing."""
    block = _PEM_BLOCK.search(pem)
    if block is None or block["type"] != b"CERTIFICATE REQUEST":
        return "PEM block type must be CERTIFICATE REQUEST"
    try:
        request = x509.load_pem_x509_csr(block[0])
        signed = request.is_signature_valid
    except (ValueError, UnsupportedAlgorithm, InvalidSignature) as error:
        return f"asn1: {error}"
    return "" if signed else "x509: signature does not match the public key"


@lru_cache(maxsize=64)
def certificate_fault(pem: bytes) -> str:
    """Say what is wrong with certificates in PEM; empty: nothing, or there are none."""
    if not pem:
        return ""
    blocks = list(_PEM_BLOCK.finditer(pem))
    for block in blocks:
        if block["type"] != b"CERTIFICATE":
            return f'only CERTIFICATE PEM blocks are allowed, found "{block["type"].decode(errors="replace")}"'
        if b":" in block["body"]:
            return "no PEM block headers are permitted"
        try:
            x509.load_pem_x509_certificate(block[0])
        except ValueError as error:
            return f"x509: malformed certificate: {error}"
    return "" if blocks else "must contain at least one CERTIFICATE PEM block"


def validate_signer_name(name: str, path: str) -> list[FieldError]:
    """Return the faults of the name of a signer: DOMAIN/NAME, the domain of two labels at least."""
    if not name:
        return [required(path)]
    domain, *rest = name.split("/")
    if len(rest) != 1:
        why = "must be a fully qualified domain and path of the form 'example.com/signer-name'"
        return [invalid(path, name, why)]
    errors = [too_long(path, SUBDOMAIN_MAX)] if len(domain) > SUBDOMAIN_MAX else []
    for label in domain.split("."):
        if complaints := check_dns_label(label):
            errors += each_invalid(path, domain, [f'validating label "{label}": {text}' for text in complaints])
            break
    if "." not in domain:
        errors.append(invalid(path, domain, "should be a domain with at least two segments separated by dots"))
    for label in rest[0].split("."):
        if complaints := check_dns_subdomain(label):
            errors += each_invalid(path, rest[0], [f'validating label "{label}": {text}' for text in complaints])
            break
    return [*errors, too_long(path, MAX_SIGNER)] if len(name) > MAX_SIGNER else errors


def _validate_conditions(
    conditions: Sequence[CertificateSigningRequestCondition], old: CertificateSigningRequest | None
) -> list[FieldError]:
    before = [condition.type for condition in old.status.conditions] if old is not None else []
    errors: list[FieldError] = []
    seen: set[str] = set()
    for index, condition in enumerate(conditions):
        path, kind = f"{_CONDITIONS}[{index}]", condition.type
        if not kind and "" not in before:
            errors.append(required(f"{path}.type"))
        statuses = ("True",) if kind in (*DECISIONS, FAILED) else _STATUSES
        if not condition.status:
            errors.append(required(f"{path}.status"))
        elif condition.status not in statuses:
            errors.append(not_supported(f"{path}.status", condition.status, statuses))
        if not set(DECISIONS) <= set(before) and kind in DECISIONS and seen & (set(DECISIONS) - {kind}):
            errors.append(invalid(f"{path}.type", kind, "Approved and Denied conditions are mutually exclusive"))
        if kind in seen and len(set(before)) == len(before):
            errors.append(duplicate(f"{path}.type", kind))
        seen.add(kind)
    return errors


def validate_request_update(new: CertificateSigningRequest, old: CertificateSigningRequest) -> list[FieldError]:
    """Return the faults of changing a request itself."""
    return _validate_update(new, old, may_decide=False, may_issue=False)


def validate_request_status(new: CertificateSigningRequest, old: CertificateSigningRequest) -> list[FieldError]:
    """Return the faults of a request's status, into which the signer writes."""
    return _validate_update(new, old, may_decide=False, may_issue=True)


def validate_request_approval(new: CertificateSigningRequest, old: CertificateSigningRequest) -> list[FieldError]:
    """Return the faults of a decision about a request."""
    return _validate_update(new, old, may_decide=True, may_issue=False)


def _validate_update(
    new: CertificateSigningRequest, old: CertificateSigningRequest, *, may_decide: bool, may_issue: bool
) -> list[FieldError]:
    errors = _validate(new, old)
    for kind in (*DECISIONS, FAILED):
        if len(find_conditions(new, kind)) < len(find_conditions(old, kind)):
            errors.append(forbidden(_CONDITIONS, f'updates may not remove a condition of type "{kind}"'))
    if not may_decide:
        for kind in DECISIONS:
            errors += _validate_same_decision(find_conditions(new, kind), find_conditions(old, kind), kind)
    if new.status.certificate != old.status.certificate:
        if not may_issue:
            errors.append(forbidden(_CERTIFICATE, "updates may not set certificate content"))
        elif old.status.certificate:
            errors.append(forbidden(_CERTIFICATE, "updates may not modify existing certificate content"))
    return errors + validate_meta_update(new.metadata, old.metadata)


def _validate_same_decision(
    new: Sequence[CertificateSigningRequestCondition], old: Sequence[CertificateSigningRequestCondition], kind: str
) -> list[FieldError]:
    if len(new) > len(old):
        return [forbidden(_CONDITIONS, f'updates may not add a condition of type "{kind}"')]
    if len(new) == len(old) and new != old:
        return [forbidden(_CONDITIONS, f'updates may not modify a condition of type "{kind}"')]
    return []


def find_conditions(request: CertificateSigningRequest, kind: str) -> list[CertificateSigningRequestCondition]:
    """Return the conditions of a type."""
    return [condition for condition in request.status.conditions if condition.type == kind]


RULES: Final = {
    CertificateSigningRequest: Rules(validate_request, validate_request_update, validate_request_status),
}
