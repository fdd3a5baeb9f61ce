"""What a container or a pod asks of a node, and may use at most.

Source: Kubernetes API reference, core/v1.
"""

from typing import Annotated

from naru.api.model import STORED, ListMapKeys, Model
from naru.api.quantity import Quantity


class ResourceClaim(Model):
    """A claim of the pod that this container uses."""

    name: str
    request: str = ""


class ResourceRequirements(Model):
    """Requests place a pod, limits bound it: CPU by throttling, memory by the OOM killer."""

    limits: dict[str, Quantity] = {}
    requests: dict[str, Quantity] = {}
    claims: Annotated[tuple[ResourceClaim, ...], ListMapKeys(("name",)), STORED] = ()


class VolumeResourceRequirements(Model):
    """How much storage a claim asks for."""

    limits: dict[str, Quantity] = {}
    requests: dict[str, Quantity] = {}
