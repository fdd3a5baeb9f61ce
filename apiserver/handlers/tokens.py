"""TOKEN: a new token of a service account (TokenRequest).

Source: Kubernetes API reference, authentication.k8s.io/v1 TokenRequest; the texts are upstream's.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Final

from aiohttp import web

from apiserver.handlers.body import read_object
from apiserver.handlers.call import Call
from apiserver.handlers.output import Form, respond
from apiserver.handlers.write_options import CREATE, check_write_options
from apiserver.service_accounts.claims import KUBELET_EXPIRATION_S, Bound, claims_of
from apiserver.storage.store import not_found
from naru.api.authentication_v1 import BoundObjectReference, TokenRequest, TokenRequestStatus
from naru.api.errors import BadRequest, Conflict, FieldError, NotFound, invalid
from naru.api.field_errors import invalid as invalid_field
from naru.api.meta import KubeObject, ObjectMeta
from naru.api.model import now
from naru.api.node_v1 import Node
from naru.api.pod_v1 import Pod
from naru.api.scheme import by_kind
from naru.api.validation.storage import validate_token_lifetime

GROUP: Final = "authentication.k8s.io"
BINDABLE: Final = ("Pod", "Secret", "Node")

Find = Callable[[str, str], Awaitable[KubeObject]]
"""Looks an object up by its kind and name, in the account's namespace."""


async def create_token(call: Call) -> web.StreamResponse:
    """Answer with a token of the account of the URL."""
    check_write_options(call, CREATE)
    sent = await read_object(call, TokenRequest)
    assert isinstance(sent, TokenRequest)
    check_meta(sent, call.info.namespace, call.info.name)

    async def find(kind: str, name: str) -> KubeObject:
        resource = by_kind("v1", kind)
        assert resource is not None
        obj = await call.state.reader.fresh(resource, call.info.namespace, name)
        if obj is None:
            raise not_found(resource, name)
        return obj

    account = await find("ServiceAccount", call.info.name)
    audiences = sent.spec.audiences or call.state.config.api_audiences
    spec = sent.spec.model_copy(update={"audiences": audiences})
    if errors := validate_token_lifetime(spec.expiration_seconds, "spec.expirationSeconds"):
        raise invalid(GROUP, "TokenRequest", "", errors)
    bound = await bound_objects(spec.bound_object_ref, call.info.name, find)
    moment, config = now(), call.state.config
    lives_on = spec.expiration_seconds == KUBELET_EXPIRATION_S and "pod" in bound.objects
    claims = claims_of(
        account,
        bound,
        config.service_account_issuer,
        audiences,
        spec.expiration_seconds,
        moment,
        extend=lives_on and set(audiences) <= set(config.api_audiences),
    )
    token = (await call.state.tokens()).key.sign(claims)
    answer = _answered(sent.model_copy(update={"spec": spec}), account, token, moment)
    form = Form(yaml=call.form.yaml, pretty=call.form.pretty)
    return await respond(call.request, answer.wire_json(), form, status=201, warnings=call.warnings)


def check_meta(sent: TokenRequest, namespace: str, name: str) -> None:
    """Hold the request's name and namespace, if it has some, against those of the URL.

    Raises:
        Invalid: they differ.
    """
    errors: list[FieldError] = []
    if sent.metadata.name not in ("", name):
        why = "must match the service account name if specified"
        errors.append(invalid_field("metadata.name", sent.metadata.name, why))
    elif sent.metadata.namespace not in ("", namespace):
        why = "must match the service account namespace if specified"
        errors.append(invalid_field("metadata.namespace", sent.metadata.namespace, why))
    if errors:
        raise invalid(GROUP, "TokenRequest", name, errors)


async def bound_objects(ref: BoundObjectReference | None, account: str, find: Find) -> Bound:
    """Look up what a token is to be bound to; with a pod comes the node that it is on.

    Raises:
        NotFound: it is not there.
        BadRequest: a token cannot be bound to it.
        Conflict: it is another one than the sender thinks.
    """
    if ref is None:
        return Bound()
    group, _, version = ref.api_version.rpartition("/")
    if group or ref.kind not in BINDABLE:
        raise BadRequest(f"cannot bind token to object of type {group}/{version}, Kind={ref.kind}")
    obj = await find(ref.kind, ref.name)
    objects = {ref.kind.lower(): obj}
    if isinstance(obj, Pod):
        if obj.spec.service_account_name != account:
            raise BadRequest(
                f'cannot bind token for serviceaccount "{account}" to pod running with different serviceaccount name.'
            )
        if obj.spec.node_name:
            objects["node"] = await _node_of(obj, find)
    if ref.uid and ref.uid != obj.metadata.uid:
        raise Conflict(
            f'Operation cannot be fulfilled on {ref.kind} "{ref.name}": the UID in the bound object reference '
            f"({ref.uid}) does not match the UID in record. The object might have been deleted and then recreated",
            details={"name": ref.name, "kind": ref.kind},
        )
    return Bound(objects)


async def _node_of(pod: Pod, find: Find) -> KubeObject:
    """Return a pod's node; of one that is gone at least the name is known."""
    try:
        return await find("Node", pod.spec.node_name)
    except NotFound:
        return Node(metadata=ObjectMeta(name=pod.spec.node_name))


def _answered(sent: TokenRequest, account: KubeObject, token: str, moment: datetime) -> TokenRequest:
    meta = sent.metadata.model_copy(
        update={
            "name": account.metadata.name,
            "namespace": account.metadata.namespace,
            "creation_timestamp": moment,
        }
    )
    expires = moment + timedelta(seconds=sent.spec.expiration_seconds)
    status = TokenRequestStatus(token=token, expiration_timestamp=expires)
    return sent.model_copy(update={"metadata": meta, "status": status})
