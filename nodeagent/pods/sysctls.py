"""Which kernel parameters a pod may set: those that reach no further than its own namespaces, and harm no other pod.

Source: Kubernetes documentation, "Using sysctls in a Kubernetes Cluster"; the safe set and the messages are kubelet's.
"""

from typing import Final

from naru.api.pod_v1 import Pod

SAFE_SYSCTLS: Final = frozenset(
    {
        "kernel.shm_rmid_forced",
        "net.ipv4.ip_local_port_range",
        "net.ipv4.ip_local_reserved_ports",
        "net.ipv4.ip_unprivileged_port_start",
        "net.ipv4.ping_group_range",
        "net.ipv4.tcp_fin_timeout",
        "net.ipv4.tcp_keepalive_intvl",
        "net.ipv4.tcp_keepalive_probes",
        "net.ipv4.tcp_keepalive_time",
        "net.ipv4.tcp_rmem",
        "net.ipv4.tcp_syncookies",
        "net.ipv4.tcp_wmem",
    }
)


def forbidden_sysctl(pod: Pod) -> str | None:
    """Return why the node does not set one of the pod's sysctls; None when it sets them all."""
    for sysctl in pod.spec.security_context.sysctls:
        name = normalize(sysctl.name)
        if name not in SAFE_SYSCTLS:
            return f'forbidden sysctl: "{sysctl.name}" not allowlisted'
        if name.startswith("net.") and pod.spec.host_network:
            return f'forbidden sysctl: "{sysctl.name}" not allowed with host net enabled'
        if name.startswith("kernel.") and pod.spec.host_ipc:
            return f'forbidden sysctl: "{sysctl.name}" not allowed with host ipc enabled'
    return None


def normalize(name: str) -> str:
    """Write a name with dots between its parts; the first separator tells which of the two spellings it has.

    Source: sysctl.d(5): ``net/ipv4/conf/eth0.1/x`` is ``net.ipv4.conf.eth0/1.x``.
    """
    separator = next((character for character in name if character in "./"), ".")
    return name if separator == "." else name.translate(str.maketrans("./", "/."))
