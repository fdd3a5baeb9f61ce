"""Who a container runs as: numbers from the pod, names from the image's own /etc/passwd and /etc/group.

Source: OCI image specification, ``config.User``; passwd(5), group(5); KEP-213 (runAsGroup), KEP-3619.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from naru.api.container_v1 import Container
from naru.api.pod_v1 import Pod
from nodeagent.pods.faults import ConfigFault, StartFault

T = TypeVar("T")


@dataclass(frozen=True)
class User:
    """The ids of a container's first process."""

    uid: int = 0
    gid: int = 0
    groups: tuple[int, ...] = ()
    home: str = "/"


@dataclass(frozen=True)
class Accounts:
    """The text of an image's /etc/passwd and /etc/group; empty where it has none."""

    passwd: str = ""
    group: str = ""

    def entry(self, user: str) -> list[str] | None:
        """Find a line of passwd by name or by number, split at its colons."""
        lines = [fields for line in self.passwd.splitlines() if len(fields := line.split(":")) >= 6]
        by_name = next((fields for fields in lines if fields[0] == user), None)
        return by_name or next((fields for fields in lines if fields[2] == user), None)

    def gid(self, group: str) -> int | None:
        """Find a group's number by its name."""
        for fields in self._groups():
            if fields[0] == group and fields[2].isdecimal():
                return int(fields[2])
        return None

    def groups_of(self, name: str) -> tuple[int, ...]:
        """Return the groups that list the user as a member."""
        members = [(fields[2], fields[3].split(",")) for fields in self._groups()]
        return tuple(int(gid) for gid, names in members if name in names and gid.isdecimal())

    def _groups(self) -> list[list[str]]:
        return [fields for line in self.group.splitlines() if len(fields := line.split(":")) >= 4]


def container_user(pod: Pod, container: Container, image_user: str, accounts: Accounts) -> User:
    """Decide the user: ``runAsUser`` of the container or pod wins over the image's ``user[:group]``.

    Raises:
        StartFault: the image names a user or group that its files do not know.
        ConfigFault: ``runAsNonRoot`` forbids it.
    """
    own, shared = container.security_context, pod.spec.security_context
    name, _, group = image_user.partition(":")
    wanted = _first(own.run_as_user if own else None, shared.run_as_user)
    if wanted is not None:
        name, group = str(wanted), ""
    _check_non_root(pod, container, name)
    entry = accounts.entry(name or "0")
    uid = _uid(name or "0", entry)
    gid = _first(own.run_as_group if own else None, shared.run_as_group)
    if gid is None:
        gid = _gid(group, accounts) if group else (_gid(entry[3], accounts) if entry else 0)
    extra = accounts.groups_of(entry[0]) if entry else ()
    added = (*shared.supplemental_groups, *(() if shared.fs_group is None else (shared.fs_group,)))
    # Its own group is among them, or it could shake that off by a set-group-ID program. Source: CVE-2023-25173.
    return User(uid, gid, _unique((gid, *extra, *added)), (entry[5] if entry else "") or "/")


def _check_non_root(pod: Pod, container: Container, name: str) -> None:
    own = container.security_context
    required = _first(own.run_as_non_root if own else None, pod.spec.security_context.run_as_non_root)
    if not required:
        return
    meta = pod.metadata
    where = f'(pod: "{meta.name}_{meta.namespace}({meta.uid})", container: {container.name})'
    if name in ("", "root") or (name.isdecimal() and int(name) == 0):
        raise ConfigFault(f"container has runAsNonRoot and image will run as root {where}")
    if not name.isdecimal():
        text = f"container has runAsNonRoot and image has non-numeric user ({name})"
        raise ConfigFault(f"{text}, cannot verify user is non-root {where}")


def _uid(name: str, entry: list[str] | None) -> int:
    if name.isdecimal():
        return int(name)
    if entry is None or not entry[2].isdecimal():
        raise StartFault("CreateContainerError", f"unable to find user {name}: no matching entries in passwd file")
    return int(entry[2])


def _gid(group: str, accounts: Accounts) -> int:
    if group.isdecimal():
        return int(group)
    gid = accounts.gid(group)
    if gid is None:
        raise StartFault("CreateContainerError", f"unable to find group {group}: no matching entries in group file")
    return gid


def _first(*values: T | None) -> T | None:
    return next((value for value in values if value is not None), None)


def _unique(values: Sequence[int]) -> tuple[int, ...]:
    return tuple(dict.fromkeys(values))
