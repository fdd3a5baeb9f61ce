"""One pod's loop: look, decide, act, tell; again whenever something changed.

Flow: informer, shim's events, finished steps -> wake -> plan_pod -> *PodWorker* -> sandbox, starter, stopper, reporter.
What takes time (a pull, a grace period) is a step: a task of its own, whose end wakes the loop. The loop itself never
waits for one, so a deletion is seen while an image is being pulled.
Invariant: a fault of one pod ends in its own log and status; no other worker notices.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine, Iterable
from pathlib import Path
from typing import Any, Final

from naru.api.errors import APIError, Conflict, NotFound
from naru.api.keys import key_of
from naru.api.pod_status_v1 import PodStatus
from naru.api.pod_v1 import Pod
from naru.api.pods import container_path, is_terminal
from naru.client.errors import ConnectionFailed
from naru.controller.events import NORMAL, WARNING
from naru.telemetry.trail import Cause, Span
from nodeagent.pods import status
from nodeagent.pods.backoff import BackOff
from nodeagent.pods.faults import SandboxFault, StartFault
from nodeagent.pods.observed import Observed, SandboxPhase, Verdict
from nodeagent.pods.plan import PodActions, deadline, grace_period_s, is_done, plan_pod
from nodeagent.pods.records import ContainerRecords
from nodeagent.pods.reporter import StatusReporter
from nodeagent.pods.sandbox import PodSandbox
from nodeagent.pods.services import NodeServices, Sandbox
from nodeagent.pods.starter import ContainerStarter, ExecFault
from nodeagent.pods.stopper import Stopper, running, stop_signal
from nodeagent.runtime.spec import ContainerState, RuntimeFault

logger = logging.getLogger(__name__)

SANDBOX_RETRY_MIN_S: Final = 0.5
SANDBOX_RETRY_MAX_S: Final = 122.0
STEP_RETRY_S: Final = 1.0
DEADLINE_MESSAGE: Final = "Pod was active on the node longer than the specified deadline"


class PodWorker:
    """Everything that this node does about one pod, from its arrival to its end."""

    def __init__(
        self, services: NodeServices, pod: Pod, adopted: Sandbox | None = None, verdict: Verdict | None = None
    ) -> None:
        self.pod = pod
        self._services = services
        self._sandbox = PodSandbox(services, pod, self._on_sandbox_change)
        self._records = ContainerRecords(pod, self._sandbox.home)
        self._starter = ContainerStarter(services, self._sandbox)
        self._stopper = Stopper(self._stop_signal)
        self._reporter = StatusReporter(services.client, lambda: self.pod, self._status, self._on_written)
        self._woken = asyncio.Event()
        self._steps: dict[str, asyncio.Task[None]] = {}
        self._phase = SandboxPhase.NONE
        self._sandbox_back_off = BackOff(SANDBOX_RETRY_MIN_S, SANDBOX_RETRY_MAX_S)
        self._sandbox_due_at = 0.0
        started = pod.status.start_time
        self._started_at = started.timestamp() if started else time.time()
        self._verdict = verdict
        self._stopping = self._stopped = self._gone = self._deleted = False
        if adopted is not None:
            self._adopt(adopted)
        self._records.recall(pod)

    # What happens to the pod

    def update(self, pod: Pod) -> None:
        """Take a newer version of the object; a watch brings what our own writes were answered with, or older ones."""
        if int(pod.metadata.resource_version or 0) <= int(self.pod.metadata.resource_version or 0):
            return
        labels_changed = _downward_part(pod) != _downward_part(self.pod)
        self.pod = pod
        if self._stopping and pod.metadata.deletion_timestamp is not None:
            self._stopper.shorten(grace_period_s(pod))
        if labels_changed:
            self._on_reference_change()
        self._woken.set()

    def removed(self, last: Pod) -> None:
        """Note that the API server has the pod no more."""
        self.pod = last
        self._gone = True
        if self._stopping:
            self._stopper.shorten(grace_period_s(last))
        self._woken.set()

    def wake(self) -> None:
        """Look again."""
        self._woken.set()

    def _on_sandbox_change(self) -> None:
        """Take what the shim tells."""
        handle = self._sandbox.handle
        if handle is None:
            return
        self._observe(handle.state.containers)
        if not handle.alive and self._phase is SandboxPhase.READY:
            self._lose_sandbox()
        self._stopper.container_changed()
        self._woken.set()

    def _lose_sandbox(self) -> None:
        self._phase = SandboxPhase.LOST
        self._records.lose_sandbox()

    def _on_reference_change(self) -> None:
        """Take note that a ConfigMap, a Secret, or the pod's own labels changed."""
        self._records.retry_now()
        if self._phase is SandboxPhase.READY and not self._stopping:
            self._begin("volumes", self._refresh_volumes)
        else:
            self._sandbox_due_at = 0.0
        self._woken.set()

    def _on_written(self, pod: Pod) -> None:
        self.update(pod)

    # What the node server asks

    def log_of(self, container: str, *, previous: bool) -> tuple[Path, Callable[[], bool]]:
        """Return the log of a container's newest attempt, or of the one before, and whether it may still grow.

        Raises:
            BadRequest: there is no such attempt.
        """
        return self._records.log_of(container, previous=previous)

    def running(self, container: str) -> tuple[Sandbox, str]:
        """Return the sandbox and the id of a running container.

        Raises:
            NotFound: it does not run.
        """
        container_id = self._records.running_id(container)
        if self._sandbox.handle is None:
            raise NotFound(f'container not found ("{container}")')
        return self._sandbox.handle, container_id

    # The loop

    async def run(self) -> None:
        """Care for the pod until nothing of it is left, here and in the API."""
        if not is_terminal(self.pod):
            self._services.objects.follow(self.pod, self._on_reference_change)
        reporting = asyncio.create_task(self._reporter.run(), name=f"report {key_of(self.pod)}")
        try:
            while not (actions := self._look()).forget:
                await self._wait(actions.wake_at)
            await self._sandbox.remove_logs()
        finally:
            reporting.cancel()
            for step in self._steps.values():
                step.cancel()
            await asyncio.gather(reporting, *self._steps.values(), return_exceptions=True)
            self._services.objects.release(self.pod)
            self._services.puller.forget(self.pod)

    def _look(self) -> PodActions:
        self._woken.clear()
        self._check_deadline()
        actions = plan_pod(self.pod, self.observed())
        self._carry_out(actions)
        observed = self.observed()
        if not self._gone:
            busy = self._records.any_busy()
            creating = not busy and observed.sandbox in (SandboxPhase.NONE, SandboxPhase.STARTING)
            quiet = (busy or creating) and not self._stopping and self._verdict is None
            self._reporter.changed(urgent=not quiet)
        return actions

    async def _wait(self, wake_at: float | None) -> None:
        try:
            async with asyncio.timeout(None if wake_at is None else max(wake_at - time.time(), 0)):
                await self._woken.wait()
        except TimeoutError:
            return

    def _status(self) -> PodStatus:
        """Work out what the pod's status is now."""
        return status.pod_status(self.pod, self.observed())

    def observed(self) -> Observed:
        """Return the picture that plan and status work with."""
        return Observed(
            sandbox=self._phase,
            containers=self._records.views(),
            now=time.time(),
            started_at=self._started_at,
            gone=self._gone,
            sandbox_due_at=self._sandbox_due_at,
            stopping=self._stopping,
            stopped=self._stopped,
            verdict=self._verdict,
            host_ip=self._services.facts.host_ip,
            pod_ip=self._sandbox.pod_ip,
        )

    def _check_deadline(self) -> None:
        ends_at = deadline(self.pod, self.observed())
        if ends_at is None or time.time() < ends_at or self._verdict or is_done(self.pod, self.observed()):
            return
        self._verdict = Verdict("DeadlineExceeded", DEADLINE_MESSAGE)
        self._event(NORMAL, "DeadlineExceeded", DEADLINE_MESSAGE)

    def _carry_out(self, actions: PodActions) -> None:
        if actions.create_sandbox:
            self._begin("sandbox", self._create_sandbox)
        for name in actions.start:
            self._begin_start(name)
        if actions.tear_down:
            self._stopping = True
            self._begin("tear down", lambda: self._tear_down(actions.grace_s))
        if actions.delete and not self._deleted:
            self._begin("delete", self._delete)

    def _begin_start(self, name: str) -> None:
        step = f"start {name}"
        if step not in self._steps:
            self._records[name].begin(time.time())
            self._begin(step, lambda: self._start(name))

    def _begin(self, name: str, step: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Run a step beside the loop, unless the same one is under way."""
        if name not in self._steps:
            task = asyncio.create_task(self._guarded(name, step), name=f"{name} {key_of(self.pod)}")
            self._steps[name] = task

    async def _guarded(self, name: str, step: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Run a step to its end; a fault that nobody foresaw is logged here, and the pod tries again."""
        try:
            await step()
        except Exception:
            logger.exception("step failed", extra={"pod": str(key_of(self.pod)), "step": name})
            self._sandbox_due_at = time.time() + STEP_RETRY_S
            if name == "tear down":
                self._stopping = False
            await asyncio.sleep(STEP_RETRY_S)
        finally:
            self._steps.pop(name, None)
            self._woken.set()

    # The steps

    async def _create_sandbox(self) -> None:
        lost = self._phase is SandboxPhase.LOST
        self._phase = SandboxPhase.STARTING
        try:
            if lost:
                message = "Pod sandbox changed, it will be killed and re-created."
                self._event(NORMAL, "SandboxChanged", message)
                await self._sandbox.remove_namespaces(self.pod)
            await self._sandbox.ensure(self.pod)
        except SandboxFault as fault:
            self._event(WARNING, fault.reason, fault.message)
            now = time.time()
            self._sandbox_due_at = now + self._next_sandbox_delay_s(now)
            self._phase = SandboxPhase.NONE
        except BaseException:
            self._phase = SandboxPhase.NONE
            raise
        else:
            self._phase = SandboxPhase.READY
            self._sandbox_back_off = BackOff(SANDBOX_RETRY_MIN_S, SANDBOX_RETRY_MAX_S)
            self._reporter.note("sandbox made", self._take_spans())

    def _next_sandbox_delay_s(self, now: float) -> float:
        self._sandbox_back_off.record(now, now)
        return self._sandbox_back_off.delay_s

    async def _start(self, name: str) -> None:
        container, history = self._records.container(name), self._records[name]
        assert container is not None
        spans: list[Span] = []
        try:
            state = await self._starter.start(self.pod, container, history.next_attempt, history.note_image, spans)
        except StartFault as fault:
            history.fail(fault, time.time())
        except ExecFault as fault:
            history.observe_failed_start(fault.container_id, fault.message, fault.began_us, time.time_ns() // 1_000)
            self._reporter.note(f"container {name} failed to start", spans)
        else:
            self._observe([state])
            self._reporter.note(f"container {name} started", spans)
            if state.attempt > 1:
                self._begin(f"clean {name}", lambda: self._remove_old_attempts(name, state.attempt))
        finally:
            history.busy = False

    async def _refresh_volumes(self) -> None:
        try:
            await self._sandbox.refresh_volumes(self.pod)
        except SandboxFault as fault:
            self._event(WARNING, fault.reason, fault.message)
        except TimeoutError:
            logger.warning("volumes not refreshed: no answer", extra={"pod": str(key_of(self.pod))})

    async def _tear_down(self, grace_s: int) -> None:
        """Stop the containers and remove what the pod has here; its records go last, after their news is told."""
        starts = [step for name, step in self._steps.items() if name.startswith(("start ", "sandbox", "volumes"))]
        for step in starts:
            step.cancel()
        await asyncio.gather(*starts, return_exceptions=True)
        self._records.starts_cancelled()
        if self._sandbox.handle is not None:
            for container in running(self._sandbox.handle):
                self._event(NORMAL, "Killing", f"Stopping container {container.name}", container.name)
            await self._stopper.stop(self._sandbox.handle, grace_s)
            self._on_sandbox_change()
        if self.pod.metadata.deletion_timestamp is None and not self._gone:
            self._reporter.changed(urgent=True)
            await self._reporter.flush()
        await self._sandbox.remove(self.pod)
        self._phase = SandboxPhase.NONE
        self._stopped = True
        self._reporter.note("containers stopped", [])

    async def _delete(self) -> None:
        """Take the object out of the API: the node has let go of it."""
        self._reporter.changed(urgent=True)
        await self._reporter.flush()
        meta = self.pod.metadata
        cause = Cause.of(self.pod, "nothing of the pod is left on its node")
        client = self._services.client
        try:
            await client.delete(Pod, meta.name, meta.namespace, uid=meta.uid, grace_period_seconds=0, cause=cause)
            self._deleted = True
        except (NotFound, Conflict):
            self._deleted = True
        except (APIError, ConnectionFailed) as error:
            logger.info("pod not deleted yet", extra={"pod": str(key_of(self.pod)), "error": str(error)})
            await asyncio.sleep(STEP_RETRY_S)

    async def _remove_old_attempts(self, name: str, attempt: int) -> None:
        """Drop what is older than the attempt before the newest: that one is kept for its log and its end."""
        handle = self._sandbox.handle
        if handle is None:
            return
        for state in handle.state.containers:
            if state.name == name and state.attempt < attempt - 1:
                try:
                    await handle.remove_container(state.id)
                except RuntimeFault as fault:
                    logger.warning("container not removed", extra={"container": state.id, "error": fault.message})
                self._sandbox.home.log(name, state.attempt).unlink(missing_ok=True)
                self._sandbox.home.message(name, state.attempt).unlink(missing_ok=True)

    # What is known

    def _adopt(self, handle: Sandbox) -> None:
        """Take over what an earlier agent made; planning goes through its steps again, which keep what is there."""
        self._sandbox.adopt(handle)
        self._on_sandbox_change()
        if not handle.alive:
            self._lose_sandbox()

    def _observe(self, states: Iterable[ContainerState]) -> None:
        for state in self._records.observe(states):
            self._reporter.note(f"container {state.name} ended with exit code {state.exit_code}", [])
            backs_off = self._records[state.name].view().back_off_s > 0
            if backs_off and self.pod.spec.restart_policy != "Never" and not self._stopping:
                text = f"Back-off restarting failed container {state.name} in pod {status.full_name(self.pod)}"
                self._event(WARNING, "BackOff", text, state.name)

    def _stop_signal(self, state: ContainerState) -> int:
        container = self._records.container(state.name)
        image = self._services.puller.present(container.image) if container else None
        return stop_signal(image.config.stop_signal if image else "")

    def _take_spans(self) -> list[Span]:
        spans, self._sandbox.spans = self._sandbox.spans, []
        return spans

    def _event(self, type_: str, reason: str, message: str, container: str = "") -> None:
        path = container_path(self.pod, container) if container else ""
        self._services.recorder.event(self.pod, type_, reason, message, field_path=path)


def _downward_part(pod: Pod) -> tuple[dict[str, str], dict[str, str]]:
    """Return the part of the object that downwardAPI volumes follow."""
    return pod.metadata.labels, pod.metadata.annotations
