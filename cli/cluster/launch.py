"""Start a component's process: a fork of the supervisor that calls the component's ``main``, or a program.

A fork costs a few milliseconds and shares the memory of everything that the supervisor has imported; a program such
as etcd is spawned. Either way the process leads a session of its own, writes to a log of its own, keeps none of the
supervisor's descriptors, and lives on when the supervisor dies.
"""

import contextlib
import gc
import importlib
import os
import signal
import socket
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, NoReturn, cast

from cli.cluster.components import Component
from cli.cluster.layout import Layout
from cli.cluster.processes import ProcessRecord

MAX_LOG_BYTES: Final = 32 * 1024 * 1024
PORT_POLL_S: Final = 0.005
_OPEN_LOG: Final = os.O_WRONLY | os.O_CREAT | os.O_APPEND
_HANDLED: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def launch(component: Component, layout: Layout, *, first: bool) -> ProcessRecord:
    """Start a component.

    Args:
        first: it waits for the API server, which is starting as well; later it has to get by without.

    Raises:
        OSError: the process could not be made.
    """
    rotate(layout.log(component.name))
    for path in component.sockets:
        path.unlink(missing_ok=True)
    if not component.entry:
        pid = _spawn(component, layout)
        record = ProcessRecord.of(component.name, pid)
        record.save(layout.pids)
        return record
    gc.freeze()  # what was imported so far stays shared: no collector of a child writes to the objects' headers
    pid = os.fork()
    if pid == 0:
        _become(component, layout, wait_for_port=component.api_port if first else 0)
    return ProcessRecord.of(component.name, pid)


def rotate(log: Path) -> None:
    """Put a log aside that has grown large; one old log is kept."""
    if log.exists() and log.stat().st_size > MAX_LOG_BYTES:
        log.rename(log.with_suffix(".log.1"))


def load_entry(entry: str) -> Callable[[Sequence[str]], int]:
    """Import ``module:function``."""
    module, _, function = entry.partition(":")
    return cast(Callable[[Sequence[str]], int], getattr(importlib.import_module(module), function))


def accepts(host: str, port: int) -> bool:
    """Tell whether somebody listens on a port of this machine."""
    with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_STREAM)) as probe:
        return probe.connect_ex((host, port)) == 0


def _spawn(component: Component, layout: Layout) -> int:
    """Execute a program, in the run directory: that is where the supervisor is."""
    actions = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, str(layout.log(component.name)), _OPEN_LOG, 0o644),
        (os.POSIX_SPAWN_DUP2, 1, 2),
    ]
    program, *_ = component.args
    return os.posix_spawn(
        program, component.args, os.environ, file_actions=actions, setsid=True, setsigdef=_HANDLED, setsigmask=()
    )


def _become(component: Component, layout: Layout, *, wait_for_port: int) -> NoReturn:
    """Turn the forked child into the component; nothing of the supervisor's own code runs after this."""
    code = 1
    try:
        _detach(component, layout)
        sys.argv = [component.title, *component.args]
        main = load_entry(component.entry)
        while wait_for_port and not accepts("127.0.0.1", wait_for_port):
            time.sleep(PORT_POLL_S)
        code = main(component.args)
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else int(error.code is not None)
    except BaseException:  # noqa: BLE001  # the child ends here, and the log has the reason
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _detach(component: Component, layout: Layout) -> None:
    signal.set_wakeup_fd(-1)
    for signum in _HANDLED:
        signal.signal(signum, signal.SIG_DFL)
    os.setsid()
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))
    _redirect(os.devnull, os.O_RDONLY, 0)
    _redirect(str(layout.log(component.name)), _OPEN_LOG, 1)
    os.dup2(1, 2)
    Path("/proc/self/comm").write_text(component.title)
    os.chdir("/")
    ProcessRecord.of(component.name, os.getpid()).save(layout.pids)  # by the child: no moment without a record
    gc.enable()


def _redirect(path: str, flags: int, target: int) -> None:
    descriptor = os.open(path, flags, 0o644)
    if descriptor != target:
        os.dup2(descriptor, target)
        os.close(descriptor)
