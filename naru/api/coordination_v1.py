"""Lease: a claim that lapses unless renewed; a node's heartbeat, a leader's office.

Source: Kubernetes API reference, coordination.k8s.io/v1.
"""

from typing import Annotated

from pydantic import Field

from naru.api.meta import KubeObject
from naru.api.model import STORED, MicroTime, Model


class LeaseSpec(Model):
    """Who holds the lease, since when, and for how long."""

    holder_identity: str | None = None
    lease_duration_seconds: int | None = None
    acquire_time: MicroTime | None = None
    renew_time: MicroTime | None = None
    lease_transitions: int | None = None  # how often the holder changed: a fencing number
    strategy: Annotated[str | None, STORED] = None
    preferred_holder: Annotated[str | None, STORED] = None


class Lease(KubeObject):
    """A claim that lapses unless it is renewed."""

    kind: str = "Lease"
    api_version: str = "coordination.k8s.io/v1"
    spec: LeaseSpec = Field(default_factory=LeaseSpec)
