"""The library of OpenAPI documents: built once a version of the code, by a child process, and kept as files.

Building takes up to a second of pure Python and loads every model. The server does neither: it knows the documents'
names and hashes from its source alone, and has a child build the one that is asked for. With ``--cache-dir`` the files
outlive the server, and the next one of the same version finds them.
"""

import asyncio
import hashlib
import logging
import os
import shutil
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import Final

import naru.api
from naru.api.errors import InternalError

logger = logging.getLogger(__name__)

V2: Final = "v2"
V2_PROTOBUF: Final = "v2.protobuf"
ROOT: Final = Path(__file__).parents[2]
_SOURCES: Final = (*map(Path, naru.api.__path__), Path(__file__).parent, Path(__file__).parents[1] / "subresources.py")


@cache
def code_digest() -> bytes:
    """Digest the source that the documents are made from: they differ if and only if it does."""
    digest = hashlib.sha512(sys.version.encode())
    for place in _SOURCES:
        for file in sorted(place.rglob("*.py")) if place.is_dir() else [place]:
            digest.update(file.name.encode() + file.read_bytes())
    return digest.digest()


def document_hash(name: str) -> str:
    """Return the hash that stands for a document in its URL and ETag."""
    return hashlib.sha512(code_digest() + name.encode()).hexdigest().upper()


def file_name(name: str) -> str:
    """Return the file that a document is kept in."""
    return f"openapi-{document_hash(name)[:16]}-{name.replace('/', '__')}"


class Library:
    """Documents by name, as bytes."""

    def __init__(self, directory: Path | None) -> None:
        self._directory = directory
        self._is_temporary = directory is None
        self._building: dict[str, asyncio.Task[None]] = {}

    async def read(self, name: str) -> bytes:
        """Return a document, and have it built if nobody has asked for it yet.

        Raises:
            InternalError: it cannot be built; the log says why.
        """
        if self._directory is None:
            self._directory = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="naru-openapi-"))
        path = self._directory / file_name(name)
        try:
            return await asyncio.to_thread(path.read_bytes)
        except FileNotFoundError:
            await self._built(V2 if name == V2_PROTOBUF else name)
        return await asyncio.to_thread(path.read_bytes)

    async def _built(self, name: str) -> None:
        """Build a document once, however many ask for it."""
        task = self._building.get(name)
        if task is None:
            task = self._building[name] = asyncio.create_task(self._build(name), name=f"openapi-{name}")
            task.add_done_callback(lambda _: self._building.pop(name, None))
        await asyncio.shield(task)

    async def _build(self, name: str) -> None:
        assert self._directory is not None
        await asyncio.to_thread(self._directory.mkdir, parents=True, exist_ok=True)
        command = (sys.executable, "-m", "apiserver.openapi.build", str(self._directory), name)
        child = await asyncio.create_subprocess_exec(
            *command, cwd=ROOT, stdin=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
        )
        try:
            _, errors = await child.communicate()
        except asyncio.CancelledError:
            child.kill()
            raise
        if child.returncode != 0:
            logger.error(
                "cannot build an OpenAPI document", extra={"document": name, "stderr": errors.decode()[-2000:]}
            )
            raise InternalError("Internal error occurred: the OpenAPI document cannot be built")

    async def close(self) -> None:
        """Stop what is being built, and remove what nobody else will read."""
        tasks = list(self._building.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._is_temporary and self._directory is not None:
            await asyncio.to_thread(shutil.rmtree, self._directory, ignore_errors=True)


def store(directory: Path, name: str, content: bytes) -> None:
    """Write a document, whole or not at all: several servers may share the directory."""
    path = directory / file_name(name)
    partial = path.with_name(f"{path.name}.{os.getpid()}")
    partial.write_bytes(content)
    partial.rename(path)
