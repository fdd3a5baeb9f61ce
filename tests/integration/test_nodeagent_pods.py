"""A real node agent on a real API server: pods that run, end, restart, are read from, and are found again.

The agent works in a network namespace of its own, which a veth links to the API server; nothing leaves the two.
"""

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from naru.api.core_v1 import ConfigMap, Event, Node, Pod
from naru.api.errors import APIError, BadRequest, NotFound
from naru.client.client import Client
from naru.client.errors import ConnectionFailed
from naru.client.http import WebSocket
from naru.client.kubeconfig import load

from .conftest import ApiServer, EtcdServer, Pki, Process, running_apiserver

pytestmark = pytest.mark.root

PATIENCE_S = 20.0
NAME = "naru-agent-node"
IMAGE = "naru.local/busybox:1"


@dataclass(frozen=True)
class Link:
    """A namespace for the node, and its way to the host."""

    name: str
    host_ip: str
    node_ip: str
    pods: str


def ip(*args: str, check: bool = True) -> None:
    subprocess.run(["ip", *args], check=check, capture_output=True, timeout=20)


@pytest.fixture(scope="module")
def link() -> Iterator[Link]:
    number = 100 + os.getpid() % 100
    name = f"naru-ag-{os.getpid()}"
    made = Link(name, f"198.18.{number}.1", f"198.18.{number}.2", f"10.{number}.0.0/16")
    host_side, node_side = f"narua{os.getpid()}"[:15], "eth0"
    try:
        ip("route", "add", "unreachable", made.pods, "metric", "9999")
        ip("netns", "add", name)
        ip("link", "add", host_side, "type", "veth", "peer", "name", node_side, "netns", name)
        ip("addr", "add", f"{made.host_ip}/24", "dev", host_side)
        ip("link", "set", host_side, "up")
        ip("-n", name, "addr", "add", f"{made.node_ip}/24", "dev", node_side)
        ip("-n", name, "link", "set", node_side, "up")
        ip("-n", name, "link", "set", "lo", "up")
        yield made
    finally:
        ip("link", "del", host_side, check=False)
        ip("netns", "del", name, check=False)
        ip("route", "del", "unreachable", made.pods, "metric", "9999", check=False)


@pytest.fixture(scope="module")
def apiserver(etcd: EtcdServer, pki: Pki, link: Link) -> Iterator[ApiServer]:
    with running_apiserver(etcd, pki, "--listen", f"{link.host_ip}:6443") as server:
        yield server


def issue_node_certificate(pki: Pki, directory: Path, node_ip: str) -> None:
    assert pki.ca is not None
    key = ec.generate_private_key(ec.SECP256R1())
    start = datetime.now(UTC) - timedelta(minutes=5)
    builder = x509.CertificateBuilder(
        issuer_name=pki.ca.subject,
        subject_name=x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"system:node:{NAME}")]),
        public_key=key.public_key(),
        serial_number=x509.random_serial_number(),
        not_valid_before=start,
        not_valid_after=start + timedelta(days=2),
    )
    names = x509.SubjectAlternativeName([x509.IPAddress(ip_address(node_ip)), x509.DNSName(NAME)])
    uses = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
    own = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(pki.key.public_key())
    for extension in (names, uses, own, issuer):
        builder = builder.add_extension(extension, critical=False)
    certificate = builder.sign(pki.key, hashes.SHA256())
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    (directory / "node.crt").write_bytes(certificate.public_bytes(pem))
    (directory / "node.key").write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain))


class Agent(Process):
    """The node agent's process."""

    def restart(self, signum: int) -> None:
        self.end(signum)
        self.spawn()


@pytest.fixture(scope="module")
def work() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="naru-agent-") as directory:
        yield Path(directory)


@pytest.fixture(scope="module")
def agent(apiserver: ApiServer, pki: Pki, link: Link, work: Path) -> Iterator[Agent]:
    issue_node_certificate(pki, work, link.node_ip)
    config = yaml.safe_load(apiserver.kubeconfig.read_text())
    config["clusters"][0]["cluster"] |= {"server": f"https://{link.host_ip}:6443", "tls-server-name": "localhost"}
    (work / "node.conf").write_text(yaml.safe_dump(config))
    cgroup_root = f"naru-agent-{os.getpid()}"
    argv = [sys.executable, "-m", "nodeagent", "--kubeconfig", str(work / "node.conf"), "--node-name", NAME]
    argv += ["--node-ip", link.node_ip, "--data-dir", str(work / "data"), "--run-dir", str(work / "run")]
    argv += ["--image-dir", str(work / "images"), "--cluster-cidr", link.pods, "--service-cidr", "10.96.0.0/16"]
    argv += ["--tls-cert", str(work / "node.crt"), "--tls-key", str(work / "node.key")]
    argv += ["--client-ca", str(pki.ca_file), "--netns", f"/run/netns/{link.name}", "--no-egress"]
    argv += ["--cgroup-root", f"{cgroup_root}/{NAME}"]
    process = Agent(argv, work, work / "log")
    try:
        process.spawn()
        yield process
        process.check_alive()
    finally:
        process.end()
        print(process.log.read_text())  # shown when a test failed
        argv = [sys.executable, "-m", "nodeagent.cleanup", "--cgroup-root", cgroup_root, "--below", str(work)]
        subprocess.run(argv, check=False, timeout=60)


@pytest.fixture
async def client(apiserver: ApiServer, agent: Agent, link: Link) -> AsyncIterator[Client]:
    async with Client(load(apiserver.kubeconfig), user_agent="test") as client:
        await until(lambda: client.get(Node, NAME))
        with contextlib.suppress(APIError):
            await client.patch(Node, NAME, "", {"spec": {"podCIDR": link.pods.replace("0.0/16", "1.0/24")}})
        await until(lambda: client.get(Node, NAME), lambda node: condition(node, "Ready") == "True")
        yield client
        await client.delete_collection(Pod, "default", grace_period_seconds=1)
        await until(lambda: client.list(Pod, "default"), lambda pods: not pods.items)


def condition(obj: Any, name: str) -> str:
    return next((c.status for c in obj.status.conditions if c.type == name), "")


async def until(get: Callable[[], Any], good: Callable[[Any], bool] = lambda _: True) -> Any:
    """Ask until the answer is good."""
    deadline = time.monotonic() + PATIENCE_S
    last: Any = None
    while time.monotonic() < deadline:
        try:
            last = await get()
            if good(last):
                return last
        except (APIError, ConnectionFailed) as error:
            last = error
        await asyncio.sleep(0.05)
    pytest.fail(f"waited in vain; last seen: {last!r:.3000}")


def manifest(name: str, *command: str, **spec: Any) -> Pod:
    container = {"name": "main", "image": IMAGE, "command": ["sh", "-c", *command], **spec.pop("container", {})}
    defaults = {"nodeName": NAME, "terminationGracePeriodSeconds": 1}
    body = {"containers": [container], **defaults, **spec}
    return Pod.model_validate({"metadata": {"name": name, "namespace": "default"}, "spec": body})


async def run(client: Client, pod: Pod, good: Callable[[Pod], bool]) -> Pod:
    await client.create(pod)
    found: Pod = await until(lambda: client.get(Pod, pod.metadata.name, "default"), good)
    return found


def phase_is(phase: str) -> Callable[[Pod], bool]:
    return lambda pod: pod.status.phase == phase


async def log(client: Client, name: str, **params: str) -> str:
    answer = await client.raw("GET", f"/api/v1/namespaces/default/pods/{name}/log", params=params)
    return bytes(answer).decode()


async def execute(client: Client, name: str, *command: str, stdin: bytes = b"") -> tuple[bytes, bytes]:
    """Run a command; return its output and the final status."""
    params = [("command", part) for part in command] + [("stdout", "true"), ("stderr", "true"), ("stdin", "true")]
    output, status = b"", b""
    async with client.websocket(f"/api/v1/namespaces/default/pods/{name}/exec", params=params) as socket:
        await send_input(socket, stdin)
        while (message := await socket.receive()) is not None:
            output += message[1:] if message[0] in (1, 2) else b""
            status += message[1:] if message[0] == 3 else b""
    return output, status


async def send_input(socket: WebSocket, stdin: bytes) -> None:
    if stdin:
        await socket.send(b"\x00" + stdin)
    await socket.send(b"\xff\x00")


FOREVER = "trap 'exit 0' TERM; while :; do sleep 1 & wait; done"


async def test_the_node_says_what_it_is(client: Client, link: Link) -> None:
    node = await client.get(Node, NAME)
    assert node.metadata.labels["kubernetes.io/hostname"] == NAME
    assert {address.type: address.address for address in node.status.addresses} == {
        "InternalIP": link.node_ip,
        "Hostname": NAME,
    }
    assert int(node.status.capacity["cpu"]) >= 1
    assert any(IMAGE in image.names for image in node.status.images)


async def test_a_node_that_was_given_up_reports_back(client: Client) -> None:
    unknown = {"type": "Ready", "status": "Unknown", "reason": "NodeStatusUnknown", "message": "silence"}
    await client.patch(Node, NAME, "", {"status": {"conditions": [unknown]}}, "strategic", "status")
    await until(lambda: client.get(Node, NAME), lambda node: condition(node, "Ready") == "True")


async def test_a_deleted_node_registers_again(client: Client, link: Link) -> None:
    before = await client.get(Node, NAME)
    await client.delete(Node, NAME)
    after = await until(lambda: client.get(Node, NAME), lambda node: node.metadata.uid != before.metadata.uid)
    cidr = link.pods.replace("0.0/16", "1.0/24")
    await client.patch(Node, NAME, "", {"spec": {"podCIDR": cidr}})
    await until(lambda: client.get(Node, NAME), lambda node: condition(node, "Ready") == "True")
    assert after.metadata.labels == before.metadata.labels


async def test_a_pod_runs_with_an_address_and_is_deleted(client: Client, link: Link, work: Path) -> None:
    pod = await run(client, manifest("web", FOREVER), phase_is("Running"))
    assert condition(pod, "Ready") == "True"
    assert pod.status.pod_ip.startswith(link.pods[:5])
    assert pod.status.container_statuses[0].container_id.startswith("naru://")
    await client.delete(Pod, "web", "default")
    await until(lambda: client.list(Pod, "default"), lambda pods: not pods.items)
    await until_gone(work / "data" / "pods" / pod.metadata.uid)
    await until_gone(work / "run" / "pods" / pod.metadata.uid)


async def test_a_condition_of_somebody_else_is_left_alone(client: Client) -> None:
    """An eviction, for one, writes why before it deletes: the pod comes to rest, and goes."""
    await run(client, manifest("evicted", FOREVER), phase_is("Running"))
    why = {"type": "DisruptionTarget", "status": "True", "reason": "DeletionByTaintManager"}
    pod = await client.patch(Pod, "evicted", "default", {"status": {"conditions": [why]}}, "strategic", "status")
    assert condition(pod, "DisruptionTarget") == "True"
    assert condition(pod, "Ready") == "True"
    await client.delete(Pod, "evicted", "default")
    await until(lambda: client.list(Pod, "default"), lambda pods: not pods.items)


async def test_the_log_of_a_container_behind_init_containers_says_so(client: Client) -> None:
    first = {"name": "first", "image": IMAGE, "command": ["sleep", "100"]}
    pod = manifest("initializing", FOREVER, initContainers=[first])
    await run(client, pod, lambda pod: any(status.state.running for status in pod.status.init_container_statuses))
    with pytest.raises(BadRequest, match='"main" in pod "initializing" is waiting to start: PodInitializing'):
        await log(client, "initializing", container="main")


async def until_gone(path: Path) -> None:
    async def exists() -> bool:
        return os.access(path, os.F_OK)

    await until(exists, lambda there: not there)


async def test_a_pod_that_is_done_succeeds_and_keeps_its_log(client: Client) -> None:
    pod = await run(client, manifest("done", "echo hello; echo bye", restartPolicy="Never"), phase_is("Succeeded"))
    terminated = pod.status.container_statuses[0].state.terminated
    assert terminated is not None
    assert (terminated.exit_code, terminated.reason) == (0, "Completed")
    assert await log(client, "done") == "hello\nbye\n"
    assert await log(client, "done", tailLines="1") == "bye\n"


async def test_a_failure_is_told_with_its_last_message(client: Client) -> None:
    command = "echo out of luck > /dev/termination-log; exit 3"
    pod = await run(client, manifest("fail", command, restartPolicy="Never"), phase_is("Failed"))
    terminated = pod.status.container_statuses[0].state.terminated
    assert terminated is not None
    assert (terminated.exit_code, terminated.reason, terminated.message) == (3, "Error", "out of luck\n")


async def test_a_crashing_container_backs_off(client: Client) -> None:
    def backs_off(pod: Pod) -> bool:
        statuses = pod.status.container_statuses
        return bool(statuses and statuses[0].state.waiting and statuses[0].state.waiting.reason == "CrashLoopBackOff")

    pod = await run(client, manifest("crash", "exit 1"), backs_off)
    (status,) = pod.status.container_statuses
    assert status.restart_count == 1  # the first restart comes at once
    assert status.state.waiting is not None
    assert status.state.waiting.message.startswith("back-off 10s restarting failed container=main pod=crash_default(")
    assert status.last_state.terminated is not None


async def test_init_containers_run_first_and_in_order(client: Client) -> None:
    inits = [
        {"name": name, "image": IMAGE, "command": ["sh", "-c", f"echo {name} >> /v/order"], "volumeMounts": [MOUNT]}
        for name in ("one", "two")
    ]
    pod = manifest(
        "init",
        "cat /v/order",
        restartPolicy="Never",
        initContainers=inits,
        container={"volumeMounts": [MOUNT]},
        volumes=[{"name": "v", "emptyDir": {}}],
    )
    await run(client, pod, phase_is("Succeeded"))
    assert await log(client, "init") == "one\ntwo\n"


MOUNT = {"name": "v", "mountPath": "/v"}


async def test_a_config_map_is_environment_and_files_that_follow_it(client: Client) -> None:
    meta = {"name": "cfg", "namespace": "default"}
    with contextlib.suppress(NotFound):
        await client.delete(ConfigMap, "cfg", "default")
    await client.create(ConfigMap.model_validate({"metadata": meta, "data": {"color": "blue"}}))
    source = {"configMapKeyRef": {"name": "cfg", "key": "color"}}
    pod = manifest(
        "config",
        "echo $COLOR $(cat /v/color); " + FOREVER,
        container={"env": [{"name": "COLOR", "valueFrom": source}], "volumeMounts": [MOUNT]},
        volumes=[{"name": "v", "configMap": {"name": "cfg"}}],
    )
    await run(client, pod, phase_is("Running"))
    await until(lambda: log(client, "config"), lambda text: text == "blue blue\n")
    await client.patch(ConfigMap, "cfg", "default", {"data": {"color": "red"}})
    await until(lambda: execute(client, "config", "cat", "/v/color"), lambda answer: answer[0] == b"red")


async def test_a_pod_waits_for_the_config_map_it_needs(client: Client) -> None:
    with contextlib.suppress(NotFound):
        await client.delete(ConfigMap, "late", "default")
    pod = manifest("late", FOREVER, container={"envFrom": [{"configMapRef": {"name": "late"}}]})

    def complains(found: Pod) -> bool:
        state = found.status.container_statuses[0].state if found.status.container_statuses else None
        return bool(state and state.waiting and state.waiting.reason == "CreateContainerConfigError")

    await run(client, pod, complains)
    meta = {"name": "late", "namespace": "default"}
    await client.create(ConfigMap.model_validate({"metadata": meta, "data": {"a": "b"}}))
    await until(lambda: client.get(Pod, "late", "default"), phase_is("Running"))


async def test_what_cannot_be_executed_is_a_start_error(client: Client) -> None:
    pod = manifest("nope", restartPolicy="Never", container={"command": ["/no/such/program"]})
    found = await run(client, pod, phase_is("Failed"))
    terminated = found.status.container_statuses[0].state.terminated
    assert terminated is not None
    assert terminated.reason == "StartError"
    assert "/no/such/program" in terminated.message


async def test_an_absent_image_with_pull_policy_never(client: Client) -> None:
    pod = manifest("noimage", FOREVER, container={"image": "naru.local/none:1", "imagePullPolicy": "Never"})

    def complains(found: Pod) -> bool:
        state = found.status.container_statuses[0].state if found.status.container_statuses else None
        return bool(state and state.waiting and state.waiting.reason == "ErrImageNeverPull")

    await run(client, pod, complains)


async def test_exec_answers_with_output_and_exit_code(client: Client) -> None:
    await run(client, manifest("exec", FOREVER), phase_is("Running"))
    output, status = await execute(client, "exec", "sh", "-c", "read line; echo got $line; exit 4", stdin=b"word\n")
    assert output == b"got word\n"
    assert b'"ExitCode"' in status
    assert b'"4"' in status
    assert await execute(client, "exec", "true") == (b"", b'{"metadata": {}, "status": "Success"}')


async def test_a_log_is_followed_to_the_containers_end(client: Client) -> None:
    command = "for i in 1 2 3; do echo $i; sleep 0.2; done"
    await run(client, manifest("follow", command, restartPolicy="Never"), lambda pod: pod.status.phase != "Pending")
    assert await log(client, "follow", follow="true") == "1\n2\n3\n"


async def test_a_silent_log_is_followed_no_longer_than_somebody_listens(client: Client, agent: Agent) -> None:
    pod = await run(client, manifest("silent", "echo first; " + FOREVER), phase_is("Running"))

    async def followers() -> int:
        opened = await asyncio.to_thread(open_files, agent.pid)
        return sum(pod.metadata.uid in file and "log" in file for file in opened)

    path = "/api/v1/namespaces/default/pods/silent/log"
    async with client.open(path, params={"follow": "true"}) as stream:
        assert await anext(aiter(stream)) == b"first\n"
        await until(followers, lambda count: count == 1)
    await until(followers, lambda count: count == 0)


def open_files(pid: int) -> list[str]:
    found = []
    for link in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            found.append(os.readlink(link))
    return found


async def test_events_tell_the_story_of_each_container(client: Client) -> None:
    pod = manifest("story", FOREVER)
    second = pod.spec.containers[0].model_copy(update={"name": "second"})
    spec = pod.spec.model_copy(update={"containers": (*pod.spec.containers, second)})
    await run(client, pod.model_copy(update={"spec": spec}), phase_is("Running"))
    expected = {
        (reason, f"spec.containers{{{name}}}")
        for reason in ("Pulled", "Created", "Started")
        for name in ("main", "second")
    }

    async def told() -> set[tuple[str, str]]:
        events = await client.list(Event, "default", field_selector="involvedObject.name=story")
        return {(event.reason, event.involved_object.field_path) for event in events.items}

    await until(told, lambda found: expected <= found)


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGKILL])
async def test_containers_outlive_the_agent(client: Client, agent: Agent, signum: int) -> None:
    name = f"survivor-{signum}"
    before = await run(client, manifest(name, FOREVER), phase_is("Running"))
    agent.restart(signum)
    assert (await execute_until(client, name))[0] == b"alive\n"
    after = await client.get(Pod, name, "default")
    assert after.status.container_statuses == before.status.container_statuses
    assert after.status.pod_ip == before.status.pod_ip


async def execute_until(client: Client, name: str) -> tuple[bytes, bytes]:
    answer: tuple[bytes, bytes] = await until(lambda: execute(client, name, "echo", "alive"))
    return answer


async def test_a_pod_deleted_while_the_agent_was_away_is_removed(client: Client, agent: Agent, work: Path) -> None:
    pod = await run(client, manifest("orphan", FOREVER), phase_is("Running"))
    agent.end(signal.SIGKILL)
    await client.delete(Pod, "orphan", "default", grace_period_seconds=0)
    agent.spawn()
    await until_gone(work / "run" / "pods" / pod.metadata.uid)
    await until_gone(work / "data" / "pods" / pod.metadata.uid)


async def test_a_pod_whose_shim_is_killed_comes_back(client: Client, work: Path) -> None:
    before = await run(client, manifest("shimless", FOREVER), phase_is("Running"))
    os.kill(shim_of(work / "run" / "pods" / before.metadata.uid), signal.SIGKILL)

    def is_back(pod: Pod) -> bool:
        (status,) = pod.status.container_statuses
        return status.restart_count == 1 and status.ready

    after = await until(lambda: client.get(Pod, "shimless", "default"), is_back)
    last = after.status.container_statuses[0].last_state.terminated
    assert (last.exit_code, last.reason) == (137, "ContainerStatusUnknown")
    assert (await execute_until(client, "shimless"))[0] == b"alive\n"


def shim_of(run_dir: Path) -> int:
    """Return the pid of the parent of a pod's container."""
    (state,) = run_dir.glob("containers/*/state.json")
    container = json.loads(state.read_bytes())["pid"]
    fields = Path(f"/proc/{container}/stat").read_text().rpartition(")")[2].split()
    return int(fields[1])


async def test_without_the_api_server_containers_are_restarted_all_the_same(
    client: Client, apiserver: ApiServer, work: Path
) -> None:
    ticks = work / "ticks"
    pod = manifest(
        "alone",
        "echo tick >> /v/ticks; sleep 1; exit 1",
        container={"volumeMounts": [MOUNT]},
        volumes=[{"name": "v", "hostPath": {"path": str(work)}}],
    )
    await run(client, pod, phase_is("Running"))
    apiserver.end(signal.SIGKILL)

    async def restarted() -> bool:
        return len(ticks.read_text().splitlines()) >= 2

    await until(restarted, bool)
    apiserver.start()
    await until(
        lambda: client.get(Pod, "alone", "default"), lambda found: found.status.container_statuses[0].restart_count >= 1
    )
