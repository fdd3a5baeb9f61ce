"""ObjectKey: how a cache, a queue and a log line name an object."""

from typing import NamedTuple

from naru.api.meta import KubeObject


class ObjectKey(NamedTuple):
    """Namespace (empty for a cluster-wide kind) and name."""

    namespace: str
    name: str

    def __str__(self) -> str:
        """Write it as logs and kubectl do: ``default/web``."""
        return f"{self.namespace}/{self.name}" if self.namespace else self.name


def key_of(obj: KubeObject) -> ObjectKey:
    """Return the key of an object."""
    return ObjectKey(obj.metadata.namespace, obj.metadata.name)
