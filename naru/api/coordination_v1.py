"""Lease: a claim that lapses unless renewed; a node's heartbeat, a leader's office.

Source: Kubernetes API reference, coordination.k8s.io/v1.
"""

from typing import Annotated

from pydantic import Field

from naru.api.meta import KubeObject
from naru.api.model import STORED, Int32, MicroTime, Model


class LeaseSpec(Model):
    """Who holds the lease, since when, and for how long."""

    holder_identity: str | None = None  # who holds it, in words the contenders agree on; unset or empty: nobody
    lease_duration_seconds: Int32 | None = None  # how long after renewTime another may take it over
    acquire_time: MicroTime | None = None  # when the holder took it
    renew_time: MicroTime | None = None  # when the holder last said that it is still there
    lease_transitions: Int32 | None = None  # how often the holder changed: a fencing number
    # how a coordinated election picks the holder, such as OldestEmulationVersion
    strategy: Annotated[str | None, STORED] = None
    preferred_holder: Annotated[str | None, STORED] = None  # who should hold it instead; the holder is asked to let go


class Lease(KubeObject):
    """A claim that lapses unless it is renewed."""

    kind: str = "Lease"
    api_version: str = "coordination.k8s.io/v1"
    spec: LeaseSpec = Field(default_factory=LeaseSpec)  # the claim; written by its holder
