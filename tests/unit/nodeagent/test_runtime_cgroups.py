"""Both cgroup drivers, on directory trees that stand for the kernel's."""

from pathlib import Path

import pytest

from nodeagent.runtime.cgroups import DEFAULT_DEVICES, DeviceRule, v1, v2
from nodeagent.runtime.cgroups.detect import detect_driver, find_mounts
from nodeagent.runtime.cgroups.device_program import device_program
from nodeagent.runtime.cgroups.v1 import V1Driver
from nodeagent.runtime.cgroups.v2 import V2Driver, weight_of_shares
from nodeagent.runtime.spec import CgroupLimits

LIMITS = CgroupLimits(cpu_shares=512, cpu_quota_us=50_000, memory_limit_bytes=1 << 26, pids_limit=100)
HYBRID = """\
31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:4 - cgroup cgroup rw,cpu,cpuacct
35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
36 31 0:33 / /sys/fs/cgroup/devices rw,relatime - cgroup cgroup rw,devices
39 31 0:36 / /sys/fs/cgroup/pids rw,relatime - cgroup cgroup rw,pids
40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,name=systemd
41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
"""
UNIFIED = "30 23 0:26 / {mount} rw,nosuid,nodev,noexec,relatime shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"


class KernelDirectory(type(Path())):  # type: ignore[misc]
    """A path that, like a cgroup's directory, has its files from the moment it is made."""

    def mkdir(self, mode: int = 0o777, parents: bool = False, exist_ok: bool = False) -> None:
        new = not self.exists()
        super().mkdir(mode, parents, exist_ok)
        if new:
            (self / "cgroup.subtree_control").write_text("")


@pytest.fixture
def unified(tmp_path: Path) -> Path:
    mount = KernelDirectory(tmp_path / "cgroup")
    mount.mkdir()
    (mount / "cgroup.controllers").write_text("cpuset cpu io memory hugetlb pids rdma\n")
    return mount


class TestDetection:
    """v1 where it has the controllers, v2 where it is alone."""

    def test_a_hybrid_host_is_v1(self) -> None:
        controllers, _ = find_mounts(HYBRID)
        together = Path("/sys/fs/cgroup/cpu,cpuacct")
        assert controllers["cpu"] == controllers["cpuacct"] == together
        assert set(controllers) == {"cpu", "cpuacct", "memory", "devices", "pids"}

    def test_a_unified_host_is_v2(self, unified: Path, tmp_path: Path) -> None:
        (tmp_path / "mountinfo").write_text(UNIFIED.format(mount=unified))
        assert isinstance(detect_driver("naru/node", tmp_path / "mountinfo"), V2Driver)

    def test_a_host_without_cgroups_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "mountinfo").write_text("")
        with pytest.raises(ValueError, match="no cgroup file system"):
            detect_driver("naru/node", tmp_path / "mountinfo")

    def test_missing_controllers_are_named(self, tmp_path: Path, unified: Path) -> None:
        with pytest.raises(ValueError, match="memory, pids, devices"):
            V1Driver({"cpu": tmp_path}, "naru/node")
        (unified / "cgroup.controllers").write_text("cpu")
        with pytest.raises(ValueError, match="memory, pids"):
            V2Driver(unified, "naru/node")


class TestV1:
    """A directory in each tree."""

    def test_limits(self) -> None:
        assert v1.plan_limits(LIMITS) == [
            ("cpu", "cpu.shares", "512"),
            ("cpu", "cpu.cfs_period_us", "100000"),
            ("cpu", "cpu.cfs_quota_us", "50000"),
            ("memory", "memory.limit_in_bytes", str(1 << 26)),
            ("pids", "pids.max", "100"),
        ]
        assert v1.plan_limits(CgroupLimits()) == []

    def test_controllers_that_share_a_tree_have_one_directory(self, tmp_path: Path) -> None:
        together = tmp_path / "cpu,cpuacct"
        mounts = {"cpu": together, "cpuacct": together} | {
            name: tmp_path / name for name in ("memory", "pids", "devices")
        }
        driver = V1Driver(mounts, "naru/node")
        driver.create("burstable/pod1", LIMITS)
        directory = together / "naru/node/burstable/pod1"
        assert (directory / "cpu.shares").read_text() == "512"
        assert len(driver.directories("burstable/pod1")) == 4
        assert driver.children("burstable") == ["pod1"]

    def test_usage_and_oom_kills(self, tmp_path: Path) -> None:
        driver = V1Driver({name: tmp_path / name for name in v1.CONTROLLERS}, "n")
        driver.create("pod", CgroupLimits())
        (tmp_path / "memory/n/pod/memory.usage_in_bytes").write_text("1000\n")
        (tmp_path / "memory/n/pod/memory.stat").write_text("cache 5\ntotal_inactive_file 300\n")
        (tmp_path / "memory/n/pod/memory.oom_control").write_text("oom_kill_disable 0\nunder_oom 0\noom_kill 2\n")
        (tmp_path / "cpuacct/n/pod/cpuacct.usage").write_text("77\n")
        (tmp_path / "pids/n/pod/pids.current").write_text("3\n")
        usage = driver.usage("pod")
        assert (usage.cpu_ns, usage.memory_bytes, usage.working_set_bytes, usage.pids) == (77, 1000, 700, 3)
        assert driver.oom_kills("pod") == 2


class TestV2:
    """One directory, and controllers handed down to it."""

    @pytest.mark.parametrize(("shares", "weight"), [(2, 1), (1024, 39), (262_144, 10_000), (0, 1), (10**9, 10_000)])
    def test_shares_become_weights_as_kubernetes_maps_them(self, shares: int, weight: int) -> None:
        assert weight_of_shares(shares) == weight

    def test_limits(self) -> None:
        assert v2.plan_limits(LIMITS) == [
            ("cpu.weight", "20"),
            ("cpu.max", "50000 100000"),
            ("memory.max", str(1 << 26)),
            ("pids.max", "100"),
        ]

    def test_no_limit_is_max(self) -> None:
        limits = CgroupLimits(cpu_quota_us=-1, memory_limit_bytes=-1, pids_limit=-1)
        assert [text for _, text in v2.plan_limits(limits)] == ["max 100000", "max", "max"]

    def test_a_container_dies_of_want_of_memory_as_a_whole_but_a_pod_does_not(self, unified: Path) -> None:
        driver = V2Driver(unified, "n")
        driver.create("pod", LIMITS)
        driver.create("pod/c1", CgroupLimits(oom_kills_all=True))
        assert not (unified / "n/pod/memory.oom.group").exists()
        assert (unified / "n/pod/c1/memory.oom.group").read_text() == "1"

    def test_each_level_hands_its_controllers_down(self, unified: Path) -> None:
        driver = V2Driver(unified, "naru/node")
        driver.create("burstable/pod1/c1", LIMITS)
        level = unified
        for name in ("naru", "node", "burstable", "pod1"):
            assert (level / "cgroup.subtree_control").read_text() == "+cpu +memory +pids"
            level = level / name
        leaf = level / "c1"
        assert (leaf / "cgroup.subtree_control").read_text() == ""  # processes live here
        assert (leaf / "memory.max").read_text() == str(1 << 26)
        assert driver.directories("burstable/pod1/c1") == {"": leaf}

    def test_usage_and_oom_kills(self, unified: Path) -> None:
        driver = V2Driver(unified, "n")
        driver.create("pod", CgroupLimits())
        for name, text in {
            "memory.current": "1000",
            "memory.stat": "anon 1\ninactive_file 300\n",
            "memory.events": "low 0\nhigh 0\nmax 3\noom 1\noom_kill 1\n",
            "cpu.stat": "usage_usec 5\nuser_usec 3\n",
            "pids.current": "3",
        }.items():
            (unified / "n/pod" / name).write_text(text)
        usage = driver.usage("pod")
        assert (usage.cpu_ns, usage.memory_bytes, usage.working_set_bytes, usage.pids) == (5000, 1000, 700, 3)
        assert driver.oom_kills("pod") == 1

    def test_killing_lets_nothing_fork_and_asks_the_kernel(self, unified: Path) -> None:
        driver = V2Driver(unified, "n")
        driver.create("pod", CgroupLimits())
        (unified / "n/pod/cgroup.procs").write_text("")
        driver.kill("pod")
        assert (unified / "n/pod/pids.max").read_text() == "0"
        assert (unified / "n/pod/cgroup.kill").read_text() == "1"

    def test_what_is_not_there_needs_no_killing_and_no_removal(self, unified: Path) -> None:
        driver = V2Driver(unified, "n")
        driver.kill("pod")
        driver.remove("pod")


class TestDevices:
    """What a container may open, in both notations."""

    def test_the_rules_as_v1_writes_them(self) -> None:
        assert [str(rule) for rule in DEFAULT_DEVICES[:3]] == ["c *:* m", "b *:* m", "c 1:3 rwm"]

    def test_the_program_ends_with_a_refusal(self) -> None:
        program = device_program((DeviceRule("c", 1, 3, "rw"),))
        assert len(program) % 8 == 0
        assert program[-16:] == bytes([0xB7, 0, 0, 0, 0, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0])
