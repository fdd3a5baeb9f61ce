"""The policy group, ``policy/v1``: asking for a pod to leave its node.

Source: Kubernetes API reference, policy/v1.
"""

from naru.api.meta import KubeObject
from naru.api.options import DeleteOptions


class Eviction(KubeObject):
    """A deletion that the server may refuse; the body of a pod's ``eviction`` subresource."""

    kind: str = "Eviction"
    api_version: str = "policy/v1"
    delete_options: DeleteOptions | None = None  # how to delete the pod
