"""The rights of a container: capabilities, seccomp, privileges.

Source: Kubernetes documentation, "Configure a Security Context"; capabilities(7).
"""

from collections.abc import Sequence

from naru.api.container_v1 import Container
from naru.api.pod_v1 import Pod
from naru.api.security_v1 import Capabilities
from nodeagent.pods.faults import ConfigFault
from nodeagent.runtime.capabilities import ALL, DEFAULT, NUMBERS


def capabilities(wanted: Capabilities | None) -> tuple[str, ...] | None:
    """Return the capabilities of a container; None for the default set.

    ``ALL`` in ``add`` or ``drop`` goes first, so that ``drop: [ALL], add: [NET_BIND_SERVICE]`` leaves that one.

    Raises:
        ConfigFault: there is no capability of that name.
    """
    if wanted is None or not (wanted.add or wanted.drop):
        return None
    added, dropped = _names(wanted.add), _names(wanted.drop)
    held = set(ALL) if "CAP_ALL" in added else set(DEFAULT)
    held = set() if "CAP_ALL" in dropped else held - set(dropped)
    held |= {name for name in added if name != "CAP_ALL"} - set(dropped)
    return tuple(name for name in NUMBERS if name in held)


def is_privileged(container: Container) -> bool:
    """Tell whether the container may do anything that root on the host may."""
    return bool(container.security_context and container.security_context.privileged)


def no_new_privileges(container: Container) -> bool:
    """Tell whether a set-uid program must not give more rights."""
    return bool(container.security_context and container.security_context.allow_privilege_escalation is False)


def unconfined_seccomp(pod: Pod, container: Container) -> bool:
    """Tell whether every system call is allowed; the container's profile wins over the pod's.

    Raises:
        ConfigFault: the profile is a file of the node.
    """
    own = container.security_context.seccomp_profile if container.security_context else None
    profile = own or pod.spec.security_context.seccomp_profile
    if profile is not None and profile.type == "Localhost":
        raise ConfigFault("seccomp profiles of type Localhost are not supported by this node")
    return is_privileged(container) or (profile is not None and profile.type == "Unconfined")


def _names(names: Sequence[str]) -> list[str]:
    full = [name.upper() if name.upper().startswith("CAP_") else f"CAP_{name.upper()}" for name in names]
    for name in full:
        if name not in ALL and name != "CAP_ALL":
            raise ConfigFault(f"unknown capability {name}")
    return full
