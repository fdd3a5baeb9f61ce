"""Read kubeconfig files into a ClientConfig.

Flow: ``--kubeconfig``, else ``$KUBECONFIG`` (several files, joined by colons), else ``~/.kube/config`` -> *merge, pick
the context* -> ClientConfig. In a merge the first file that names a cluster, user or context wins.
Source: https://kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig/
"""

import base64
import binascii
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import yaml

from naru.client.config import ClientConfig
from naru.client.errors import ConfigError

_SECTIONS: Final = (("clusters", "cluster"), ("users", "user"), ("contexts", "context"))
_UNSUPPORTED: Final = ("exec", "auth-provider", "username")  # of a user: programs and passwords that naru does not use

_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times faster where libyaml is compiled in


def load(path: Path | str | None = None, context: str | None = None) -> ClientConfig:
    """Read a kubeconfig.

    Args:
        path: one file; None: what ``$KUBECONFIG`` names, or ``~/.kube/config``.
        context: None: the file's current context.

    Raises:
        ConfigError: a file, an entry or a certificate is missing or malformed; the message says which.
    """
    paths = [Path(path)] if path is not None else default_paths(os.environ)
    merged = _merge([(p, _read(p)) for p in paths if path is not None or p.exists()])
    origin = ":".join(map(str, paths))
    if not merged["contexts"]:
        raise ConfigError(f"no kubeconfig with a context found at {origin}; set KUBECONFIG or pass --kubeconfig")
    name = context or merged["current-context"]
    if not name:
        raise ConfigError(f"{origin}: current-context is not set")
    return _config(merged, name, origin)


def default_paths(environ: Mapping[str, str]) -> list[Path]:
    """Return the files to read when none is named, most important first."""
    listed = [Path(part) for part in environ.get("KUBECONFIG", "").split(os.pathsep) if part]
    return listed or [Path.home() / ".kube" / "config"]


def _read(path: Path) -> dict[str, Any]:
    try:
        content = yaml.load(path.read_bytes(), Loader=_LOADER)
    except OSError as error:
        raise ConfigError(f"kubeconfig {path} cannot be read: {error.strerror}") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"kubeconfig {path} is not YAML: {error}") from error
    if not isinstance(content, dict):
        raise ConfigError(f"kubeconfig {path} is empty, or not a mapping")
    return content


def _merge(files: Sequence[tuple[Path, dict[str, Any]]]) -> dict[str, Any]:
    """Join files; each entry remembers the directory of its file, which relative paths start from."""
    merged: dict[str, Any] = {"clusters": {}, "users": {}, "contexts": {}, "current-context": ""}
    for path, content in files:
        merged["current-context"] = merged["current-context"] or content.get("current-context") or ""
        for section, item in _SECTIONS:
            for entry in content.get(section) or ():
                if not isinstance(entry, dict) or "name" not in entry:
                    raise ConfigError(f"kubeconfig {path}: an entry of {section} has no name")
                merged[section].setdefault(entry["name"], (path.parent, entry.get(item) or {}))
    return merged


def _config(merged: dict[str, Any], name: str, origin: str) -> ClientConfig:
    _, context = _entry(merged, "contexts", name, origin)
    cluster_dir, cluster = _entry(merged, "clusters", context.get("cluster", ""), origin)
    user_dir, user = _entry(merged, "users", context["user"], origin) if context.get("user") else (Path(), {})
    for feature in _UNSUPPORTED:
        if feature in user:
            raise ConfigError(f"{origin}: user {context['user']!r} uses {feature!r}, which naru does not support")
    if not cluster.get("server"):
        raise ConfigError(f"{origin}: cluster {context['cluster']!r} names no server")
    token = user.get("token") or _file(user_dir, user.get("tokenFile")).decode().strip()
    return ClientConfig(
        server=str(cluster["server"]).rstrip("/"),
        ca_pem=_pem(cluster_dir, cluster, "certificate-authority"),
        client_cert_pem=_pem(user_dir, user, "client-certificate"),
        client_key_pem=_pem(user_dir, user, "client-key"),
        token=token,
        insecure=bool(cluster.get("insecure-skip-tls-verify")),
        tls_server_name=cluster.get("tls-server-name") or "",
        namespace=context.get("namespace") or "default",
        context=name,
    )


def _entry(merged: dict[str, Any], section: str, name: str, origin: str) -> tuple[Path, dict[str, Any]]:
    try:
        directory, entry = merged[section][name]
    except KeyError:
        raise ConfigError(f"{origin}: {section} has no entry {name!r}") from None
    return directory, entry


def _pem(directory: Path, entry: dict[str, Any], field: str) -> bytes:
    """Take a certificate or key from ``field-data`` (base64), else from the file that ``field`` names."""
    encoded = entry.get(f"{field}-data")
    if not encoded:
        return _file(directory, entry.get(field))
    try:
        return base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError, TypeError) as error:
        raise ConfigError(f"{field}-data is not base64: {error}") from error


def _file(directory: Path, name: str | None) -> bytes:
    if not name:
        return b""
    path = directory / name
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path}, which the kubeconfig names, cannot be read: {error.strerror}") from error
