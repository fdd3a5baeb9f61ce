"""Serving documents that seldom change: encoded once, named by a hash, answered with 304 to those who have them."""

import hashlib
from dataclasses import dataclass
from typing import Any, Final

import orjson
from aiohttp import web

from apiserver.encoding import CACHE_CONTROL, prettier
from apiserver.negotiation import is_pretty

SLOW_BYTES: Final = 16 << 10  # larger documents are compressed beside the loop


@dataclass(frozen=True)
class Document:
    """Encoded bytes, their media type, and the hash that changes when they do."""

    body: bytes
    content_type: str
    digest: str

    @property
    def etag(self) -> str:
        """The hash as the ETag header has it."""
        return f'"{self.digest}"'

    def respond(self, request: web.Request, cache_control: str = CACHE_CONTROL) -> web.Response:
        """Answer 200 with the bytes, or 304 when the client's copy is the same."""
        headers = {"ETag": self.etag, "Vary": "Accept", "Cache-Control": cache_control}
        if self.etag in request.headers.get("If-None-Match", ""):
            return web.Response(status=304, headers=headers)
        headers["Content-Type"] = self.content_type
        response = web.Response(body=self.body, headers=headers, zlib_executor_size=SLOW_BYTES)
        response.enable_compression()  # in the way that Accept-Encoding allows
        return response

    def respond_plain(self, request: web.Request) -> web.Response:
        """Answer 200 with the bytes, indented for people, as upstream does where it knows no hash."""
        body = prettier(self.body) if is_pretty(request) else self.body + b"\n"
        return web.Response(body=body, headers={"Content-Type": self.content_type, "Cache-Control": CACHE_CONTROL})


def document(content: Any, content_type: str = "application/json") -> Document:
    """Encode JSON, or take bytes as they are."""
    body = content if isinstance(content, bytes) else orjson.dumps(content)
    return Document(body, content_type, hashlib.sha512(body).hexdigest().upper())
