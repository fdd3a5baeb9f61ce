"""CertificateSigningRequest: how a component asks for a certificate.

Source: Kubernetes API reference, certificates.k8s.io/v1.
"""

from typing import Annotated, ClassVar

from naru.api.config_v1 import Base64
from naru.api.meta import KubeObject
from naru.api.model import REQUIRED, Int32, ListMapKeys, Model, OptionalTime


class CertificateSigningRequestSpec(Model):
    """TODO."""

    protobuf: ClassVar[str] = "1 7 8 5 2-4 6"

    request: Annotated[Base64, REQUIRED] = b""
    signer_name: Annotated[str, REQUIRED] = ""
    expiration_seconds: Int32 | None = None
    usages: tuple[str, ...] = ()
    username: str = ""
    uid: str = ""
    groups: tuple[str, ...] = ()
    extra: dict[str, tuple[str, ...]] = {}


class CertificateSigningRequestCondition(Model):
    """TODO."""

    protobuf: ClassVar[str] = "1 6 2-5"

    type: Annotated[str, REQUIRED] = ""
    status: Annotated[str, REQUIRED] = ""
    reason: str = ""
    message: str = ""
    last_update_time: OptionalTime = None
    last_transition_time: OptionalTime = None


class CertificateSigningRequestStatus(Model):
    """TODO."""

    conditions: Annotated[tuple[CertificateSigningRequestCondition, ...], ListMapKeys(("type",))] = ()
    certificate: Base64 = b""


class CertificateSigningRequest(KubeObject):
    """TODO."""

    kind: str = "CertificateSigningRequest"
    api_version: str = "certificates.k8s.io/v1"
    spec: Annotated[CertificateSigningRequestSpec, REQUIRED] = CertificateSigningRequestSpec()
    status: CertificateSigningRequestStatus = CertificateSigningRequestStatus()
