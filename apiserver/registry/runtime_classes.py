"""RuntimeClasses."""

from datetime import datetime
from typing import Any, ClassVar, Final

from apiserver.registry.columns import AGE, NAME, Column
from apiserver.registry.strategy import Strategy
from naru.api.durations import human_age
from naru.api.runtime_class_v1 import RuntimeClass


class RuntimeClassStrategy(Strategy[RuntimeClass]):
    """The rules of runtimes that pods can ask for."""

    allows_unconditional_update = False
    columns: ClassVar[tuple[Column, ...]] = (NAME, Column("Handler", "What the node calls the runtime."), AGE)

    def row(self, obj: RuntimeClass, now: datetime) -> list[Any]:
        """Show the handler."""
        return [obj.metadata.name, obj.handler, human_age(obj.metadata.creation_timestamp, now)]


STRATEGIES: Final = {"runtimeclasses.node.k8s.io": RuntimeClassStrategy()}
