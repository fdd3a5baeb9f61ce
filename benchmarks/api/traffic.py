"""The requests that are sent: a Pod of 2 KB, and the bytes of each kind of request around it, made beforehand.

Flow: *bytes of requests* -> load.py -> the API server. Endless iterators, one a connection, so that sending the next
request costs the load generator no more than joining three pieces.
"""

import json
from collections.abc import Callable, Iterator
from itertools import count, cycle
from typing import Final

HOST: Final = "127.0.0.1"
NAMESPACE: Final = "bench"
PODS_PATH: Final = f"/api/v1/namespaces/{NAMESPACE}/pods"
WORKLOADS: Final = 50  # the templates that Pods are made from
MERGE_PATCH: Final = "application/merge-patch+json"


def pod(name: str, workload: str = "000") -> dict[str, object]:
    """Build a Pod as a Deployment's are, about 2 KB as JSON: two containers with probes, resources, variables."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "namespace": NAMESPACE,
            "labels": {"app": "web", "tier": "frontend", "pod-template-hash": f"5d4f8c7{workload}"},
            "annotations": {"example.com/owner": "team-a@example.com", "example.com/revision": "0123456789abcdef" * 4},
        },
        "spec": {
            "containers": [container("main", 8080, workload), container("proxy", 9090, workload)],
            "volumes": [
                {"name": "config", "configMap": {"name": "web-config"}},
                {"name": "scratch", "emptyDir": {"sizeLimit": "64Mi"}},
            ],
            "nodeSelector": {"kubernetes.io/os": "linux"},
            "tolerations": [{"key": "dedicated", "operator": "Equal", "value": "web", "effect": "NoSchedule"}],
            "terminationGracePeriodSeconds": 30,
        },
    }


def container(name: str, port: int, workload: str) -> dict[str, object]:
    """Build one of its containers."""
    return {
        "name": name,
        "image": f"registry.example.com/team/{name}:1.2.{workload}",
        "command": [f"/usr/bin/{name}", "--listen", f":{port}", "--config", "/etc/config/settings.yaml"],
        "env": [
            {"name": "LOG_LEVEL", "value": "info"},
            {"name": "POD_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
        ],
        "ports": [{"name": "http", "containerPort": port}],
        "resources": {"requests": {"cpu": "100m", "memory": "64Mi"}, "limits": {"memory": "128Mi"}},
        "readinessProbe": {"httpGet": {"path": "/ready", "port": "http"}, "periodSeconds": 10},
        "livenessProbe": {"httpGet": {"path": "/live", "port": "http"}, "failureThreshold": 5},
        "volumeMounts": [
            {"name": "config", "mountPath": "/etc/config", "readOnly": True},
            {"name": "scratch", "mountPath": "/var/scratch"},
        ],
    }


def head(method: str, path: str, **headers: str) -> bytes:
    """Write the first lines of a request."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {HOST}", "Accept: application/json", "User-Agent: naru-bench"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode()


def request(method: str, path: str, body: bytes, content_type: str = "application/json") -> bytes:
    """Write a request with a body."""
    return head(method, path, Content_Type=content_type, Content_Length=str(len(body))) + body


def creates(prefix: str, connection: int, _connections: int) -> Iterator[bytes]:
    """Create one Pod after the other, of many workloads in turn; all names are of one length."""
    name = f"{prefix}-{connection:03}-{0:07}"
    around = []
    for workload in range(WORKLOADS):
        body = json.dumps(pod(name, f"{workload:03}"), separators=(",", ":")).encode()
        before, _, after = request("POST", PODS_PATH, body).partition(name.encode())
        around.append((before + name[:-7].encode(), after))
    for number in count():
        before, after = around[number % WORKLOADS]
        yield b"%b%07d%b" % (before, number, after)


def reads(names: list[str], connection: int, connections: int) -> Iterator[bytes]:
    """Read Pods one by one, each connection beginning elsewhere."""
    start = connection * len(names) // connections
    return cycle([head("GET", f"{PODS_PATH}/{name}") for name in names[start:] + names[:start]])


def patches(names: list[str], connection: int, connections: int) -> Iterator[bytes]:
    """Change a label of Pods that no other connection changes."""
    own = names[connection::connections]
    for number in count():
        body = b'{"metadata":{"labels":{"round":"%07d"}}}' % number
        yield request("PATCH", f"{PODS_PATH}/{own[number % len(own)]}", body, MERGE_PATCH)


def repeated(path: str, _connection: int, _connections: int) -> Iterator[bytes]:
    """Read one path again and again."""
    return cycle([head("GET", path)])


KINDS: Final[dict[str, Callable[..., Iterator[bytes]]]] = {
    "create": creates,
    "get": reads,
    "patch": patches,
    "path": repeated,
}
