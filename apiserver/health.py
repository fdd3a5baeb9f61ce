"""Health: ``/livez`` says the process works, ``/readyz`` that it can serve, ``/healthz`` is the old name of livez.

The answers are plain text: ``ok``, or with ``?verbose`` (and on failure) one line a check, as upstream writes them.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence

from aiohttp import web

from apiserver.routes import ANY, add_route
from apiserver.state import ServerState

Check = Callable[[], bool]
Handler = Callable[[web.Request], Awaitable[web.Response]]


def add_routes(app: web.Application, state: ServerState) -> None:
    """Serve the three endpoints, and each of their checks alone (``/readyz/etcd``)."""
    live: dict[str, Check] = {"ping": lambda: True}
    ready: dict[str, Check] = {
        "ping": lambda: True,
        "etcd": lambda: state.caches.synced,
        "poststarthook/start-system-namespaces-controller": state.started.is_set,
        "shutdown": lambda: not state.stopping.is_set(),
    }
    for name, checks in (("healthz", live), ("livez", live), ("readyz", ready)):
        add_route(app, ANY, f"/{name}", _all_of(name, checks))
        for check, passes in checks.items():
            add_route(app, ANY, f"/{name}/{check}", _one_of(check, passes))


def _all_of(endpoint: str, checks: Mapping[str, Check]) -> Handler:
    async def handler(request: web.Request) -> web.Response:
        excluded = request.query.getall("exclude", []) if request.query_string else []
        text, passed = report(endpoint, checks, excluded, verbose="verbose" in request.query)
        return _answer(text, 200 if passed else 500)

    return handler


def _one_of(name: str, check: Check) -> Handler:
    async def handler(_: web.Request) -> web.Response:
        if check():
            return _answer("ok", 200)
        return _answer(f"internal server error: {name} check failed\n", 500)

    return handler


def _answer(text: str, status: int) -> web.Response:
    headers = {"Cache-Control": "no-cache, private", "X-Content-Type-Options": "nosniff"}
    return web.Response(status=status, text=text, headers=headers)


def report(
    endpoint: str, checks: Mapping[str, Check], excluded: Sequence[str] = (), *, verbose: bool = False
) -> tuple[str, bool]:
    """Run the checks that are not excluded; return the answer's text, and whether all of them passed."""
    lines, passed = [], True
    for name, check in checks.items():
        if name in excluded:
            lines.append(f"[+]{name} excluded: ok")
        elif check():
            lines.append(f"[+]{name} ok")
        else:
            lines.append(f"[-]{name} failed: reason withheld")
            passed = False
    if unknown := sorted(set(excluded) - checks.keys()):
        names = ",".join(f'"{name}"' for name in unknown)
        lines.append(f"warn: some health checks cannot be excluded: no matches for {names}")
    if passed and not verbose:
        return "ok", True
    return "\n".join([*lines, f"{endpoint} check {'passed' if passed else 'failed'}"]) + "\n", passed
