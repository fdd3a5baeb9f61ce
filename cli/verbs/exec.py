"""`naru exec`: run a command in a container, with this terminal as its terminal.

Flow: keyboard -> stdin channel -> API server -> node agent -> shim -> process, and back on stdout, stderr, error.
Each message of the WebSocket begins with its channel's number; v5 adds one that closes a channel.

Source: Kubernetes KEP-4006 (v5.channel.k8s.io), the channels of "remotecommand"; termios(3) for the raw mode.
"""

import asyncio
import contextlib
import os
import shutil
import signal
import sys
import termios
import tty
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final

import orjson

from cli.faults import ExitCode, Fault
from cli.session import Session
from cli.verbs.names import Target
from cli.verbs.pods import container_of, pod_of
from naru.client.http import WebSocket


class Channel(IntEnum):
    """The first byte of a message."""

    STDIN = 0
    STDOUT = 1
    STDERR = 2
    ERROR = 3  # one Status, at the end
    RESIZE = 4
    CLOSE = 255  # v5: the next byte names the channel that has no more data


_PIECE_BYTES: Final = 32 * 1024


@dataclass(frozen=True)
class ExecOptions:
    """How to run the command."""

    container: str = ""
    stdin: bool = False
    tty: bool = False


async def exec_(session: Session, target: Target, command: Sequence[str], options: ExecOptions) -> int:
    """Run a command; return its exit code.

    Raises:
        Fault: there is no terminal to give it, or it could not be started.
    """
    use_tty = options.tty and sys.stdin.isatty()
    if options.tty and not use_tty:
        print("naru: standard input is no terminal: the command gets none either", file=sys.stderr)
    pod = await pod_of(session, target)
    container = container_of(pod, options.container)
    path = f"/api/v1/namespaces/{session.namespace}/pods/{pod['metadata']['name']}/exec"
    params = exec_params(container, command, stdin=options.stdin, use_tty=use_tty)
    async with session.client.websocket(path, params=params) as socket:
        with raw_terminal() if use_tty else contextlib.nullcontext():
            status = await _converse(socket, stdin=options.stdin, use_tty=use_tty)
    return exit_code_of(status)


def exec_params(container: str, command: Sequence[str], *, stdin: bool, use_tty: bool) -> list[tuple[str, str]]:
    """Return the query; a terminal has no stderr of its own."""
    flags = {"stdin": stdin, "stdout": True, "stderr": not use_tty, "tty": use_tty}
    pairs = [("container", container), *((name, "true") for name, wanted in flags.items() if wanted)]
    return pairs + [("command", word) for word in command]


def exit_code_of(status: dict[str, Any]) -> int:
    """Read the command's exit code from the closing Status.

    Raises:
        Fault: the command did not run.
    """
    if status.get("status") == "Success":
        return ExitCode.OK
    for cause in (status.get("details") or {}).get("causes") or ():
        if cause.get("reason") == "ExitCode":
            return int(cause["message"])
    raise Fault(str(status.get("message") or "the connection ended before the command did"))


@contextlib.contextmanager
def raw_terminal() -> Iterator[None]:
    """Hand every key on as it is pressed, Ctrl-C included, and restore the terminal in any case."""
    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    try:
        tty.setraw(descriptor)
        yield
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


async def _converse(socket: WebSocket, *, stdin: bool, use_tty: bool) -> dict[str, Any]:
    """Carry bytes both ways until the command ends; return the Status that closes it."""
    loop = asyncio.get_running_loop()
    helpers = [asyncio.create_task(_send_stdin(socket))] if stdin else []
    if use_tty:
        resized = asyncio.Event()
        resized.set()  # the first size
        loop.add_signal_handler(signal.SIGWINCH, resized.set)
        helpers.append(asyncio.create_task(_send_sizes(socket, resized)))
    try:
        return await _receive(socket)
    finally:
        if use_tty:
            loop.remove_signal_handler(signal.SIGWINCH)
        for helper in helpers:
            helper.cancel()
        await asyncio.gather(*helpers, return_exceptions=True)


async def _receive(socket: WebSocket) -> dict[str, Any]:
    outputs = {Channel.STDOUT: sys.stdout.buffer, Channel.STDERR: sys.stderr.buffer}
    while (message := await socket.receive()) is not None:
        channel, content = message[0] if message else -1, message[1:]
        if channel == Channel.ERROR:
            status: dict[str, Any] = orjson.loads(content)
            return status
        if channel in outputs and content:
            outputs[Channel(channel)].write(content)
            outputs[Channel(channel)].flush()
    return {}


async def _send_stdin(socket: WebSocket) -> None:
    """Send what is typed or piped in; at its end close the channel, which only v5 can."""
    loop = asyncio.get_running_loop()
    descriptor = sys.stdin.fileno()
    while piece := await _read(loop, descriptor):
        await socket.send(bytes([Channel.STDIN]) + piece)
    if socket.protocol.startswith("v5"):
        await socket.send(bytes([Channel.CLOSE, Channel.STDIN]))


async def _read(loop: asyncio.AbstractEventLoop, descriptor: int) -> bytes:
    """Wait until the descriptor can be read, and read; a plain file, which cannot be waited for, is read at once."""
    readable = loop.create_future()
    try:
        loop.add_reader(descriptor, _wake, readable)
    except PermissionError:
        return os.read(descriptor, _PIECE_BYTES)
    try:
        await readable
    finally:
        loop.remove_reader(descriptor)
    return os.read(descriptor, _PIECE_BYTES)


def _wake(readable: "asyncio.Future[None]") -> None:
    if not readable.done():
        readable.set_result(None)


async def _send_sizes(socket: WebSocket, resized: asyncio.Event) -> None:
    while True:
        await resized.wait()
        resized.clear()
        size = shutil.get_terminal_size()
        body = orjson.dumps({"Width": size.columns, "Height": size.lines})
        await socket.send(bytes([Channel.RESIZE]) + body)
