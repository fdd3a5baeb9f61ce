"""CertificateSigningRequests: who asks is noted when they are made, and three ways of writing are kept apart.

An update of the object changes its metadata alone; ``approval`` decides, ``status`` issues.
"""

from datetime import datetime
from typing import Any, ClassVar, Final

from apiserver.registry.columns import AGE, NAME, NONE, Column
from apiserver.registry.strategy import Context, Strategy, kept_meta, with_meta
from naru.api.certificates_v1 import (
    CertificateSigningRequest,
    CertificateSigningRequestCondition,
    CertificateSigningRequestStatus,
)
from naru.api.durations import human_age, human_duration
from naru.api.errors import FieldError
from naru.api.model import now as current_time
from naru.api.validation.certificates import (
    APPROVED,
    DECISIONS,
    DENIED,
    FAILED,
    find_conditions,
    validate_request_approval,
)


class CertificateSigningRequestStrategy(Strategy[CertificateSigningRequest]):
    """The rules of requests for certificates."""

    has_status = True
    columns: ClassVar[tuple[Column, ...]] = (
        NAME,
        AGE,
        Column("SignerName", "Who is to sign it."),
        Column("Requestor", "Who asks."),
        Column("RequestedDuration", "For how long the certificate should be good."),
        Column("Condition", "What was decided, and whether the certificate is there."),
    )

    def prepare_for_create(self, obj: CertificateSigningRequest, context: Context) -> CertificateSigningRequest:
        """Note who asks, whatever the request says about that."""
        created, user = super().prepare_for_create(obj, context), context.user
        who = {"username": user.name, "uid": user.uid, "groups": user.groups, "extra": dict(user.extra)}
        return created.model_copy(update={"spec": created.spec.model_copy(update=who)})

    def prepare_for_update(
        self, new: CertificateSigningRequest, old: CertificateSigningRequest
    ) -> CertificateSigningRequest:
        """Keep what is asked for."""
        return super().prepare_for_update(new, old).model_copy(update={"spec": old.spec})

    def prepare_for_status_update(
        self, new: CertificateSigningRequest, old: CertificateSigningRequest
    ) -> CertificateSigningRequest:
        """Keep the decisions as they were, unless some were added or removed, which validation will find."""
        conditions = list(new.status.conditions)
        for kind in DECISIONS:
            before = find_conditions(old, kind)
            places = [index for index, condition in enumerate(conditions) if condition.type == kind]
            if len(places) == len(before):
                for index, condition in zip(places, before, strict=True):
                    conditions[index] = condition
        status = new.status.model_copy(update={"conditions": _timed(tuple(conditions), old)})
        return _with_status(new, old, status)

    def prepare_for_approval(
        self, new: CertificateSigningRequest, old: CertificateSigningRequest
    ) -> CertificateSigningRequest:
        """Keep everything but the conditions."""
        status = old.status.model_copy(update={"conditions": _timed(new.status.conditions, old)})
        return _with_status(new, old, status)

    def validate_approval(self, new: CertificateSigningRequest, old: CertificateSigningRequest) -> list[FieldError]:
        """Return what is wrong with a decision."""
        return validate_request_approval(new, old)

    def selectable_fields(self, obj: CertificateSigningRequest) -> dict[str, str]:
        """Let a signer ask for what it is to sign."""
        return {**super().selectable_fields(obj), "spec.signerName": obj.spec.signer_name}

    def row(self, obj: CertificateSigningRequest, now: datetime) -> list[Any]:
        """Show how far it has come."""
        seconds = obj.spec.expiration_seconds
        return [
            obj.metadata.name,
            human_age(obj.metadata.creation_timestamp, now),
            obj.spec.signer_name or NONE,
            obj.spec.username,
            NONE if seconds is None else human_duration(seconds),
            _state(obj),
        ]


def _with_status(
    new: CertificateSigningRequest, old: CertificateSigningRequest, status: CertificateSigningRequestStatus
) -> CertificateSigningRequest:
    kept = with_meta(new, kept_meta(new.metadata, old.metadata))
    return kept.model_copy(update={"spec": old.spec, "status": status})


def _timed(
    conditions: tuple[CertificateSigningRequestCondition, ...], old: CertificateSigningRequest
) -> tuple[CertificateSigningRequestCondition, ...]:
    """Fill in the times that conditions lack; one that was there with the same status keeps its own."""
    moment = current_time()
    since = {
        (condition.type, condition.status): condition.last_transition_time
        for condition in reversed(old.status.conditions)
        if condition.last_transition_time is not None
    }
    return tuple(
        condition.model_copy(
            update={
                "last_update_time": condition.last_update_time or moment,
                "last_transition_time": condition.last_transition_time
                or since.get((condition.type, condition.status), moment),
            }
        )
        for condition in conditions
    )


def _state(request: CertificateSigningRequest) -> str:
    types = {condition.type for condition in request.status.conditions}
    state = DENIED if DENIED in types else APPROVED if APPROVED in types else "Pending"
    return state + ",Failed" * (FAILED in types) + ",Issued" * bool(request.status.certificate)


STRATEGIES: Final = {"certificatesigningrequests.certificates.k8s.io": CertificateSigningRequestStrategy()}
