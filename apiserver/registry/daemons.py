"""DaemonSets, and the ControllerRevisions that they and StatefulSets roll back to."""

from datetime import datetime
from typing import Any, ClassVar, Final

from apiserver.registry.columns import AGE, NAME, NONE, WORKLOAD, Column, labels_text, workload_cells
from apiserver.registry.strategy import Strategy
from naru.api.apps_v1 import ControllerRevision, DaemonSet
from naru.api.durations import human_age
from naru.api.selectors import matcher


class DaemonSetStrategy(Strategy[DaemonSet]):
    """The rules of DaemonSets."""

    has_status = True
    counts_generations = True
    columns: ClassVar[tuple[Column, ...]] = (
        NAME,
        Column("Desired", "How many nodes should have a pod.", type="integer"),
        Column("Current", "How many of them have one.", type="integer"),
        Column("Ready", "On how many of them it is ready.", type="integer"),
        Column("Up-to-date", "On how many of them it is of the latest template.", type="integer"),
        Column("Available", "On how many of them it has been ready for minReadySeconds.", type="integer"),
        Column("Node Selector", "Labels that the nodes must have."),
        AGE,
        *WORKLOAD,
    )

    def row(self, obj: DaemonSet, now: datetime) -> list[Any]:
        """Count the nodes."""
        status, template = obj.status, obj.spec.template
        return [
            obj.metadata.name,
            status.desired_number_scheduled,
            status.current_number_scheduled,
            status.number_ready,
            status.updated_number_scheduled,
            status.number_available,
            labels_text(template.spec.node_selector),
            human_age(obj.metadata.creation_timestamp, now),
            *workload_cells(template.spec.containers, str(matcher(obj.spec.selector))),
        ]


class ControllerRevisionStrategy(Strategy[ControllerRevision]):
    """The rules of ControllerRevisions."""

    columns: ClassVar[tuple[Column, ...]] = (
        NAME,
        Column("Controller", "Whose template it remembers."),
        Column("Revision", "Number of the revision.", type="integer"),
        AGE,
    )

    def row(self, obj: ControllerRevision, now: datetime) -> list[Any]:
        """Name the controller as kubectl does: ``statefulset.apps/web``."""
        controller = next((owner for owner in obj.metadata.owner_references if owner.controller), None)
        shown = NONE
        if controller is not None:
            group = controller.api_version.rpartition("/")[0]
            kind = f"{controller.kind}.{group}" if group else controller.kind
            shown = f"{kind.lower()}/{controller.name}"
        return [obj.metadata.name, shown, obj.revision, human_age(obj.metadata.creation_timestamp, now)]


STRATEGIES: Final = {
    "controllerrevisions.apps": ControllerRevisionStrategy(),
    "daemonsets.apps": DaemonSetStrategy(),
}
