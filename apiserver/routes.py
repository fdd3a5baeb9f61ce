"""Routes: registering a handler, with the one thing that is the same for all."""

from collections.abc import Awaitable, Callable

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

ANY = "*"


def add_route(app: web.Application, method: str, path: str, handler: Handler) -> None:
    """Serve a path; ``ANY`` stands for every method."""
    app.router.add_route(method, path, handler, expect_handler=_expect)


async def _expect(request: web.Request) -> None:
    """Ask for the body if the client waits for that, and refuse to expect anything else, without repeating it.

    Raises:
        HTTPExpectationFailed: something else is expected.
    """
    if request.headers.get("Expect", "").lower() != "100-continue":
        raise web.HTTPExpectationFailed
    if request.version >= (1, 1):
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0  # what is written so far is no answer
