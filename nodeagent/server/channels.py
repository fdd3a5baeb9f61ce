"""exec and attach over a WebSocket: several streams in one connection, told apart by the first byte of a message.

Channels: 0 stdin, 1 stdout, 2 stderr, 3 the final Status, 4 terminal sizes; with ``v5.channel.k8s.io`` also 255, by
which the client closes one of the others (the end of its stdin).

Source: Kubernetes documentation, "WebSocket streaming"; KEP-4006; k8s.io/apimachinery remotecommand constants.
"""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from enum import IntEnum
from typing import Any, Final

from aiohttp import WSMsgType, web

from nodeagent.runtime.streams import ProcessStreams

logger = logging.getLogger(__name__)

PROTOCOLS: Final = ("v5.channel.k8s.io", "v4.channel.k8s.io")
CHUNK_BYTES: Final = 32 * 1024
DRAIN_S: Final = 2.0  # for output still under way when the process has ended: a child of it may hold the pipe for ever


class Channel(IntEnum):
    """The first byte of a message."""

    STDIN = 0
    STDOUT = 1
    STDERR = 2
    ERROR = 3
    RESIZE = 4
    CLOSE = 255


async def serve_streams(
    socket: web.WebSocketResponse, process: ProcessStreams, wait: Callable[[], Awaitable[int]] | None
) -> None:
    """Pass data on between client and process until the process ends or the client goes.

    Args:
        wait: returns the exit code; None when the streams' end is all there is to wait for (attach).
    """
    outputs = [
        asyncio.create_task(_send_output(socket, channel, reader))
        for channel, reader in ((Channel.STDOUT, process.stdout), (Channel.STDERR, process.stderr))
        if reader is not None
    ]
    if outputs:
        await socket.send_bytes(bytes([Channel.STDOUT]))  # tells the client that the streams are connected
    incoming = asyncio.create_task(_receive(socket, process))
    ending = asyncio.create_task(_end(wait, outputs))
    try:
        await asyncio.wait([incoming, ending], return_when=asyncio.FIRST_COMPLETED)
        if ending.done():
            await socket.send_bytes(bytes([Channel.ERROR]) + json.dumps(exit_status(ending.result())).encode())
    finally:
        process.close()
        for task in (incoming, ending, *outputs):
            task.cancel()
        await asyncio.gather(incoming, ending, *outputs, return_exceptions=True)


def exit_status(code: int) -> dict[str, Any]:
    """Return the Status that tells a client how its command ended."""
    if code == 0:
        return {"metadata": {}, "status": "Success"}
    return {
        "metadata": {},
        "status": "Failure",
        "reason": "NonZeroExitCode",
        "message": f"command terminated with non-zero exit code: exit status {code}",
        "details": {"causes": [{"reason": "ExitCode", "message": str(code)}]},
    }


def failure_status(message: str) -> dict[str, Any]:
    """Return the Status that tells a client why its command did not run."""
    return {"metadata": {}, "status": "Failure", "reason": "InternalError", "message": message, "code": 500}


async def _end(wait: Callable[[], Awaitable[int]] | None, outputs: list[asyncio.Task[None]]) -> int:
    code = await wait() if wait is not None else 0
    if outputs:
        await asyncio.wait(outputs, timeout=DRAIN_S if wait is not None else None)
    return code


async def _send_output(socket: web.WebSocketResponse, channel: Channel, reader: asyncio.StreamReader) -> None:
    while data := await reader.read(CHUNK_BYTES):
        await socket.send_bytes(bytes([channel]) + data)


async def _receive(socket: web.WebSocketResponse, process: ProcessStreams) -> None:
    """Take messages until the client goes."""
    async for message in socket:
        data = message.data.encode() if message.type is WSMsgType.TEXT else message.data
        if not isinstance(data, bytes) or not data:
            continue
        channel, content = data[0], data[1:]
        if channel == Channel.STDIN and process.stdin is not None:
            await _write(process.stdin, content)
        elif channel == Channel.RESIZE:
            _resize(process, content)
        elif channel == Channel.CLOSE and content[:1] == bytes([Channel.STDIN]) and process.stdin is not None:
            process.stdin.close()


async def _write(stdin: asyncio.StreamWriter, content: bytes) -> None:
    try:
        stdin.write(content)
        await stdin.drain()
    except (ConnectionError, RuntimeError):
        return  # the process has closed its input; its output may still come


def _resize(process: ProcessStreams, content: bytes) -> None:
    try:
        size = json.loads(content)
        process.resize(int(size["Width"]), int(size["Height"]))
    except (ValueError, KeyError, TypeError):
        logger.info("terminal size not understood", extra={"content": content[:100]})
