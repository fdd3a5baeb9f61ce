"""The kubectl that people have works on naru as on any cluster."""

import json
import os
import pty
import select
import subprocess
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MANIFESTS = ROOT / "manifests"

pytestmark = pytest.mark.root


def a_deployment(name: str, replicas: int = 2, message: str = "one") -> str:
    command = ["sh", "-c", f"echo {message}; exec sleep 3600"]
    container = {
        "name": "main",
        "image": "naru.local/busybox:1",
        "command": command,
        "env": [{"name": "MESSAGE", "value": message}],
    }
    return json.dumps(
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": name},
            "spec": {
                "replicas": replicas,
                "selector": {"matchLabels": {"app": name}},
                "template": {
                    "metadata": {"labels": {"app": name}},
                    "spec": {"containers": [container], "terminationGracePeriodSeconds": 1},
                },
            },
        }
    )


def rows(table: str) -> list[list[str]]:
    return [line.split() for line in table.splitlines()[1:] if line.strip()]


def wait_for(what, timeout_s: float = 20.0):
    """Return what ``what`` returns once that is true."""
    deadline_s = time.monotonic() + timeout_s
    while True:
        value = what()
        if value:
            return value
        assert time.monotonic() < deadline_s, f"not within {timeout_s} s"
        time.sleep(0.1)


def test_every_example_runs_as_it_is(kubectl) -> None:
    kubectl("apply", "-f", str(MANIFESTS))
    for name in kubectl("get", "deployments", "-o", "name").split():
        kubectl("rollout", "status", name, "--timeout=40s")
    wait_for(lambda: {row[2] for row in rows(kubectl("get", "pods"))} == {"Running"})
    again = kubectl("apply", "-f", str(MANIFESTS)).splitlines()
    changed = [line for line in again if not line.endswith("unchanged")]
    assert changed == ["secret/config configured"], "stringData is never in the live object, so kubectl always sends it"
    wide = kubectl("get", "nodes,deploy,rs,po", "-o", "wide")
    assert wide.count("node/node-") == 3
    kubectl("delete", "-f", str(MANIFESTS), "--timeout=60s")
    wait_for(lambda: not rows(kubectl("get", "pods")))  # the garbage collector takes those of the Deployments


def test_scale_set_image_and_undo(kubectl) -> None:
    kubectl("apply", "-f", "-", stdin=a_deployment("web"))
    kubectl("rollout", "status", "deploy/web", "--timeout=30s")
    kubectl("scale", "deploy/web", "--replicas=4")
    kubectl("rollout", "status", "deploy/web", "--timeout=30s")
    assert rows(kubectl("get", "deploy", "web"))[0][1] == "4/4"
    kubectl("set", "image", "deploy/web", "main=naru.local/missing:1")
    stuck = kubectl.run("rollout", "status", "deploy/web", "--timeout=3s")
    assert stuck.returncode != 0
    assert int(rows(kubectl("get", "deploy", "web"))[0][3]) >= 3, "a rollout that fails keeps the old pods"
    kubectl("rollout", "undo", "deploy/web")
    kubectl("rollout", "status", "deploy/web", "--timeout=30s")
    assert "naru.local/busybox:1" in kubectl(
        "get", "deploy", "web", "-o", "jsonpath={.spec.template.spec.containers[0].image}"
    )
    assert len(rows(kubectl("rollout", "history", "deploy/web"))) >= 2


def test_apply_changes_only_what_changed(kubectl) -> None:
    kubectl("apply", "-f", "-", stdin=a_deployment("web"))
    kubectl("scale", "deploy/web", "--replicas=3")
    kubectl("label", "deploy/web", "tier=front")
    kubectl("apply", "-f", "-", stdin=a_deployment("web", message="two"))
    shown = json.loads(kubectl("get", "deploy", "web", "-o", "json"))
    assert shown["metadata"]["labels"] == {"tier": "front"}
    assert shown["spec"]["template"]["spec"]["containers"][0]["env"] == [{"name": "MESSAGE", "value": "two"}]
    assert shown["spec"]["replicas"] == 2


def test_watching_shows_a_pod_come_and_go(kubectl) -> None:
    watch = kubectl.popen("get", "pods", "--watch")
    try:
        kubectl("run", "seen", "--image=naru.local/busybox:1", "--restart=Never", "--", "true")
        wait_for(lambda: "Completed" in kubectl("get", "pods"))
        kubectl("delete", "pod", "seen")
        time.sleep(0.5)
    finally:
        watch.terminate()
        output = watch.communicate(timeout=10)[0]
    states = [line.split()[2] for line in output.splitlines()[1:]]
    assert "Pending" in states
    assert "Completed" in states


def test_describe_tells_the_events(kubectl) -> None:
    kubectl("run", "told", "--image=naru.local/busybox:1", "--", "sleep", "60")
    kubectl("wait", "--for=condition=Ready", "pod/told", "--timeout=20s")
    # Events are sent a moment after what they tell of; "Started" alone would match the container's own start time.
    text = wait_for(lambda: "Started container" in (shown := kubectl("describe", "pod", "told")) and shown)
    for expected in (
        "Node:",
        "IP:",
        "Status:           Running",
        "Scheduled",
        "Successfully assigned",
        "QoS Class:",
        "Created",
        "Started",
    ):
        assert expected in text
    assert "Kubelet Version:" in kubectl("describe", "node", "node-1")


def test_logs_are_followed_to_the_end(kubectl) -> None:
    script = "for i in 1 2 3; do echo line-$i; sleep 0.3; done"
    kubectl("run", "talks", "--image=naru.local/busybox:1", "--restart=Never", "--", "sh", "-c", script)
    wait_for(lambda: kubectl("get", "pod", "talks", "-o", "jsonpath={.status.phase}") in ("Running", "Succeeded"))
    assert kubectl("logs", "-f", "talks").split() == ["line-1", "line-2", "line-3"]
    assert kubectl("logs", "talks", "--tail=1") == "line-3\n"


def test_exec_gives_output_and_exit_code(kubectl) -> None:
    kubectl("run", "shell", "--image=naru.local/busybox:1", "--", "sleep", "3600")
    kubectl("wait", "--for=condition=Ready", "pod/shell", "--timeout=20s")
    assert kubectl("exec", "shell", "--", "hostname") == "shell\n"
    assert kubectl("exec", "-i", "shell", "--", "cat", stdin="through and back") == "through and back"
    failed = kubectl.run("exec", "shell", "--", "sh", "-c", "echo oops >&2; exit 3")
    assert (failed.returncode, "oops" in failed.stderr) == (3, True)


def test_exec_with_a_terminal(kubectl) -> None:
    kubectl("run", "shell", "--image=naru.local/busybox:1", "--", "sleep", "3600")
    kubectl("wait", "--for=condition=Ready", "pod/shell", "--timeout=20s")
    ours, theirs = pty.openpty()
    arguments = [str(kubectl.binary), "exec", "-it", "shell", "--", "sh"]
    process = subprocess.Popen(arguments, env=kubectl.environment, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    try:
        os.write(ours, b"tty; exit 7\n")
        output = b""
        deadline_s = time.monotonic() + 15
        while time.monotonic() < deadline_s:
            if select.select([ours], [], [], 0.2)[0]:
                try:
                    output += os.read(ours, 4096)
                except OSError:
                    break  # the other end is closed
            elif process.poll() is not None:
                break
        assert process.wait(timeout=10) == 7
        assert b"/dev/pts/" in output or b"/dev/console" in output
    finally:
        process.kill()
        process.wait()
        os.close(ours)


@pytest.mark.parametrize(
    ("manifest", "says"),
    [
        pytest.param("kind: Pod\n  broken: [", "error parsing", id="broken YAML"),
        pytest.param(
            '{"apiVersion": "v1", "kind": "Rocket", "metadata": {"name": "a"}}',
            'no matches for kind "Rocket"',
            id="unknown kind",
        ),
        pytest.param(
            '{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "dta": {}}',
            'unknown field "dta"',
            id="unknown field",
        ),
        pytest.param(
            '{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": {}}',
            "spec.containers: Required value",
            id="no containers",
        ),
        pytest.param(
            '{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "Not_A_Name"}}',
            "lowercase RFC 1123 subdomain",
            id="bad name",
        ),
        pytest.param(a_deployment("web", replicas=-1), "spec.replicas: Invalid value: -1", id="negative replicas"),
        pytest.param(a_deployment("web").replace('"replicas": 2', '"replicas": "two"'), "replicas", id="wrong type"),
    ],
)
def test_bad_input_names_what_is_wrong(kubectl, manifest: str, says: str) -> None:
    refused = kubectl.run("apply", "-f", "-", stdin=manifest)
    assert refused.returncode != 0
    assert says in refused.stderr


def test_explain_and_server_side_dry_run(kubectl) -> None:
    assert "containers" in kubectl("explain", "pod.spec")
    assert "FIELD: image <string>" in kubectl("explain", "pod.spec.containers.image")
    kubectl("apply", "--dry-run=server", "-f", "-", stdin=a_deployment("web"))
    assert not rows(kubectl("get", "deploy"))
