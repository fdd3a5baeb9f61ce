"""What `naru down` finds left over, and in which order it goes."""

import signal
from pathlib import Path

import pytest

from nodeagent.cleanup import cgroup_trees, deepest_first, hears, main, members, plan_unmounts

MOUNTINFO = """22 1 8:1 / / rw - ext4 /dev/sda1 rw
30 22 0:25 / /run rw - tmpfs tmpfs rw
31 30 0:4 net:[4026532] /run/naru/lab/nodes/node-1/pods/a/netns rw - nsfs nsfs rw
32 22 0:40 / /var/lib/naru/lab/nodes/node-1/with\\040space rw - tmpfs tmpfs rw
33 30 0:4 net:[4026533] /run/naru/laboratory/netns rw - nsfs nsfs rw
"""


class TestPlanUnmounts:
    """Only what lies below the cluster's directories, the last mounted first."""

    def test_chosen(self) -> None:
        points = plan_unmounts(MOUNTINFO, [Path("/run/naru/lab"), Path("/var/lib/naru/lab")])
        assert points == [
            Path("/var/lib/naru/lab/nodes/node-1/with space"),
            Path("/run/naru/lab/nodes/node-1/pods/a/netns"),
        ]


class TestCgroups:
    """The cluster's tree is below every controller (v1), or directly below the root (v2)."""

    def test_found_under_each_controller(self, tmp_path: Path) -> None:
        for path in ("cpu/naru-lab/node-1", "memory/naru-lab", "memory/naru-other", "cpu/user"):
            (tmp_path / path).mkdir(parents=True)
        assert cgroup_trees("naru-lab", tmp_path) == [tmp_path / "cpu/naru-lab", tmp_path / "memory/naru-lab"]

    def test_children_come_before_their_parents(self, tmp_path: Path) -> None:
        (tmp_path / "a" / "b").mkdir(parents=True)
        assert list(deepest_first(tmp_path)) == [tmp_path / "a" / "b", tmp_path / "a", tmp_path]

    def test_members_of_all_levels(self, tmp_path: Path) -> None:
        (tmp_path / "a").mkdir()
        (tmp_path / "cgroup.procs").write_text("")
        (tmp_path / "a" / "cgroup.procs").write_text("7\n0\n8\n")
        assert members([tmp_path]) == {7, 8}

    @pytest.mark.parametrize("root", ["", "/", "system.slice", "naru"])
    def test_no_other_tree_is_touched(self, root: str) -> None:
        with pytest.raises(SystemExit):
            main(["--cgroup-root", root])


class TestHears:
    """Nobody is waited for whom the kernel would not even tell."""

    @pytest.mark.parametrize(
        ("pids", "ignored", "caught", "expected"),
        [
            pytest.param("812 1", 0, 1 << 14, True, id="the first of a pid namespace, with a handler"),
            pytest.param("812 1", 0, 0, False, id="the first of a pid namespace, without one"),
            pytest.param("812 7", 0, 0, True, id="any other: the signal ends it"),
            pytest.param("812", 1 << 14, 0, False, id="one that ignores it"),
            pytest.param("812 1", 0, 1 << 13, False, id="one that handles another signal"),
        ],
    )
    def test_hears(self, pids: str, ignored: int, caught: int, expected: bool) -> None:
        status = f"Name:\tsleep\nNSpid:\t{pids}\nSigIgn:\t{ignored:016x}\nSigCgt:\t{caught:016x}\n"
        assert hears(status, signal.SIGTERM) is expected
