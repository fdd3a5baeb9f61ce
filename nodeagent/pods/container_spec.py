"""From a container of a pod and its image to what the runtime executes.

Flow: Pod, Image, environment, mounts -> *ContainerSpec* -> shim.

Source: Kubernetes documentation, "Define a Command and Arguments for a Container"; OCI image specification, config.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from naru.api.container_v1 import Container
from naru.api.pod_v1 import Pod
from nodeagent.images.store import Image
from nodeagent.pods import resources, security
from nodeagent.pods.downward import PodFacts
from nodeagent.pods.env import container_env
from nodeagent.pods.expansion import expand
from nodeagent.pods.faults import StartFault
from nodeagent.pods.references import References
from nodeagent.pods.users import Accounts, User, container_user
from nodeagent.runtime.spec import ContainerSpec, Mount

DEFAULT_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True)
class Inputs:
    """What a container is made of, all of it fetched and prepared."""

    facts: PodFacts
    container: Container
    image: Image
    accounts: Accounts  # of the image
    references: References
    hostname: str
    memory_capacity_bytes: int  # of the node

    @property
    def pod(self) -> Pod:
        """The pod that the container belongs to."""
        return self.facts.pod


@dataclass(frozen=True)
class Attempt:
    """What is new with every start of a container."""

    id: str
    number: int
    log_path: Path


def full_env(inputs: Inputs) -> dict[str, str]:
    """Compute the whole environment: some basics, then the image's, then the pod's.

    Raises:
        ConfigFault: a ConfigMap, Secret or key is missing that is not optional.
    """
    values = {"PATH": DEFAULT_PATH, "HOSTNAME": inputs.hostname}
    if inputs.container.tty:
        values["TERM"] = "xterm"
    values.update(inputs.image.config.env)
    values.update(container_env(inputs.container, inputs.facts, inputs.references))
    return values


def container_spec(inputs: Inputs, attempt: Attempt, env: Mapping[str, str], mounts: Sequence[Mount]) -> ContainerSpec:
    """Put everything together.

    Args:
        env: of :func:`full_env`; apart because subPathExpr in the mounts needs it too.

    Raises:
        StartFault: the pod asks for something that cannot be had.
    """
    pod, container = inputs.pod, inputs.container
    user = container_user(pod, container, inputs.image.config.user, inputs.accounts)
    own = container.security_context
    spec = ContainerSpec(
        id=attempt.id,
        name=container.name,
        attempt=attempt.number,
        log_path=attempt.log_path,
        args=command_line(container, inputs.image, env),
        layers=inputs.image.layers,
        env=tuple({"HOME": user.home, **env}.items()),
        cwd=container.working_dir or inputs.image.config.working_dir or "/",
        mounts=tuple(mounts),
        limits=resources.container_limits(container),
        oom_score_adj=resources.oom_score_adj(pod, container, inputs.memory_capacity_bytes),
        read_only_root=bool(own and own.read_only_root_filesystem),
        tty=container.tty,
        stdin=container.stdin,
        stdin_once=container.stdin_once,
    )
    return _with_rights(_with_user(spec, user), pod, container)


def command_line(container: Container, image: Image, env: Mapping[str, str]) -> tuple[str, ...]:
    """Decide what to execute: the pod's command replaces the image's entrypoint and cmd, its args the cmd alone.

    Raises:
        StartFault: neither the pod nor the image says what to run.
    """
    command = tuple(expand(part, env) for part in container.command)
    args = tuple(expand(part, env) for part in container.args)
    if not command:
        command = image.config.entrypoint
        args = args or image.config.cmd
    if not command + args:
        raise StartFault("CreateContainerError", "no command specified")
    return command + args


def _with_user(spec: ContainerSpec, user: User) -> ContainerSpec:
    return replace(spec, uid=user.uid, gid=user.gid, groups=user.groups)


def _with_rights(spec: ContainerSpec, pod: Pod, container: Container) -> ContainerSpec:
    own = container.security_context
    return replace(
        spec,
        privileged=security.is_privileged(container),
        capabilities=security.capabilities(own.capabilities if own else None),
        no_new_privileges=security.no_new_privileges(container),
        unconfined_seccomp=security.unconfined_seccomp(pod, container),
    )
