"""The difference of two statuses as a strategic merge patch: what did not change is not sent.

Conditions merge by their type, so that one written by somebody else meanwhile survives. Addresses would merge by ip
and keep an address that the pod has lost, so their list is replaced.

Source: Kubernetes documentation, "Update API Objects in Place Using kubectl patch" (strategic merge patch).
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from naru.api.pod_status_v1 import PodStatus

_REPLACED: Final = frozenset({"podIPs", "hostIPs"})


def status_patch(old: PodStatus, new: PodStatus, uid: str) -> dict[str, Any] | None:
    """Return the patch that turns ``old`` into ``new``; None when they say the same.

    The uid makes the server refuse the patch when the name has come to belong to another pod.
    """
    before, after = old.wire(), new.wire()
    change = {key: _change(key, before, value) for key, value in after.items() if _differs(key, before.get(key), value)}
    change.update({key: None for key in before if key not in after})
    return {"metadata": {"uid": uid}, "status": change} if change else None


def _differs(key: str, before: Any, after: Any) -> bool:
    """Compare; conditions are a map by type, whose order is whatever the merges made of it."""
    if key == "conditions" and before:
        return _by_type(before) != _by_type(after)
    return bool(before != after)


def _by_type(conditions: Sequence[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    return {condition["type"]: condition for condition in conditions}


def _change(key: str, before: Mapping[str, Any], value: Any) -> Any:
    if key == "conditions":
        old = _by_type(before.get(key, ()))
        return [_condition_change(old.get(c["type"], {}), c) for c in value if c != old.get(c["type"])]
    if key in _REPLACED and before.get(key):
        return [{"$patch": "replace"}, *value]
    return value


def _condition_change(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """Name what is gone, too: the patch is merged into the condition that is there."""
    return {**dict.fromkeys(before.keys() - after.keys()), **after}
