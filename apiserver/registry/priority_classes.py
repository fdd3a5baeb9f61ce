"""PriorityClasses: their generation is 1 from the first to the last, for what matters of them never changes."""

from datetime import datetime
from typing import Any, ClassVar, Final

from apiserver.registry.columns import AGE, NAME, Column
from apiserver.registry.strategy import Context, Strategy, with_meta
from naru.api.durations import human_age
from naru.api.scheduling_v1 import PriorityClass


class PriorityClassStrategy(Strategy[PriorityClass]):
    """The rules of PriorityClasses."""

    columns: ClassVar[tuple[Column, ...]] = (
        NAME,
        Column("Value", "The priority.", type="integer"),
        Column("Global-Default", "Whether pods that name no class are of this one.", type="boolean"),
        AGE,
        Column("PreemptionPolicy", "Whether less important pods may have to go.", wide=True),
    )

    def prepare_for_create(self, obj: PriorityClass, context: Context) -> PriorityClass:
        """Begin to count."""
        return with_meta(super().prepare_for_create(obj, context), {"generation": 1})

    def row(self, obj: PriorityClass, now: datetime) -> list[Any]:
        """Show the number."""
        age = human_age(obj.metadata.creation_timestamp, now)
        return [obj.metadata.name, obj.value, obj.global_default, age, obj.preemption_policy]


STRATEGIES: Final = {"priorityclasses.scheduling.k8s.io": PriorityClassStrategy()}
