"""What a pod needs next, as a table."""

from typing import Any

import pytest

from naru.api.core_v1 import Pod
from nodeagent.pods.faults import Waiting
from nodeagent.pods.observed import ContainerView, Observed, SandboxPhase, Verdict
from nodeagent.pods.plan import PodActions, plan_pod
from nodeagent.runtime.spec import ContainerPhase, ContainerState

NOW = 1_000.0
LATER = NOW + 20


def new_pod(*names: str, init: tuple[str, ...] = (), phase: str = "", deleting: int | None = None, **spec: Any) -> Pod:
    meta: dict[str, Any] = {"name": "web", "namespace": "default", "uid": "u1"}
    if deleting is not None:
        meta |= {"deletionTimestamp": "2026-01-01T00:00:00Z", "deletionGracePeriodSeconds": deleting}
    containers = [{"name": name, "image": "i"} for name in names or ("a",)]
    inits = [{"name": name, "image": "i"} for name in init]
    body = {"containers": containers, "initContainers": inits, **spec}
    return Pod.model_validate({"metadata": meta, "spec": body, "status": {"phase": phase}})


def running(name: str = "a") -> ContainerView:
    return ContainerView(ContainerState(f"id-{name}", name, 0, ContainerPhase.RUNNING))


def ended(code: int = 0, name: str = "a", **view: Any) -> ContainerView:
    return ContainerView(ContainerState(f"id-{name}", name, 0, ContainerPhase.EXITED, exit_code=code), **view)


def seen(sandbox: SandboxPhase = SandboxPhase.READY, **more: Any) -> Observed:
    views = more.pop("views", {})
    return Observed(sandbox=sandbox, containers=views, now=NOW, started_at=NOW - 5, **more)


NONE = SandboxPhase.NONE
BUSY = ContainerView(busy=True)


@pytest.mark.parametrize(
    ("pod", "observed", "expected"),
    [
        pytest.param(new_pod(), seen(NONE), PodActions(create_sandbox=True), id="first comes the sandbox"),
        pytest.param(new_pod(), seen(SandboxPhase.STARTING), PodActions(), id="one sandbox at a time"),
        pytest.param(new_pod(), seen(NONE, sandbox_due_at=LATER), PodActions(wake_at=LATER), id="a sandbox failed"),
        pytest.param(
            new_pod(), seen(SandboxPhase.LOST), PodActions(create_sandbox=True), id="a lost sandbox is made anew"
        ),
        pytest.param(new_pod("a", "b"), seen(), PodActions(start=("a", "b")), id="containers start together"),
        pytest.param(new_pod("a", "b"), seen(views={"a": BUSY}), PodActions(start=("b",)), id="a start is under way"),
        pytest.param(new_pod(), seen(views={"a": running()}), PodActions(), id="what runs is left alone"),
        pytest.param(new_pod(init=("i", "j")), seen(), PodActions(start=("i",)), id="init containers come first"),
        pytest.param(
            new_pod(init=("i", "j")),
            seen(views={"i": ended(name="i")}),
            PodActions(start=("j",)),
            id="the next init container follows a success",
        ),
        pytest.param(
            new_pod(init=("i",)),
            seen(views={"i": running("i")}),
            PodActions(),
            id="containers wait for the init container",
        ),
        pytest.param(
            new_pod(init=("i",)), seen(views={"i": ended(name="i")}), PodActions(start=("a",)), id="then the containers"
        ),
        pytest.param(
            new_pod(init=("i",)),
            seen(views={"i": ended(1, "i", due_at=LATER)}),
            PodActions(wake_at=LATER),
            id="a failed init container backs off",
        ),
        pytest.param(
            new_pod(init=("i",), restartPolicy="Never"),
            seen(views={"i": ended(1, "i")}),
            PodActions(tear_down=True, grace_s=30),
            id="a failed init container ends a pod that is never restarted",
        ),
        pytest.param(
            new_pod(init=("i",)),
            seen(views={"i": ended(name="i", current=False), "a": ended(137, current=False)}),
            PodActions(start=("i",)),
            id="a new sandbox begins with the init containers again",
        ),
        pytest.param(
            new_pod(init=("i",)),
            seen(views={"i": ContainerView(), "a": running()}),
            PodActions(),
            id="init containers are not repeated under a running container",
        ),
        pytest.param(new_pod(), seen(views={"a": ended(0)}), PodActions(start=("a",)), id="Always restarts a success"),
        pytest.param(
            new_pod(),
            seen(views={"a": ended(1, due_at=LATER)}),
            PodActions(wake_at=LATER),
            id="a restart waits its back-off",
        ),
        pytest.param(
            new_pod(),
            seen(views={"a": ContainerView(waiting=Waiting("ErrImagePull"), due_at=LATER)}),
            PodActions(wake_at=LATER),
            id="an image that cannot be had is asked for later",
        ),
        pytest.param(
            new_pod(restartPolicy="OnFailure"),
            seen(views={"a": ended(3)}),
            PodActions(start=("a",)),
            id="OnFailure restarts a failure",
        ),
        pytest.param(
            new_pod("a", "b", restartPolicy="OnFailure"),
            seen(views={"a": ended(0), "b": running("b")}),
            PodActions(),
            id="OnFailure leaves a success",
        ),
        pytest.param(
            new_pod(restartPolicy="OnFailure"),
            seen(views={"a": ended(0)}),
            PodActions(tear_down=True, grace_s=30),
            id="a pod whose containers are done is cleared away",
        ),
        pytest.param(
            new_pod(restartPolicy="Never"),
            seen(SandboxPhase.LOST, views={"a": ended(137, current=False)}),
            PodActions(tear_down=True, grace_s=30),
            id="Never does not come back from a lost sandbox",
        ),
        pytest.param(
            new_pod(deleting=7),
            seen(views={"a": running()}),
            PodActions(tear_down=True, grace_s=7),
            id="deletion stops within its grace period",
        ),
        pytest.param(
            new_pod(deleting=0),
            seen(views={"a": running()}),
            PodActions(tear_down=True, grace_s=1),
            id="even grace 0 is a second",
        ),
        pytest.param(new_pod(deleting=7), seen(stopping=True), PodActions(), id="stopping takes its time"),
        pytest.param(new_pod(deleting=7), seen(NONE, stopped=True), PodActions(delete=True), id="then the object goes"),
        pytest.param(
            new_pod(deleting=7),
            seen(NONE, stopped=True, gone=True),
            PodActions(forget=True),
            id="then there is nothing left",
        ),
        pytest.param(
            new_pod(terminationGracePeriodSeconds=9),
            seen(views={"a": running()}, gone=True),
            PodActions(tear_down=True, grace_s=9),
            id="a pod that vanished from the API is stopped",
        ),
        pytest.param(
            new_pod(phase="Failed"), seen(NONE), PodActions(tear_down=True, grace_s=30), id="Failed never starts again"
        ),
        pytest.param(
            new_pod(phase="Succeeded"), seen(NONE, stopped=True), PodActions(), id="a finished pod stays for its logs"
        ),
        pytest.param(
            new_pod(),
            seen(NONE, verdict=Verdict("OutOfcpu", "no", admitted=False)),
            PodActions(tear_down=True, grace_s=30),
            id="a refused pod starts nothing",
        ),
        pytest.param(
            new_pod(activeDeadlineSeconds=60),
            seen(views={"a": running()}),
            PodActions(wake_at=NOW + 55),
            id="the pod's deadline wakes it",
        ),
    ],
)
def test_plan(pod: Pod, observed: Observed, expected: PodActions) -> None:
    assert plan_pod(pod, observed) == expected
