"""The tree of `naru trail`."""

from datetime import UTC, datetime, timedelta
from typing import Any

from cli.trail.render import duration_text, tree_lines
from cli.trail.tree import ObjectName, Record, TrailSpan, build_tree, trail_of

START = datetime(2026, 1, 1, tzinfo=UTC)


def name(kind: str, called: str) -> ObjectName:
    return ObjectName(kind, "default", called, f"uid-{called}")


def record(
    id_: int, obj: ObjectName, version: int, cause: ObjectName | None = None, at: int = 0, **more: Any
) -> Record:
    return Record(
        id=id_,
        time=START + timedelta(milliseconds=id_),
        component=more.pop("component", "someone"),
        user="u",
        verb=more.pop("verb", "update"),
        object=obj,
        resource_version=version,
        cause=cause,
        cause_version=at,
        **more,
    )


WEB, SET, POD, OTHER = name("Deployment", "web"), name("ReplicaSet", "web-1"), name("Pod", "web-1-a"), name("Pod", "x")


class TestBuildTree:
    """Each write hangs below the write that its writer had seen."""

    def test_from_the_apply_down_to_the_pod(self) -> None:
        records = [
            record(1, WEB, 10, verb="create"),
            record(2, SET, 11, WEB, 10, verb="create"),
            record(3, POD, 12, SET, 11, verb="create"),
            record(4, POD, 13, POD, 12, verb="create", subresource="binding"),
            record(5, POD, 14, POD, 13, subresource="status"),
        ]
        (root,) = build_tree(records)
        assert [branch.record.id for branch in root.walk()] == [1, 2, 3, 4, 5]
        assert [branch.record.id for branch in root.children[0].walk()] == [2, 3, 4, 5]

    def test_a_write_without_a_cause_is_a_root(self) -> None:
        assert [root.record.id for root in build_tree([record(1, WEB, 10), record(2, OTHER, 11)])] == [1, 2]

    def test_the_cause_is_the_revision_that_was_seen_not_the_newest(self) -> None:
        records = [record(1, WEB, 10), record(2, WEB, 20), record(3, SET, 21, WEB, 10)]
        first, second = build_tree(records)
        assert [child.record.id for child in first.children] == [3]
        assert second.children == []

    def test_a_revision_that_has_no_record_falls_back_to_the_write_before_it(self) -> None:
        records = [record(1, WEB, 10), record(2, WEB, 20), record(3, SET, 26, WEB, 25)]
        _, second = build_tree(records)
        assert [child.record.id for child in second.children] == [3]

    def test_a_cause_that_fell_off_the_ring_makes_a_root(self) -> None:
        assert [root.record.id for root in build_tree([record(3, SET, 21, WEB, 10)])] == [3]

    def test_a_namesake_is_not_the_cause(self) -> None:
        older = ObjectName("Deployment", "default", "web", "another-uid")
        roots = build_tree([record(1, older, 5), record(2, SET, 6, WEB, 5)])
        assert len(roots) == 2


class TestTrailOf:
    """A trail shows what led to an object and what followed from it."""

    RECORDS = (
        record(1, WEB, 10),
        record(2, SET, 11, WEB, 10),
        record(3, POD, 12, SET, 11),
        record(4, OTHER, 13, SET, 11),
        record(5, name("Deployment", "db"), 14),
    )

    def test_of_the_root_everything_below_is_kept(self) -> None:
        (root,) = trail_of(build_tree(self.RECORDS), WEB)
        assert [branch.record.id for branch in root.walk()] == [1, 2, 3, 4]

    def test_of_a_leaf_its_siblings_are_left_out(self) -> None:
        (root,) = trail_of(build_tree(self.RECORDS), POD)
        assert [branch.record.id for branch in root.walk()] == [1, 2, 3]


class TestRender:
    """Lines tell who did what, when and why."""

    def test_a_tree(self) -> None:
        span = TrailSpan("exec", int(START.timestamp() * 1e6) + 4_000, 1_200)
        records = [
            record(1, WEB, 10, verb="create", component="naru", summary="created"),
            record(3, SET, 11, WEB, 10, verb="create", component="deployment-controller", reason="new template"),
            record(
                5, POD, 12, SET, 11, component="nodeagent", summary="status.phase Pending -> Running", spans=(span,)
            ),
        ]
        (root,) = build_tree(records)
        _, *below = tree_lines(root)
        assert below == [
            "└─ +2.0 ms  deployment-controller: create replicaset/web-1  (new template)",
            "   └─ +4.0 ms  nodeagent: update pod/web-1-a  status.phase Pending -> Running",
            "      └─ +3.0 ms  exec 1.2 ms",
        ]

    def test_durations(self) -> None:
        assert [duration_text(us) for us in (900, 1_500, 2_500_000)] == ["900 us", "1.5 ms", "2.50 s"]
