"""The typed client: the verbs of the API on the classes of ``naru.api``.

Flow: caller -> *Client* -> Transport -> API server. Answers are objects; refusals are ``naru.api.errors.APIError``;
trouble on the way is ``naru.client.errors.ConnectionFailed``. Nothing is retried: callers know what is safe to repeat.

    async with Client(kubeconfig.load()) as client:
        pod = await client.get(Pod, "hello", "default")
"""

import secrets
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, aclosing
from typing import Any, Final, Generic, Literal, Self, TypeVar

import orjson
from pydantic import ValidationError

from naru.api.errors import InternalError
from naru.api.meta import KubeObject, ListMeta
from naru.api.model import Model
from naru.api.scheme import resource_of
from naru.client.config import ClientConfig
from naru.client.http import REQUEST_TIMEOUT_S, Answer, ByteStream, Params, Transport, WebSocket
from naru.client.watch import WatchEvent, decode_stream
from naru.telemetry.trail import HEADER, Cause, Span, encode

M = TypeVar("M", bound=KubeObject)

PatchType = Literal["json", "merge", "strategic", "apply"]
PATCH_MEDIA_TYPES: Final[Mapping[str, str]] = {
    "json": "application/json-patch+json",
    "merge": "application/merge-patch+json",
    "strategic": "application/strategic-merge-patch+json",
    "apply": "application/apply-patch+yaml",
}
_JSON: Final = "application/json"
_WATCH_MIN_S: Final = 300  # a watch lives 5 to 10 minutes


class ObjectList(Model, Generic[M]):
    """A page of objects, and the revision that it is true at."""

    metadata: ListMeta = ListMeta()
    items: tuple[M, ...] = ()


class Client:
    """Speaks to one API server; cheap to :meth:`named` anew, expensive (a connection pool) to make anew."""

    def __init__(
        self,
        config: ClientConfig,
        *,
        user_agent: str = "naru",
        field_manager: str = "",
        on_warning: Callable[[str], None] | None = None,
    ) -> None:
        """Prepare; nothing connects before the first request.

        Args:
            user_agent: who is calling, also on the trail: ``deployment-controller``.
            field_manager: whom managedFields name as the owner of what is written; empty: the user agent.
            on_warning: told each ``Warning`` of the server; None: they are dropped, as programs cannot act on them.
        """
        self.config = config
        self._transport = Transport(config)
        self._user_agent = user_agent
        self._field_manager = field_manager
        self._on_warning = on_warning

    async def __aenter__(self) -> Self:
        """Start to use the client."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close it."""
        await self.close()

    async def close(self) -> None:
        """Close every connection, also those of the clients named from this one."""
        await self._transport.close()

    async def wait_reachable(self, at_most_s: float = 5.0) -> None:
        """After a ConnectionFailed: return as soon as the server accepts connections again, or after a time."""
        await self._transport.wait_reachable(at_most_s)

    def named(self, user_agent: str) -> "Client":
        """Return a client of another name that shares this one's connections (and must not be closed itself)."""
        other = Client(self.config, user_agent=user_agent, on_warning=self._on_warning)
        other._transport = self._transport
        return other

    # Reads

    async def get(self, model: type[M], name: str, namespace: str = "", *, resource_version: str = "") -> M:
        """Read one object."""
        path = resource_of(model).path(namespace, name)
        return _decode(model, await self._send("GET", path, _params(resourceVersion=resource_version)))

    async def list(
        self,
        model: type[M],
        namespace: str = "",
        *,
        label_selector: str = "",
        field_selector: str = "",
        resource_version: str = "",
        limit: int = 0,
        continue_: str = "",
    ) -> ObjectList[M]:
        """Read the objects of one namespace, or of all; with ``limit`` a page of them."""
        params = _params(
            labelSelector=label_selector,
            fieldSelector=field_selector,
            resourceVersion=resource_version,
            limit=limit,
            **{"continue": continue_},
        )
        return _decode(ObjectList[model], await self._send("GET", resource_of(model).path(namespace), params))  # type: ignore[valid-type]

    async def watch(
        self,
        model: type[M],
        namespace: str = "",
        *,
        resource_version: str = "",
        label_selector: str = "",
        field_selector: str = "",
        send_initial_events: bool = False,
        timeout_s: int = 0,
    ) -> AsyncGenerator[WatchEvent[M], None]:
        """Yield changes after a revision until the server ends the watch (it always does, some time).

        Close the iterator when leaving early (``contextlib.aclosing``): it holds a connection.

        Args:
            send_initial_events: begin with the objects that exist, then a bookmark (see WatchEvent).
            timeout_s: when the server shall end the watch; 0: at a random time between 5 and 10 minutes.
        """
        params = _params(
            watch="true",
            allowWatchBookmarks="true",
            resourceVersion=resource_version,
            labelSelector=label_selector,
            fieldSelector=field_selector,
            sendInitialEvents="true" if send_initial_events else "",
            resourceVersionMatch="NotOlderThan" if send_initial_events else "",
            timeoutSeconds=timeout_s or watch_timeout_s(),
        )
        path = resource_of(model).path(namespace)
        async with (
            self._transport.stream("GET", path, params=params, headers=self._headers()) as stream,
            aclosing(decode_stream(model, stream)) as events,
        ):
            async for event in events:
                yield event

    # Writes: ``cause`` says why, and travels in the trail's header

    async def create(self, obj: M, *, cause: Cause | None = None, dry_run: bool = False) -> M:
        """Create an object; the answer has its uid and resourceVersion."""
        path = resource_of(type(obj)).path(obj.metadata.namespace)
        params = self._write_params(dry_run)
        return _decode(type(obj), await self._send("POST", path, params, obj.wire_json(), cause=cause))

    async def update(
        self,
        obj: M,
        subresource: str = "",
        *,
        cause: Cause | None = None,
        spans: Sequence[Span] = (),
        dry_run: bool = False,
    ) -> M:
        """Replace an object, or its ``status``; a resourceVersion in it makes a stale write a Conflict."""
        path = resource_of(type(obj)).path(obj.metadata.namespace, obj.metadata.name, subresource)
        params = self._write_params(dry_run)
        return _decode(type(obj), await self._send("PUT", path, params, obj.wire_json(), cause=cause, spans=spans))

    async def patch(
        self,
        model: type[M],
        name: str,
        namespace: str,
        patch: Mapping[str, Any] | Sequence[Mapping[str, Any]] | bytes,
        type: PatchType = "merge",
        subresource: str = "",
        *,
        cause: Cause | None = None,
        spans: Sequence[Span] = (),
        force: bool = False,
        dry_run: bool = False,
        timeout_s: float = REQUEST_TIMEOUT_S,
    ) -> M:
        """Change parts of an object; ``force`` takes fields over from other managers (apply only)."""
        path = resource_of(model).path(namespace, name, subresource)
        params = self._write_params(dry_run) | _params(force="true" if force else "")
        body = patch if isinstance(patch, bytes) else orjson.dumps(patch)
        answer = await self._send(
            "PATCH", path, params, body, PATCH_MEDIA_TYPES[type], cause=cause, spans=spans, timeout_s=timeout_s
        )
        return _decode(model, answer)

    async def delete(
        self,
        model: type[M],
        name: str,
        namespace: str = "",
        *,
        uid: str = "",
        resource_version: str = "",
        grace_period_seconds: int | None = None,
        propagation: str = "",
        cause: Cause | None = None,
        dry_run: bool = False,
    ) -> None:
        """Delete one object, or begin to.

        Args:
            uid: spare a later object of the same name (Conflict).
            resource_version: spare an object that has changed since (Conflict).
            propagation: Background, Foreground or Orphan; empty: as the kind has it.
        """
        options = _delete_options(uid, resource_version, grace_period_seconds, propagation)
        path = resource_of(model).path(namespace, name)
        await self._send("DELETE", path, self._write_params(dry_run), options, cause=cause)

    async def delete_collection(
        self,
        model: type[M],
        namespace: str = "",
        *,
        label_selector: str = "",
        field_selector: str = "",
        grace_period_seconds: int | None = None,
        propagation: str = "",
        cause: Cause | None = None,
    ) -> None:
        """Delete every object of a kind in a namespace that the selectors match."""
        params = self._write_params(False) | _params(labelSelector=label_selector, fieldSelector=field_selector)
        options = _delete_options("", "", grace_period_seconds, propagation)
        await self._send("DELETE", resource_of(model).path(namespace), params, options, cause=cause)

    async def bind(self, pod: KubeObject, node_name: str, *, cause: Cause | None = None) -> None:
        """Give a Pod its Node; the server refuses (Conflict) when it has one, or is another Pod of that name."""
        meta = pod.metadata
        binding = {
            "apiVersion": "v1",
            "kind": "Binding",
            "metadata": {"name": meta.name, "namespace": meta.namespace, "uid": meta.uid},
            "target": {"apiVersion": "v1", "kind": "Node", "name": node_name},
        }
        path = resource_of(type(pod)).path(meta.namespace, meta.name, "binding")
        await self._send("POST", path, self._write_params(False), orjson.dumps(binding), cause=cause)

    # Anything else

    async def raw(
        self,
        method: str,
        path: str,
        *,
        params: Params = (),
        body: Mapping[str, Any] | Sequence[Any] | bytes | None = None,
        headers: Mapping[str, str] | None = None,
        cause: Cause | None = None,
        timeout_s: float = REQUEST_TIMEOUT_S,
    ) -> Any:
        """Send any request; a JSON answer comes back decoded, another as bytes."""
        content = body if body is None or isinstance(body, bytes) else orjson.dumps(body)
        answer = await self._send(method, path, params, content, cause=cause, headers=headers, timeout_s=timeout_s)
        return orjson.loads(answer.body) if answer.content_type.endswith("json") and answer.body else answer.body

    def open(
        self, path: str, *, method: str = "GET", params: Params = (), accept: str = "*/*"
    ) -> AbstractAsyncContextManager[ByteStream]:
        """Lend an answer as a stream of bytes: ``async with client.open(path) as stream``."""
        return self._transport.stream(method, path, params=params, headers=self._headers(accept))

    def websocket(
        self,
        path: str,
        *,
        params: Params = (),
        protocols: tuple[str, ...] = ("v5.channel.k8s.io", "v4.channel.k8s.io"),
    ) -> AbstractAsyncContextManager[WebSocket]:
        """Lend a WebSocket; pairs as ``params`` may repeat a name, as ``command`` does."""
        return self._transport.websocket(path, params=params, headers=self._headers(), protocols=protocols)

    # Requests

    async def _send(
        self,
        method: str,
        path: str,
        params: Params,
        body: bytes | None = None,
        content_type: str = _JSON,
        *,
        cause: Cause | None = None,
        spans: Sequence[Span] = (),
        headers: Mapping[str, str] | None = None,
        timeout_s: float = REQUEST_TIMEOUT_S,
    ) -> Answer:
        sent = self._headers()
        if body is not None:
            sent["Content-Type"] = content_type
        if method != "GET":
            sent[HEADER] = encode(self._user_agent, cause, spans)
        answer = await self._transport.request(
            method, path, params=params, headers=sent | dict(headers or {}), body=body, timeout_s=timeout_s
        )
        if self._on_warning is not None:
            for warning in answer.warnings:
                self._on_warning(warning)
        return answer

    def _headers(self, accept: str = _JSON) -> dict[str, str]:
        headers = {"Accept": accept, "User-Agent": self._user_agent}
        if self.config.token:
            headers["Authorization"] = f"Bearer {self.config.token}"
        return headers

    def _write_params(self, dry_run: bool) -> dict[str, str]:
        return _params(fieldManager=self._field_manager or self._user_agent, dryRun="All" if dry_run else "")


def watch_timeout_s() -> int:
    """Choose how long a watch shall live: at random, so that reconnections spread."""
    return _WATCH_MIN_S + secrets.randbelow(_WATCH_MIN_S)


def _params(**values: str | int) -> dict[str, str]:
    return {name: str(value) for name, value in values.items() if value}


def _delete_options(uid: str, resource_version: str, grace_period_seconds: int | None, propagation: str) -> bytes:
    preconditions = _params(uid=uid, resourceVersion=resource_version)
    options: dict[str, Any] = {"kind": "DeleteOptions", "apiVersion": "v1"}
    if preconditions:
        options["preconditions"] = preconditions
    if grace_period_seconds is not None:
        options["gracePeriodSeconds"] = grace_period_seconds
    if propagation:
        options["propagationPolicy"] = propagation
    return orjson.dumps(options)


T = TypeVar("T", bound=Model)


def _decode(model: type[T], answer: Answer) -> T:
    try:
        return model.model_validate_json(answer.body)
    except ValidationError as error:
        raise InternalError(f"the server's answer is no {model.__name__}: {error}") from error
