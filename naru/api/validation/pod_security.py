"""Validation of the rights of pods and containers, and of what does not go with their operating system.

Source: Kubernetes API reference, core/v1 PodSecurityContext and SecurityContext; the texts are those of upstream's
validation.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from naru.api.container_v1 import Container
from naru.api.errors import FieldError
from naru.api.field_errors import duplicate, each_invalid, forbidden, in_go, invalid, not_supported, required, too_long
from naru.api.model import Model
from naru.api.names import check_dns_subdomain, check_id, check_sysctl_name
from naru.api.pod_v1 import PodSpec
from naru.api.security_v1 import (
    AppArmorProfile,
    PodSecurityContext,
    SeccompProfile,
    SecurityContext,
    Sysctl,
    WindowsSecurityContextOptions,
)
from naru.api.validation.volumes import validate_relative

SECCOMP_TYPES: Final = ("Localhost", "RuntimeDefault", "Unconfined")
SYSTEMS: Final = ("linux", "windows")
_CHOICES: Final = {
    "fsGroupChangePolicy": ("Always", "OnRootMismatch"),
    "supplementalGroupsPolicy": ("Merge", "Strict"),
    "seLinuxChangePolicy": ("MountOption", "Recursive"),
}
MAX_PROFILE_BYTES: Final = 4095  # a path with the zero byte behind it: 4096
_MAX_CREDENTIAL_SPEC: Final = 64 << 10
_MAX_WINDOWS_USER: Final = 104
_MAX_WINDOWS_DOMAIN: Final = 256
_NO_ESCALATION: Final = "cannot set `allowPrivilegeEscalation` to false and "
_NO_WINDOWS: Final = "windows options cannot be set for a linux pod"
_ONLY_LINUX: Final = "cannot be set for a windows pod"


def validate_ids(path: str, **numbers: int | None) -> list[FieldError]:
    """Return the faults of user and group numbers, by the names of their fields."""
    return [
        error
        for name, number in numbers.items()
        if number is not None
        for error in each_invalid(f"{path}.{name}", number, check_id(number))
    ]


def validate_pod_security(spec: PodSpec, path: str) -> list[FieldError]:
    """Return the faults of the rights that a pod's containers have in common."""
    context: PodSecurityContext = spec.security_context
    errors = validate_ids(
        path, fsGroup=context.fs_group, runAsUser=context.run_as_user, runAsGroup=context.run_as_group
    )
    for index, group in enumerate(context.supplemental_groups):
        errors += validate_ids(path, **{f"supplementalGroups[{index}]": group})
    if spec.share_process_namespace and spec.host_pid:
        why = "ShareProcessNamespace and HostPID cannot both be enabled"
        errors.append(invalid(f"{path}.shareProcessNamespace", True, why))
    errors += _validate_sysctls(context.sysctls, spec, f"{path}.sysctls")
    errors += _validate_choice("fsGroupChangePolicy", context.fs_group_change_policy, path)
    errors += _validate_seccomp(context.seccomp_profile, f"{path}.seccompProfile")
    errors += _validate_windows_options(context.windows_options, f"{path}.windowsOptions")
    errors += _validate_app_armor(context.app_armor_profile, f"{path}.appArmorProfile")
    errors += _validate_choice("supplementalGroupsPolicy", context.supplemental_groups_policy, path)
    return errors + _validate_choice("seLinuxChangePolicy", context.se_linux_change_policy, path)


def _validate_choice(name: str, value: str | None, path: str) -> list[FieldError]:
    known = value is None or value in _CHOICES[name]
    return [] if known else [not_supported(f"{path}.{name}", value, _CHOICES[name])]


def _validate_sysctls(sysctls: Sequence[Sysctl], spec: PodSpec, path: str) -> list[FieldError]:
    errors, names = [], set()
    for index, sysctl in enumerate(sysctls):
        at, name = f"{path}[{index}].name", sysctl.name
        if not name:
            errors.append(required(at))
        elif complaints := check_sysctl_name(name):
            errors += each_invalid(at, name, complaints)
        elif name in names:
            errors.append(duplicate(at, name))
        if spec.host_network and _namespace_of(name) == "net":
            errors.append(invalid(at, name, "may not be specified when 'hostNetwork' is true"))
        elif spec.host_ipc and _namespace_of(name) == "ipc":
            errors.append(invalid(at, name, "may not be specified when 'hostIPC' is true"))
        names.add(name)
    return errors


def _namespace_of(sysctl: str) -> str:
    """Name the kernel's namespace that holds a parameter."""
    dotted = sysctl.replace("/", ".")
    if dotted.startswith("net."):
        return "net"
    in_ipc = dotted.startswith(("kernel.shm", "kernel.msg", "fs.mqueue.")) or dotted == "kernel.sem"
    return "ipc" if in_ipc else ""


def _validate_seccomp(profile: SeccompProfile | None, path: str) -> list[FieldError]:
    if profile is None:
        return []
    errors = []
    if not profile.type:
        errors.append(required(f"{path}.type", "type is required when seccompProfile is set"))
    elif profile.type not in SECCOMP_TYPES:
        errors.append(not_supported(f"{path}.type", profile.type, SECCOMP_TYPES))
    at = f"{path}.localhostProfile"
    if profile.type != "Localhost":
        why = "can only be set when seccomp type is Localhost"
        return [*errors, invalid(at, in_go(profile), why)] if profile.localhost_profile is not None else errors
    if profile.localhost_profile is None:
        return [*errors, required(at, "must be set when seccomp type is Localhost")]
    return errors + validate_relative(profile.localhost_profile, at)


def _validate_app_armor(profile: AppArmorProfile | None, path: str) -> list[FieldError]:
    if profile is None:
        return []
    at, name = f"{path}.localhostProfile", profile.localhost_profile
    if not profile.type:
        return [required(f"{path}.type", "type is required when appArmorProfile is set")]
    if profile.type not in SECCOMP_TYPES:
        return [not_supported(f"{path}.type", profile.type, SECCOMP_TYPES)]
    if profile.type != "Localhost":
        return [] if name is None else [invalid(at, name, "can only be set when AppArmor type is Localhost")]
    if not (name or "").strip() and (name or "") == (name or "").strip():
        return [required(at, "must be set when AppArmor type is Localhost")]
    assert name is not None
    errors = [] if name == name.strip() else [invalid(at, name, "must not be padded with whitespace")]
    return [*errors, too_long(at, MAX_PROFILE_BYTES)] if len(name.encode()) > MAX_PROFILE_BYTES else errors


def validate_security(context: SecurityContext, path: str, *, host_users: bool) -> list[FieldError]:
    """Return the faults of the rights of one container."""
    errors = validate_ids(path, runAsUser=context.run_as_user, runAsGroup=context.run_as_group)
    mount = context.proc_mount
    if mount not in (None, "Default", "Unmasked"):
        errors.append(not_supported(f"{path}.procMount", mount, ("Default", "Unmasked")))
    if mount == "Unmasked" and host_users:
        errors.append(invalid(f"{path}.procMount", mount, "`hostUsers` must be false to use `Unmasked`"))
    errors += _validate_seccomp(context.seccomp_profile, f"{path}.seccompProfile")
    if context.allow_privilege_escalation is False:
        if context.privileged:
            errors.append(invalid(path, in_go(context), f"{_NO_ESCALATION}`privileged` to true"))
        if context.capabilities is not None and "CAP_SYS_ADMIN" in context.capabilities.add:
            errors.append(invalid(path, in_go(context), f"{_NO_ESCALATION}`capabilities.Add` CAP_SYS_ADMIN"))
    errors += _validate_windows_options(context.windows_options, f"{path}.windowsOptions")
    return errors + _validate_app_armor(context.app_armor_profile, f"{path}.appArmorProfile")


def _validate_windows_options(options: WindowsSecurityContextOptions | None, path: str) -> list[FieldError]:
    if options is None:
        return []
    errors, name, spec = [], options.gmsa_credential_spec_name, options.gmsa_credential_spec
    if name is not None:
        errors += each_invalid(f"{path}.gmsaCredentialSpecName", name, check_dns_subdomain(name))
    if spec == "":
        errors.append(invalid(f"{path}.gmsaCredentialSpec", spec, "gmsaCredentialSpec cannot be an empty string"))
    elif spec is not None and len(spec.encode()) > _MAX_CREDENTIAL_SPEC:
        why = f"gmsaCredentialSpec size must be under {_MAX_CREDENTIAL_SPEC >> 10} KiB"
        errors.append(invalid(f"{path}.gmsaCredentialSpec", spec, why))
    user = options.run_as_user_name
    problems = _windows_user_problems(user) if user is not None else ()
    return errors + [invalid(f"{path}.runAsUserName", user, f"runAsUserName{problem}") for problem in problems]


def _windows_user_problems(name: str) -> Iterator[str]:
    domain, backslash, user = name.rpartition("\\")
    if not name:
        yield " cannot be an empty string"
    elif re.search(r"[\x00-\x1f\x7f]", name):
        yield " cannot contain control characters"
    elif "\\" in domain:
        yield " cannot contain more than one backslash"
    else:
        yield from _windows_domain_problems(domain) if backslash else ()
        if not user:
            yield "'s User cannot be empty"
        elif len(user) > _MAX_WINDOWS_USER:
            yield f"'s User length must not be longer than {_MAX_WINDOWS_USER} characters"
        if re.fullmatch(r"[. ]+", user):
            yield "'s User cannot contain only periods or spaces"
        if re.search(r'["/\\:;|=,+*?<>@\[\]]', user):
            yield """'s User cannot contain the following characters: "/\\:;|=,+*?<>@[]"""


def _windows_domain_problems(domain: str) -> Iterator[str]:
    if len(domain) >= _MAX_WINDOWS_DOMAIN:
        yield f"'s Domain length must be under {_MAX_WINDOWS_DOMAIN} characters"
    netbios = re.fullmatch(r'[^\\/:*?"<>|.][^\\/:*?"<>|]{0,14}', domain)
    dns = re.fullmatch(r"(?:[a-zA-Z0-9\-]{0,61}[a-zA-Z0-9]\.)*[a-zA-Z0-9\-]{0,61}[a-zA-Z0-9]", domain)
    if not netbios and not dns:
        yield "'s Domain doesn't match the NetBios nor the DNS format"


def containers_of(spec: PodSpec, path: str) -> Iterator[tuple[str, Container]]:
    """Yield all containers of a pod with their paths, as upstream visits them."""
    for name, containers in (
        ("initContainers", spec.init_containers),
        ("containers", spec.containers),
        ("ephemeralContainers", spec.ephemeral_containers),
    ):
        yield from ((f"{path}.{name}[{index}]", container) for index, container in enumerate(containers))


def validate_host_users(spec: PodSpec, path: str) -> list[FieldError]:
    """Return what does not go with a user namespace of the pod's own."""
    if spec.host_users is not False:
        return []
    shared = {"hostNetwork": spec.host_network, "HostPID": spec.host_pid, "HostIPC": spec.host_ipc}
    why = "when `hostUsers` is false"
    errors = [forbidden(f"{path}.{name}", why) for name, value in shared.items() if value]
    devices = [at for at, container in containers_of(spec, path) if container.volume_devices]
    return errors + [forbidden(f"{at}.volumeDevices", why) for at in devices]


def validate_host_process(spec: PodSpec, path: str) -> list[FieldError]:
    """Return the faults of containers of Windows that run on the host itself: all of a pod do, or none."""
    options = spec.security_context.windows_options
    of_pod = options.host_process if options is not None else None
    errors, total, on_host = [], 0, 0
    for at, container in containers_of(spec, path):
        context = container.security_context
        windows = context.windows_options if context is not None else None
        own = windows.host_process if windows is not None else None
        total += 1
        on_host += bool(of_pod if own is None else own)
        if of_pod is not None and own is not None and of_pod != own:
            why = f"pod hostProcess value must be identical if both are specified, was {str(of_pod).lower()}"
            errors.append(invalid(f"{at}.securityContext.windowsOptions.hostProcess", own, why))
    if on_host and on_host != total:
        why = "If pod contains any hostProcess containers then all containers must be HostProcess containers"
        errors.append(invalid(path, "", why))
    if on_host and not spec.host_network:
        why = "hostNetwork must be true if pod contains any hostProcess containers"
        errors.append(invalid(f"{path}.hostNetwork", False, why))
    return errors


def validate_system(spec: PodSpec, path: str) -> list[FieldError]:
    """Return what does not go with the operating system that a pod names."""
    if spec.os is None:
        return []
    if not spec.os.name:
        return [required(f"{path}.os.name")]
    if spec.os.name not in SYSTEMS:
        return [not_supported(f"{path}.os", spec.os.name, SYSTEMS)]
    contexts: list[tuple[str, Model | None]] = [(f"{path}.securityContext", spec.security_context)]
    contexts += [(f"{at}.securityContext", c.security_context) for at, c in containers_of(spec, path)]
    if spec.os.name == "linux":
        given = [at for at, context in contexts if getattr(context, "windows_options", None) is not None]
        return [forbidden(f"{at}.windowsOptions", _NO_WINDOWS) for at in given]
    return _validate_for_windows(spec, contexts, path)


# Of a pod and of a container, in the order in which upstream looks at them.
_LINUX_OF_POD: Final = (
    "appArmorProfile:app_armor_profile",
    "seLinuxOptions:se_linux_options",
    "seccompProfile:seccomp_profile",
    "fsGroup:fs_group",
    "fsGroupChangePolicy:fs_group_change_policy",
    "sysctls:sysctls",
    "runAsUser:run_as_user",
    "runAsGroup:run_as_group",
    "supplementalGroups:supplemental_groups",
    "supplementalGroupsPolicy:supplemental_groups_policy",
    "seLinuxChangePolicy:se_linux_change_policy",
)
_LINUX_OF_CONTAINER: Final = (
    "appArmorProfile:app_armor_profile",
    "seLinuxOptions:se_linux_options",
    "seccompProfile:seccomp_profile",
    "capabilities:capabilities",
    "readOnlyRootFilesystem:read_only_root_filesystem",
    "privileged:privileged",
    "allowPrivilegeEscalation:allow_privilege_escalation",
    "procMount:proc_mount",
    "runAsUser:run_as_user",
    "runAsGroup:run_as_group",
)


def _validate_for_windows(spec: PodSpec, contexts: Sequence[tuple[str, Model | None]], path: str) -> list[FieldError]:
    host = {
        "hostUsers": spec.host_users is not None,
        "hostPID": spec.host_pid,
        "hostIPC": spec.host_ipc,
        "shareProcessNamespace": spec.share_process_namespace is not None,
    }
    errors = [forbidden(f"{path}.{name}", _ONLY_LINUX) for name, given in host.items() if given]
    for number, (at, context) in enumerate(contexts):
        for pair in _LINUX_OF_CONTAINER if number else _LINUX_OF_POD:
            name, _, attribute = pair.partition(":")
            if getattr(context, attribute, None) not in (None, ()):
                errors.append(forbidden(f"{at}.{name}", _ONLY_LINUX))
    return errors
