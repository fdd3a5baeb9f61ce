"""ReplicaSets, Deployments and StatefulSets: generations tell a controller whether it has seen the latest spec."""

from datetime import datetime
from typing import Any, ClassVar, Final, TypeVar

from apiserver.registry.columns import AGE, NAME, WORKLOAD, Column, workload_cells
from apiserver.registry.strategy import Context, Strategy
from naru.api.apps_v1 import Deployment, ReplicaSet, StatefulSet
from naru.api.autoscaling_v1 import Scale, ScaleSpec, ScaleStatus
from naru.api.durations import human_age
from naru.api.meta import LabelSelector, ObjectMeta
from naru.api.replication_controller_v1 import ReplicationController
from naru.api.selectors import matcher

W = TypeVar("W", ReplicaSet, Deployment, StatefulSet, ReplicationController)


class WorkloadStrategy(Strategy[W]):
    """What kinds with a template and a number of replicas have in common."""

    has_status = True
    counts_generations = True

    def scale_of(self, obj: W) -> Scale:
        """Return the object's ``scale`` subresource."""
        meta = obj.metadata
        return Scale(
            metadata=ObjectMeta(
                name=meta.name,
                namespace=meta.namespace,
                uid=meta.uid,
                resource_version=meta.resource_version,
                creation_timestamp=meta.creation_timestamp,
            ),
            spec=ScaleSpec(replicas=obj.spec.replicas),
            status=ScaleStatus(replicas=obj.status.replicas, selector=self.selector_text(obj)),
        )

    def selector_text(self, obj: W) -> str:
        """Write the selector of the object's pods; only that of a ReplicationController is a plain map of labels."""
        selector = obj.spec.selector
        return str(matcher(LabelSelector(match_labels=selector) if isinstance(selector, dict) else selector))

    def with_scale(self, obj: W, scale: Scale) -> W:
        """Return the object with the replicas that a ``scale`` asks for."""
        return obj.model_copy(update={"spec": obj.spec.model_copy(update={"replicas": scale.spec.replicas})})


class ReplicaSetStrategy(WorkloadStrategy[ReplicaSet]):
    """The rules of ReplicaSets."""

    columns: ClassVar[tuple[Column, ...]] = (
        NAME,
        Column("Desired", "How many pods there should be.", type="integer"),
        Column("Current", "How many pods there are.", type="integer"),
        Column("Ready", "How many pods are ready.", type="integer"),
        AGE,
        *WORKLOAD,
    )

    def selectable_fields(self, obj: ReplicaSet) -> dict[str, str]:
        """Let clients ask for a number of replicas."""
        return {**super().selectable_fields(obj), "status.replicas": str(obj.status.replicas)}

    def row(self, obj: ReplicaSet, now: datetime) -> list[Any]:
        """Count the pods."""
        return [
            obj.metadata.name,
            obj.spec.replicas,
            obj.status.replicas,
            obj.status.ready_replicas,
            human_age(obj.metadata.creation_timestamp, now),
            *workload_cells(obj.spec.template.spec.containers, str(matcher(obj.spec.selector))),
        ]


class DeploymentStrategy(WorkloadStrategy[Deployment]):
    """The rules of Deployments."""

    columns: ClassVar[tuple[Column, ...]] = (
        NAME,
        Column("Ready", "How many pods are ready, of how many that there should be."),
        Column("Up-to-date", "How many pods are of the latest template.", type="integer"),
        Column("Available", "How many pods have been ready for minReadySeconds.", type="integer"),
        AGE,
        *WORKLOAD,
    )

    def row(self, obj: Deployment, now: datetime) -> list[Any]:
        """Count the pods."""
        return [
            obj.metadata.name,
            f"{obj.status.ready_replicas}/{obj.spec.replicas}",
            obj.status.updated_replicas,
            obj.status.available_replicas,
            human_age(obj.metadata.creation_timestamp, now),
            *workload_cells(obj.spec.template.spec.containers, str(matcher(obj.spec.selector))),
        ]


class StatefulSetStrategy(WorkloadStrategy[StatefulSet]):
    """The rules of StatefulSets."""

    columns: ClassVar[tuple[Column, ...]] = (
        NAME,
        Column("Ready", "How many pods are ready, of how many that there should be."),
        AGE,
        *WORKLOAD[:2],
    )

    def prepare_for_create(self, obj: StatefulSet, context: Context) -> StatefulSet:
        """Drop maxUnavailable, which v1.36 does not take unless its gate is opened."""
        return super().prepare_for_create(_without_max_unavailable(obj), context)

    def prepare_for_update(self, new: StatefulSet, old: StatefulSet) -> StatefulSet:
        """Drop maxUnavailable, unless the object has it already."""
        rolling = old.spec.update_strategy.rolling_update
        kept = rolling is not None and rolling.max_unavailable is not None
        return super().prepare_for_update(new if kept else _without_max_unavailable(new), old)

    def row(self, obj: StatefulSet, now: datetime) -> list[Any]:
        """Count the pods."""
        return [
            obj.metadata.name,
            f"{obj.status.ready_replicas}/{obj.spec.replicas}",
            human_age(obj.metadata.creation_timestamp, now),
            *workload_cells(obj.spec.template.spec.containers, "")[:2],
        ]


def _without_max_unavailable(obj: StatefulSet) -> StatefulSet:
    strategy = obj.spec.update_strategy
    if strategy.rolling_update is None or strategy.rolling_update.max_unavailable is None:
        return obj
    rolling = strategy.rolling_update.model_copy(update={"max_unavailable": None})
    spec = obj.spec.model_copy(update={"update_strategy": strategy.model_copy(update={"rolling_update": rolling})})
    return obj.model_copy(update={"spec": spec})


STRATEGIES: Final = {
    "deployments.apps": DeploymentStrategy(),
    "replicasets.apps": ReplicaSetStrategy(),
    "statefulsets.apps": StatefulSetStrategy(),
}
