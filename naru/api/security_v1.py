"""With which rights a container runs: user, groups, capabilities, seccomp.

What a container does not say itself, it takes from its pod.

Source: Kubernetes API reference, core/v1.
"""

from typing import Annotated

from naru.api.model import STORED, Model


class Capabilities(Model):
    """Linux capabilities to add to, or drop from, the default set; names without ``CAP_``, or ``ALL``."""

    add: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()


class SELinuxOptions(Model):
    """The SELinux label of a container."""

    user: str = ""
    role: str = ""
    type: str = ""
    level: str = ""


class WindowsSecurityContextOptions(Model):
    """Settings of Windows nodes."""

    gmsa_credential_spec_name: str | None = None
    gmsa_credential_spec: str | None = None
    run_as_user_name: str | None = None
    host_process: bool | None = None


class SeccompProfile(Model):
    """Which system calls are allowed: RuntimeDefault, Unconfined, or a profile of the node (Localhost)."""

    type: str
    localhost_profile: Annotated[str | None, STORED] = None


class AppArmorProfile(Model):
    """The AppArmor profile of a container."""

    type: str
    localhost_profile: str | None = None


class SecurityContext(Model):
    """Rights of one container; what is set here wins over the pod's."""

    capabilities: Capabilities | None = None
    privileged: bool | None = None
    se_linux_options: Annotated[SELinuxOptions | None, STORED] = None
    windows_options: Annotated[WindowsSecurityContextOptions | None, STORED] = None
    run_as_user: int | None = None
    run_as_group: int | None = None
    run_as_non_root: bool | None = None
    read_only_root_filesystem: bool | None = None
    allow_privilege_escalation: bool | None = None
    proc_mount: Annotated[str | None, STORED] = None
    seccomp_profile: SeccompProfile | None = None
    app_armor_profile: Annotated[AppArmorProfile | None, STORED] = None


class Sysctl(Model):
    """A kernel parameter of the pod's namespaces."""

    name: str
    value: str


class PodSecurityContext(Model):
    """Rights of all the pod's containers, and of its volumes."""

    se_linux_options: Annotated[SELinuxOptions | None, STORED] = None
    windows_options: Annotated[WindowsSecurityContextOptions | None, STORED] = None
    run_as_user: int | None = None
    run_as_group: int | None = None
    run_as_non_root: bool | None = None
    supplemental_groups: tuple[int, ...] = ()
    supplemental_groups_policy: Annotated[str | None, STORED] = None
    fs_group: int | None = None
    sysctls: tuple[Sysctl, ...] = ()
    fs_group_change_policy: Annotated[str | None, STORED] = None
    seccomp_profile: SeccompProfile | None = None
    app_armor_profile: Annotated[AppArmorProfile | None, STORED] = None
    se_linux_change_policy: Annotated[str | None, STORED] = None
