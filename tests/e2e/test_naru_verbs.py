"""The verbs of `naru`, as a person at a terminal uses them."""

import hashlib
import json
import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

pytestmark = pytest.mark.root

REPOSITORY = Path(__file__).parents[2]
DEPLOYMENT = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 0
      containers:
      - name: main
        image: naru.local/busybox:1
        command: [sh, -c, 'echo starting; i=0; while true; do i=$((i+1)); echo line $i; sleep 0.2; done']
        env: [{name: COLOUR, value: blue}]
"""


@pytest.fixture
def space(cluster) -> Iterator:
    """A namespace of the test's own; what is in it goes with it."""
    name = f"verbs-{time.monotonic_ns() % 10**9}"
    cluster.naru("apply", "-f", "-", stdin=f"apiVersion: v1\nkind: Namespace\nmetadata: {{name: {name}}}\n")
    yield name
    cluster.naru("delete", "namespace", name, "--timeout", "60s")


@pytest.fixture
def web(cluster, space) -> str:
    """A Deployment whose two pods run; returns its namespace."""
    cluster.naru("apply", "-n", space, "-f", "-", stdin=DEPLOYMENT)
    cluster.naru("rollout", "status", "deployment/web", "-n", space, "--timeout", "30s")
    return space


@contextmanager
def following(cluster, *arguments: str) -> Iterator[int]:
    """Run `naru` until the block ends, and Ctrl-C ends it; lends the descriptor of what it prints."""
    environment = os.environ | {"NARU_CLUSTER": cluster.name, "PYTHONPATH": str(REPOSITORY), "PYTHONUNBUFFERED": "1"}
    environment.pop("KUBECONFIG", None)
    command = [sys.executable, "-m", "cli", *arguments]
    with subprocess.Popen(
        command, cwd=REPOSITORY, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
    ) as running:
        try:
            assert running.stdout is not None
            yield running.stdout.fileno()
        finally:
            running.send_signal(signal.SIGINT)
            assert running.wait(10) == 130


def read_until(descriptor: int, wanted: bytes, timeout_s: float = 20) -> bytes:
    """Read from a terminal or pipe until something was written."""
    seen, deadline_s = b"", time.monotonic() + timeout_s
    while wanted not in seen:
        ready, _, _ = select.select([descriptor], [], [], max(0, deadline_s - time.monotonic()))
        assert ready, f"{wanted!r} did not come: {seen!r}"
        seen += os.read(descriptor, 65536)
    return seen


class TestApply:
    """Objects become what the manifest says."""

    def test_created_unchanged_configured(self, cluster, space) -> None:
        applied = [
            cluster.naru("apply", "-n", space, "-f", "-", stdin=text).stdout
            for text in (DEPLOYMENT, DEPLOYMENT, DEPLOYMENT.replace("blue", "red"))
        ]
        assert applied == [f"deployment.apps/web {outcome}\n" for outcome in ("created", "unchanged", "configured")]
        container = cluster.get("deploy/web", "-n", space)["spec"]["template"]["spec"]["containers"][0]
        assert container["env"] == [{"name": "COLOUR", "value": "red"}]

    def test_what_the_manifest_drops_goes_and_what_scale_set_stays(self, cluster, web) -> None:
        without_replicas = DEPLOYMENT.replace("  replicas: 2\n", "").replace(
            "        env: [{name: COLOUR, value: blue}]\n", ""
        )
        cluster.naru("apply", "-n", web, "-f", "-", stdin=without_replicas)
        cluster.naru("scale", "deploy/web", "-n", web, "--replicas", "3")
        cluster.naru("apply", "-n", web, "-f", "-", stdin=without_replicas)
        spec = cluster.get("deploy/web", "-n", web)["spec"]
        assert spec["replicas"] == 3
        assert "env" not in spec["template"]["spec"]["containers"][0]

    def test_every_manifest_of_the_repository_works(self, cluster, space) -> None:
        cluster.naru("apply", "-n", space, "-f", "manifests")
        for name in ("hello", "limits"):
            cluster.naru("rollout", "status", f"deployment/{name}", "-n", space, "--timeout", "60s")
        for pod in ("config", "multi-container"):
            deadline_s = time.monotonic() + 30
            while cluster.get(f"pod/{pod}", "-n", space)["status"]["phase"] != "Running":
                assert time.monotonic() < deadline_s
                time.sleep(0.2)
        page = cluster.naru("exec", "deploy/hello", "-n", space, "--", "wget", "-qO-", "http://127.0.0.1:8080/").stdout
        assert page.startswith("hello from pod hello-")
        assert "colour = blue" in cluster.naru("logs", "config", "-n", space).stdout
        cluster.naru("delete", "-n", space, "-f", "manifests", "--timeout", "60s")

    @pytest.mark.parametrize(
        ("old", "new", "says"),
        [
            ("replicas: 2", "replicas: -1", "stdin:6: deployment.apps/web: spec.replicas: Invalid value: -1"),
            ("replicas: 2", "replicas: two", "stdin:6: deployment.apps/web: "),
            ("image:", "imagee:", 'unknown field "spec.template.spec.containers[0].imagee"'),
            ("name: web", "name: Web_1", "stdin:4: deployment.apps/Web_1: metadata.name: Invalid value"),
            ("kind: Deployment", "kind: Deploymint", 'stdin:3: no kind "Deploymint" in version "apps/v1"'),
            ("spec:", "spec: [", "stdin:"),
        ],
    )
    def test_bad_input_names_line_and_field(self, cluster, space, old: str, new: str, says: str) -> None:
        refused = cluster.naru("apply", "-n", space, "-f", "-", stdin=DEPLOYMENT.replace(old, new, 1), check=False)
        assert refused.returncode in (1, 2)
        assert says in refused.stderr
        assert "Traceback" not in refused.stderr


class TestLook:
    """get, describe, watch."""

    def test_tables(self, cluster, web) -> None:
        header, *rows = cluster.naru("get", "pods", "-n", web, "-o", "wide").stdout.splitlines()
        assert header.split()[:7] == ["NAME", "READY", "STATUS", "RESTARTS", "AGE", "IP", "NODE"]
        assert [row.split()[1:3] for row in rows] == [["1/1", "Running"]] * 2
        assert "NAMESPACE" in cluster.naru("get", "deploy,rs", "-A").stdout

    def test_names_yaml_and_missing_objects(self, cluster, web) -> None:
        assert cluster.naru("get", "deploy", "-n", web, "-o", "name").stdout == "deployment.apps/web\n"
        assert "  replicas: 2\n" in cluster.naru("get", "deploy/web", "-n", web, "-o", "yaml").stdout
        missing = cluster.naru("get", "pod", "nobody", "-n", web, check=False)
        assert (missing.returncode, missing.stderr) == (4, 'naru: pods "nobody" not found\n')
        assert json.loads(cluster.naru("get", "cm", "-n", web, "-l", "a=b", "-o", "json").stdout)["items"] == []

    def test_watch_prints_changes(self, cluster, web) -> None:
        with following(cluster, "get", "deploy", "-n", web, "-w") as output:
            read_until(output, b"2/2")
            cluster.naru("scale", "deploy/web", "-n", web, "--replicas", "3")
            read_until(output, b"3/3")

    def test_describe_tells_what_happened(self, cluster, web) -> None:
        told = cluster.naru("describe", "deploy/web", "-n", web).stdout
        assert "2 desired | 2 updated | 2 total | 2 available" in told
        assert "ScalingReplicaSet" in told
        told = cluster.naru("describe", "pods", "-n", web).stdout
        assert all(reason in told for reason in ("Scheduled", "Started", "naru.local/busybox:1", "PodScheduled"))
        assert "PodCIDR" in cluster.naru("describe", "node/node-1").stdout


class TestRollout:
    """Revisions come and go."""

    def test_undo_brings_the_old_template_back(self, cluster, web) -> None:
        cluster.naru("apply", "-n", web, "-f", "-", stdin=DEPLOYMENT.replace("blue", "red"))
        cluster.naru("rollout", "status", "deploy/web", "-n", web, "--timeout", "60s")
        history = cluster.naru("rollout", "history", "deploy/web", "-n", web).stdout
        assert [line.split()[0] for line in history.splitlines()[2:]] == ["1", "2"]
        cluster.naru("rollout", "undo", "deploy/web", "-n", web)
        cluster.naru("rollout", "status", "deploy/web", "-n", web, "--timeout", "60s")
        container = cluster.get("deploy/web", "-n", web)["spec"]["template"]["spec"]["containers"][0]
        assert container["env"][0]["value"] == "blue"

    def test_restart_replaces_every_pod(self, cluster, web) -> None:
        before = {pod["metadata"]["uid"] for pod in cluster.get("pods", "-n", web)["items"]}
        cluster.naru("rollout", "restart", "deploy/web", "-n", web)
        cluster.naru("rollout", "status", "deploy/web", "-n", web, "--timeout", "60s")
        pods = [pod for pod in cluster.get("pods", "-n", web)["items"] if not pod["metadata"].get("deletionTimestamp")]
        assert before.isdisjoint(pod["metadata"]["uid"] for pod in pods)

    def test_a_rollout_that_cannot_finish_runs_into_the_deadline(self, cluster, space) -> None:
        cluster.naru("apply", "-n", space, "-f", "-", stdin=DEPLOYMENT.replace("busybox:1", "nothing:9"))
        waited = cluster.naru("rollout", "status", "deploy/web", "-n", space, "--timeout", "2s", check=False)
        assert waited.returncode == 5


class TestStreams:
    """logs and exec."""

    def test_logs(self, cluster, web) -> None:
        assert cluster.naru("logs", "deploy/web", "-n", web).stdout.startswith("starting\nline 1\n")
        assert len(cluster.naru("logs", "deploy/web", "-n", web, "--tail", "1").stdout.splitlines()) == 1
        lines = cluster.naru("logs", "-l", "app=web", "-n", web, "--tail", "1").stdout.splitlines()
        assert len({line.split("]")[0] for line in lines}) == 2

    def test_logs_are_followed(self, cluster, web) -> None:
        with following(cluster, "logs", "-f", "deploy/web", "-n", web, "--tail", "1") as output:
            first = read_until(output, b"\n")
            number = int(first.split(b"\n")[0].split()[1])
            read_until(output, b"line %d\n" % (number + 3))

    def test_exec_returns_what_the_command_does(self, cluster, web) -> None:
        done = cluster.naru(
            "exec", "-n", web, "deploy/web", "--", "sh", "-c", "echo out; echo err >&2; exit 7", check=False
        )
        assert (done.returncode, done.stdout, done.stderr) == (7, "out\n", "err\n")

    def test_exec_hands_on_standard_input_to_its_end(self, cluster, web) -> None:
        text = "".join(f"{number}\n" for number in range(50_000))
        done = cluster.naru("exec", "-i", "-n", web, "deploy/web", "--", "md5sum", stdin=text)
        assert done.stdout.split()[0] == hashlib.md5(text.encode()).hexdigest()

    def test_a_command_that_is_not_there_says_so(self, cluster, web) -> None:
        done = cluster.naru("exec", "-n", web, "deploy/web", "--", "nonsense", check=False)
        assert done.returncode in (1, 126, 127)
        assert "nonsense" in done.stderr

    def test_exec_with_a_terminal(self, cluster, web) -> None:
        pid, terminal = pty.fork()
        if pid == 0:
            os.environ.update({"NARU_CLUSTER": cluster.name, "PYTHONPATH": str(REPOSITORY), "COLUMNS": "", "LINES": ""})
            os.chdir(REPOSITORY)
            command = [sys.executable, "-m", "cli", "exec", "-it", "-n", web, "deploy/web", "--", "sh"]
            os.execv(command[0], command)
        try:
            read_until(terminal, b"# ")
            os.write(terminal, b"tty; echo co''lour $COLOUR\r")
            seen = read_until(terminal, b"colour blue")
            assert b"/dev/pts/" in seen
            os.write(terminal, b"sleep 100\r")
            time.sleep(0.5)
            os.write(terminal, b"\x03")  # the shell in the container gets the Ctrl-C, not this `naru`
            os.write(terminal, b"echo aft''er\r")
            read_until(terminal, b"after")
            os.write(terminal, b"exit 3\r")
            deadline_s = time.monotonic() + 10
            while (ended := os.waitpid(pid, os.WNOHANG)) == (0, 0):
                assert time.monotonic() < deadline_s
                time.sleep(0.05)
            pid = 0
            assert os.waitstatus_to_exitcode(ended[1]) == 3
        finally:
            os.close(terminal)
            if pid:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)


class TestTrail:
    """From the apply down to the exec."""

    def test_the_tree_of_a_deployment(self, cluster, web) -> None:
        told = cluster.naru("trail", "deployment/web", "-n", web).stdout
        lines = told.splitlines()
        assert "naru: create deployment/web" in lines[0]
        steps = ("create replicaset/web-", "create pod/web-", "/binding", "Pending -> Running", "exec ")
        positions = [next(number for number, line in enumerate(lines) if step in line) for step in steps]
        assert positions == sorted(positions)

    def test_following(self, cluster, web) -> None:
        with following(cluster, "trail", "-f", "deployment/web", "-n", web) as output:
            time.sleep(1.0)  # until it listens
            cluster.naru("scale", "deploy/web", "-n", web, "--replicas", "1")
            read_until(output, b"replicaset/web-")


class TestElsewhere:
    """What else the command does, and how it fails."""

    def test_images(self, cluster) -> None:
        assert "naru.local/busybox " in cluster.naru("image", "list").stdout
        missing = cluster.naru("image", "rm", "nothing:1", check=False)
        assert missing.returncode == 1
        assert "nothing:1" in missing.stderr

    def test_no_cluster(self, cluster) -> None:
        lost = cluster.naru("get", "pods", "--cluster", "nowhere", check=False)
        assert lost.returncode == 3
        assert "there is no cluster nowhere" in lost.stderr

    def test_a_server_that_does_not_answer(self, cluster, tmp_path) -> None:
        content = json.loads(cluster.kubeconfig.read_text())
        content["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:9"
        (tmp_path / "config").write_text(json.dumps(content))
        lost = cluster.naru("get", "pods", "--kubeconfig", str(tmp_path / "config"), check=False)
        assert lost.returncode == 3
        assert "https://127.0.0.1:9 does not answer" in lost.stderr
