"""Flow schemas and priority levels: which requests belong together, and how many of them are worked on at once."""

from datetime import datetime
from typing import Any, ClassVar, Final, TypeVar

from apiserver.registry.columns import AGE, NAME, NONE, Column
from apiserver.registry.strategy import Strategy, status_alone
from naru.api.durations import human_age
from naru.api.flowcontrol_v1 import FlowSchema, PriorityLevelConfiguration

M = TypeVar("M", FlowSchema, PriorityLevelConfiguration)


class FlowControlStrategy(Strategy[M]):
    """The rules that both kinds obey."""

    has_status = True
    counts_generations = True

    def prepare_for_status_update(self, new: M, old: M) -> M:
        """Keep everything but the status."""
        return status_alone(new, old)


class FlowSchemaStrategy(FlowControlStrategy[FlowSchema]):
    """The rules of flow schemas."""

    columns: ClassVar[tuple[Column, ...]] = (
        NAME,
        Column("PriorityLevel", "The level that takes the requests."),
        Column("MatchingPrecedence", "Of all schemas that match a request the one with the lowest number takes it."),
        Column("DistinguisherMethod", "How the requests are told apart into flows."),
        AGE,
        Column("MissingPL", "Whether the level is not there."),
    )

    def row(self, obj: FlowSchema, now: datetime) -> list[Any]:
        """Show where the requests go."""
        method = obj.spec.distinguisher_method
        dangling = (condition.status for condition in obj.status.conditions if condition.type == "Dangling")
        return [
            obj.metadata.name,
            obj.spec.priority_level_configuration.name,
            obj.spec.matching_precedence,
            NONE if method is None else method.type,
            human_age(obj.metadata.creation_timestamp, now),
            next(dangling, "?"),
        ]


class PriorityLevelStrategy(FlowControlStrategy[PriorityLevelConfiguration]):
    """The rules of priority levels."""

    columns: ClassVar[tuple[Column, ...]] = (
        NAME,
        Column("Type", "Whether requests of the level are held back."),
        Column("NominalConcurrencyShares", "The level's weight among all of them."),
        Column("Queues", "In how many queues requests wait."),
        Column("HandSize", "Over how many of the queues one flow is spread."),
        Column("QueueLengthLimit", "How many requests wait in one queue."),
        AGE,
    )

    def row(self, obj: PriorityLevelConfiguration, now: datetime) -> list[Any]:
        """Show the share, and the queues."""
        limited = obj.spec.limited
        queuing = limited.limit_response.queuing if limited is not None else None
        return [
            obj.metadata.name,
            obj.spec.type,
            NONE if limited is None else limited.nominal_concurrency_shares,
            *((NONE,) * 3 if queuing is None else (queuing.queues, queuing.hand_size, queuing.queue_length_limit)),
            human_age(obj.metadata.creation_timestamp, now),
        ]


STRATEGIES: Final = {
    "flowschemas.flowcontrol.apiserver.k8s.io": FlowSchemaStrategy(),
    "prioritylevelconfigurations.flowcontrol.apiserver.k8s.io": PriorityLevelStrategy(),
}
