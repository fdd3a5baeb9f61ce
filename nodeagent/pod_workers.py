"""One worker a pod of this node, and what is left of pods that are no more.

Flow: informer of this node's pods -> *PodWorkers* -> PodWorker.
Invariant: a pod has one worker, and that worker has the sandbox which an earlier agent may have made for the pod.
"""

import asyncio
import logging
import shutil
import signal
from collections.abc import Iterable
from typing import Final

from naru.api.keys import ObjectKey, key_of
from naru.api.pod_v1 import Pod
from naru.api.pods import is_active
from naru.client.watch import EventType
from nodeagent.config import AgentConfig
from nodeagent.pods.admission import admit
from nodeagent.pods.observed import Verdict
from nodeagent.pods.qos import QosClasses
from nodeagent.pods.services import NodeServices, Sandbox
from nodeagent.pods.stopper import Stopper
from nodeagent.pods.worker import PodWorker
from nodeagent.runtime.spec import RuntimeFault
from nodeagent.volumes.manager import PodVolumes

logger = logging.getLogger(__name__)

ORPHAN_GRACE_S: Final = 2
WORKER_RETRY_S: Final = 5.0


class PodWorkers:
    """The workers of this node, found by pod."""

    def __init__(
        self, services: NodeServices, adopted: Iterable[Sandbox], labels: dict[str, str], classes: QosClasses
    ) -> None:
        self._services = services
        self._classes = classes
        self._adopted = {sandbox.state.spec.uid: sandbox for sandbox in adopted}
        self._labels = labels
        self._workers: dict[str, PodWorker] = {}  # by uid: a namesake may come before its predecessor is gone
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def on_event(self, event: EventType, old: Pod | None, new: Pod | None) -> None:
        """Take a change of the pods."""
        pod = new or old
        assert pod is not None
        worker = self._workers.get(pod.metadata.uid)
        if event is not EventType.DELETED:
            self._classes.note(pod)
        if worker is None and event is not EventType.DELETED:
            self._start(pod)
        elif worker is not None and event is EventType.DELETED:
            worker.removed(pod)
        elif worker is not None:
            worker.update(pod)

    def find(self, key: ObjectKey) -> PodWorker | None:
        """Return the worker of a pod, of the newest one of that name."""
        found = [worker for worker in self._workers.values() if key_of(worker.pod) == key]
        return max(found, key=lambda worker: is_active(worker.pod), default=None)

    async def remove_orphans(self) -> None:
        """Remove the sandboxes of pods that the API server does not have any more."""
        orphans = list(self._adopted.values())
        self._adopted.clear()
        await asyncio.gather(*(_remove_orphan(sandbox) for sandbox in orphans))

    async def close(self) -> None:
        """Leave every pod as it is."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _start(self, pod: Pod) -> None:
        uid = pod.metadata.uid
        adopted = self._adopted.pop(uid, None)
        worker = PodWorker(self._services, pod, adopted, None if adopted else self._verdict(pod))
        self._workers[uid] = worker
        self._tasks[uid] = asyncio.create_task(self._care(uid, worker), name=f"pod {key_of(pod)}")

    def _verdict(self, pod: Pod) -> Verdict | None:
        if pod.status.start_time is not None or not is_active(pod):
            return None  # this node has taken it before, or nothing is to be run
        others = (worker.pod for worker in self._workers.values())
        return admit(pod, others, self._services.facts.allocatable, self._labels)

    async def _care(self, uid: str, worker: PodWorker) -> None:
        """Run a worker to its end, again if it fails: its pod must not be left alone."""
        while True:
            try:
                await worker.run()
                break
            except Exception:
                logger.exception("pod worker failed", extra={"pod": str(key_of(worker.pod))})
                await asyncio.sleep(WORKER_RETRY_S)
        self._workers.pop(uid, None)
        self._tasks.pop(uid, None)
        self._classes.forget(worker.pod)


def remove_leftovers(config: AgentConfig, live: set[str]) -> None:
    """Delete directories and logs of pods that are no more. Blocks: call it in a thread, before new pods come."""
    for directory in config.pods_dir.iterdir():
        if directory.name not in live:
            PodVolumes(directory).remove()
    for logs in config.logs_dir.iterdir():
        if logs.name.rpartition("_")[2] not in live:
            shutil.rmtree(logs)


async def _remove_orphan(sandbox: Sandbox) -> None:
    spec = sandbox.state.spec
    logger.info("removing a sandbox whose pod is gone", extra={"pod": f"{spec.namespace}/{spec.name}", "uid": spec.uid})
    stopper = Stopper(lambda _: signal.SIGTERM)
    sandbox.on_change = stopper.container_changed
    try:
        await stopper.stop(sandbox, ORPHAN_GRACE_S)
        await sandbox.remove()
    except RuntimeFault as fault:
        logger.warning("sandbox not removed", extra={"uid": spec.uid, "error": fault.message})
