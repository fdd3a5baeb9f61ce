"""What a pod's status says of what its node sees."""

from datetime import UTC, datetime
from typing import Any

import pytest

from naru.api.core_v1 import Pod, PodStatus
from nodeagent.pods.faults import Waiting
from nodeagent.pods.observed import ContainerView, Ending, Observed, SandboxPhase, Verdict
from nodeagent.pods.status import go_duration, pod_status
from nodeagent.pods.status_patch import status_patch
from nodeagent.runtime.spec import ContainerPhase, ContainerState

NOW = 1_767_225_600.0  # 2026-01-01T00:00:00Z
TIME = "2026-01-01T00:00:00Z"


def new_pod(status: dict[str, Any] | None = None, *, init: bool = False, **spec: Any) -> Pod:
    meta = {"name": "web", "namespace": "default", "uid": "u1", "generation": 3}
    body: dict[str, Any] = {"containers": [{"name": "a", "image": "img:1"}], **spec}
    if init:
        body["initContainers"] = [{"name": "i", "image": "img:1"}]
    return Pod.model_validate({"metadata": meta, "spec": body, "status": status or {}})


def attempt(phase: ContainerPhase, number: int = 0, name: str = "a", **more: Any) -> ContainerState:
    times = {"started_at_us": int(NOW * 1e6), "finished_at_us": int((NOW + 2) * 1e6) if phase == "exited" else 0}
    return ContainerState(f"id{number}", name, number, phase, **(times | more))


def running(number: int = 0, **view: Any) -> ContainerView:
    return ContainerView(attempt(ContainerPhase.RUNNING, number), image_id="sha256:1", **view)


def ended(code: int, number: int = 0, name: str = "a", oom: bool = False, **view: Any) -> ContainerView:
    state = attempt(ContainerPhase.EXITED, number, name, exit_code=code, oom_killed=oom)
    return ContainerView(state, image_id="sha256:1", **view)


def status_of(pod: Pod, sandbox: SandboxPhase = SandboxPhase.READY, **more: Any) -> PodStatus:
    views = {"a": more.pop("a", ContainerView()), "i": more.pop("i", ContainerView())}
    facts = {"host_ip": "198.18.0.11", "pod_ip": "10.244.1.2", "started_at": NOW, "now": NOW + 5}
    return pod_status(pod, Observed(sandbox=sandbox, containers=views, **(facts | more)))


def conditions(status: PodStatus) -> dict[str, str]:
    return {condition.type: f"{condition.status} {condition.reason}".strip() for condition in status.conditions}


class TestContainerState:
    def test_before_its_sandbox_it_is_being_created(self) -> None:
        status = status_of(new_pod(), SandboxPhase.STARTING)
        (container,) = status.wire()["containerStatuses"]
        assert container["state"] == {"waiting": {"reason": "ContainerCreating"}}
        assert container["ready"] is False
        assert container["started"] is False
        assert status.phase == "Pending"

    def test_behind_an_init_container_it_waits_for_the_pod(self) -> None:
        status = status_of(new_pod(init=True))
        assert status.container_statuses[0].state.waiting.reason == "PodInitializing"  # type: ignore[union-attr]

    def test_running(self) -> None:
        status = status_of(new_pod(), a=running(2))
        (container,) = status.wire()["containerStatuses"]
        assert container == {
            "name": "a",
            "state": {"running": {"startedAt": TIME}},
            "lastState": {},
            "ready": True,
            "started": True,
            "restartCount": 2,
            "image": "img:1",
            "imageID": "sha256:1",
            "containerID": "naru://id2",
        }
        assert status.phase == "Running"

    @pytest.mark.parametrize(
        ("view", "reason", "code", "message"),
        [
            pytest.param(ended(0), "Completed", 0, "", id="success"),
            pytest.param(ended(3, ending=Ending("", "oh no")), "Error", 3, "oh no", id="failure with its last message"),
            pytest.param(ended(137, oom=True), "OOMKilled", 137, "", id="out of memory"),
            pytest.param(
                ended(128, ending=Ending("StartError", "exec /x: no such file")),
                "StartError",
                128,
                "exec /x: no such file",
                id="not executable",
            ),
        ],
    )
    def test_ended(self, view: ContainerView, reason: str, code: int, message: str) -> None:
        terminated = status_of(new_pod(restartPolicy="Never"), a=view).container_statuses[0].state.terminated
        assert terminated is not None
        assert (terminated.reason, terminated.exit_code, terminated.message) == (reason, code, message)
        assert terminated.container_id == "naru://id0"

    def test_back_off_says_how_long_and_keeps_the_end(self) -> None:
        view = ended(1, 4, back_off_s=80.0, due_at=NOW + 60)
        (container,) = status_of(new_pod(), a=view).container_statuses
        assert container.state.waiting is not None
        assert container.state.waiting.reason == "CrashLoopBackOff"
        text = "back-off 1m20s restarting failed container=a pod=web_default(u1)"
        assert container.state.waiting.message == text
        assert container.last_state.terminated is not None
        assert container.restart_count == 4

    def test_after_a_restart_the_last_end_is_kept(self) -> None:
        previous = attempt(ContainerPhase.EXITED, 0, exit_code=7)
        (container,) = status_of(new_pod(), a=running(1, previous=previous)).container_statuses
        assert container.last_state.terminated is not None
        assert container.last_state.terminated.exit_code == 7

    def test_an_image_that_cannot_be_had(self) -> None:
        waiting = Waiting("ImagePullBackOff", 'Back-off pulling image "img:1"')
        status = status_of(new_pod(), a=ContainerView(waiting=waiting, due_at=NOW + 60))
        assert status.wire()["containerStatuses"][0]["state"] == {
            "waiting": {"reason": "ImagePullBackOff", "message": 'Back-off pulling image "img:1"'}
        }
        assert status.phase == "Pending"


class TestPhase:
    @pytest.mark.parametrize(
        ("pod", "observed", "phase"),
        [
            pytest.param(
                new_pod(), {"a": ended(1, back_off_s=10.0, due_at=NOW + 99)}, "Running", id="crashing is running"
            ),
            pytest.param(new_pod(restartPolicy="Never"), {"a": ended(0)}, "Succeeded", id="done"),
            pytest.param(new_pod(restartPolicy="Never"), {"a": ended(1)}, "Failed", id="failed"),
            pytest.param(new_pod(restartPolicy="OnFailure"), {"a": ended(1)}, "Running", id="to be restarted"),
            pytest.param(new_pod(init=True), {"i": ended(1, name="i")}, "Pending", id="init fails, to be restarted"),
            pytest.param(
                new_pod(init=True, restartPolicy="Never"),
                {"i": ended(1, name="i")},
                "Failed",
                id="init failed for good",
            ),
            pytest.param(new_pod(), {"a": ended(143), "stopped": True}, "Failed", id="stopped by deletion"),
            pytest.param(new_pod({"phase": "Succeeded"}), {"stopped": True}, "Succeeded", id="what ended stays ended"),
            pytest.param(
                new_pod(), {"a": running(), "verdict": Verdict("DeadlineExceeded", "late")}, "Failed", id="out of time"
            ),
        ],
    )
    def test_phase(self, pod: Pod, observed: dict[str, Any], phase: str) -> None:
        assert status_of(pod, **observed).phase == phase


class TestConditions:
    def test_being_created(self) -> None:
        assert conditions(status_of(new_pod(), SandboxPhase.NONE)) == {
            "PodReadyToStartContainers": "False",
            "Initialized": "True",
            "Ready": "False ContainersNotReady",
            "ContainersReady": "False ContainersNotReady",
        }

    def test_running(self) -> None:
        status = status_of(new_pod(), a=running())
        assert set(conditions(status).values()) == {"True"}
        assert all(condition.observed_generation == 3 for condition in status.conditions)

    def test_behind_an_init_container(self) -> None:
        status = status_of(new_pod(init=True))
        initialized = next(c for c in status.conditions if c.type == "Initialized")
        assert initialized.status == "False"
        assert initialized.message == "containers with incomplete status: [i]"

    def test_done(self) -> None:
        found = conditions(status_of(new_pod(restartPolicy="Never"), a=ended(0)))
        assert found["Initialized"] == "True PodCompleted"
        assert found["Ready"] == "False PodCompleted"

    def test_those_of_others_are_kept(self) -> None:
        scheduled = {"type": "PodScheduled", "status": "True", "lastTransitionTime": TIME}
        assert conditions(status_of(new_pod({"conditions": [scheduled]}), a=running()))["PodScheduled"] == "True"

    def test_time_moves_only_with_the_status(self) -> None:
        old = "2025-01-01T00:00:00Z"
        before = [
            {"type": "Initialized", "status": "True", "lastTransitionTime": old},
            {"type": "Ready", "status": "False", "lastTransitionTime": old},
        ]
        status = status_of(new_pod({"conditions": before}), a=running())
        times = {condition.type: condition.last_transition_time for condition in status.conditions}
        assert times["Initialized"] == datetime(2025, 1, 1, tzinfo=UTC)
        assert times["Ready"] == datetime(2026, 1, 1, 0, 0, 5, tzinfo=UTC)

    def test_a_readiness_gate_holds_the_pod_back(self) -> None:
        pod = new_pod(readinessGates=[{"conditionType": "example.com/up"}])
        found = conditions(status_of(pod, a=running()))
        assert found["ContainersReady"] == "True"
        assert found["Ready"] == "False ReadinessGatesNotReady"


class TestPod:
    def test_addresses_and_class(self) -> None:
        wire = status_of(new_pod(), a=running()).wire()
        assert wire["podIP"] == "10.244.1.2"
        assert wire["podIPs"] == [{"ip": "10.244.1.2"}]
        assert wire["hostIP"] == "198.18.0.11"
        assert wire["hostIPs"] == [{"ip": "198.18.0.11"}]
        assert wire["startTime"] == TIME
        assert wire["qosClass"] == "BestEffort"

    def test_on_the_hosts_network_the_pod_has_its_address(self) -> None:
        assert status_of(new_pod(hostNetwork=True), a=running(), pod_ip="").pod_ip == "198.18.0.11"

    def test_a_refused_pod_says_why(self) -> None:
        verdict = Verdict("OutOfcpu", "Pod was rejected: no cpu", admitted=False)
        status = status_of(new_pod(), SandboxPhase.NONE, verdict=verdict)
        assert (status.phase, status.reason, status.message) == ("Failed", "OutOfcpu", "Pod was rejected: no cpu")
        assert status.container_statuses == ()


class TestPatch:
    def test_nothing_changed(self) -> None:
        status = status_of(new_pod(), a=running())
        assert status_patch(status, status, "u1") is None

    def test_only_what_changed_is_sent(self) -> None:
        old = status_of(new_pod(), SandboxPhase.STARTING, pod_ip="")
        patch = status_patch(old, status_of(new_pod(), a=running()), "u1")
        assert patch is not None
        assert patch["metadata"] == {"uid": "u1"}
        assert set(patch["status"]) == {"phase", "conditions", "containerStatuses", "podIP", "podIPs"}
        assert {condition["type"] for condition in patch["status"]["conditions"]} == {
            "PodReadyToStartContainers",
            "Ready",
            "ContainersReady",
        }

    def test_an_address_replaces_the_one_before(self) -> None:
        old = status_of(new_pod(), a=running())
        patch = status_patch(old, status_of(new_pod(), a=running(), pod_ip="10.244.1.9"), "u1")
        assert patch is not None
        assert patch["status"]["podIPs"] == [{"$patch": "replace"}, {"ip": "10.244.1.9"}]

    def test_the_order_of_conditions_is_no_difference(self) -> None:
        """Others' conditions land anywhere in the list; a patch that changes nothing would be sent for ever."""
        eviction = {"type": "DisruptionTarget", "status": "True", "reason": "DeletionByTaintManager"}
        own = status_of(new_pod(), a=running()).wire()["conditions"]
        pod = new_pod({"conditions": [eviction, *own]})
        settled = pod.model_copy(update={"status": status_of(pod, a=running())})
        stored = settled.status.model_copy(update={"conditions": settled.status.conditions[::-1]})
        assert status_patch(stored, settled.status, "u1") is None

    def test_a_condition_that_is_gone_is_taken_out(self) -> None:
        old = PodStatus.model_validate({"conditions": [{"type": "Stale", "status": "True"}]})
        patch = status_patch(old, PodStatus(), "u1")
        assert patch == {"metadata": {"uid": "u1"}, "status": {"conditions": None}}

    def test_what_is_gone_is_null(self) -> None:
        patch = status_patch(PodStatus(reason="Evicted"), PodStatus(), "u1")
        assert patch == {"metadata": {"uid": "u1"}, "status": {"reason": None}}


@pytest.mark.parametrize(("seconds", "text"), [(10.0, "10s"), (80.0, "1m20s"), (300.0, "5m0s")])
def test_durations_read_like_upstreams(seconds: float, text: str) -> None:
    assert go_duration(seconds) == text
