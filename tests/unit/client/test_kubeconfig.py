import base64
from pathlib import Path
from typing import Any

import pytest
import yaml

from naru.client.errors import ConfigError
from naru.client.kubeconfig import load


def config(**changes: Any) -> dict[str, Any]:
    content: dict[str, Any] = {
        "clusters": [{"name": "naru", "cluster": {"server": "https://127.0.0.1:6443/"}}],
        "users": [{"name": "admin", "user": {"token": "secret"}}],
        "contexts": [{"name": "naru", "context": {"cluster": "naru", "user": "admin"}}],
        "current-context": "naru",
    }
    return content | changes


def write(path: Path, content: object) -> Path:
    path.write_text(yaml.safe_dump(content))
    return path


class TestLoad:
    """A kubeconfig becomes a ClientConfig, or an error that says which entry is wrong."""

    def test_current_context(self, tmp_path: Path) -> None:
        loaded = load(write(tmp_path / "config", config()))
        assert (loaded.server, loaded.token, loaded.namespace) == ("https://127.0.0.1:6443", "secret", "default")

    def test_named_context(self, tmp_path: Path) -> None:
        contexts = [{"name": "other", "context": {"cluster": "naru", "user": "admin", "namespace": "web"}}]
        assert load(write(tmp_path / "config", config(contexts=contexts)), "other").namespace == "web"

    def test_certificates_in_line(self, tmp_path: Path) -> None:
        user = {"client-certificate-data": base64.b64encode(b"CERT").decode(), "client-key": "admin.key"}
        (tmp_path / "admin.key").write_bytes(b"KEY")
        loaded = load(write(tmp_path / "config", config(users=[{"name": "admin", "user": user}])))
        assert (loaded.client_cert_pem, loaded.client_key_pem) == (b"CERT", b"KEY")

    def test_secrets_are_not_printed(self, tmp_path: Path) -> None:
        assert "secret" not in repr(load(write(tmp_path / "config", config())))

    def test_several_files_are_merged_and_the_first_wins(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        first = write(tmp_path / "a", {"users": [{"name": "admin", "user": {"token": "first"}}]})
        second = write(tmp_path / "b", config())
        monkeypatch.setenv("KUBECONFIG", f"{first}:{tmp_path / 'absent'}:{second}")
        assert load().token == "first"

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            pytest.param([], "not a mapping", id="a list"),
            pytest.param({}, "no kubeconfig with a context", id="nothing in it"),
            pytest.param(config(**{"current-context": ""}), "current-context is not set", id="no current context"),
            pytest.param(config(**{"current-context": "x"}), "contexts has no entry 'x'", id="unknown context"),
            pytest.param(config(clusters=[]), "clusters has no entry 'naru'", id="unknown cluster"),
            pytest.param(config(clusters=[{"name": "naru"}]), "names no server", id="no server"),
            pytest.param(config(users=[{"user": {}}]), "an entry of users has no name", id="an entry without a name"),
            pytest.param(
                config(users=[{"name": "admin", "user": {"client-key-data": "%"}}]),
                "client-key-data is not base64",
                id="broken base64",
            ),
            pytest.param(
                config(users=[{"name": "admin", "user": {"client-key": "absent.key"}}]),
                "absent.key, which the kubeconfig names, cannot be read",
                id="a key that is not there",
            ),
            pytest.param(
                config(users=[{"name": "admin", "user": {"exec": {"command": "login"}}}]),
                "uses 'exec', which naru does not support",
                id="a login program",
            ),
        ],
    )
    def test_refuses(self, tmp_path: Path, content: object, message: str) -> None:
        with pytest.raises(ConfigError, match=message):
            load(write(tmp_path / "config", content))

    def test_a_file_that_is_not_there(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match="cannot be read: No such file"):
            load(tmp_path / "absent")

    def test_broken_yaml(self, tmp_path: Path) -> None:
        (tmp_path / "config").write_text("a: [")
        with pytest.raises(ConfigError, match="is not YAML"):
            load(tmp_path / "config")
