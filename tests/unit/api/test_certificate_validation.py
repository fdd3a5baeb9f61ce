"""CertificateSigningRequests: what may be asked for, and who may write what."""

import base64
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from naru.api.certificates_v1 import CertificateSigningRequest
from naru.api.errors import FieldError
from naru.api.strict import decode
from naru.api.validation import validate, validate_status_update, validate_update
from naru.api.validation.certificates import validate_request_approval

NEEDED = "Required value"
APPROVED = {"type": "Approved", "status": "True"}
DENIED = {"type": "Denied", "status": "True"}


def pem() -> str:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "ann")])
    key = ec.generate_private_key(ec.SECP256R1())
    signed = x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, hashes.SHA256())
    return base64.b64encode(signed.public_bytes(serialization.Encoding.PEM)).decode()


PEM = pem()


def csr(*conditions: Any, certificate: bytes = b"", **spec: Any) -> CertificateSigningRequest:
    base = {"request": PEM, "signerName": "example.com/signer", "usages": ["client auth"]}
    status = {"conditions": conditions, "certificate": base64.b64encode(certificate).decode()}
    return decode(CertificateSigningRequest, {"metadata": {"name": "x"}, "spec": base | spec, "status": status})


def texts(errors: list[FieldError]) -> list[str]:
    return [str(error) for error in errors]


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (csr(), []),
        (csr(expirationSeconds=600, usages=["s/mime", "any"]), []),
        (
            csr(request=base64.b64encode(b"no pem").decode()),
            ['spec.request: Invalid value: "bm8gcGVt": PEM block type must be CERTIFICATE REQUEST'],
        ),
        (csr(request=""), ["spec.request: Invalid value: null: PEM block type must be CERTIFICATE REQUEST"]),
        (csr(usages=[]), [f"spec.usages: {NEEDED}"]),
        (csr(usages=["client auth", "client auth"]), ['spec.usages[1]: Duplicate value: "client auth"']),
        (
            csr(expirationSeconds=599),
            [
                "spec.expirationSeconds: Invalid value: 599: "
                "may not specify a duration less than 600 seconds (10 minutes)"
            ],
        ),
        (
            csr(signerName="kubernetes.io/legacy-unknown"),
            [
                'spec.signerName: Invalid value: "kubernetes.io/legacy-unknown": '
                "the legacy signerName is not allowed via this API version"
            ],
        ),
        (csr(signerName=""), [f"spec.signerName: {NEEDED}"]),
        (
            csr(signerName="me"),
            [
                'spec.signerName: Invalid value: "me": '
                "must be a fully qualified domain and path of the form 'example.com/signer-name'"
            ],
        ),
        (
            csr(signerName="example/x"),
            [
                'spec.signerName: Invalid value: "example": '
                "should be a domain with at least two segments separated by dots"
            ],
        ),
    ],
)
def test_what_is_wrong(request_: CertificateSigningRequest, expected: list[str]) -> None:
    assert texts(validate(request_)) == expected


def test_an_unknown_usage_names_the_known_ones() -> None:
    (error,) = texts(validate(csr(usages=["flying"])))
    assert error.startswith('spec.usages[0]: Unsupported value: "flying": supported values: "any", "cert sign", ')


class TestDecisions:
    """Approved and Denied go through ``approval`` alone, exclude each other, and stay."""

    def test_through_approval(self) -> None:
        assert texts(validate_request_approval(csr(APPROVED), csr())) == []

    @pytest.mark.parametrize("check", [validate_update, validate_status_update])
    def test_not_otherwise(self, check: Any) -> None:
        why = 'status.conditions: Forbidden: updates may not add a condition of type "Approved"'
        assert texts(check(csr(APPROVED), csr())) == [why]

    def test_they_stay(self) -> None:
        why = 'status.conditions: Forbidden: updates may not remove a condition of type "Denied"'
        assert texts(validate_request_approval(csr(), csr(DENIED))) == [why]

    def test_they_exclude_each_other(self) -> None:
        why = (
            'status.conditions[1].type: Invalid value: "Denied": Approved and Denied conditions are mutually exclusive'
        )
        assert texts(validate_request_approval(csr(APPROVED, DENIED), csr(APPROVED))) == [why]

    def test_they_are_true(self) -> None:
        new = csr({"type": "Approved", "status": "False"}, {"type": "", "status": ""})
        assert texts(validate_request_approval(new, csr())) == [
            'status.conditions[0].status: Unsupported value: "False": supported values: "True"',
            f"status.conditions[1].type: {NEEDED}",
            f"status.conditions[1].status: {NEEDED}",
        ]


class TestCertificate:
    """The certificate comes once, through ``status``."""

    def test_it_has_to_be_one(self) -> None:
        why = 'status.certificate: Invalid value: "<certificate data>": must contain at least one CERTIFICATE PEM block'
        assert texts(validate_status_update(csr(certificate=b"x"), csr())) == [why]

    def test_it_does_not_come_with_an_approval(self) -> None:
        errors = texts(validate_request_approval(csr(certificate=b"x"), csr()))
        assert errors[-1] == "status.certificate: Forbidden: updates may not set certificate content"

    def test_it_stays(self) -> None:
        errors = texts(validate_status_update(csr(certificate=b"y"), csr(certificate=b"x")))
        assert errors == ["status.certificate: Forbidden: updates may not modify existing certificate content"]
