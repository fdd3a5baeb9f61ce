"""The controllers' process on a real API server; the tests play scheduler and node agent."""

import asyncio
import contextlib
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import pytest

from controllers.owner_graph import collected
from naru.api.apps_v1 import ControllerRevision, Deployment, ReplicaSet
from naru.api.autoscaling_v1 import HorizontalPodAutoscaler
from naru.api.conditions import find_condition
from naru.api.coordination_v1 import Lease, LeaseSpec
from naru.api.core_v1 import (
    ConfigMap,
    Endpoints,
    Event,
    LimitRange,
    Namespace,
    Node,
    Pod,
    Service,
    ServiceAccount,
)
from naru.api.errors import Conflict, NotFound, ServiceUnavailable
from naru.api.meta import KubeObject, ObjectMeta, OwnerReference
from naru.client.client import Client
from naru.client.errors import ConnectionFailed
from naru.client.kubeconfig import load
from naru.controller.informer import InformerFactory
from naru.controller.ownership import controller_of

from .conftest import ApiServer, Process

T = TypeVar("T")
PATIENCE_S = 15.0
GRACE_S = 3.0  # of silent nodes; they beat ten times as often


class Controllers(Process):
    """The controllers' process."""

    def start(self) -> None:
        self.spawn()


@pytest.fixture(scope="module")
def controllers(apiserver: ApiServer) -> Iterator[Controllers]:
    with tempfile.TemporaryDirectory(prefix="naru-controllers-") as directory:
        argv = [sys.executable, "-m", "controllers", "--kubeconfig", str(apiserver.kubeconfig)]
        argv += ["--ca-file", str(apiserver.pki.ca_file), "--node-monitor-grace-period", f"{GRACE_S}s"]
        argv += ["--pod-gc-quarantine", "1s", "--cluster-cidr", "10.244.0.0/16"]
        process = Controllers(argv, Path(directory), Path(directory) / "log")
        try:
            process.start()
            yield process
            process.check_alive()
        finally:
            process.end()


@pytest.fixture
async def client(apiserver: ApiServer, controllers: Controllers) -> AsyncIterator[Client]:
    controllers.check_alive()
    async with Client(load(apiserver.kubeconfig), user_agent="test") as client:
        yield client


@pytest.fixture
async def namespace(client: Client, request: pytest.FixtureRequest) -> AsyncIterator[str]:
    name = f"t-{time.time_ns():x}"
    await client.create(Namespace(metadata=ObjectMeta(name=name)))
    yield name
    with contextlib.suppress(NotFound):
        await client.delete(Namespace, name)


async def eventually(look: Callable[[], Awaitable[T]], patience_s: float = PATIENCE_S) -> T:
    """Look until it returns something true."""
    deadline = time.monotonic() + patience_s
    while True:
        found = await look()
        if found or time.monotonic() > deadline:
            assert found, f"still {found!r} after {patience_s} s"
            return found
        await asyncio.sleep(0.03)


async def gone(client: Client, model: Any, name: str, namespace: str = "") -> bool:
    try:
        await client.get(model, name, namespace)
    except NotFound:
        return True
    return False


def deployment(namespace: str, replicas: int = 3, image: str = "naru.local/busybox:1", **spec: Any) -> Deployment:
    template = {
        "metadata": {"labels": {"app": "web"}},
        "spec": {"containers": [{"name": "web", "image": image}], "terminationGracePeriodSeconds": 1},
    }
    body = {"replicas": replicas, "selector": {"matchLabels": {"app": "web"}}, "template": template, **spec}
    return Deployment.model_validate({"metadata": {"name": "web", "namespace": namespace}, "spec": body})


@contextlib.asynccontextmanager
async def beating_node(client: Client, name: str) -> AsyncIterator[Callable[[], None]]:
    """A Node with a heartbeat; the yielded function makes it silent."""
    await client.create(Node(metadata=ObjectMeta(name=name)))
    lease = Lease(metadata=ObjectMeta(name=name, namespace="kube-node-lease"), spec=LeaseSpec(holder_identity=name))
    await client.create(lease)
    beats = asyncio.Event()
    beats.set()

    async def report_ready() -> None:
        moment = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        condition = {"type": "Ready", "status": "True", "reason": "KubeletReady", "lastHeartbeatTime": moment}
        status = {"status": {"conditions": [condition]}}
        await client.patch(Node, name, "", status, "strategic", "status")

    async def beat() -> None:
        while True:
            await beats.wait()
            with contextlib.suppress(ConnectionFailed, ServiceUnavailable):
                await report_ready()
                now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
                await client.patch(Lease, name, "kube-node-lease", {"spec": {"renewTime": now}})
            await asyncio.sleep(GRACE_S / 10)

    def toggle() -> None:
        beats.clear() if beats.is_set() else beats.set()

    task = asyncio.create_task(beat())
    try:
        yield toggle
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await client.delete(Lease, name, "kube-node-lease")
        with contextlib.suppress(NotFound):
            await client.delete(Node, name)


class FakeNode:
    """Plays scheduler and agent: pods of a namespace run on one node, ready at once, and stop when deleted."""

    def __init__(self, client: Client, namespace: str, node: str) -> None:
        self.client = client
        self.namespace = namespace
        self.node = node
        self.ready = True
        self.overlap: list[int] = []  # active pods after each change
        self._tasks: set[asyncio.Task[None]] = set()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["FakeNode"]:
        factory = InformerFactory(self.client)
        self.informer = factory.informer(Pod, self.namespace)
        self.informer.on_event(lambda _, old, new: self._changed(new))
        task = asyncio.create_task(factory.run())
        try:
            await self.informer.wait()
            yield self
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            for pending in self._tasks:
                pending.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def _changed(self, pod: Pod | None) -> None:
        self.overlap.append(sum(p.metadata.deletion_timestamp is None for p in self.informer.store.list()))
        if pod is not None:
            task = asyncio.create_task(self._step(pod))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _step(self, pod: Pod) -> None:
        while True:
            try:
                with contextlib.suppress(NotFound, Conflict):  # changed since: the change is an event of its own
                    await self._act(pod)
                return
            except (ConnectionFailed, ServiceUnavailable):
                await asyncio.sleep(0.1)

    async def _act(self, pod: Pod) -> None:
        meta = pod.metadata
        if meta.deletion_timestamp is not None:
            if pod.spec.node_name:
                await self.client.delete(Pod, meta.name, meta.namespace, uid=meta.uid, grace_period_seconds=0)
        elif not pod.spec.node_name:
            await self.client.bind(pod, self.node)
        elif pod.status.phase != "Running" and self.ready:
            await self.run_pod(pod)

    async def run_pod(self, pod: Pod) -> None:
        moment = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        condition = {"type": "Ready", "status": "True", "lastTransitionTime": moment}
        status = {"status": {"phase": "Running", "conditions": [condition]}}
        await self.client.patch(Pod, pod.metadata.name, pod.metadata.namespace, status, "strategic", "status")


@pytest.fixture
async def fake_node(client: Client, namespace: str) -> AsyncIterator[FakeNode]:
    name = f"node-{namespace}"
    async with beating_node(client, name), FakeNode(client, namespace, name).running() as node:
        yield node


async def rolled_out(client: Client, namespace: str) -> Deployment | None:
    """Judge as ``kubectl rollout status`` does."""
    d = await client.get(Deployment, "web", namespace)
    status, wanted = d.status, d.spec.replicas
    complete = status.updated_replicas == status.replicas == status.available_replicas == wanted
    return d if complete and status.observed_generation >= d.metadata.generation else None


async def set_image(client: Client, namespace: str, image: str) -> None:
    patch = {"spec": {"template": {"spec": {"containers": [{"name": "web", "image": image}]}}}}
    await client.patch(Deployment, "web", namespace, patch, "strategic")


class TestDeployment:
    """A Deployment becomes pods, and moves them from revision to revision."""

    async def test_becomes_ready_pods(self, client: Client, namespace: str, fake_node: FakeNode) -> None:
        await client.create(deployment(namespace))
        done = await eventually(lambda: rolled_out(client, namespace))
        assert done.metadata.annotations["deployment.kubernetes.io/revision"] == "1"
        reasons = {c.type: (c.status, c.reason) for c in done.status.conditions}
        assert reasons["Available"] == ("True", "MinimumReplicasAvailable")
        (rs,) = (await client.list(ReplicaSet, namespace)).items
        reached = await eventually(lambda: self.progressing(client, namespace, "NewReplicaSetAvailable"))
        assert reached == f'ReplicaSet "{rs.metadata.name}" has successfully progressed.'

    async def progressing(self, client: Client, namespace: str, reason: str) -> str:
        d = await client.get(Deployment, "web", namespace)
        condition = find_condition(d.status.conditions, "Progressing")
        return condition.message if condition is not None and condition.reason == reason else ""

    async def test_events_tell_of_it(self, client: Client, namespace: str, fake_node: FakeNode) -> None:
        await client.create(deployment(namespace))
        (rs,) = await eventually(lambda: self.items(client, ReplicaSet, namespace))

        async def messages() -> bool:
            events = (await client.list(Event, namespace)).items
            texts = {(event.reason, event.message) for event in events}
            created = sum(reason == "SuccessfulCreate" for reason, _ in texts)
            scaled = ("ScalingReplicaSet", f"Scaled up replica set {rs.metadata.name} from 0 to 3")
            return scaled in texts and created == 3

        await eventually(messages)

    async def items(self, client: Client, model: Any, namespace: str) -> Any:
        return (await client.list(model, namespace)).items

    async def test_rolling_update_keeps_its_promises(self, client: Client, namespace: str, fake_node: FakeNode) -> None:
        await client.create(deployment(namespace, replicas=4))
        await eventually(lambda: rolled_out(client, namespace))
        fake_node.overlap.clear()
        await set_image(client, namespace, "naru.local/busybox:2")
        done = await eventually(lambda: rolled_out(client, namespace))
        assert done.metadata.annotations["deployment.kubernetes.io/revision"] == "2"
        assert min(fake_node.overlap) >= 3
        assert max(fake_node.overlap) <= 5

    async def test_a_rollback_takes_the_old_replicaset_again(
        self, client: Client, namespace: str, fake_node: FakeNode
    ) -> None:
        await client.create(deployment(namespace))
        await eventually(lambda: rolled_out(client, namespace))
        for image in ("naru.local/busybox:2", "naru.local/busybox:1"):
            await set_image(client, namespace, image)
            done = await eventually(lambda: rolled_out(client, namespace))
        assert done.metadata.annotations["deployment.kubernetes.io/revision"] == "3"
        numbers = {
            rs.spec.template.spec.containers[0].image: rs.metadata.annotations["deployment.kubernetes.io/revision"]
            for rs in (await client.list(ReplicaSet, namespace)).items
        }
        assert numbers == {"naru.local/busybox:1": "3", "naru.local/busybox:2": "2"}

    async def test_recreate_starts_when_the_last_has_ended(
        self, client: Client, namespace: str, fake_node: FakeNode
    ) -> None:
        await client.create(deployment(namespace, strategy={"type": "Recreate"}))
        await eventually(lambda: rolled_out(client, namespace))
        fake_node.overlap.clear()
        await set_image(client, namespace, "naru.local/busybox:2")
        await eventually(lambda: rolled_out(client, namespace))
        assert max(fake_node.overlap) <= 3
        assert min(fake_node.overlap) == 0

    async def test_scaling_there_and_back(self, client: Client, namespace: str, fake_node: FakeNode) -> None:
        await client.create(deployment(namespace, replicas=1))
        await eventually(lambda: rolled_out(client, namespace))
        for replicas in (20, 2, 0):
            await client.patch(Deployment, "web", namespace, {"spec": {"replicas": replicas}})
            await eventually(lambda: rolled_out(client, namespace))
            await eventually(lambda want=replicas: self.count(client, namespace, want))  # type: ignore[misc]

    async def count(self, client: Client, namespace: str, wanted: int) -> bool:
        return len((await client.list(Pod, namespace)).items) == wanted

    async def test_a_paused_one_does_not_roll_but_scales(
        self, client: Client, namespace: str, fake_node: FakeNode
    ) -> None:
        await client.create(deployment(namespace))
        await eventually(lambda: rolled_out(client, namespace))
        await client.patch(Deployment, "web", namespace, {"spec": {"paused": True}})
        await set_image(client, namespace, "naru.local/busybox:2")
        await client.patch(Deployment, "web", namespace, {"spec": {"replicas": 5}})
        await eventually(lambda: self.count(client, namespace, 5))
        assert len((await client.list(ReplicaSet, namespace)).items) == 1
        await client.patch(Deployment, "web", namespace, {"spec": {"paused": False}})
        await eventually(lambda: rolled_out(client, namespace))
        assert len((await client.list(ReplicaSet, namespace)).items) == 2

    async def test_history_is_limited(self, client: Client, namespace: str, fake_node: FakeNode) -> None:
        await client.create(deployment(namespace, replicas=1, revisionHistoryLimit=1))
        for number in range(2, 5):
            await eventually(lambda: rolled_out(client, namespace))
            await set_image(client, namespace, f"naru.local/busybox:{number}")
        await eventually(lambda: rolled_out(client, namespace))

        async def images() -> bool:
            sets = (await client.list(ReplicaSet, namespace)).items
            return sorted(rs.spec.template.spec.containers[0].image[-1] for rs in sets) == ["3", "4"]

        await eventually(images)

    async def test_a_stuck_rollout_is_reported(self, client: Client, namespace: str, fake_node: FakeNode) -> None:
        fake_node.ready = False
        await client.create(deployment(namespace, progressDeadlineSeconds=1))
        assert await eventually(lambda: self.progressing(client, namespace, "ProgressDeadlineExceeded"))


class TestReplicaSet:
    """Pods are replaced, adopted and released."""

    async def test_a_deleted_pod_is_replaced(self, client: Client, namespace: str, fake_node: FakeNode) -> None:
        await client.create(deployment(namespace))
        await eventually(lambda: rolled_out(client, namespace))
        victim = (await client.list(Pod, namespace)).items[0]
        await client.delete(Pod, victim.metadata.name, namespace)

        async def replaced() -> bool:
            names = {pod.metadata.name for pod in (await client.list(Pod, namespace)).items}
            return len(names) == 3 and victim.metadata.name not in names

        await eventually(replaced)

    async def test_a_relabelled_pod_is_released_and_adopted_again(
        self, client: Client, namespace: str, fake_node: FakeNode
    ) -> None:
        await client.create(deployment(namespace, replicas=1))
        await eventually(lambda: rolled_out(client, namespace))
        (pod,) = (await client.list(Pod, namespace)).items
        await client.patch(Pod, pod.metadata.name, namespace, {"metadata": {"labels": {"app": "debug"}}})

        async def released() -> bool:
            fresh = await client.get(Pod, pod.metadata.name, namespace)
            return controller_of(fresh) is None and len((await client.list(Pod, namespace)).items) == 2

        await eventually(released)
        await client.patch(Pod, pod.metadata.name, namespace, {"metadata": {"labels": {"app": "web"}}})

        async def one_again() -> bool:
            pods = (await client.list(Pod, namespace)).items
            return len(pods) == 1 and controller_of(pods[0]) is not None

        await eventually(one_again)


class TestGarbageCollector:
    """Dependents follow their owners, or are left, as the deletion asked."""

    @pytest.mark.parametrize("propagation", ["Background", "Foreground"])
    async def test_dependents_go_along(
        self, client: Client, namespace: str, fake_node: FakeNode, propagation: str
    ) -> None:
        await client.create(deployment(namespace))
        await eventually(lambda: rolled_out(client, namespace))
        await client.delete(Deployment, "web", namespace, propagation=propagation)

        async def nothing_left() -> bool:
            left = [*(await client.list(ReplicaSet, namespace)).items, *(await client.list(Pod, namespace)).items]
            return not left and await gone(client, Deployment, "web", namespace)

        await eventually(nothing_left)

    async def test_orphans_stay(self, client: Client, namespace: str, fake_node: FakeNode) -> None:
        await client.create(deployment(namespace))
        await eventually(lambda: rolled_out(client, namespace))
        await client.delete(Deployment, "web", namespace, propagation="Orphan")
        await eventually(lambda: gone(client, Deployment, "web", namespace))
        (rs,) = (await client.list(ReplicaSet, namespace)).items
        assert rs.metadata.owner_references == ()
        assert len((await client.list(Pod, namespace)).items) == 3

    async def test_an_owner_that_never_was(self, client: Client, namespace: str) -> None:
        owner = OwnerReference(api_version="v1", kind="ConfigMap", name="absent", uid="no-such-uid")
        meta = ObjectMeta(name="child", namespace=namespace, owner_references=(owner,))
        await client.create(ConfigMap(metadata=meta))
        await eventually(lambda: gone(client, ConfigMap, "child", namespace))

    async def test_a_namesake_is_no_owner(self, client: Client, namespace: str) -> None:
        owner = await client.create(ConfigMap(metadata=ObjectMeta(name="owner", namespace=namespace)))
        own = OwnerReference(api_version="v1", kind="ConfigMap", name="owner", uid=owner.metadata.uid)
        other = own.model_copy(update={"uid": "an-earlier-uid"})
        for name, references in (("kept", (own,)), ("collected", (other,)), ("both", (own, other))):
            meta = ObjectMeta(name=name, namespace=namespace, owner_references=references)
            await client.create(ConfigMap(metadata=meta))
        await eventually(lambda: gone(client, ConfigMap, "collected", namespace))

        async def sorted_out() -> bool:
            both = await client.get(ConfigMap, "both", namespace)
            return both.metadata.owner_references == (own,)

        await eventually(sorted_out)
        await client.get(ConfigMap, "kept", namespace)

    @pytest.mark.parametrize("propagation", ["Background", "Foreground"])
    async def test_kinds_that_had_no_object_before(self, client: Client, namespace: str, propagation: str) -> None:
        owner = await client.create(LimitRange(metadata=ObjectMeta(name="owner", namespace=namespace)))
        service = await client.create(service_of(owner, namespace))
        await client.create(Endpoints(metadata=owned_by(service, namespace)))
        await client.delete(LimitRange, "owner", namespace, propagation=propagation)
        await eventually(lambda: gone(client, Endpoints, "child", namespace), 2 * PATIENCE_S)
        await eventually(lambda: gone(client, Service, "child", namespace))
        await eventually(lambda: gone(client, LimitRange, "owner", namespace))

    async def test_orphans_of_a_kind_that_had_no_object_before(self, client: Client, namespace: str) -> None:
        owner = await client.create(LimitRange(metadata=ObjectMeta(name="owner", namespace=namespace)))
        body = {"metadata": owned_by(owner, namespace).wire(), "data": {"a": 1}, "revision": 1}
        await client.create(ControllerRevision.model_validate(body))
        await client.delete(LimitRange, "owner", namespace, propagation="Orphan")
        await eventually(lambda: gone(client, LimitRange, "owner", namespace), 2 * PATIENCE_S)
        left = await client.get(ControllerRevision, "child", namespace)
        assert left.metadata.owner_references == ()

    async def test_an_owner_named_in_another_version_of_its_kind(self, client: Client, namespace: str) -> None:
        body = {"maxReplicas": 2, "scaleTargetRef": {"kind": "Deployment", "name": "web"}}
        owner = HorizontalPodAutoscaler.model_validate(
            {"metadata": {"name": "owner", "namespace": namespace}, "spec": body}
        )
        made = await client.create(owner)
        await client.create(ConfigMap(metadata=owned_by(made, namespace)))
        await client.delete(HorizontalPodAutoscaler, "owner", namespace)
        await eventually(lambda: gone(client, ConfigMap, "child", namespace))


def owned_by(owner: KubeObject, namespace: str) -> ObjectMeta:
    meta = owner.metadata
    reference = OwnerReference(
        api_version=owner.api_version, kind=owner.kind, name=meta.name, uid=meta.uid, block_owner_deletion=True
    )
    return ObjectMeta(name="child", namespace=namespace, owner_references=(reference,))


def service_of(owner: KubeObject, namespace: str) -> Service:
    return Service.model_validate({"metadata": owned_by(owner, namespace).wire(), "spec": {"ports": [{"port": 80}]}})


CONTAINERS = [{"name": "c", "image": "naru.local/busybox:1"}]
TEMPLATE = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": CONTAINERS}}
SELECTED = {"selector": {"matchLabels": {"a": "b"}}, "template": TEMPLATE}
JOB = {"template": {"spec": {"containers": CONTAINERS, "restartPolicy": "Never"}}}
CLAIM = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
ROLE = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "r"}
MINIMAL: dict[str, dict[str, Any]] = {
    "configmaps": {},
    "controllerrevisions": {"data": {}, "revision": 1},
    "cronjobs": {"spec": {"schedule": "0 0 1 1 *", "jobTemplate": {"spec": JOB}}},
    "daemonsets": {"spec": SELECTED},
    "endpoints": {},
    "endpointslices": {"addressType": "IPv4", "endpoints": []},
    "horizontalpodautoscalers": {"spec": {"maxReplicas": 2, "scaleTargetRef": {"kind": "Deployment", "name": "d"}}},
    "ingresses": {"spec": {"defaultBackend": {"service": {"name": "s", "port": {"number": 80}}}}},
    "jobs": {"spec": JOB},
    "leases": {"spec": {}},
    "limitranges": {},
    "networkpolicies": {"spec": {"podSelector": {}}},
    "persistentvolumeclaims": {"spec": CLAIM},
    "poddisruptionbudgets": {"spec": {"minAvailable": 1, "selector": {}}},
    "podtemplates": {"template": TEMPLATE},
    "replicationcontrollers": {"spec": {"replicas": 0, "selector": {"a": "b"}, "template": TEMPLATE}},
    "resourcequotas": {},
    "rolebindings": {"roleRef": ROLE},
    "roles": {},
    "secrets": {},
    "services": {"spec": {"ports": [{"port": 80}]}},
    "statefulsets": {"spec": {"serviceName": "s", **SELECTED}},
}


class TestNamespace:
    """A namespace has what pods count on, and takes everything along when it goes."""

    async def test_default_objects(self, client: Client, namespace: str, apiserver: ApiServer) -> None:
        async def there() -> bool:
            return not await gone(client, ServiceAccount, "default", namespace) and not await gone(
                client, ConfigMap, "kube-root-ca.crt", namespace
            )

        await eventually(there)
        await client.patch(ConfigMap, "kube-root-ca.crt", namespace, {"data": {"ca.crt": "changed"}})

        async def mended() -> bool:
            config_map = await client.get(ConfigMap, "kube-root-ca.crt", namespace)
            return config_map.data == {"ca.crt": apiserver.pki.ca_file.read_text()}

        await eventually(mended)
        await client.delete(ServiceAccount, "default", namespace)
        await client.delete(ConfigMap, "kube-root-ca.crt", namespace)
        await eventually(there)

    async def test_deletion_takes_all_along(self, client: Client, namespace: str, fake_node: FakeNode) -> None:
        await client.create(deployment(namespace))
        await client.create(ConfigMap(metadata=ObjectMeta(name="extra", namespace=namespace)))
        await eventually(lambda: rolled_out(client, namespace))
        await client.delete(Namespace, namespace)
        await eventually(lambda: gone(client, Namespace, namespace))
        for model in (Deployment, ReplicaSet, Pod, ConfigMap, ServiceAccount, Event):
            assert (await client.list(model, namespace)).items == ()

    async def test_deletion_takes_objects_of_every_kind_along(self, client: Client, namespace: str) -> None:
        kinds = [r for r in collected() if r.namespaced and r.plural in MINIMAL]
        assert len(kinds) == len(MINIMAL)
        for resource in kinds:
            body = {"metadata": {"name": "left"}, **MINIMAL[resource.plural]}
            await client.raw("POST", resource.path(namespace), body=body)
        await client.delete(Namespace, namespace)
        await eventually(lambda: gone(client, Namespace, namespace))
        for resource in collected():
            if resource.namespaced:
                assert (await client.raw("GET", resource.path(namespace)))["items"] == [], resource.plural

    async def test_a_finalizer_in_it_holds_it_and_says_so(self, client: Client, namespace: str) -> None:
        meta = ObjectMeta(name="held", namespace=namespace, finalizers=("example.com/hold",))
        await client.create(ConfigMap(metadata=meta))
        await client.delete(Namespace, namespace)

        async def told() -> str:
            held = await client.get(Namespace, namespace)
            condition = find_condition(held.status.conditions, "NamespaceFinalizersRemaining")
            return condition.message if condition is not None and condition.status == "True" else ""

        text = "Some content in the namespace has finalizers remaining: example.com/hold in 1 resource instances"
        assert await eventually(told) == text
        await client.patch(ConfigMap, "held", namespace, {"metadata": {"finalizers": None}})
        await eventually(lambda: gone(client, Namespace, namespace))


async def taints_of(client: Client, name: str) -> set[tuple[str, str]]:
    node = await client.get(Node, name)
    return {(taint.key, taint.effect) for taint in node.spec.taints}


class TestNodes:
    """Nodes get address ranges, and are judged by their signs of life."""

    async def test_ranges_do_not_overlap(self, client: Client) -> None:
        names = [f"ipam-{n}" for n in range(5)]
        await asyncio.gather(*(client.create(Node(metadata=ObjectMeta(name=name))) for name in names))

        async def ranges() -> list[str]:
            found = [(await client.get(Node, name)).spec.pod_cidr for name in names]
            return found if all(found) else []

        found = await eventually(ranges)
        assert len(set(found)) == len(names)
        assert all(cidr.startswith("10.244.") and cidr.endswith(".0/24") for cidr in found)
        for name in names:
            await client.delete(Node, name)

    async def test_a_silent_node_loses_its_pods_and_comes_back(self, client: Client, namespace: str) -> None:
        async with beating_node(client, "silent") as toggle, FakeNode(client, namespace, "silent").running() as fake:
            await eventually(lambda: self.untainted(client, "silent"))
            patience = [
                {"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 1}
                for key in ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")
            ]
            d = deployment(namespace, replicas=2).wire()
            d["spec"]["template"]["spec"]["tolerations"] = patience
            await client.create(Deployment.model_validate(d))
            await eventually(lambda: rolled_out(client, namespace))
            before = {pod.metadata.uid for pod in (await client.list(Pod, namespace)).items}
            toggle()
            unreachable = "node.kubernetes.io/unreachable"
            both = {(unreachable, "NoSchedule"), (unreachable, "NoExecute")}

            async def tainted() -> bool:
                return await taints_of(client, "silent") == both

            await eventually(tainted)
            node = await client.get(Node, "silent")
            ready = find_condition(node.status.conditions, "Ready")
            assert ready is not None
            assert (ready.status, ready.reason) == ("Unknown", "NodeStatusUnknown")

            async def replaced() -> bool:
                active = [p for p in (await client.list(Pod, namespace)).items if not p.metadata.deletion_timestamp]
                return len(active) == 2 and before.isdisjoint(pod.metadata.uid for pod in active)

            async with beating_node(client, "elsewhere"):
                fake.node = "elsewhere"
                await eventually(replaced)
                toggle()
                await eventually(lambda: self.untainted(client, "silent"))

    async def untainted(self, client: Client, name: str) -> bool:
        node = await client.get(Node, name)
        ready = find_condition(node.status.conditions, "Ready")
        return not node.spec.taints and ready is not None and ready.status == "True"

    async def test_pods_of_a_node_that_is_gone_are_removed(self, client: Client, namespace: str) -> None:
        await client.create(Node(metadata=ObjectMeta(name="leaving")))
        template = deployment(namespace).spec.template
        pod = await client.create(Pod(metadata=ObjectMeta(name="left", namespace=namespace), spec=template.spec))
        await client.bind(pod, "leaving")
        await client.delete(Node, "leaving")
        await eventually(lambda: gone(client, Pod, "left", namespace))

    async def test_cordon_is_a_taint(self, client: Client) -> None:
        async with beating_node(client, "cordoned"):
            await eventually(lambda: self.untainted(client, "cordoned"))
            await client.patch(Node, "cordoned", "", {"spec": {"unschedulable": True}})

            async def cordoned() -> bool:
                return ("node.kubernetes.io/unschedulable", "NoSchedule") in await taints_of(client, "cordoned")

            await eventually(cordoned)


class TestFaults:
    """Whatever is killed, the cluster converges, and nothing is created twice."""

    async def test_killed_in_the_middle_of_scaling(
        self, client: Client, namespace: str, fake_node: FakeNode, controllers: Controllers
    ) -> None:
        await client.create(deployment(namespace, replicas=5))
        await eventually(lambda: rolled_out(client, namespace))
        for replicas in (40, 10, 30):
            await client.patch(Deployment, "web", namespace, {"spec": {"replicas": replicas}})
            await asyncio.sleep(0.1)
            controllers.end(signal.SIGKILL)
            controllers.start()  # notices that the leader is dead: it does not wait for the lease to lapse
            begin = time.monotonic()
            await eventually(lambda: rolled_out(client, namespace))
            assert time.monotonic() - begin < 10
            active = [p for p in (await client.list(Pod, namespace)).items if not p.metadata.deletion_timestamp]
            assert len(active) == replicas
            assert max(fake_node.overlap) <= 40

    async def test_the_api_server_is_killed(
        self, client: Client, namespace: str, fake_node: FakeNode, apiserver: ApiServer
    ) -> None:
        await client.create(deployment(namespace, replicas=3))
        await eventually(lambda: rolled_out(client, namespace))
        await client.patch(Deployment, "web", namespace, {"spec": {"replicas": 30}})
        apiserver.end(signal.SIGKILL)
        await asyncio.sleep(0.5)
        await asyncio.to_thread(apiserver.start)
        begin = time.monotonic()
        await eventually(lambda: rolled_out(client, namespace))
        assert time.monotonic() - begin < 8
        assert max(fake_node.overlap) <= 30
