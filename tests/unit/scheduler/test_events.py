"""What a change in the cluster means for Pods that wait."""

from typing import Any

import pytest

from naru.api.core_v1 import Node, Pod
from scheduler.events import is_placed, node_events, wants_node
from scheduler.plugin import ClusterEvent


def node(cpu: str = "4", labels: dict[str, str] | None = None, **spec: Any) -> Node:
    return Node.model_validate(
        {"metadata": {"name": "a", "labels": labels or {}}, "spec": spec, "status": {"allocatable": {"cpu": cpu}}}
    )


def pod(phase: str = "Pending", deleted: bool = False, **spec: Any) -> Pod:
    meta = {"name": "web", "namespace": "default"} | ({"deletionTimestamp": "2026-01-01T00:00:00Z"} if deleted else {})
    return Pod.model_validate(
        {"metadata": meta, "spec": {"containers": [{"name": "c", "image": "i"}], **spec}, "status": {"phase": phase}}
    )


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        pytest.param(None, node(), [ClusterEvent.NODE_ADDED], id="a new node"),
        pytest.param(node(), node(), [], id="a heartbeat helps nobody"),
        pytest.param(node("2"), node("4"), [ClusterEvent.NODE_RESOURCES], id="more room"),
        pytest.param(node(), node(labels={"disk": "ssd"}), [ClusterEvent.NODE_LABELS], id="a label"),
        pytest.param(node(unschedulable=True), node(), [ClusterEvent.NODE_TAINTS], id="uncordoned"),
    ],
)
def test_a_change_of_a_node_is_told_by_what_it_could_help(
    old: Node | None, new: Node, expected: list[ClusterEvent]
) -> None:
    assert node_events(old, new) == expected


@pytest.mark.parametrize(
    ("subject", "wants", "placed"),
    [
        pytest.param(pod(), True, False, id="pending"),
        pytest.param(pod(nodeName="a"), False, True, id="bound"),
        pytest.param(pod(nodeName="a", phase="Succeeded"), False, False, id="finished: its room is free"),
        pytest.param(pod(deleted=True), False, False, id="deleted before it was bound"),
        pytest.param(pod(schedulingGates=[{"name": "example.com/wait"}]), False, False, id="gated"),
        pytest.param(pod(schedulerName="other"), False, False, id="another scheduler's"),
    ],
)
def test_which_pods_are_the_schedulers_task(subject: Pod, wants: bool, placed: bool) -> None:
    assert (wants_node(subject), is_placed(subject)) == (wants, placed)
