"""Leases: written every few seconds, and shown with their holder."""

from datetime import datetime
from typing import Any, ClassVar, Final

from apiserver.registry.columns import AGE, NAME, Column
from apiserver.registry.strategy import Strategy
from naru.api.coordination_v1 import Lease
from naru.api.durations import human_age


class LeaseStrategy(Strategy[Lease]):
    """The rules of leases: locks, which are only taken by those who have seen who holds them."""

    allows_create_on_update = True
    allows_unconditional_update = False

    columns: ClassVar[tuple[Column, ...]] = (NAME, Column("Holder", "Who holds the lease."), AGE)

    def row(self, obj: Lease, now: datetime) -> list[Any]:
        """Show the holder."""
        holder = obj.spec.holder_identity or ""
        return [obj.metadata.name, holder, human_age(obj.metadata.creation_timestamp, now)]


STRATEGIES: Final = {"leases.coordination.k8s.io": LeaseStrategy()}
