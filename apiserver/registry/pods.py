"""Pods: the grace period of their deletion, and what is shown of them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar, Final

from apiserver.registry.columns import AGE, NAME, NONE, Column, or_none
from apiserver.registry.pod_parts import with_ephemeral_containers, with_own_labels, with_sizes
from apiserver.registry.pod_rows import summarize, total_containers
from apiserver.registry.strategy import Context, Part, Strategy, status_of, with_meta
from naru.api.conditions import is_true
from naru.api.durations import human_age
from naru.api.pod_status_v1 import PodCondition, PodPhase, PodStatus
from naru.api.pod_v1 import Pod
from naru.api.pods import is_scheduled, is_terminal, qos_class
from naru.api.validation.pod_updates import validate_ephemeral_update, validate_resize

_GATED: Final = PodCondition(
    type="PodScheduled",
    status="False",
    reason="SchedulingGated",
    message="Scheduling is blocked due to non-empty scheduling gates",
)


class PodStrategy(Strategy[Pod]):
    """The rules of pods."""

    has_status = True
    counts_generations = True
    parts: ClassVar[Mapping[str, Part[Pod]]] = {
        "ephemeralcontainers": Part(with_ephemeral_containers, validate_ephemeral_update),
        "resize": Part(with_sizes, validate_resize),
    }
    deletes_gracefully = True
    columns: ClassVar[tuple[Column, ...]] = (
        NAME,
        Column("Ready", "How many of the pod's containers are ready."),
        Column("Status", "The state of the pod's containers in a word."),
        Column("Restarts", "How often containers of the pod were restarted, and when last."),
        AGE,
        Column("IP", "Address of the pod.", wide=True),
        Column("Node", "Node that the pod belongs to.", wide=True),
        Column("Nominated Node", "Node where preemption makes room for the pod.", wide=True),
        Column("Readiness Gates", "How many of the pod's readiness gates are open.", wide=True),
    )

    def with_first_status(self, obj: Pod) -> Pod:
        """Start every pod as Pending; one with gates tells that no scheduler looks at it before they are gone."""
        status = PodStatus(phase=PodPhase.PENDING, qos_class=qos_class(obj))
        if obj.spec.scheduling_gates:
            status = status.model_copy(update={"conditions": (_GATED,)})
        return obj.model_copy(update={"status": status})

    def prepare_for_status_update(self, new: Pod, old: Pod) -> Pod:
        """Let the node agent write labels and annotations together with the status."""
        kept = ("labels", "annotations", "managed_fields")
        meta = {name: getattr(new.metadata, name) for name in kept}
        status = status_of(new).model_copy(update={"qos_class": old.status.qos_class})
        return with_meta(old, meta).model_copy(update={"status": status})

    def prepare_for_create(self, obj: Pod, context: Context) -> Pod:
        """Let labels of the pod itself narrow down which pods it looks at."""
        return with_own_labels(super().prepare_for_create(obj, context))

    def grace_period_seconds(self, obj: Pod, requested: int | None) -> int:
        """Give containers the time that the request or the pod names, unless none can be running."""
        if not is_scheduled(obj) or is_terminal(obj):
            return 0
        period = obj.spec.termination_grace_period_seconds if requested is None else requested
        return period if period >= 0 else 1

    def selectable_fields(self, obj: Pod) -> dict[str, str]:
        """Let the node agent ask for the pods of its node, and people for those of a phase."""
        return {
            **super().selectable_fields(obj),
            "spec.nodeName": obj.spec.node_name,
            "spec.restartPolicy": obj.spec.restart_policy,
            "spec.schedulerName": obj.spec.scheduler_name,
            "spec.serviceAccountName": obj.spec.service_account_name,
            "spec.hostNetwork": str(obj.spec.host_network).lower(),
            "status.phase": obj.status.phase,
            "status.podIP": obj.status.pod_ip,
            "status.nominatedNodeName": obj.status.nominated_node_name,
        }

    def row(self, obj: Pod, now: datetime) -> list[Any]:
        """Sum the pod up."""
        summary = summarize(obj)
        return [
            obj.metadata.name,
            f"{summary.ready}/{total_containers(obj)}",
            summary.reason,
            summary.restarts_text(now),
            human_age(obj.metadata.creation_timestamp, now),
            or_none(obj.status.pod_ips[0].ip if obj.status.pod_ips else obj.status.pod_ip),
            or_none(obj.spec.node_name),
            or_none(obj.status.nominated_node_name),
            _readiness_gates(obj),
        ]

    def row_conditions(self, obj: Pod) -> list[dict[str, str]]:
        """Mark the pods that have ended, so that a client may leave them out."""
        if not is_terminal(obj):
            return []
        ended = "The pod has completed successfully." if obj.status.phase == PodPhase.SUCCEEDED else "The pod failed."
        return [{"type": "Completed", "status": "True", "reason": obj.status.phase, "message": ended}]


def _readiness_gates(pod: Pod) -> str:
    gates = pod.spec.readiness_gates
    if not gates:
        return NONE
    opened = sum(is_true(pod.status.conditions, gate.condition_type) for gate in gates)
    return f"{opened}/{len(gates)}"


STRATEGIES: Final = {"pods": PodStrategy()}
