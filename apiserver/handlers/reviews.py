"""REVIEW: questions that are posted like objects and answered at once; nothing is stored.

Who am I (``kubectl auth whoami``), whose token is this, who may do what (``kubectl auth can-i``). The answers tell what
this server does: everybody whom it knows may do everything, for it enforces no roles yet.

Source: Kubernetes API reference, authentication.k8s.io/v1 and authorization.k8s.io/v1; the texts are upstream's.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from aiohttp import web

from apiserver.authn import ANONYMOUS, Rejected, User
from apiserver.authz import PUBLIC_PATHS
from apiserver.handlers.body import read_object
from apiserver.handlers.call import Call
from apiserver.handlers.metadata import place
from apiserver.handlers.output import Form, respond
from apiserver.handlers.write_options import CREATE, check_write_options, manager_of
from apiserver.managed_fields.field_manager import field_manager_of
from naru.api.authentication_v1 import (
    SelfSubjectReview,
    SelfSubjectReviewStatus,
    TokenReview,
    TokenReviewStatus,
    UserInfo,
)
from naru.api.authorization_v1 import (
    LocalSubjectAccessReview,
    NonResourceAttributes,
    NonResourceRule,
    ResourceRule,
    SelfSubjectAccessReview,
    SelfSubjectRulesReview,
    SubjectAccessReview,
    SubjectAccessReviewStatus,
    SubjectRulesReviewStatus,
)
from naru.api.errors import BadRequest, FieldError, invalid
from naru.api.meta import KubeObject, ObjectMeta
from naru.api.model import now
from naru.api.validation.authorization import (
    validate_access_review,
    validate_local_access_review,
    validate_self_access_review,
)

KNOWN: Final = "naru enforces no roles yet: every authenticated user may do everything"
UNKNOWN: Final = "naru lets anonymous users ask for its health and version alone"

Answer = Callable[[Call, Any], Awaitable[KubeObject]]


async def review(call: Call) -> web.StreamResponse:
    """Answer the question of the body."""
    check_write_options(call, CREATE)
    asked = place(await read_object(call, call.resource.model), call.resource, call.info.namespace)
    manager = field_manager_of(call.resource, "")
    asked = manager.record(None, None, asked, manager_of(call), now())
    answer = await _ANSWERS[call.resource.plural](call, asked)
    form = Form(yaml=call.form.yaml, pretty=call.form.pretty)
    return await respond(call.request, answer.wire_json(), form, status=201, warnings=call.warnings)


async def _who_am_i(call: Call, asked: SelfSubjectReview) -> KubeObject:
    status = SelfSubjectReviewStatus(user_info=user_info(call.sender))
    return SelfSubjectReview(metadata=ObjectMeta(creation_timestamp=now()), status=status)


def user_info(user: User) -> UserInfo:
    """Write a user as objects of the API do."""
    return UserInfo(username=user.name, uid=user.uid, groups=user.groups, extra=dict(user.extra))


async def _whose_token(call: Call, asked: TokenReview) -> KubeObject:
    if not asked.spec.token:
        raise BadRequest("token is required for TokenReview in authentication")
    tokens = await call.state.tokens()
    try:
        found = await tokens.check(asked.spec.token, asked.spec.audiences)
    except Rejected as error:
        status = TokenReviewStatus(error=str(error))
    else:
        user = user_info(found.user)
        status = TokenReviewStatus(authenticated=True, user=user, audiences=found.audiences)
    return asked.model_copy(update={"status": status})


async def _may_somebody(call: Call, asked: SubjectAccessReview) -> KubeObject:
    return _decided(call, asked, validate_access_review(asked), _is_known(asked.spec.user, asked.spec.groups))


async def _may_somebody_here(call: Call, asked: LocalSubjectAccessReview) -> KubeObject:
    return _decided(call, asked, validate_local_access_review(asked), _is_known(asked.spec.user, asked.spec.groups))


async def _may_i(call: Call, asked: SelfSubjectAccessReview) -> KubeObject:
    return _decided(call, asked, validate_self_access_review(asked), _is_known(call.user.name, call.user.groups))


def _is_known(user: str, groups: Sequence[str]) -> bool:
    return user != ANONYMOUS.name and not set(ANONYMOUS.groups) & set(groups)


def _decided(
    call: Call,
    asked: SubjectAccessReview | LocalSubjectAccessReview | SelfSubjectAccessReview,
    errors: Sequence[FieldError],
    is_known: bool,
) -> KubeObject:
    if errors:
        raise invalid(call.resource.group, call.resource.kind, "", errors)
    allowed = is_known or _is_public(asked.spec.non_resource_attributes)
    status = SubjectAccessReviewStatus(allowed=allowed, reason=KNOWN if is_known else UNKNOWN)
    return asked.model_copy(update={"status": status})


def _is_public(about: NonResourceAttributes | None) -> bool:
    return about is not None and about.verb in ("get", "head") and about.path in PUBLIC_PATHS


async def _what_may_i(call: Call, asked: SelfSubjectRulesReview) -> KubeObject:
    if not asked.spec.namespace:
        raise BadRequest("no namespace on request")
    everything = ("*",)
    status = SubjectRulesReviewStatus(
        resource_rules=(ResourceRule(verbs=everything, api_groups=everything, resources=everything),),
        non_resource_rules=(NonResourceRule(verbs=everything, non_resource_urls=everything),),
    )
    return SelfSubjectRulesReview(status=status)


_ANSWERS: Final[dict[str, Answer]] = {
    "localsubjectaccessreviews": _may_somebody_here,
    "selfsubjectaccessreviews": _may_i,
    "selfsubjectreviews": _who_am_i,
    "selfsubjectrulesreviews": _what_may_i,
    "subjectaccessreviews": _may_somebody,
    "tokenreviews": _whose_token,
}
