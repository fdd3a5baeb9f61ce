"""What a sandbox keeps on disk, so that nothing is lost with a process.

``sandbox.json`` is the sandbox's spec, ``containers/<id>/state.json`` what is known of a container. A container's exit
is on the disk before anybody is told of it.
"""

import json
import os
from pathlib import Path

from nodeagent.runtime.protocol import from_wire, to_wire
from nodeagent.runtime.spec import ContainerState, SandboxSpec

SPEC_FILE = "sandbox.json"
STATE_FILE = "state.json"


def container_directory(run_dir: Path, container_id: str) -> Path:
    """Return where a container's record is."""
    return run_dir / "containers" / container_id


def save_spec(spec: SandboxSpec) -> None:
    """Note what the sandbox is."""
    _replace(spec.run_dir / SPEC_FILE, to_wire(spec), durable=False)


def load_spec(run_dir: Path) -> SandboxSpec | None:
    """Return what was noted; None when there is nothing, or half of it."""
    try:
        return from_wire(SandboxSpec, json.loads((run_dir / SPEC_FILE).read_bytes()))
    except (OSError, ValueError):
        return None


def save_state(run_dir: Path, state: ContainerState, durable: bool) -> None:
    """Note how a container stands; ``durable``: on the disk when this returns, also if the power fails."""
    _replace(container_directory(run_dir, state.id) / STATE_FILE, to_wire(state), durable)


def load_states(run_dir: Path) -> list[ContainerState]:
    """Return what was noted of each container."""
    states = []
    for path in sorted(run_dir.glob(f"containers/*/{STATE_FILE}")):
        try:
            states.append(from_wire(ContainerState, json.loads(path.read_bytes())))
        except (OSError, ValueError):
            continue  # cut short by a power failure: of a container that the same failure ended
    return states


def _replace(path: Path, content: object, durable: bool) -> None:
    """Write a file whole or not at all."""
    temporary = f"{path}.new"
    fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with open(fd, "wb") as file:
        file.write(json.dumps(content, separators=(",", ":")).encode())
        file.flush()
        if durable:
            os.fsync(fd)
    os.rename(temporary, path)
    if durable:
        directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(directory)  # the rename, too
        finally:
            os.close(directory)
