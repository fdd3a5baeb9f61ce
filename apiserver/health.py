"""Health: ``/livez`` says the process works, ``/readyz`` that it can serve, ``/healthz`` is the old name of livez.

The answers are plain text: ``ok``, or with ``?verbose`` (and on failure) one line a check, as upstream writes them.
"""

from collections.abc import Awaitable, Callable, Mapping

from aiohttp import web

from apiserver.state import ServerState
from naru.api.errors import NotFound

Check = Callable[[], bool]
Handler = Callable[[web.Request], Awaitable[web.Response]]


def add_routes(app: web.Application, state: ServerState) -> None:
    """Serve the three endpoints, and each of their checks alone (``/readyz/caches``)."""
    live: dict[str, Check] = {"ping": lambda: True}
    ready: dict[str, Check] = {
        "ping": lambda: True,
        "caches": lambda: state.caches.synced,
        "startup": state.started.is_set,
        "shutdown": lambda: not state.stopping.is_set(),
    }
    for name, checks in (("healthz", live), ("livez", live), ("readyz", ready)):
        app.router.add_get(f"/{name}", _all_of(name, checks))
        app.router.add_get(f"/{name}/{{check}}", _one_of(checks))


def _all_of(endpoint: str, checks: Mapping[str, Check]) -> Handler:
    async def handler(request: web.Request) -> web.Response:
        excluded = request.query.getall("exclude", [])
        results = {name: check() for name, check in checks.items() if name not in excluded}
        return web.Response(status=_status(results), text=report(endpoint, results, verbose="verbose" in request.query))

    return handler


def _one_of(checks: Mapping[str, Check]) -> Handler:
    async def handler(request: web.Request) -> web.Response:
        name = request.match_info["check"]
        if name not in checks:
            raise NotFound(f"no health check is named {name}: there are {', '.join(checks)}")
        results = {name: checks[name]()}
        return web.Response(status=_status(results), text=report(name, results, verbose=False))

    return handler


def _status(results: Mapping[str, bool]) -> int:
    return 200 if all(results.values()) else 500


def report(endpoint: str, results: Mapping[str, bool], *, verbose: bool) -> str:
    """Write the answer's text."""
    passed = all(results.values())
    if passed and not verbose:
        return "ok"
    lines = [f"[+]{name} ok" if ok else f"[-]{name} failed" for name, ok in results.items()]
    return "\n".join([*lines, f"{endpoint} check {'passed' if passed else 'failed'}"]) + "\n"
