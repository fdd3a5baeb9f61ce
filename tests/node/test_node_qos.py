"""The QoS classes, in the kernel's own cgroups of either version."""

from typing import Any

from naru.api.core_v1 import Pod
from nodeagent.pods.qos import QosClasses
from nodeagent.runtime.cgroups.v2 import weight_of_shares


async def test_the_kernel_gives_each_class_its_weight(node: Any) -> None:
    container = {"name": "c", "image": "i", "resources": {"requests": {"cpu": "2"}}}
    meta = {"name": "web", "namespace": "ns", "uid": "u"}
    pod = Pod.model_validate({"metadata": meta, "spec": {"containers": [container]}})
    QosClasses(node.runtime.driver).note(pod)
    assert (_weight(node, "burstable"), _weight(node, "besteffort")) in (
        (2048, 2),
        (weight_of_shares(2048), weight_of_shares(2)),
    )


def _weight(node: Any, cgroup: str) -> int:
    """The weight in the file of the version that the host has."""
    directories = node.runtime.driver.directories(cgroup)
    found = [
        directory / file
        for directory in directories.values()
        for file in ("cpu.shares", "cpu.weight")
        if (directory / file).exists()
    ]
    return int(found[0].read_text())
