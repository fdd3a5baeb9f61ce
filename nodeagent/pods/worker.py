"""One pod's loop: look, decide, act, tell; again whenever something changed.

Flow: informer, shim's events, finished steps -> wake -> plan_pod -> *PodWorker* -> sandbox, starter, stopper, reporter.
What takes time (a pull, a grace period) is a step: a task of its own, whose end wakes the loop. The loop itself never
waits for one, so a deletion is seen while an image is being pulled.
Invariant: a fault of one pod ends in its own log and status; no other worker notices.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, Final

from naru.api.core_v1 import Container, Pod
from naru.api.errors import APIError, BadRequest, Conflict, NotFound
from naru.api.keys import key_of
from naru.api.pods import is_terminal
from naru.client.errors import ConnectionFailed
from naru.controller.events import NORMAL, WARNING
from naru.telemetry.trail import Cause, Span
from nodeagent.images.store import Image
from nodeagent.pods import status
from nodeagent.pods.backoff import BackOff
from nodeagent.pods.faults import SandboxFault, StartFault
from nodeagent.pods.history import ContainerHistory
from nodeagent.pods.messages import termination_message
from nodeagent.pods.observed import Ending, Observed, SandboxPhase, Verdict
from nodeagent.pods.plan import PodActions, deadline, grace_period_s, is_done, plan_pod
from nodeagent.pods.reporter import StatusReporter
from nodeagent.pods.sandbox import PodSandbox
from nodeagent.pods.services import NodeServices, Sandbox
from nodeagent.pods.starter import ContainerStarter, ExecFault
from nodeagent.pods.stopper import Stopper, running, stop_signal
from nodeagent.runtime.spec import ContainerPhase, ContainerState, RuntimeFault

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
        self._histories = {c.name: ContainerHistory(c.name) for c in _containers(pod)}
        self._sandbox = PodSandbox(services, pod, self._on_sandbox_change)
        self._starter = ContainerStarter(services, self._sandbox)
        self._stopper = Stopper(self._stop_signal)
        self._reporter = StatusReporter(services.client, lambda: self.pod, self._on_written)
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
        self._recall()

    # What happens to the pod

    def update(self, pod: Pod) -> None:
        """Take a newer version of the object; a watch that lags behind our own writes may bring an older one."""
        if int(pod.metadata.resource_version or 0) < int(self.pod.metadata.resource_version or 0):
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
        for state in sorted(handle.state.containers, key=lambda state: state.attempt):
            self._observe(state)
        if not handle.alive and self._phase is SandboxPhase.READY:
            self._lose_sandbox()
        self._stopper.container_changed()
        self._woken.set()

    def _lose_sandbox(self) -> None:
        self._phase = SandboxPhase.LOST
        for history in self._histories.values():
            history.lose_sandbox(time.time())

    def _on_reference_change(self) -> None:
        """Take note that a ConfigMap, a Secret, or the pod's own labels changed."""
        for history in self._histories.values():
            history.retry_now()
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
        history = self._history(container)
        state = history.previous if previous else history.newest
        if state is None and previous:
            name = self.pod.metadata.name
            raise BadRequest(f'previous terminated container "{container}" in pod "{name}" not found')
        if state is None:
            reason = history.waiting.reason if history.waiting else "ContainerCreating"
            text = f'container "{container}" in pod "{self.pod.metadata.name}" is waiting to start: {reason}'
            raise BadRequest(text)
        number = state.attempt
        return self._sandbox.home.log(container, number), lambda: history.runs(number)

    def running(self, container: str) -> tuple[Sandbox, str]:
        """Return the sandbox and the id of a running container.

        Raises:
            NotFound: it does not run.
        """
        state, handle = self._history(container).newest, self._sandbox.handle
        if handle is None or state is None or state.phase is not ContainerPhase.RUNNING:
            raise NotFound(f'container not found ("{container}")')
        return handle, state.id

    def _history(self, container: str) -> ContainerHistory:
        if container not in self._histories:
            name = self.pod.metadata.name
            raise BadRequest(f"container {container} is not valid for pod {name}")
        return self._histories[container]

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
            busy = any(history.busy for history in self._histories.values())
            creating = not busy and observed.sandbox in (SandboxPhase.NONE, SandboxPhase.STARTING)
            quiet = (busy or creating) and not self._stopping and self._verdict is None
            self._reporter.report(status.pod_status(self.pod, observed), urgent=not quiet)
        return actions

    async def _wait(self, wake_at: float | None) -> None:
        try:
            async with asyncio.timeout(None if wake_at is None else max(wake_at - time.time(), 0)):
                await self._woken.wait()
        except TimeoutError:
            return

    def observed(self) -> Observed:
        """Return the picture that plan and status work with."""
        return Observed(
            sandbox=self._phase,
            containers={name: history.view() for name, history in self._histories.items()},
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
            self._histories[name].begin(time.time())
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
            self._reporter.note("sandbox made", self._take_spans())

    def _next_sandbox_delay_s(self, now: float) -> float:
        self._sandbox_back_off.record(now, now)
        return self._sandbox_back_off.delay_s

    async def _start(self, name: str) -> None:
        container = next(c for c in _containers(self.pod) if c.name == name)
        history = self._histories[name]
        spans: list[Span] = []
        try:
            state = await self._starter.start(
                self.pod, container, history.next_attempt, lambda image: self._note_image(history, image), spans
            )
        except StartFault as fault:
            history.fail(fault, time.time())
        except ExecFault as fault:
            history.observe_failed_start(fault.container_id, fault.message, fault.began_us, time.time_ns() // 1_000)
            self._reporter.note(f"container {name} failed to start", spans)
        else:
            self._observe(state)
            self._reporter.note(f"container {name} started", spans)
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
        for history in self._histories.values():
            history.busy = False  # one that was cancelled before its first step did not see to that
        if self._sandbox.handle is not None:
            for container in running(self._sandbox.handle):
                self._event(NORMAL, "Killing", f"Stopping container {container.name}")
            await self._stopper.stop(self._sandbox.handle, grace_s)
            self._on_sandbox_change()
        if self.pod.metadata.deletion_timestamp is None and not self._gone:
            self._reporter.report(status.pod_status(self.pod, self.observed()), urgent=True)
            await self._reporter.flush()
        await self._sandbox.remove(self.pod)
        self._phase = SandboxPhase.NONE
        self._stopped = True
        self._reporter.note("containers stopped", [])

    async def _delete(self) -> None:
        """Take the object out of the API: the node has let go of it."""
        self._reporter.report(status.pod_status(self.pod, self.observed()), urgent=True)
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

    def _recall(self) -> None:
        """Take from the API what the node does not know any more."""
        told = (*self.pod.status.init_container_statuses, *self.pod.status.container_statuses)
        for container_status in told:
            if (history := self._histories.get(container_status.name)) is not None:
                history.recall(container_status, time.time())
                history.image_id = history.image_id or container_status.image_id

    def _observe(self, state: ContainerState) -> None:
        history = self._histories.get(state.name)
        if history is None or not history.observe(state, time.time()) or state.id in history.endings:
            return
        container = next(c for c in _containers(self.pod) if c.name == state.name)
        home = self._sandbox.home
        message, log = home.message(state.name, state.attempt), home.log(state.name, state.attempt)
        history.endings[state.id] = Ending("", termination_message(container, state.exit_code, message, log))
        self._reporter.note(f"container {state.name} ended with exit code {state.exit_code}", [])
        if history.view().back_off_s and self.pod.spec.restart_policy != "Never" and not self._stopping:
            text = f"Back-off restarting failed container {state.name} in pod {status.full_name(self.pod)}"
            self._event(WARNING, "BackOff", text)

    def _note_image(self, history: ContainerHistory, image: Image) -> None:
        history.image_id = image.repo_digest

    def _stop_signal(self, state: ContainerState) -> int:
        container = next((c for c in _containers(self.pod) if c.name == state.name), None)
        image = self._services.puller.present(container.image) if container else None
        return stop_signal(image.config.stop_signal if image else "")

    def _take_spans(self) -> list[Span]:
        spans, self._sandbox.spans = self._sandbox.spans, []
        return spans

    def _event(self, type_: str, reason: str, message: str) -> None:
        self._services.recorder.event(self.pod, type_, reason, message)


def _containers(pod: Pod) -> tuple[Container, ...]:
    return (*pod.spec.init_containers, *pod.spec.containers)


def _downward_part(pod: Pod) -> tuple[dict[str, str], dict[str, str]]:
    """Return the part of the object that downwardAPI volumes follow."""
    return pod.metadata.labels, pod.metadata.annotations
