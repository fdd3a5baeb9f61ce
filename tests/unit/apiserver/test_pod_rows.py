"""The STATUS, READY and RESTARTS of a pod, as kubectl users know them."""

from datetime import UTC, datetime
from typing import Any

import pytest

from apiserver.registry.pod_rows import summarize, total_containers
from naru.api.pod_v1 import Pod

NOW = datetime(2026, 1, 1, 0, 5, tzinfo=UTC)
READY = {"type": "Ready", "status": "True"}
INITIALIZED = {"type": "Initialized", "status": "True"}
RUNNING: dict[str, Any] = {"ready": True, "started": True, "state": {"running": {}}}
DONE: dict[str, Any] = {"state": {"terminated": {"exitCode": 0, "reason": "Completed"}}}


def waiting(reason: str, **more: Any) -> dict[str, Any]:
    return {"state": {"waiting": {"reason": reason}}, **more}


def ended(code: int, reason: str = "", signal: int = 0) -> dict[str, Any]:
    return {"state": {"terminated": {"exitCode": code, "reason": reason, "signal": signal}}}


def pod(
    phase: str = "Running",
    containers: list[dict[str, Any]] | None = None,
    init: list[dict[str, Any]] | None = None,
    *,
    sidecars: int = 0,
    deleted: bool = False,
    conditions: list[dict[str, str]] | None = None,
    reason: str = "",
) -> Pod:
    """A pod with these container statuses; the last ``sidecars`` init containers are sidecars."""
    containers, init = containers or [], init or []
    plain = len(init) - sidecars
    return Pod.model_validate(
        {
            "metadata": {"name": "p", **({"deletionTimestamp": "2026-01-01T00:00:00Z"} if deleted else {})},
            "spec": {
                "containers": [{"name": f"c{i}"} for i in range(max(1, len(containers)))],
                "initContainers": [
                    {"name": f"i{i}", **({"restartPolicy": "Always"} if i >= plain else {})} for i in range(len(init))
                ],
            },
            "status": {
                "phase": phase,
                "reason": reason,
                "conditions": conditions or [],
                "containerStatuses": [{"name": f"c{i}", **status} for i, status in enumerate(containers)],
                "initContainerStatuses": [{"name": f"i{i}", **status} for i, status in enumerate(init)],
            },
        }
    )


@pytest.mark.parametrize(
    ("shown", "status", "ready"),
    [
        pytest.param(pod("Pending"), "Pending", 0, id="nothing known yet"),
        pytest.param(pod("Pending", [waiting("ContainerCreating")]), "ContainerCreating", 0, id="creating"),
        pytest.param(pod(containers=[RUNNING]), "Running", 1, id="running"),
        pytest.param(pod(containers=[waiting("CrashLoopBackOff")]), "CrashLoopBackOff", 0, id="crashing"),
        pytest.param(
            pod(containers=[waiting("ImagePullBackOff"), RUNNING]), "ImagePullBackOff", 1, id="one of two cannot start"
        ),
        pytest.param(pod("Succeeded", [DONE]), "Completed", 0, id="completed"),
        pytest.param(pod("Failed", [ended(1, "Error")]), "Error", 0, id="failed"),
        pytest.param(pod("Failed", [ended(137, "OOMKilled")]), "OOMKilled", 0, id="out of memory"),
        pytest.param(pod("Failed", [ended(3)]), "ExitCode:3", 0, id="an exit code and no reason"),
        pytest.param(pod("Failed", [ended(0, signal=9)]), "Signal:9", 0, id="a signal and no reason"),
        pytest.param(pod("Failed", reason="Evicted"), "Evicted", 0, id="the pod's own reason"),
        pytest.param(
            pod(containers=[DONE, RUNNING], conditions=[READY]), "Running", 1, id="one done, one running, ready"
        ),
        pytest.param(pod(containers=[DONE, RUNNING]), "NotReady", 1, id="one done, one running, not ready"),
        pytest.param(
            pod("Pending", init=[DONE, waiting("PodInitializing"), waiting("")]), "Init:1/3", 0, id="initializing"
        ),
        pytest.param(pod("Pending", init=[waiting("ErrImagePull")]), "Init:ErrImagePull", 0, id="init cannot start"),
        pytest.param(pod("Pending", init=[ended(1, "Error")]), "Init:Error", 0, id="init failed"),
        pytest.param(pod("Pending", init=[ended(2)]), "Init:ExitCode:2", 0, id="init failed without a reason"),
        pytest.param(pod(init=[DONE], containers=[RUNNING]), "Running", 1, id="initialized"),
        pytest.param(pod(init=[RUNNING], sidecars=1, containers=[RUNNING]), "Running", 2, id="a sidecar counts"),
        pytest.param(
            pod("Pending", init=[RUNNING, waiting("")][::-1], sidecars=1), "Init:0/2", 0, id="init before the sidecar"
        ),
        pytest.param(
            pod(init=[waiting("CrashLoopBackOff")], sidecars=1, containers=[RUNNING], conditions=[INITIALIZED]),
            "Init:CrashLoopBackOff",
            1,
            id="a sidecar that crashes later",
        ),
        pytest.param(pod(containers=[RUNNING], deleted=True), "Terminating", 1, id="being deleted"),
        pytest.param(pod("Succeeded", [DONE], deleted=True), "Completed", 0, id="deleted when it had ended"),
        pytest.param(pod(containers=[RUNNING], deleted=True, reason="NodeLost"), "Unknown", 1, id="on a lost node"),
        pytest.param(
            pod("Pending", conditions=[{"type": "PodScheduled", "status": "False", "reason": "SchedulingGated"}]),
            "SchedulingGated",
            0,
            id="held by a gate",
        ),
    ],
)
def test_status(shown: Pod, status: str, ready: int) -> None:
    summary = summarize(shown)
    assert (summary.reason, summary.ready) == (status, ready)


def restarted(times: int, at: str = "") -> dict[str, Any]:
    last = {"lastState": {"terminated": {"exitCode": 1, "finishedAt": at}}} if at else {}
    return {**RUNNING, "restartCount": times, **last}


@pytest.mark.parametrize(
    ("shown", "restarts"),
    [
        pytest.param(pod(containers=[RUNNING]), "0", id="none"),
        pytest.param(pod(containers=[restarted(2)]), "2", id="nobody knows when"),
        pytest.param(
            pod(containers=[restarted(2, "2026-01-01T00:00:00Z"), restarted(1, "2026-01-01T00:04:00Z")]),
            "3 (60s ago)",
            id="all containers together, and the latest moment",
        ),
        pytest.param(
            pod(init=[{**DONE, "restartCount": 4}], containers=[restarted(1)]),
            "1",
            id="init containers no longer count",
        ),
        pytest.param(
            pod("Pending", init=[{**waiting("CrashLoopBackOff"), "restartCount": 4}]), "4", id="while they run they do"
        ),
        pytest.param(
            pod(init=[restarted(3)], sidecars=1, containers=[restarted(1)]), "4", id="sidecars count all the time"
        ),
    ],
)
def test_restarts(shown: Pod, restarts: str) -> None:
    assert summarize(shown).restarts_text(NOW) == restarts


def test_sidecars_have_to_be_ready_too() -> None:
    assert total_containers(pod(init=[DONE, RUNNING], sidecars=1, containers=[RUNNING, RUNNING])) == 3
