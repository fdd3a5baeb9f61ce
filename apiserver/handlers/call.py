"""Call: one request on its way through a handler, and the options that most verbs share."""

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Final

from aiohttp import web

from apiserver import query
from apiserver.admission import chain
from apiserver.admission.attributes import Operation
from apiserver.authn import User, credential_of
from apiserver.handlers.output import Form, form_of
from apiserver.registry import strategy_for
from apiserver.registry.strategy import Strategy
from apiserver.request_info import RequestInfo
from apiserver.state import ServerState
from naru.api.errors import FieldError, invalid
from naru.api.field_errors import quoted
from naru.api.meta import KubeObject
from naru.api.scheme import Resource

DRY_RUN_ALL: Final = "All"


@dataclass
class Call:
    """The request, what it asks for, who asks, and the server that it asks."""

    request: web.Request
    state: ServerState
    info: RequestInfo
    user: User
    warnings: list[str] = field(default_factory=list)  # told to the client in Warning headers

    @property
    def resource(self) -> Resource:
        """The resource that is asked for."""
        return self.info.resource

    @cached_property
    def strategy(self) -> Strategy[Any]:
        """The rules of the resource."""
        return strategy_for(self.resource)

    @cached_property
    def sender(self) -> User:
        """Who asks, with all that is known of it."""
        return self.user if self.user.extra else replace(self.user, extra=credential_of(self.request))

    @cached_property
    def form(self) -> Form:
        """How the client wants the answer."""
        return form_of(self.request)

    def flag(self, name: str) -> bool:
        """Read a boolean parameter."""
        return query.flag(self.request, name)

    def number(self, name: str) -> int | None:
        """Read a number parameter; None when it is not given.

        Raises:
            BadRequest: it is no number.
        """
        return query.number(self.request, name)

    async def admit(self, operation: Operation, obj: KubeObject, old: KubeObject | None) -> KubeObject:
        """Ask the admission plugins, which may change the object.

        Raises:
            APIError: one of them refuses.
        """
        return await chain.admit(operation, self.resource, obj, old, self.user, self.state)

    @cached_property
    def dry_run(self) -> bool:
        """Tell whether everything shall be done but the writing."""
        if not self.request.query_string:
            return False
        return is_dry_run(self.request.query.getall("dryRun", []), "CreateOptions")


def is_dry_run(values: list[str] | tuple[str, ...], kind: str) -> bool:
    """Read ``dryRun``, of which only ``All`` is known.

    Raises:
        Invalid: another value.
    """
    if any(value != DRY_RUN_ALL for value in values):
        message = f'Unsupported value: {quoted(list(values))}: supported values: "{DRY_RUN_ALL}"'
        raise invalid("meta.k8s.io", kind, "", [FieldError("dryRun", "FieldValueNotSupported", message)])
    return bool(values)
