"""APIServices: a version of a group that this server answers for itself is there as soon as it is known."""

from datetime import datetime
from typing import Any, ClassVar, Final

from apiserver.registry.columns import AGE, NAME, Column
from apiserver.registry.strategy import Context, Strategy, status_alone
from naru.api.apiregistration_v1 import APIService, APIServiceCondition, APIServiceStatus
from naru.api.conditions import find_condition
from naru.api.durations import human_age

AVAILABLE: Final = "Available"


class APIServiceStrategy(Strategy[APIService]):
    """The rules of APIServices."""

    has_status = True
    allows_unconditional_update = False
    columns: ClassVar[tuple[Column, ...]] = (
        NAME,
        Column("Service", "The Service that the server is behind, or Local."),
        Column("Available", "Whether the server answers."),
        AGE,
    )

    def prepare_for_create(self, obj: APIService, context: Context) -> APIService:
        """Say of what this server answers for that it is available."""
        created = super().prepare_for_create(obj, context)
        if created.spec.service is not None:
            return created
        condition = APIServiceCondition(
            type=AVAILABLE,
            status="True",
            reason="Local",
            message="Local APIServices are always available",
            last_transition_time=context.now,
        )
        return created.model_copy(update={"status": APIServiceStatus(conditions=(condition,))})

    def prepare_for_status_update(self, new: APIService, old: APIService) -> APIService:
        """Keep everything but the status."""
        return status_alone(new, old)

    def row(self, obj: APIService, now: datetime) -> list[Any]:
        """Show who answers, and why not."""
        service = obj.spec.service
        return [
            obj.metadata.name,
            "Local" if service is None else f"{service.namespace}/{service.name}",
            _available(obj),
            human_age(obj.metadata.creation_timestamp, now),
        ]


def _available(service: APIService) -> str:
    condition = find_condition(service.status.conditions, AVAILABLE)
    if condition is None:
        return "Unknown"
    if condition.status == "True" or not condition.reason:
        return condition.status
    return f"{condition.status} ({condition.reason})"


STRATEGIES: Final = {"apiservices.apiregistration.k8s.io": APIServiceStrategy()}
