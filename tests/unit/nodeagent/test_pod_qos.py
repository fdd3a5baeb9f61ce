"""The QoS classes of a node weigh what their pods asked for."""

from pathlib import Path

import pytest

from naru.api.core_v1 import Pod
from nodeagent.pods.qos import QosClasses
from nodeagent.runtime.cgroups.v1 import V1Driver

CONTROLLERS = ("cpu", "cpuacct", "memory", "pids", "devices")


def pod(uid: str, requests: dict[str, str], limits: dict[str, str] | None = None, phase: str = "Running") -> Pod:
    container = {"name": "c", "image": "i", "resources": {"requests": requests, "limits": limits or {}}}
    meta = {"name": uid, "namespace": "ns", "uid": uid}
    return Pod.model_validate({"metadata": meta, "spec": {"containers": [container]}, "status": {"phase": phase}})


SMALL, LARGE, IDLE = pod("small", {"cpu": "100m"}), pod("large", {"cpu": "2"}), pod("idle", {})
FIXED = pod("fixed", {"cpu": "1", "memory": "1Gi"}, {"cpu": "1", "memory": "1Gi"})


class Kernel:
    """Directories that stand for the trees of version 1."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.classes = QosClasses(V1Driver({name: directory / name for name in CONTROLLERS}, "naru-c/node-1"))

    def shares(self) -> dict[str, str]:
        """What the kernel was told of each class."""
        files = self.directory.glob("cpu/naru-c/node-1/*/cpu.shares")
        return {path.parent.name: path.read_text() for path in files}


@pytest.fixture
def kernel(tmp_path: Path) -> Kernel:
    return Kernel(tmp_path)


class TestQosClasses:
    def test_a_class_weighs_the_sum_of_its_pods(self, kernel: Kernel) -> None:
        for each in (SMALL, LARGE, FIXED, IDLE):
            kernel.classes.note(each)
        assert kernel.shares() == {"burstable": "2150", "guaranteed": "1024", "besteffort": "2"}

    def test_a_pod_that_is_told_of_again_counts_once(self, kernel: Kernel) -> None:
        for _ in range(3):
            kernel.classes.note(LARGE)
        assert kernel.shares()["burstable"] == "2048"

    def test_a_pod_that_has_gone_weighs_nothing(self, kernel: Kernel) -> None:
        kernel.classes.note(LARGE)
        kernel.classes.note(SMALL)
        kernel.classes.forget(LARGE)
        assert kernel.shares()["burstable"] == "102"

    def test_nor_does_one_that_has_ended(self, kernel: Kernel) -> None:
        kernel.classes.note(LARGE)
        kernel.classes.note(pod("large", {"cpu": "2"}, phase="Succeeded"))
        kernel.classes.note(pod("another", {"cpu": "2"}, phase="Failed"))
        assert kernel.shares()["burstable"] == "2"
