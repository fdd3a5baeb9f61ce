"""What the agent asks of the runtime, and what the runtime tells back: plain data, no Kubernetes in it.

Flow: pod worker -> *these* -> zygote -> shim -> container. Everything here travels as JSON over unix sockets,
so fields are strings, numbers, paths and tuples of those.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path


@dataclass(frozen=True)
class CgroupLimits:
    """Limits of one cgroup; None leaves the kernel's default."""

    cpu_shares: int | None = None  # v1's scale (2 to 262144); the v2 driver converts to cpu.weight
    cpu_quota_us: int | None = None  # per period
    cpu_period_us: int = 100_000
    memory_limit_bytes: int | None = None
    pids_limit: int | None = None
    oom_kills_all: bool = False  # v2: whoever is killed for want of memory takes the rest of the cgroup along


@dataclass(frozen=True)
class Mount:
    """A bind mount (or a tmpfs when ``source`` is None) inside the container's root."""

    target: str  # absolute, in the container
    source: Path | None = None
    read_only: bool = False
    tmpfs_size_bytes: int | None = None
    propagation: str = "private"  # private, slave (HostToContainer), shared (Bidirectional)


@dataclass(frozen=True)
class SandboxSpec:
    """The namespaces that the containers of one pod share, and where the pod keeps its things."""

    uid: str
    namespace: str
    name: str
    hostname: str
    run_dir: Path  # small, and survives the agent: socket, pinned netns, durable exit codes
    roots_dir: Path  # what containers write to their roots: on a disk, for it can be much
    log_dir: Path
    cgroup: str  # path below the driver's root: "burstable/pod<uid>"
    limits: CgroupLimits = CgroupLimits()
    host_network: bool = False
    host_pid: bool = False
    host_ipc: bool = False
    share_process_namespace: bool = False
    sysctls: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ContainerSpec:
    """One container: what to execute, in which root, as whom, with what it may do and use."""

    id: str  # unique on the node, new for every restart
    name: str
    attempt: int
    args: tuple[str, ...]  # args[0] is looked up in PATH of env, inside the root
    layers: tuple[Path, ...]  # read-only directories, the uppermost first
    log_path: Path  # CRI format: "<RFC 3339 nano> stdout|stderr F|P <text>"
    env: tuple[tuple[str, str], ...] = ()
    cwd: str = "/"
    uid: int = 0
    gid: int = 0
    groups: tuple[int, ...] = ()
    mounts: tuple[Mount, ...] = ()
    limits: CgroupLimits = CgroupLimits()
    capabilities: tuple[str, ...] | None = None  # CAP_ names; None: the default set
    privileged: bool = False
    unconfined_seccomp: bool = False
    no_new_privileges: bool = False
    read_only_root: bool = False
    oom_score_adj: int = 0
    tty: bool = False
    stdin: bool = False
    stdin_once: bool = False


class ContainerPhase(StrEnum):
    """Where a container stands."""

    CREATED = "created"
    RUNNING = "running"
    EXITED = "exited"


@dataclass(frozen=True)
class Span:
    """One timed step of a start."""

    name: str  # netns, cgroup, overlay, clone, exec, ...
    start_unix_us: int
    duration_us: int


@dataclass(frozen=True)
class ContainerState:
    """What the shim knows of a container; durable once it has exited."""

    id: str
    name: str
    attempt: int
    phase: ContainerPhase
    pid: int = 0  # in the host's pid namespace; 0 when not running
    started_at_us: int = 0  # unix time, microseconds
    finished_at_us: int = 0
    exit_code: int = 0  # 128 + n when killed by signal n
    signal: int = 0
    oom_killed: bool = False
    error: str = ""  # what went wrong when it is not the program's own doing: its shim was killed
    warnings: tuple[str, ...] = ()  # what this host could not give it: "oom_score_adj -997: permission denied"
    spans: tuple[Span, ...] = ()


@dataclass(frozen=True)
class SandboxState:
    """A sandbox as its shim reports it."""

    spec: SandboxSpec
    shim_pid: int  # 0 when the shim is gone, and the containers with it
    netns: Path | None  # the pinned network namespace; None on the host's network
    containers: tuple[ContainerState, ...] = ()
    spans: tuple[Span, ...] = ()


class RuntimeFault(Exception):
    """The runtime could not do what was asked; ``reason`` is a CamelCase word for a container's status."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
