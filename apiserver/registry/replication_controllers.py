"""ReplicationControllers and PodTemplates."""

from datetime import datetime
from typing import Any, ClassVar, Final

from apiserver.registry.columns import NAME, Column, labels_text, workload_cells
from apiserver.registry.strategy import Context, Strategy, with_meta
from apiserver.registry.workloads import ReplicaSetStrategy, WorkloadStrategy
from naru.api.durations import human_age
from naru.api.replication_controller_v1 import PodTemplate, ReplicationController


class ReplicationControllerStrategy(WorkloadStrategy[ReplicationController]):
    """The rules of ReplicationControllers."""

    columns: ClassVar[tuple[Column, ...]] = ReplicaSetStrategy.columns

    def selectable_fields(self, obj: ReplicationController) -> dict[str, str]:
        """Let clients ask for a number of replicas."""
        return {**super().selectable_fields(obj), "status.replicas": str(obj.status.replicas)}

    def row(self, obj: ReplicationController, now: datetime) -> list[Any]:
        """Count the pods."""
        containers = obj.spec.template.spec.containers if obj.spec.template is not None else ()
        return [
            obj.metadata.name,
            obj.spec.replicas,
            obj.status.replicas,
            obj.status.ready_replicas,
            human_age(obj.metadata.creation_timestamp, now),
            *workload_cells(containers, labels_text(obj.spec.selector)),
        ]


class PodTemplateStrategy(Strategy[PodTemplate]):
    """The rules of PodTemplates; their generation counts changes of the template."""

    columns: ClassVar[tuple[Column, ...]] = (
        NAME,
        Column("Containers", "Names of the template's containers."),
        Column("Images", "Images of the template's containers."),
        Column("Pod Labels", "Labels of the template."),
    )

    def prepare_for_create(self, obj: PodTemplate, context: Context) -> PodTemplate:
        """Begin to count."""
        return with_meta(super().prepare_for_create(obj, context), {"generation": 1})

    def prepare_for_update(self, new: PodTemplate, old: PodTemplate) -> PodTemplate:
        """Count a change."""
        changed = new.template != old.template
        return with_meta(super().prepare_for_update(new, old), {"generation": old.metadata.generation + changed})

    def row(self, obj: PodTemplate, now: datetime) -> list[Any]:
        """Show what a pod would be made of."""
        shown = workload_cells(obj.template.spec.containers, labels_text(obj.template.metadata.labels))
        return [obj.metadata.name, *shown]


STRATEGIES: Final = {
    "podtemplates": PodTemplateStrategy(),
    "replicationcontrollers": ReplicationControllerStrategy(),
}
