"""CertificateSigningRequest: how a component asks for a certificate.

Source: Kubernetes API reference, certificates.k8s.io/v1.
"""

from typing import Annotated, ClassVar

from pydantic import Field

from naru.api.config_v1 import Base64
from naru.api.meta import KubeObject
from naru.api.model import REQUIRED, Int32, ListMapKeys, Model, OptionalTime


class CertificateSigningRequestSpec(Model):
    """What is asked for, and who asks."""

    protobuf: ClassVar[str] = "1 7 8 5 2-4 6"

    request: Annotated[Base64, REQUIRED] = b""  # the PKCS #10 request, in PEM
    signer_name: Annotated[str, REQUIRED] = ""  # who is to sign it, such as kubernetes.io/kube-apiserver-client
    # for how long the certificate should be good, 600 at least; the signer may cut it down
    expiration_seconds: Int32 | None = None
    usages: tuple[str, ...] = ()  # what the certificate shall be good for, such as digital signature or client auth
    username: str = ""  # who asks; set by the API server
    uid: str = ""  # uid of the one who asks; set by the API server
    groups: tuple[str, ...] = ()  # groups of the one who asks; set by the API server
    extra: dict[str, tuple[str, ...]] = {}  # what else is known of the one who asks; set by the API server


class CertificateSigningRequestCondition(Model):
    """One decision about the request."""

    protobuf: ClassVar[str] = "1 6 2-5"

    type: Annotated[str, REQUIRED] = ""  # Approved, Denied or Failed; once there it stays
    status: Annotated[str, REQUIRED] = ""  # True; for other types also False or Unknown
    reason: str = ""  # why, in one CamelCase word for programs
    message: str = ""  # why, in a sentence for people
    last_update_time: OptionalTime = None  # when the condition was last written
    last_transition_time: OptionalTime = None  # when status last changed


class CertificateSigningRequestStatus(Model):
    """What was decided, and what came of it."""

    # the decisions, of which Approved and Denied go through the approval subresource
    conditions: Annotated[tuple[CertificateSigningRequestCondition, ...], ListMapKeys(("type",))] = ()
    certificate: Base64 = b""  # the certificate with those above it, in PEM; once there it stays


class CertificateSigningRequest(KubeObject):
    """A wish for a certificate, that somebody approves and somebody signs."""

    kind: str = "CertificateSigningRequest"
    api_version: str = "certificates.k8s.io/v1"
    # what is asked for; it never changes
    spec: Annotated[CertificateSigningRequestSpec, REQUIRED] = Field(default_factory=CertificateSigningRequestSpec)
    # what was decided, and what came of it
    status: CertificateSigningRequestStatus = Field(default_factory=CertificateSigningRequestStatus)
