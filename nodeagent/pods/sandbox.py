"""What a pod has on its node outside its containers: directories, volumes, sandbox, network; made and removed here.

Flow: worker -> *PodSandbox* -> volumes, runtime, network. Each step may be repeated: what is there stays.
Volumes come beside namespaces and network, as neither needs the other.
"""

import asyncio
import logging
import shutil
import time
from collections.abc import Callable, Mapping

from naru.api.container_v1 import Container
from naru.api.pod_v1 import Pod
from naru.telemetry.trail import Span
from nodeagent.network.errors import NetworkError
from nodeagent.pods import etc_files, resources
from nodeagent.pods.downward import PodFacts
from nodeagent.pods.faults import SandboxFault
from nodeagent.pods.references import References
from nodeagent.pods.services import NodeServices, Sandbox
from nodeagent.runtime.spec import Mount, RuntimeFault, SandboxSpec
from nodeagent.volumes.manager import PodVolumes

logger = logging.getLogger(__name__)


class PodSandbox:
    """The place where one pod's containers live."""

    def __init__(self, services: NodeServices, pod: Pod, on_change: Callable[[], None]) -> None:
        self._services = services
        self.home = services.config.home(pod)
        self.hostname = etc_files.hostname_of(pod, services.config.node_name)
        self._volumes = PodVolumes(self.home.directory)
        self._on_change = on_change
        self.handle: Sandbox | None = None
        self.pod_ip = ""
        self.spans: list[Span] = []

    def facts(self, pod: Pod) -> PodFacts:
        """Return what the downward API tells of the pod."""
        return PodFacts(pod, self._services.facts, self.pod_ip)

    def adopt(self, handle: Sandbox) -> None:
        """Take a sandbox over that an earlier agent made."""
        self.handle = handle
        handle.on_change = self._on_change

    async def ensure(self, pod: Pod) -> None:
        """Make what is missing.

        Raises:
            SandboxFault: it cannot be made now.
        """
        results = await asyncio.gather(
            self._ensure_volumes(pod), self._ensure_namespaces(pod), return_exceptions=True
        )  # both to their ends: half a sandbox left running would be nobody's
        for fault in results:
            if fault is not None:
                raise fault
        resolver = self._services.config.resolver
        try:
            etc_files.write_etc_files(self.home.etc, pod, self.hostname, self.pod_ip, resolver)
        except OSError as error:
            raise SandboxFault("FailedCreatePodSandBox", f"Failed to create pod sandbox: {error}") from error

    async def refresh_volumes(self, pod: Pod) -> None:
        """Bring the files up to date that are made from API objects.

        Raises:
            SandboxFault: an object is missing; the files stay as they are.
        """
        references = await self._services.objects.fetch(pod)
        await asyncio.to_thread(self._volumes.ensure, self.facts(pod), references)

    async def mounts(self, pod: Pod, container: Container, attempt: int, env: Mapping[str, str]) -> list[Mount]:
        """Return everything that a container has mounted into its root, made ready.

        Raises:
            ConfigFault: a subPath cannot be mounted.
        """
        if any(mount.sub_path or mount.sub_path_expr for mount in container.volume_mounts):
            mounts = await asyncio.to_thread(self._volumes.mounts, pod, container, env)
        else:
            mounts = self._volumes.mounts(pod, container, env)
        taken = {mount.target for mount in mounts}
        mounts += etc_files.etc_mounts(self.home.etc, taken)
        if container.termination_message_path and container.termination_message_path not in taken:
            message = self.home.message(container.name, attempt)
            message.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
            message.touch(mode=0o666)
            message.chmod(0o666)  # the container's user writes it, whoever that is
            mounts.append(Mount(container.termination_message_path, message))
        return mounts

    async def references(self, pod: Pod) -> References:
        """Return the objects that the pod refers to."""
        return await self._services.objects.fetch(pod)

    async def remove_namespaces(self, pod: Pod) -> None:
        """Remove the sandbox with all its containers, and give the address back."""
        if self.handle is not None:
            self.handle.on_change = None
            await self.handle.remove()
            self.handle = None
        await self._services.network.release(pod.metadata.uid)
        self.pod_ip = ""

    async def remove(self, pod: Pod) -> None:
        """Remove everything but the logs."""
        await self.remove_namespaces(pod)
        await asyncio.to_thread(self._volumes.remove)

    async def remove_logs(self) -> None:
        """Delete the logs: the pod is gone, and nobody can ask for them any more."""
        await asyncio.to_thread(shutil.rmtree, self.home.log_dir, ignore_errors=True)

    async def _ensure_volumes(self, pod: Pod) -> None:
        if not pod.spec.volumes:
            return
        began_us = time.time_ns() // 1_000
        try:
            references = await self._services.objects.fetch(pod)
        except TimeoutError as error:
            raise SandboxFault("FailedMount", "timed out waiting for the objects that the volumes show") from error
        await asyncio.to_thread(self._volumes.ensure, self.facts(pod), references)
        self.spans.append(Span("volumes", began_us, time.time_ns() // 1_000 - began_us))

    async def _ensure_namespaces(self, pod: Pod) -> None:
        try:
            if self.handle is None:
                self.handle = await self._services.runtime.create_sandbox(self._spec(pod))
                self.handle.on_change = self._on_change
                self.spans += [Span(s.name, s.start_unix_us, s.duration_us) for s in self.handle.state.spans]
            if self.handle.state.netns is not None and not pod.spec.host_network:
                began_us = time.time_ns() // 1_000
                self.pod_ip = await self._services.network.attach(pod.metadata.uid, self.handle.state.netns)
                self.spans.append(Span("network", began_us, time.time_ns() // 1_000 - began_us))
        except RuntimeFault as fault:
            raise SandboxFault("FailedCreatePodSandBox", f"Failed to create pod sandbox: {fault.message}") from fault
        except (NetworkError, OSError) as error:
            raise SandboxFault("FailedCreatePodSandBox", f"Failed to create pod sandbox: {error}") from error

    def _spec(self, pod: Pod) -> SandboxSpec:
        spec = pod.spec
        return SandboxSpec(
            uid=pod.metadata.uid,
            namespace=pod.metadata.namespace,
            name=pod.metadata.name,
            hostname=self.hostname,
            run_dir=self.home.run_dir,
            roots_dir=self.home.roots,
            log_dir=self.home.log_dir,
            cgroup=resources.pod_cgroup(pod),
            limits=resources.pod_limits(pod, self._services.config.pod_pids_limit),
            host_network=spec.host_network,
            host_pid=spec.host_pid,
            host_ipc=spec.host_ipc,
            share_process_namespace=bool(spec.share_process_namespace),
            sysctls={sysctl.name: sysctl.value for sysctl in spec.security_context.sysctls},
        )
