"""The cluster's certificate authority and the certificates of its components, nodes and administrator.

Who is who is in the subject, as Kubernetes reads it: the common name is the user, organizations are groups.
Invariant: a file that is there and still good is kept, so a running component's certificate never changes under it.

Source: Kubernetes documentation, "PKI certificates and requirements".
"""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from cli.cluster.config import ClusterConfig, write_atomically

ADMINS: Final = "system:masters"
NODES: Final = "system:nodes"
CA_LIFETIME: Final = timedelta(days=3650)
LIFETIME: Final = timedelta(days=365)
RENEW_BEFORE: Final = timedelta(days=30)
_BACKDATE: Final = timedelta(minutes=5)  # a virtual machine's clock may run behind


@dataclass(frozen=True)
class CertificateSpec:
    """One certificate to have: where it lies below the pki directory, whom it names, what it may prove."""

    path: str  # without suffix: PATH.crt and PATH.key
    user: str
    groups: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    server: bool = False
    client: bool = False


@dataclass(frozen=True)
class Issued:
    """A certificate and its key, in PEM."""

    certificate: bytes
    key: bytes


def client_specs(config: ClusterConfig) -> dict[str, CertificateSpec]:
    """Return the certificates that end up in kubeconfigs, by the kubeconfig's name."""
    specs = {
        "admin": CertificateSpec("admin", "kubernetes-admin", (ADMINS,), client=True),
        "scheduler": CertificateSpec("scheduler", "system:kube-scheduler", client=True),
        "controllers": CertificateSpec("controllers", "system:kube-controller-manager", client=True),
    }
    for node in config.node_names:
        specs[node] = CertificateSpec(f"nodes/{node}-client", f"system:node:{node}", (NODES,), client=True)
    return specs


def plan_certificates(config: ClusterConfig) -> tuple[CertificateSpec, ...]:
    """List every certificate of the cluster below its CA."""
    apiserver = CertificateSpec(
        "apiserver",
        "kube-apiserver",
        names=(
            "localhost",
            "kubernetes",
            "kubernetes.default",
            "kubernetes.default.svc",
            "kubernetes.default.svc.cluster.local",
        ),
        addresses=("127.0.0.1", "::1", config.gateway, config.api_service_ip),
        server=True,
    )
    to_nodes = CertificateSpec("kubelet-client", "kube-apiserver-kubelet-client", (ADMINS,), client=True)
    servers = [
        CertificateSpec(
            f"nodes/{node}", f"system:node:{node}", (NODES,), (node,), (config.node_ip(node), "127.0.0.1"), server=True
        )
        for node in config.node_names
    ]
    return (apiserver, to_nodes, *servers, *client_specs(config).values())


def ensure_pki(directory: Path, config: ClusterConfig, now: datetime | None = None) -> None:
    """Make what is missing, and what would soon expire or does not fit the configuration any more."""
    moment = now or datetime.now(UTC)
    (directory / "nodes").mkdir(mode=0o700, exist_ok=True)
    authority = _ensure_authority(directory, config.name, moment)
    for spec in plan_certificates(config):
        if not is_good(directory / f"{spec.path}.crt", spec, authority, moment):
            write_pair(directory / spec.path, authority.issue(spec, moment))
    if not (directory / "sa.key").exists():
        _make_signing_key(directory)


class Authority:
    """A certificate authority: a key and the certificate that everybody trusts."""

    def __init__(self, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> None:
        self._certificate = certificate
        self._key = key

    @classmethod
    def new(cls, name: str, now: datetime) -> "Authority":
        """Make a new authority for a cluster."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = _subject(f"naru-{name}-ca", ())
        builder = _builder(subject, subject, key.public_key(), now, CA_LIFETIME)
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        builder = builder.add_extension(_key_usage(sign_certificates=True), critical=True)
        return cls(builder.sign(key, hashes.SHA256()), key)

    @classmethod
    def load(cls, pair: Issued) -> "Authority":
        """Read an authority from PEM."""
        key = serialization.load_pem_private_key(pair.key, password=None)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise ValueError("the key of the cluster's CA is not an elliptic curve key")
        return cls(x509.load_pem_x509_certificate(pair.certificate), key)

    @property
    def pair(self) -> Issued:
        """The authority itself, in PEM."""
        return Issued(self._certificate.public_bytes(serialization.Encoding.PEM), _pem_key(self._key))

    def issued(self, certificate: x509.Certificate) -> bool:
        """Tell whether a certificate names this very authority as its issuer."""
        own_id = x509.SubjectKeyIdentifier.from_public_key(self._key.public_key()).digest
        try:
            issuer_id = certificate.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value
        except x509.ExtensionNotFound:
            return False
        return issuer_id.key_identifier == own_id

    def issue(self, spec: CertificateSpec, now: datetime) -> Issued:
        """Make a key and a certificate for it."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = _subject(spec.user, spec.groups)
        builder = _builder(subject, self._certificate.subject, key.public_key(), now, LIFETIME)
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        builder = builder.add_extension(_key_usage(sign_certificates=False), critical=True)
        usages = [ExtendedKeyUsageOID.SERVER_AUTH] * spec.server + [ExtendedKeyUsageOID.CLIENT_AUTH] * spec.client
        builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        own_id = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        builder = builder.add_extension(own_id, critical=False)
        if names := _general_names(spec):
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        certificate = builder.sign(self._key, hashes.SHA256())
        return Issued(certificate.public_bytes(serialization.Encoding.PEM), _pem_key(key))


def is_good(path: Path, spec: CertificateSpec, authority: Authority, now: datetime) -> bool:
    """Tell whether the certificate at ``path`` can stay: ours, for these names and addresses, and long enough."""
    try:
        certificate = x509.load_pem_x509_certificate(path.read_bytes())
    except (FileNotFoundError, ValueError):
        return False
    if not path.with_suffix(".key").exists() or not authority.issued(certificate):
        return False
    if certificate.not_valid_after_utc - RENEW_BEFORE < now:
        return False
    return certificate.subject == _subject(spec.user, spec.groups) and _covers(certificate, spec)


def write_pair(path: Path, pair: Issued) -> None:
    """Write ``PATH.crt`` and ``PATH.key``, the key first: who sees the certificate finds its key."""
    write_atomically(path.with_name(f"{path.name}.key"), pair.key, 0o600)
    write_atomically(path.with_name(f"{path.name}.crt"), pair.certificate, 0o644)


def read_pair(path: Path) -> Issued:
    """Read what :func:`write_pair` wrote."""
    crt, key = path.with_name(f"{path.name}.crt"), path.with_name(f"{path.name}.key")
    return Issued(crt.read_bytes(), key.read_bytes())


def _ensure_authority(directory: Path, name: str, now: datetime) -> Authority:
    if (directory / "ca.crt").exists():
        return Authority.load(read_pair(directory / "ca"))
    authority = Authority.new(name, now)
    write_pair(directory / "ca", authority.pair)
    return authority


def _make_signing_key(directory: Path) -> None:
    """Make the key that ServiceAccount tokens are signed with."""
    key = ec.generate_private_key(ec.SECP256R1())
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    write_atomically(directory / "sa.pub", public, 0o644)
    write_atomically(directory / "sa.key", _pem_key(key), 0o600)


def _subject(user: str, groups: Sequence[str]) -> x509.Name:
    attributes = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in groups]
    return x509.Name([*attributes, x509.NameAttribute(NameOID.COMMON_NAME, user)])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, now: datetime, lifetime: timedelta
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BACKDATE)
        .not_valid_after(now + lifetime)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _key_usage(*, sign_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=sign_certificates,
        crl_sign=sign_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _general_names(spec: CertificateSpec) -> list[x509.GeneralName]:
    addresses = [x509.IPAddress(ipaddress.ip_address(address)) for address in spec.addresses]
    return [*(x509.DNSName(name) for name in spec.names), *addresses]


def _covers(certificate: x509.Certificate, spec: CertificateSpec) -> bool:
    wanted = _general_names(spec)
    if not wanted:
        return True
    try:
        present = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return False
    return set(wanted) <= set(present)


def _pem_key(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
