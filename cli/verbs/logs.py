"""`naru logs`: what a container wrote, once or as it comes.

Flow: target -> pod, container -> ``GET .../pods/NAME/log`` -> API server -> node agent -> the log file.
"""

import asyncio
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cli.faults import ExitCode, Fault
from cli.session import Session
from cli.verbs.names import Target
from cli.verbs.pods import container_of, pod_of


@dataclass(frozen=True)
class LogOptions:
    """Which part of the log, and of which container."""

    container: str = ""
    all_containers: bool = False
    follow: bool = False
    previous: bool = False
    timestamps: bool = False
    tail: int | None = None
    since_s: int | None = None
    label_selector: str = ""

    def params(self, container: str) -> dict[str, str]:
        """Return the query parameters of the log subresource."""
        params = {"container": container}
        flags = {"follow": self.follow, "previous": self.previous, "timestamps": self.timestamps}
        params |= {name: "true" for name, wanted in flags.items() if wanted}
        numbers = {"tailLines": self.tail, "sinceSeconds": self.since_s}
        return params | {name: str(value) for name, value in numbers.items() if value is not None}


async def logs(session: Session, target: Target | None, options: LogOptions) -> int:
    """Print the log of a pod's container, or of several, each line then told apart by pod and container."""
    streams = await _streams(session, target, options)
    if not streams:
        raise Fault("no pods match the selector", code=ExitCode.NOT_FOUND)
    if len(streams) == 1:
        pod, container = streams[0]
        await _copy(session, pod, container, options, "")
        return ExitCode.OK
    async with asyncio.TaskGroup() as group:
        for pod, container in streams:
            group.create_task(_copy(session, pod, container, options, f"[{pod}/{container}] "))
    return ExitCode.OK


async def _streams(session: Session, target: Target | None, options: LogOptions) -> list[tuple[str, str]]:
    """List the (pod, container) pairs to read."""
    if target is not None:
        pods: Sequence[Any] = [await pod_of(session, target)]
    else:
        params = {"labelSelector": options.label_selector}
        body = await session.client.raw("GET", f"/api/v1/namespaces/{session.namespace}/pods", params=params)
        pods = body.get("items") or ()
    return [(pod["metadata"]["name"], name) for pod in pods for name in _containers(pod, options)]


def _containers(pod: dict[str, Any], options: LogOptions) -> list[str]:
    if options.all_containers:
        fields = ("initContainers", "containers")
        return [container["name"] for field in fields for container in pod["spec"].get(field) or ()]
    return [container_of(pod, options.container)]


async def _copy(session: Session, pod: str, container: str, options: LogOptions, prefix: str) -> None:
    path = f"/api/v1/namespaces/{session.namespace}/pods/{pod}/log"
    out = sys.stdout.buffer
    async with session.client.open(path, params=options.params(container)) as stream:
        if not prefix:
            async for piece in stream:
                out.write(piece)
                out.flush()
            return
        async for line in stream.lines():
            out.write(prefix.encode() + line + b"\n")
            out.flush()
