"""Call: one request on its way through a handler, and the options that most verbs share."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

from aiohttp import web

from apiserver.admission import chain
from apiserver.admission.attributes import Operation
from apiserver.authn import User
from apiserver.handlers.output import Form, form_of
from apiserver.registry import strategy_for
from apiserver.registry.strategy import Strategy
from apiserver.request_info import TRUE, RequestInfo
from apiserver.state import ServerState
from naru.api.errors import BadRequest, FieldError, invalid
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
    def form(self) -> Form:
        """How the client wants the answer."""
        return form_of(self.request)

    def flag(self, name: str) -> bool:
        """Read a boolean parameter."""
        return self.request.query.get(name) in TRUE

    def number(self, name: str) -> int | None:
        """Read a number parameter; None when it is not given.

        Raises:
            BadRequest: it is no number.
        """
        text = self.request.query.get(name, "")
        if not text:
            return None
        try:
            return int(text)
        except ValueError:
            raise BadRequest(f'strconv.ParseInt: parsing "{text}": invalid syntax ({name})') from None

    async def admit(self, operation: Operation, obj: KubeObject, old: KubeObject | None) -> KubeObject:
        """Ask the admission plugins, which may change the object.

        Raises:
            APIError: one of them refuses.
        """
        return await chain.admit(operation, self.resource, obj, old, self.user, self.state)

    @cached_property
    def dry_run(self) -> bool:
        """Tell whether everything shall be done but the writing."""
        return is_dry_run(self.request.query.getall("dryRun", []), "CreateOptions")


def is_dry_run(values: list[str] | tuple[str, ...], kind: str) -> bool:
    """Read ``dryRun``, of which only ``All`` is known.

    Raises:
        Invalid: another value.
    """
    wrong = [value for value in values if value != DRY_RUN_ALL]
    if wrong:
        message = f'Unsupported value: "{wrong[0]}": supported values: "All"'
        raise invalid("meta.k8s.io", kind, "", [FieldError("dryRun", "FieldValueNotSupported", message)])
    return bool(values)
