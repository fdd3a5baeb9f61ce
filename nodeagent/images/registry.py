"""Speak to an image registry: manifests, small blobs, and big blobs that resume where they broke off.

Flow: name -> *manifest (by tag, then by digest) -> blobs* -> layers.py. A registry is a stranger: what it sends is used
only once its digest is right, and every read has a limit of size and of silence.

Source: OCI distribution spec v1.1; docker's "Token Authentication Specification".
"""

import asyncio
import ipaddress
import os
import random
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self
from urllib.parse import urlsplit

import aiohttp

from nodeagent.images.archive import digest_of_source
from nodeagent.images.documents import (
    INDEX_TYPES,
    MANIFEST_TYPES,
    MAX_DOCUMENT_BYTES,
    Descriptor,
    digest_of,
    verify,
)
from nodeagent.images.errors import ImageError
from nodeagent.images.layers import LayerSource
from nodeagent.images.reference import DEFAULT_REGISTRY

DOCKER_HUB_HOST: Final = "registry-1.docker.io"  # docker.io is its name, but another machine
CONNECT_TIMEOUT_S: Final = 10.0
SILENCE_TIMEOUT_S: Final = 30.0  # between two chunks; a big layer may take as long as it keeps coming
MAX_ATTEMPTS: Final = 5  # in a row without a byte of progress
BACKOFF_S: Final = 0.2  # doubled each time, with jitter
_CHALLENGE: Final = re.compile(r'([a-zA-Z_]+)="([^"]*)"')


class RegistryError(ImageError):
    """The registry refused, or cannot be reached."""


class _Interrupted(Exception):
    """A transfer broke off in a way that another attempt may mend."""


@dataclass(frozen=True)
class Fetched:
    """A manifest or index as the registry sent it."""

    raw: bytes
    media_type: str
    digest: str


def is_loopback(registry: str) -> bool:
    """Tell whether a registry is on this machine, where no TLS is expected (docker thinks so too)."""
    host = urlsplit(f"//{registry}").hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class RegistryClient:
    """One registry, for the length of one pull."""

    def __init__(self, registry: str, insecure: frozenset[str] = frozenset()) -> None:
        host = DOCKER_HUB_HOST if registry == DEFAULT_REGISTRY else registry
        self._scheme = "http" if registry in insecure or is_loopback(registry) else "https"
        self._base = f"{self._scheme}://{host}/v2"
        self._tokens: dict[str, str] = {}  # by repository
        timeout = aiohttp.ClientTimeout(total=None, connect=CONNECT_TIMEOUT_S, sock_read=SILENCE_TIMEOUT_S)
        self._session = aiohttp.ClientSession(timeout=timeout, auto_decompress=False)

    async def __aenter__(self) -> Self:
        """Use it as ``async with``."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connections."""
        await self._session.close()

    async def manifest(self, repository: str, version: str) -> Fetched:
        """Fetch a manifest or index by tag or digest."""
        accept = ", ".join(sorted(MANIFEST_TYPES | INDEX_TYPES))
        async with self._get(repository, f"manifests/{version}", {"Accept": accept}) as response:
            raw = await _read_limited(response, MAX_DOCUMENT_BYTES)
            media_type = response.headers.get("Content-Type", "").partition(";")[0].strip()
        if ":" in version:
            verify(raw, version, "manifest")
        return Fetched(raw, media_type, digest_of(raw))

    async def blob(self, repository: str, descriptor: Descriptor) -> bytes:
        """Fetch a small blob: a config."""
        if descriptor.size > MAX_DOCUMENT_BYTES:
            raise RegistryError(f"blob {descriptor.digest} is too large for a config: {descriptor.size} bytes")
        async with self._get(repository, f"blobs/{descriptor.digest}") as response:
            raw = await _read_limited(response, MAX_DOCUMENT_BYTES)
        verify(raw, descriptor.digest, "config")
        return raw

    async def download(self, repository: str, descriptor: Descriptor, path: Path) -> None:
        """Fetch a big blob into ``path``, going on from what is there, and check its digest.

        Raises:
            ImageError: it could not be had whole; what has come stays for the next time, unless it is wrong.
        """
        failures = 0
        while (have := _size(path)) != descriptor.size:
            if have > descriptor.size:
                await asyncio.to_thread(path.unlink)
                continue
            try:
                await self._append(repository, descriptor, path, have)
            except _Interrupted as error:
                failures = 1 if _size(path) > have else failures + 1
                if failures >= MAX_ATTEMPTS:
                    raise RegistryError(f"failed to copy layer {descriptor.digest}: {error}") from error
                await asyncio.sleep(BACKOFF_S * 2**failures * random.uniform(0.5, 1.0))
        actual = await asyncio.to_thread(digest_of_source, LayerSource(path, 0, descriptor.size))
        if actual != descriptor.digest:
            await asyncio.to_thread(path.unlink)
            raise RegistryError(f"failed to copy layer: unexpected digest {actual}, expected {descriptor.digest}")

    async def _append(self, repository: str, descriptor: Descriptor, path: Path, have: int) -> None:
        """Add what the registry sends to what is there; it may also begin anew (status 200 to a range request)."""
        headers = {"Range": f"bytes={have}-"} if have else {}
        async with self._get(repository, f"blobs/{descriptor.digest}", headers) as response:
            resumes = response.status == 206 and response.headers.get("Content-Range", "").startswith(f"bytes {have}-")
            left = descriptor.size - (have if resumes else 0)
            with await asyncio.to_thread(path.open, "ab" if resumes else "wb") as file:
                try:
                    async for chunk in response.content.iter_any():
                        if (left := left - len(chunk)) < 0:
                            raise RegistryError(f"layer {descriptor.digest} is longer than its manifest says")
                        await asyncio.to_thread(file.write, chunk)
                except (aiohttp.ClientError, TimeoutError) as error:
                    raise _Interrupted(_reason(error)) from error
        if left:
            raise _Interrupted(f"{left} bytes are missing")

    @asynccontextmanager
    async def _get(
        self, repository: str, path: str, headers: Mapping[str, str] | None = None
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Ask for something, with a token if the registry wants one, and yield the answer if it is a good one."""
        url = f"{self._base}/{repository}/{path}"
        response = await self._request(url, repository, headers or {})
        if response.status == 401 and await self._authorize(response, repository):
            response.release()
            response = await self._request(url, repository, headers or {})
        try:
            await _check_status(response, url)
            yield response
        finally:
            response.close()

    async def _request(self, url: str, repository: str, headers: Mapping[str, str]) -> aiohttp.ClientResponse:
        token = self._tokens.get(repository)
        authorization = {"Authorization": f"Bearer {token}"} if token else {}
        try:
            return await self._session.get(url, headers={**headers, **authorization})
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise RegistryError(f'failed to do request: Get "{url}": {_reason(error)}') from error

    async def _authorize(self, response: aiohttp.ClientResponse, repository: str) -> bool:
        """Fetch the token that a 401 asks for; False when this has been tried or the registry wants something else."""
        scheme, _, rest = response.headers.get("WWW-Authenticate", "").partition(" ")
        challenge = dict(_CHALLENGE.findall(rest))
        realm = challenge.get("realm", "")
        if scheme.lower() != "bearer" or repository in self._tokens or not realm:
            return False
        if urlsplit(realm).scheme != "https" and self._scheme == "https":
            raise RegistryError(f"failed to fetch token: {realm} is not https")
        query = {"scope": f"repository:{repository}:pull"}
        if service := challenge.get("service"):
            query["service"] = service
        try:
            async with self._session.get(realm, params=query) as answer:
                await _check_status(answer, realm)
                document = await answer.json(content_type=None)
                self._tokens[repository] = str(document.get("token") or document["access_token"])
        except (aiohttp.ClientError, TimeoutError, ValueError, KeyError, AttributeError) as error:
            raise RegistryError(f"failed to fetch anonymous token from {realm}: {_reason(error)}") from error
        return True


async def _check_status(response: aiohttp.ClientResponse, url: str) -> None:
    if response.status in (200, 206):
        return
    if response.status == 404:
        raise RegistryError("not found")
    if response.status in (401, 403):
        raise RegistryError(
            "pull access denied, repository does not exist or may require authorization: "
            f"server answered {response.status} {response.reason}"
        )
    raise RegistryError(f'unexpected status from GET request to "{url}": {response.status} {response.reason}')


async def _read_limited(response: aiohttp.ClientResponse, limit: int) -> bytes:
    parts, size = [], 0
    try:
        async for chunk in response.content.iter_any():
            parts.append(chunk)
            if (size := size + len(chunk)) > limit:
                raise RegistryError(f"answer is longer than {limit} bytes")
    except (aiohttp.ClientError, TimeoutError) as error:
        raise RegistryError(f'failed to read from "{response.url}": {_reason(error)}') from error
    return b"".join(parts)


def _reason(error: BaseException) -> str:
    """Say what went wrong underneath, without the client library's wrapping."""
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return f"lookup {error.host}: {error.os_error.strerror or error.os_error}"
    if isinstance(error, aiohttp.ClientConnectorError):
        code = error.os_error.errno
        return f"connect: {os.strerror(code).lower() if code else error.os_error}"
    if isinstance(error, TimeoutError):
        return "no answer in time"
    return str(error) or type(error).__name__


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
