"""Kubeconfigs of the administrator and of the components, with the certificates inside: one file says it all.

Source: Kubernetes documentation, "Organizing Cluster Access Using kubeconfig Files".
"""

import base64
import json
from typing import Any

from cli.cluster.config import ClusterConfig, write_atomically
from cli.cluster.layout import Layout
from cli.cluster.pki import Issued, client_specs, read_pair


def plan_kubeconfig(cluster: str, server: str, user: str, ca: bytes, pair: Issued) -> dict[str, Any]:
    """Return the content of a kubeconfig with one cluster, one user and one context."""
    context = f"naru-{cluster}" if cluster != "naru" else "naru"
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": context, "cluster": {"server": server, "certificate-authority-data": _text(ca)}}],
        "users": [
            {
                "name": f"{context}-{user}",
                "user": {"client-certificate-data": _text(pair.certificate), "client-key-data": _text(pair.key)},
            }
        ],
        "contexts": [{"name": context, "context": {"cluster": context, "user": f"{context}-{user}"}}],
        "current-context": context,
    }


def ensure_kubeconfigs(layout: Layout, config: ClusterConfig) -> None:
    """Write every kubeconfig; the administrator's comes last, and so says that all of them are there.

    They are JSON, which is YAML too: the command then starts without a YAML parser.
    """
    ca = (layout.pki / "ca.crt").read_bytes()
    specs = client_specs(config)
    for name in sorted(specs, key=lambda name: name == "admin"):
        host = config.gateway if name in config.node_names else "127.0.0.1"
        server = f"https://{host}:{config.api_port}"
        content = plan_kubeconfig(config.name, server, name, ca, read_pair(layout.pki / specs[name].path))
        write_atomically(layout.kubeconfig(name), json.dumps(content, indent=1).encode() + b"\n", 0o600)


def _text(pem: bytes) -> str:
    return base64.b64encode(pem).decode()
