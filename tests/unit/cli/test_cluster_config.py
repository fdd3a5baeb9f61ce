"""The flags of `naru up`."""

from pathlib import Path

import pytest

from cli.cluster.components import plan_components
from cli.cluster.config import ClusterConfig
from cli.cluster.layout import Layout
from cli.faults import ExitCode, Fault


class TestChanged:
    """A flag that cannot work is refused by its name."""

    @pytest.mark.parametrize(
        ("flags", "message"),
        [
            pytest.param({"nodes": 0}, "--nodes 0", id="no nodes"),
            pytest.param({"nodes": 300}, "--nodes 300", id="more nodes than pod ranges"),
            pytest.param({"api_port": 70000}, "--api-port 70000", id="no port"),
            pytest.param({"pod_cidr": "10.0.0.0"}, "at least|hold a /24", id="a range of one address"),
            pytest.param({"pod_cidr": "10.0.0.1/16"}, "--pod-cidr 10.0.0.1/16", id="host bits set"),
            pytest.param({"pod_cidr": "127.0.0.0/8"}, "ordinary addresses", id="loopback"),
            pytest.param({"service_cidr": "10.244.3.0/24"}, "overlaps --pod-cidr", id="ranges overlap"),
            pytest.param({"name": "Naru_1"}, "--name Naru_1", id="a name that is no label"),
            pytest.param({"name": "a" * 40}, "--name", id="a name too long for socket paths"),
        ],
    )
    def test_refused(self, flags: dict[str, object], message: str) -> None:
        with pytest.raises(Fault, match=message) as refusal:
            ClusterConfig().changed(flags)
        assert refusal.value.code == ExitCode.USAGE

    def test_flags_not_given_keep_what_was_stored(self) -> None:
        stored = ClusterConfig(nodes=5, egress=False)
        assert stored.changed({"nodes": None, "egress": None}) == stored


class TestStored:
    """What `naru up` was told is there again the next time."""

    def test_round_trip(self, tmp_path: Path) -> None:
        config = ClusterConfig(nodes=2, insecure_registries=("127.0.0.1:5000",))
        config.save(tmp_path / "cluster.json")
        assert ClusterConfig.load(tmp_path / "cluster.json") == config

    def test_none_before_the_first_time(self, tmp_path: Path) -> None:
        assert ClusterConfig.load(tmp_path / "cluster.json") is None

    def test_a_damaged_file_is_named(self, tmp_path: Path) -> None:
        (tmp_path / "cluster.json").write_text("{")
        with pytest.raises(Fault, match=r"cluster\.json is damaged"):
            ClusterConfig.load(tmp_path / "cluster.json")


class TestPlanComponents:
    """A cluster is etcd, the underlay, a control plane and one agent a node."""

    LAYOUT = Layout.of("lab", {})

    def test_order_of_start(self) -> None:
        names = [
            component.name for component in plan_components(ClusterConfig(name="lab"), self.LAYOUT, "/usr/bin/etcd")
        ]
        assert names == ["etcd", "underlay", "apiserver", "controllers", "node-1", "node-2", "node-3", "scheduler"]

    def test_titles_fit_into_the_kernels_comm(self) -> None:
        components = plan_components(ClusterConfig(name="lab", nodes=120), self.LAYOUT, "etcd")
        assert all(len(component.title) <= 15 for component in components)

    def test_each_agent_has_its_own_namespace_address_and_directories(self) -> None:
        agents = [c for c in plan_components(ClusterConfig(name="lab"), self.LAYOUT, "etcd") if "--netns" in c.args]
        for flag in ("--netns", "--node-ip", "--data-dir", "--run-dir", "--cgroup-root", "--kubeconfig"):
            assert len({agent.args[agent.args.index(flag) + 1] for agent in agents}) == 3
