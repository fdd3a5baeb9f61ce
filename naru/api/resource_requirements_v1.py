"""What a container or a pod asks of a node, and may use at most.

Source: Kubernetes API reference, core/v1.
"""

from typing import Annotated

from naru.api.model import REQUIRED, STORED, ListMapKeys, Model
from naru.api.quantity import Quantity


class ResourceClaim(Model):
    """A claim of the pod that this container uses."""

    name: Annotated[str, REQUIRED] = ""  # name of the entry in the pod's resourceClaims
    request: str = ""  # only this request of the claim; empty: all of it


class ResourceRequirements(Model):
    """Requests place a pod, limits bound it: CPU by throttling, memory by the OOM killer."""

    limits: dict[str, Quantity] = {}  # what may be used at most, by resource, such as cpu: 500m and memory: 64Mi
    # what the scheduler keeps free on the node, by resource; by default as the limits
    requests: dict[str, Quantity] = {}
    # which of the pod's resourceClaims the container uses
    claims: Annotated[tuple[ResourceClaim, ...], ListMapKeys(("name",)), STORED] = ()


class VolumeResourceRequirements(Model):
    """How much storage a claim asks for."""

    limits: dict[str, Quantity] = {}  # at most so much, by resource
    requests: dict[str, Quantity] = {}  # at least so much, by resource: storage
