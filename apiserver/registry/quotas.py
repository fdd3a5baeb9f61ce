"""LimitRanges, ResourceQuotas and PodDisruptionBudgets: bounds that others keep."""

import uuid
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, ClassVar, Final

from apiserver.registry.columns import AGE, NAME, Column
from apiserver.registry.strategy import Context, Strategy, with_meta
from naru.api.durations import human_age
from naru.api.model import IntOrString
from naru.api.policy_v1 import PodDisruptionBudget
from naru.api.quota_v1 import LimitRange, ResourceQuota

NOT_GIVEN: Final = "N/A"


class LimitRangeStrategy(Strategy[LimitRange]):
    """The rules of LimitRanges."""

    allows_create_on_update = True
    columns: ClassVar[tuple[Column, ...]] = (NAME, Column("Created At", "When the object was created.", type="date"))

    def prepare_for_create(self, obj: LimitRange, context: Context) -> LimitRange:
        """Give a name to one that has none."""
        created = super().prepare_for_create(obj, context)
        return created if created.metadata.name else with_meta(created, {"name": str(uuid.uuid4())})

    def row(self, obj: LimitRange, now: datetime) -> list[Any]:
        """Show the moment of its creation, as of any object that has no columns of its own."""
        moment = obj.metadata.creation_timestamp
        return [obj.metadata.name, moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if moment else ""]


class ResourceQuotaStrategy(Strategy[ResourceQuota]):
    """The rules of ResourceQuotas."""

    has_status = True
    columns: ClassVar[tuple[Column, ...]] = (
        NAME,
        Column("Request", "What is used and may be used, limits left out."),
        Column("Limit", "What the limits of all pods come to, and may come to."),
        AGE,
    )

    def row(self, obj: ResourceQuota, now: datetime) -> list[Any]:
        """Show what is used of what."""
        names = sorted(obj.status.hard)
        limits = [name for name in names if name.startswith("limits.")]
        others = [name for name in names if name not in limits]
        age = human_age(obj.metadata.creation_timestamp, now)
        return [obj.metadata.name, _used(obj, others), _used(obj, limits), age]


def _used(quota: ResourceQuota, names: Iterable[str]) -> str:
    used, hard = quota.status.used, quota.status.hard
    return ", ".join(f"{name}: {used.get(name, '0')}/{hard[name]}" for name in names)


class PodDisruptionBudgetStrategy(Strategy[PodDisruptionBudget]):
    """The rules of PodDisruptionBudgets."""

    has_status = True
    counts_generations = True
    allows_unconditional_update = False
    columns: ClassVar[tuple[Column, ...]] = (
        NAME,
        Column("Min Available", "How many pods must stay."),
        Column("Max Unavailable", "How many pods may be missing."),
        Column("Allowed Disruptions", "How many pods may go now.", type="integer"),
        AGE,
    )

    def row(self, obj: PodDisruptionBudget, now: datetime) -> list[Any]:
        """Show the bounds."""
        return [
            obj.metadata.name,
            _amount(obj.spec.min_available),
            _amount(obj.spec.max_unavailable),
            obj.status.disruptions_allowed,
            human_age(obj.metadata.creation_timestamp, now),
        ]


def _amount(amount: IntOrString | None) -> str:
    return NOT_GIVEN if amount is None else str(amount)


STRATEGIES: Final = {
    "limitranges": LimitRangeStrategy(),
    "poddisruptionbudgets.policy": PodDisruptionBudgetStrategy(),
    "resourcequotas": ResourceQuotaStrategy(),
}
