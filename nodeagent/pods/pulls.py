"""Have the image of a container: from memory when it is here, from its registry when the pull policy says so.

Flow: container -> *ImagePuller* -> ImageStore -> Image, or a StartFault that the container's status shows.
Two pods that want the same image wait for one pull.

Source: Kubernetes documentation, "Images"; the reasons, events and their texts are kubelet's.
"""

import asyncio
import time
from collections.abc import Callable, Collection
from typing import Final

from naru.api.container_v1 import Container
from naru.api.pod_v1 import Pod
from naru.api.pods import container_path
from naru.controller.events import NORMAL, WARNING, EventRecorder
from naru.telemetry.trail import Span
from nodeagent.images.errors import ImagePullError, InvalidReference
from nodeagent.images.store import Image, ImageStore
from nodeagent.pods.backoff import BackOff
from nodeagent.pods.faults import StartFault

SHOW_ERROR_S: Final = 2.0  # how long a status says ErrImagePull before it turns to ImagePullBackOff


class ImagePuller:
    """Images for the containers of one node."""

    def __init__(
        self,
        store: ImageStore,
        recorder: EventRecorder,
        insecure: Collection[str] = frozenset(),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._recorder = recorder
        self._insecure = insecure
        self._clock = clock
        self._pulls: dict[str, asyncio.Task[Image]] = {}
        self._failures: dict[tuple[str, str], _Failure] = {}

    def present(self, ref: str) -> Image | None:
        """Return the image if it is here."""
        try:
            return self._store.resolve(ref)
        except InvalidReference:
            return None

    async def ensure(self, pod: Pod, container: Container, spans: list[Span]) -> Image:
        """Return the container's image, pulled first if need be.

        Raises:
            StartFault: it cannot be had now.
        """
        present = self._resolve(pod, container)
        policy = container.image_pull_policy or "IfNotPresent"
        if present is not None and policy != "Always":
            message = f'Container image "{container.image}" already present on machine'
            self._tell(pod, container, NORMAL, "Pulled", message)
            return present
        if policy == "Never":
            message = f'Container image "{container.image}" is not present with pull policy of Never'
            self._tell(pod, container, WARNING, "ErrImageNeverPull", message)
            raise StartFault("ErrImageNeverPull", message)
        self._check_back_off(pod, container)
        return await self._pull(pod, container, spans)

    def forget(self, pod: Pod) -> None:
        """Drop the back-offs of a pod that is gone."""
        for key in [key for key in self._failures if key[0] == pod.metadata.uid]:
            del self._failures[key]

    def _resolve(self, pod: Pod, container: Container) -> Image | None:
        try:
            return self._store.resolve(container.image)
        except InvalidReference as error:
            message = f'Failed to apply default image tag "{container.image}": {error.message}'
            self._tell(pod, container, WARNING, "InspectFailed", message)
            raise StartFault("InvalidImageName", message, retry_after_s=60.0) from error

    def _check_back_off(self, pod: Pod, container: Container) -> None:
        failure = self._failures.get((pod.metadata.uid, container.image))
        if failure is None or (wait_s := failure.back_off.due(failure.at) - self._clock()) <= 0:
            return
        message = f'Back-off pulling image "{container.image}"'
        self._tell(pod, container, NORMAL, "BackOff", message)
        self._tell(pod, container, WARNING, "Failed", "Error: ImagePullBackOff")
        raise StartFault("ImagePullBackOff", f"{message}: ErrImagePull: {failure.message}", retry_after_s=wait_s)

    async def _pull(self, pod: Pod, container: Container, spans: list[Span]) -> Image:
        self._tell(pod, container, NORMAL, "Pulling", f'Pulling image "{container.image}"')
        began, began_us = self._clock(), time.time_ns() // 1_000
        try:
            image = await self._shared_pull(container.image)
        except ImagePullError as error:
            raise self._failed(pod, container, error) from error
        took_s = self._clock() - began
        spans.append(Span("pull", began_us, int(took_s * 1_000_000)))
        text = f'Successfully pulled image "{container.image}" in {took_s:.3f}s'
        size = f"({took_s:.3f}s including waiting). Image size: {image.size_bytes} bytes."
        self._tell(pod, container, NORMAL, "Pulled", f"{text} {size}")
        self._failures.pop((pod.metadata.uid, container.image), None)
        return image

    async def _shared_pull(self, ref: str) -> Image:
        """Wait for the pull of an image, begun now or by somebody else; one who gives up leaves it to the others."""
        task = self._pulls.get(ref)
        if task is None:
            task = self._pulls[ref] = asyncio.create_task(self._store.pull(ref, insecure=self._insecure))
            task.add_done_callback(lambda done: self._finished(ref, done))
        return await asyncio.shield(task)

    def _finished(self, ref: str, task: asyncio.Task[Image]) -> None:
        self._pulls.pop(ref, None)
        if not task.cancelled():
            task.exception()  # seen: whoever asked may have gone meanwhile

    def _failed(self, pod: Pod, container: Container, error: ImagePullError) -> StartFault:
        key = (pod.metadata.uid, container.image)
        failure = self._failures.setdefault(key, _Failure())
        failure.back_off.record(failure.at, self._clock())
        failure.at, failure.message = self._clock(), error.message
        self._tell(pod, container, WARNING, "Failed", f'Failed to pull image "{container.image}": {error.message}')
        self._tell(pod, container, WARNING, "Failed", f"Error: {error.reason}")
        return StartFault(error.reason, error.message, retry_after_s=SHOW_ERROR_S)

    def _tell(self, pod: Pod, container: Container, type_: str, reason: str, message: str) -> None:
        path = container_path(pod, container.name)
        self._recorder.event(pod, type_, reason, message, field_path=path)


class _Failure:
    """The last failure to pull one image for one pod."""

    def __init__(self) -> None:
        self.back_off = BackOff()
        self.at = 0.0
        self.message = ""
