import argparse
import ipaddress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from controllers.garbage_collector import Collection, OwnerState, Propagation, blocks, plan_collection
from controllers.main import duration_s, new_parser, read_options
from controllers.namespace import Findings, plan_conditions
from controllers.node_ipam import plan_slice, slices_of
from controllers.pod_gc import Garbage, plan_garbage
from controllers.root_ca import plan_root_ca
from controllers.service_account import plan_account
from naru.api.core_v1 import ConfigMap, Namespace, Node, Pod, ServiceAccount
from naru.api.meta import ObjectMeta, OwnerReference
from naru.client.discovery import ServedResource

NOW = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)
CLUSTER = ipaddress.IPv4Network("10.244.0.0/16")


class TestPlanSlice:
    """Each node gets the lowest range that nobody has."""

    @pytest.mark.parametrize(
        ("used", "expected"),
        [
            pytest.param([], "10.244.0.0/24", id="the first"),
            pytest.param(["10.244.0.0/24", "10.244.1.0/24"], "10.244.2.0/24", id="the next"),
            pytest.param(["10.244.0.0/24", "10.244.2.0/24"], "10.244.1.0/24", id="a gap is filled"),
            pytest.param(["10.244.0.0/22"], "10.244.4.0/24", id="a larger range in use counts in whole"),
            pytest.param(["10.244.0.128/25"], "10.244.1.0/24", id="a smaller one too"),
            pytest.param(["192.168.0.0/24"], "10.244.0.0/24", id="a range from elsewhere does not matter"),
            pytest.param(["10.244.0.0/16"], None, id="nothing left"),
        ],
    )
    def test_slice(self, used: list[str], expected: str | None) -> None:
        chosen = plan_slice(CLUSTER, 24, map(ipaddress.IPv4Network, used))
        assert (str(chosen) if chosen else None) == expected

    def test_a_malformed_range_occupies_nothing(self) -> None:
        node = Node.model_validate({"metadata": {"name": "n"}, "spec": {"podCIDR": "x", "podCIDRs": ["10.244.3.0/24"]}})
        assert slices_of(node) == [ipaddress.IPv4Network("10.244.3.0/24")]


def config_map(*finalizers: str) -> ConfigMap:
    return ConfigMap(metadata=ObjectMeta(name="c", namespace="default", uid="c", finalizers=finalizers))


SOLID, ABSENT, WAITING = OwnerState.SOLID, OwnerState.ABSENT, OwnerState.WAITING


class TestPlanCollection:
    """An object lives as long as one of its owners does."""

    @pytest.mark.parametrize(
        ("states", "expected"),
        [
            pytest.param([SOLID], Collection(), id="its owner is there"),
            pytest.param([ABSENT], Collection(delete=Propagation.BACKGROUND), id="its owner is gone"),
            pytest.param([SOLID, ABSENT], Collection(drop=("u1",)), id="one of two is gone"),
            pytest.param([SOLID, WAITING], Collection(drop=("u1",)), id="one of two waits for it"),
            pytest.param([WAITING], Collection(delete=Propagation.BACKGROUND), id="its owner waits for it"),
        ],
    )
    def test_collection(self, states: list[OwnerState], expected: Collection) -> None:
        owners = [(f"u{number}", state) for number, state in enumerate(states)]
        assert plan_collection(config_map(), owners, has_dependents=False) == expected

    def test_waited_for_with_dependents_of_its_own_goes_after_them(self) -> None:
        plan = plan_collection(config_map(), [("u", WAITING)], has_dependents=True)
        assert plan == Collection(delete=Propagation.FOREGROUND)

    @pytest.mark.parametrize(
        ("finalizer", "expected"),
        [("orphan", Propagation.ORPHAN), ("foregroundDeletion", Propagation.FOREGROUND)],
    )
    def test_a_wish_among_its_finalizers_is_kept(self, finalizer: str, expected: Propagation) -> None:
        plan = plan_collection(config_map(finalizer), [("u", ABSENT)], has_dependents=True)
        assert plan == Collection(delete=expected)

    def test_only_some_dependents_block(self) -> None:
        def owned(**flags: Any) -> ConfigMap:
            owner = OwnerReference(api_version="v1", kind="ConfigMap", name="o", uid="u", **flags)
            return ConfigMap(metadata=ObjectMeta(name="c", owner_references=(owner,)))

        assert blocks(owned(block_owner_deletion=True), "u")
        assert not blocks(owned(block_owner_deletion=True), "v")
        assert not blocks(owned(), "u")


def pod(name: str, node: str = "n1", phase: str = "Running", age_s: float = 0, deleted: bool = False) -> Pod:
    meta: dict[str, Any] = {"name": name, "creationTimestamp": NOW - timedelta(seconds=age_s)}
    if deleted:
        meta["deletionTimestamp"] = NOW
    spec = {"containers": [{"name": "c", "image": "i"}], "nodeName": node}
    return Pod.model_validate({"metadata": meta, "spec": spec, "status": {"phase": phase}})


class TestPlanGarbage:
    """Pods that nobody else removes are removed."""

    def test_pods_of_gone_nodes(self) -> None:
        left = pod("a", "gone")
        assert plan_garbage([left, pod("b")], ["gone"], 10) == Garbage(orphaned=(left,))

    def test_pods_deleted_before_they_got_a_node(self) -> None:
        left = pod("a", "", deleted=True)
        assert plan_garbage([left, pod("b", ""), pod("c", deleted=True)], [], 10) == Garbage(unscheduled=(left,))

    def test_the_oldest_ended_ones_beyond_the_threshold(self) -> None:
        ended = [pod(f"p{age}", phase="Succeeded", age_s=age) for age in (5, 9, 1)]
        assert [p.metadata.name for p in plan_garbage([*ended, pod("r")], [], 1).surplus] == ["p9", "p5"]


class TestNamespaceObjects:
    """Every active namespace has its account and its root certificates."""

    ACTIVE = Namespace(metadata=ObjectMeta(name="web"))
    LEAVING = Namespace(metadata=ObjectMeta(name="web", deletion_timestamp=NOW))

    def test_missing(self) -> None:
        account = plan_account(self.ACTIVE, None)
        root_ca = plan_root_ca(self.ACTIVE, None, "PEM")
        assert account is not None
        assert root_ca is not None
        assert (account.metadata.name, account.metadata.namespace) == ("default", "web")
        assert (root_ca.metadata.name, root_ca.data) == ("kube-root-ca.crt", {"ca.crt": "PEM"})

    def test_there(self) -> None:
        assert plan_account(self.ACTIVE, ServiceAccount()) is None
        assert plan_root_ca(self.ACTIVE, self.published(), "PEM") is None

    def published(self, data: str = "PEM", **annotations: str) -> ConfigMap:
        made = plan_root_ca(self.ACTIVE, None, data)
        assert made is not None
        meta = {"resource_version": "7", "annotations": made.metadata.annotations | annotations}
        return made.model_copy(update={"metadata": made.metadata.model_copy(update=meta)})

    def test_changed(self) -> None:
        changed = self.published("other", mine="x").model_copy(update={"data": {"ca.crt": "other", "more": "x"}})
        mended = plan_root_ca(self.ACTIVE, changed, "PEM")
        assert mended is not None
        assert (mended.data, mended.metadata.resource_version) == ({"ca.crt": "PEM"}, "7")
        assert mended.metadata.annotations == changed.metadata.annotations

    def test_its_explanation_was_taken_away(self) -> None:
        meta = ObjectMeta(resource_version="7", annotations={"mine": "x"})
        mended = plan_root_ca(self.ACTIVE, ConfigMap(metadata=meta, data={"ca.crt": "PEM"}), "PEM")
        assert mended is not None
        assert mended.metadata.annotations == {"mine": "x", **self.published().metadata.annotations}

    def test_a_namespace_on_its_way_out_gets_nothing(self) -> None:
        assert plan_account(self.LEAVING, None) is None
        assert plan_root_ca(self.LEAVING, None, "PEM") is None


class TestNamespaceConditions:
    """The conditions say what a deletion waits for."""

    PODS = ServedResource("v1", "Pod", "pods", True, frozenset())

    def test_what_remains(self) -> None:
        findings = Findings()
        findings.add(self.PODS, [{"metadata": {"finalizers": ["a/b"]}}, {"metadata": {}}])
        told = {c.type: (c.status, c.message) for c in plan_conditions((), findings, NOW)}
        assert not findings.empty
        assert told["NamespaceContentRemaining"] == (
            "True",
            "Some resources are remaining: pods. has 2 resource instances",
        )
        assert told["NamespaceFinalizersRemaining"] == (
            "True",
            "Some content in the namespace has finalizers remaining: a/b in 1 resource instances",
        )
        assert told["NamespaceDeletionContentFailure"][0] == "False"

    def test_nothing_remains(self) -> None:
        findings = Findings()
        findings.add(self.PODS, [])
        assert findings.empty
        assert {c.status for c in plan_conditions((), findings, NOW)} == {"False"}


class TestCommandLine:
    @pytest.mark.parametrize(
        ("text", "seconds"), [("40s", 40.0), ("1m30s", 90.0), ("250ms", 0.25), ("5", 5.0), ("1h", 3600.0)]
    )
    def test_durations(self, text: str, seconds: float) -> None:
        assert duration_s(text) == seconds

    @pytest.mark.parametrize("text", ["", "s", "-4s", "4 s", "0s", "1d", "x4s"])
    def test_no_durations(self, text: str) -> None:
        with pytest.raises(ValueError, match=r"is no duration|is not positive"):
            duration_s(text)

    def read(self, tmp_path: Path, *flags: str) -> argparse.Namespace:
        (tmp_path / "ca.crt").write_text("PEM")
        return new_parser().parse_args(["--ca-file", str(tmp_path / "ca.crt"), *flags])

    def test_options(self, tmp_path: Path) -> None:
        options = read_options(self.read(tmp_path, "--node-monitor-grace-period", "4s"))
        assert (options.ca_pem, options.node_monitor_grace_period_s) == ("PEM", 4.0)
        assert str(options.cluster_cidr) == "10.244.0.0/16"

    @pytest.mark.parametrize("flags", [("--cluster-cidr", "10.244.0.0/25"), ("--cluster-cidr", "10.244.0.1/16")])
    def test_ranges_that_do_not_fit(self, tmp_path: Path, flags: tuple[str, ...]) -> None:
        with pytest.raises(ValueError, match=r"does not fit|has host bits set"):
            read_options(self.read(tmp_path, *flags))
