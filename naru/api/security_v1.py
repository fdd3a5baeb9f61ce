"""With which rights a container runs: user, groups, capabilities, seccomp.

What a container does not say itself, it takes from its pod.

Source: Kubernetes API reference, core/v1.
"""

from typing import Annotated, ClassVar

from naru.api.model import REQUIRED, STORED, Model, Stored


class Capabilities(Model):
    """Linux capabilities to add to, or drop from, the default set; names without ``CAP_``, or ``ALL``."""

    add: tuple[str, ...] = ()  # granted beside the default set
    drop: tuple[str, ...] = ()  # taken from the default set


class SELinuxOptions(Model):
    """The SELinux label of a container."""

    user: str = ""  # user part of the label
    role: str = ""  # role part of the label
    type: str = ""  # type part of the label
    level: str = ""  # level part of the label


class WindowsSecurityContextOptions(Model):
    """Settings of Windows nodes."""

    gmsa_credential_spec_name: str | None = None  # name of the GMSA credential spec
    gmsa_credential_spec: str | None = None  # content of the GMSA credential spec
    run_as_user_name: str | None = None  # user that the process runs as
    host_process: bool | None = None  # run on the host itself, not in a container


class SeccompProfile(Model):
    """Which system calls are allowed: RuntimeDefault, Unconfined, or a profile of the node (Localhost)."""

    type: Annotated[str, REQUIRED] = ""  # RuntimeDefault, Unconfined or Localhost
    # file of the profile, relative to the node's profile directory; only for Localhost
    localhost_profile: Annotated[str | None, STORED] = None


class AppArmorProfile(Model):
    """The AppArmor profile of a container."""

    type: Annotated[str, REQUIRED, Stored(("Unconfined",))] = ""  # RuntimeDefault, Unconfined or Localhost
    localhost_profile: str | None = None  # name of a profile that the node has loaded; only for Localhost


class SecurityContext(Model):
    """Rights of one container; what is set here wins over the pod's."""

    protobuf: ClassVar[str] = "1-3 10 4 8 5-7 9 11 12"

    capabilities: Capabilities | None = None  # Linux capabilities to add or drop
    privileged: bool | None = None  # true: all capabilities, all devices, no seccomp: as much as root on the node
    se_linux_options: Annotated[SELinuxOptions | None, STORED] = None  # SELinux label of the process; unset: the pod's
    windows_options: Annotated[WindowsSecurityContextOptions | None, STORED] = None  # for Windows nodes alone
    run_as_user: int | None = None  # user id; unset: the pod's, else the image's
    run_as_group: int | None = None  # group id; unset: the pod's, else the image's
    run_as_non_root: bool | None = None  # true: do not start if the user id is 0
    read_only_root_filesystem: bool | None = None  # true: only volumes can be written to
    allow_privilege_escalation: bool | None = None  # false: no setuid program gives more rights (no_new_privs)
    proc_mount: Annotated[str | None, Stored(("Default",))] = None  # Default: parts of /proc are masked; Unmasked
    seccomp_profile: SeccompProfile | None = None  # which system calls are allowed; unset: the pod's
    # which AppArmor profile confines the process; unset: the pod's
    app_armor_profile: AppArmorProfile | None = None


class Sysctl(Model):
    """A kernel parameter of the pod's namespaces."""

    name: Annotated[str, REQUIRED] = ""  # name of the parameter, such as net.ipv4.ip_unprivileged_port_start
    value: Annotated[str, REQUIRED] = ""  # value of the parameter


class PodSecurityContext(Model):
    """Rights of all the pod's containers, and of its volumes."""

    protobuf: ClassVar[str] = "1 8 2 6 3 4 12 5 7 9-11 13"

    se_linux_options: Annotated[SELinuxOptions | None, STORED] = None  # SELinux label of all processes
    windows_options: Annotated[WindowsSecurityContextOptions | None, STORED] = None  # for Windows nodes alone
    run_as_user: int | None = None  # user id of all processes; unset: the image's
    run_as_group: int | None = None  # group id of all processes; unset: the image's
    run_as_non_root: bool | None = None  # true: no container starts whose user id is 0
    supplemental_groups: tuple[int, ...] = ()  # ids of further groups of all processes
    # Merge: with the groups that the image's /etc/group gives the user; Strict: without
    supplemental_groups_policy: Annotated[str | None, Stored(("Merge",))] = None
    fs_group: int | None = None  # group that owns the volumes' files, and of which all processes are members
    sysctls: tuple[Sysctl, ...] = ()  # kernel parameters of the pod's namespaces
    # Always; or OnRootMismatch: leave a volume whose top directory fits already
    fs_group_change_policy: Annotated[str | None, Stored(("Always",))] = None
    seccomp_profile: SeccompProfile | None = None  # which system calls are allowed; unset: RuntimeDefault
    app_armor_profile: AppArmorProfile | None = None  # which AppArmor profile confines the processes
    # MountOption or Recursive: how volumes get their label
    se_linux_change_policy: Annotated[str | None, STORED] = None
