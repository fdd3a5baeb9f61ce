"""The cluster's certificates."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from cli.cluster.config import ClusterConfig
from cli.cluster.pki import LIFETIME, RENEW_BEFORE, ensure_pki, plan_certificates

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def certificate(directory: Path, name: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate((directory / f"{name}.crt").read_bytes())


def alternative_names(directory: Path, name: str) -> set[str]:
    names = certificate(directory, name).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return {str(entry.value) for entry in names}


@pytest.fixture
def pki(tmp_path: Path) -> Path:
    ensure_pki(tmp_path, ClusterConfig(nodes=2), NOW)
    return tmp_path


class TestEnsurePki:
    """Every component gets a certificate of the cluster's authority, and keeps it."""

    def test_every_certificate_is_signed_by_the_authority(self, pki: Path) -> None:
        key = certificate(pki, "ca").public_key()
        assert isinstance(key, ec.EllipticCurvePublicKey)
        for spec in plan_certificates(ClusterConfig(nodes=2)):
            certificate(pki, spec.path).verify_directly_issued_by(certificate(pki, "ca"))

    def test_the_api_server_is_known_by_its_names_and_addresses(self, pki: Path) -> None:
        wanted = {"localhost", "kubernetes.default.svc", "127.0.0.1", "198.18.0.1", "10.96.0.1"}
        assert wanted <= alternative_names(pki, "apiserver")

    def test_a_node_serves_under_its_address(self, pki: Path) -> None:
        assert {"node-2", "198.18.0.12"} <= alternative_names(pki, "nodes/node-2")

    @pytest.mark.parametrize(
        ("path", "user", "group"),
        [
            ("admin", "kubernetes-admin", "system:masters"),
            ("kubelet-client", "kube-apiserver-kubelet-client", "system:masters"),
            ("nodes/node-1-client", "system:node:node-1", "system:nodes"),
        ],
    )
    def test_the_subject_says_who_it_is(self, pki: Path, path: str, user: str, group: str) -> None:
        subject = certificate(pki, path).subject
        assert subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value == user
        assert subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)[0].value == group

    def test_a_client_certificate_cannot_serve(self, pki: Path) -> None:
        usage = certificate(pki, "admin").extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        assert list(usage) == [ExtendedKeyUsageOID.CLIENT_AUTH]

    def test_keys_are_for_their_owner_only(self, pki: Path) -> None:
        keys = [path for path in pki.rglob("*.key")]
        assert keys
        assert all(path.stat().st_mode & 0o077 == 0 for path in keys)

    def test_a_second_time_changes_nothing(self, pki: Path) -> None:
        before = {path: path.read_bytes() for path in pki.rglob("*.*")}
        ensure_pki(pki, ClusterConfig(nodes=2), NOW + timedelta(days=1))
        assert {path: path.read_bytes() for path in pki.rglob("*.*")} == before

    def test_a_certificate_is_renewed_before_it_expires(self, pki: Path) -> None:
        before = certificate(pki, "apiserver").serial_number
        ensure_pki(pki, ClusterConfig(nodes=2), NOW + LIFETIME - RENEW_BEFORE + timedelta(hours=1))
        assert certificate(pki, "apiserver").serial_number != before

    def test_another_underlay_renews_what_names_its_addresses(self, pki: Path) -> None:
        admin = certificate(pki, "admin").serial_number
        ensure_pki(pki, replace(ClusterConfig(nodes=2), underlay="198.18.9.0/24"), NOW)
        assert "198.18.9.1" in alternative_names(pki, "apiserver")
        assert certificate(pki, "admin").serial_number == admin

    def test_a_certificate_without_its_key_is_made_again(self, pki: Path) -> None:
        (pki / "admin.key").unlink()
        ensure_pki(pki, ClusterConfig(nodes=2), NOW)
        assert (pki / "admin.key").exists()
