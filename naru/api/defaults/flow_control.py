"""Defaults of flow schemas and priority levels."""

from typing import Any, Final

from naru.api.flowcontrol_v1 import (
    ExemptPriorityLevelConfiguration,
    FlowSchema,
    LimitedPriorityLevelConfiguration,
    PriorityLevelConfiguration,
    QueuingConfiguration,
)

MATCHING_PRECEDENCE: Final = 1000
SHARES: Final = 30
QUEUES: Final = 64
HAND_SIZE: Final = 8
QUEUE_LENGTH: Final = 50


def default_flow_schema(schema: FlowSchema) -> FlowSchema:
    """Let a schema that does not say when it is looked at come between those that do."""
    if schema.spec.matching_precedence:
        return schema
    spec = schema.spec.model_copy(update={"matching_precedence": MATCHING_PRECEDENCE})
    return schema.model_copy(update={"spec": spec})


def default_priority_level(level: PriorityLevelConfiguration) -> PriorityLevelConfiguration:
    """Give a level its share, and its queues their sizes."""
    spec, update = level.spec, dict[str, Any]()
    if spec.limited is not None:
        update["limited"] = _default_limited(spec.limited)
    if spec.exempt is not None:
        update["exempt"] = _default_exempt(spec.exempt)
    return level.model_copy(update={"spec": spec.model_copy(update=update)}) if update else level


def _default_limited(limited: LimitedPriorityLevelConfiguration) -> LimitedPriorityLevelConfiguration:
    shares, response = limited.nominal_concurrency_shares, limited.limit_response
    update: dict[str, Any] = {
        "nominal_concurrency_shares": SHARES if shares is None else shares,
        "lendable_percent": limited.lendable_percent or 0,
    }
    if response.queuing is not None:
        update["limit_response"] = response.model_copy(update={"queuing": _default_queuing(response.queuing)})
    return limited.model_copy(update=update)


def _default_queuing(queuing: QueuingConfiguration) -> QueuingConfiguration:
    return QueuingConfiguration(
        queues=queuing.queues or QUEUES,
        hand_size=queuing.hand_size or HAND_SIZE,
        queue_length_limit=queuing.queue_length_limit or QUEUE_LENGTH,
    )


def _default_exempt(exempt: ExemptPriorityLevelConfiguration) -> ExemptPriorityLevelConfiguration:
    return ExemptPriorityLevelConfiguration(
        nominal_concurrency_shares=exempt.nominal_concurrency_shares or 0,
        lendable_percent=exempt.lendable_percent or 0,
    )


DEFAULTS: Final = {FlowSchema: default_flow_schema, PriorityLevelConfiguration: default_priority_level}
