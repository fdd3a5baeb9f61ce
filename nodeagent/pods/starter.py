"""Start one container: image, environment, mounts, then the runtime.

Flow: worker -> *ContainerStarter* -> puller, sandbox, runtime -> ContainerState, or a StartFault.
The reasons and the texts of the events are kubelet's.
"""

import secrets
import time
from collections.abc import Callable
from dataclasses import replace

from naru.api.container_v1 import Container
from naru.api.pod_v1 import Pod
from naru.api.pods import container_path
from naru.controller.events import NORMAL, WARNING
from naru.telemetry.trail import Span
from nodeagent.images.store import Image
from nodeagent.pods.container_spec import Attempt, Inputs, container_spec, full_env
from nodeagent.pods.faults import StartFault
from nodeagent.pods.image_files import read_accounts
from nodeagent.pods.sandbox import PodSandbox
from nodeagent.pods.services import NodeServices
from nodeagent.pods.users import Accounts
from nodeagent.runtime.spec import ContainerSpec, ContainerState, RuntimeFault

_accounts: dict[str, Accounts] = {}  # by image id, whose content never changes


class ExecFault(Exception):
    """An attempt was made and failed: ``message`` says why its program could not be executed."""

    def __init__(self, container_id: str, message: str, began_us: int) -> None:
        super().__init__(message)
        self.container_id = container_id
        self.message = message
        self.began_us = began_us


class ContainerStarter:
    """Starts the containers of one pod."""

    def __init__(self, services: NodeServices, sandbox: PodSandbox) -> None:
        self._services = services
        self._sandbox = sandbox

    async def start(
        self, pod: Pod, container: Container, attempt: int, on_image: Callable[[Image], None], spans: list[Span]
    ) -> ContainerState:
        """Start a container.

        Raises:
            StartFault: there is no attempt to speak of; what was missing may come.
            ExecFault: the attempt was made, and its program cannot be executed.
        """
        try:
            image = await self._services.puller.ensure(pod, container, spans)
            on_image(image)
            spec = await self._spec(pod, container, attempt, image)
        except StartFault as fault:
            if not fault.reason.startswith(("ErrImage", "ImagePull", "InvalidImage")):  # those have had theirs
                self._tell(pod, container.name, WARNING, "Failed", f"Error: {fault.message}")
            raise
        self._tell(pod, container.name, NORMAL, "Created", f"Created container: {container.name}")
        state = await self._run(pod, spec)
        self._tell(pod, container.name, NORMAL, "Started", f"Started container {container.name}")
        spans += [Span(span.name, span.start_unix_us, span.duration_us) for span in state.spans]
        return state

    async def _spec(self, pod: Pod, container: Container, attempt: int, image: Image) -> ContainerSpec:
        try:
            references = await self._sandbox.references(pod)
        except TimeoutError as error:
            raise StartFault("CreateContainerConfigError", "timed out waiting for ConfigMaps and Secrets") from error
        inputs = Inputs(
            facts=self._sandbox.facts(pod),
            container=container,
            image=image,
            accounts=_accounts_of(image),
            references=references,
            hostname=self._sandbox.hostname,
            memory_capacity_bytes=self._services.memory_capacity_bytes,
        )
        env = full_env(inputs)
        log = self._sandbox.home.log(container.name, attempt)
        try:
            mounts = await self._sandbox.mounts(pod, container, attempt, env)
            log.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        except OSError as error:  # such as a full disk
            raise StartFault("CreateContainerError", f"failed to prepare the container's files: {error}") from error
        spec = container_spec(inputs, Attempt(secrets.token_hex(32), attempt, log), env, mounts)
        return replace(spec, layers=(*spec.layers, self._services.config.mount_points))

    async def _run(self, pod: Pod, spec: ContainerSpec) -> ContainerState:
        handle = self._sandbox.handle
        assert handle is not None, "containers are planned only for a sandbox that is there"
        began_us = time.time_ns() // 1_000
        try:
            return await handle.start_container(spec)
        except RuntimeFault as fault:
            self._tell(pod, spec.name, WARNING, "Failed", f"Error: {fault.message}")
            raise ExecFault(spec.id, fault.message, began_us) from fault

    def _tell(self, pod: Pod, container: str, type_: str, reason: str, message: str) -> None:
        self._services.recorder.event(pod, type_, reason, message, field_path=container_path(pod, container))


def _accounts_of(image: Image) -> Accounts:
    if image.id not in _accounts:
        _accounts[image.id] = read_accounts(image.layers)
    return _accounts[image.id]
