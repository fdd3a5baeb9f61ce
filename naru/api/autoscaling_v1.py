"""Scale: the number of replicas of any kind that has one, read and written through ``/scale``.

Source: Kubernetes API reference, autoscaling/v1.
"""

from typing import Annotated

from pydantic import Field

from naru.api.meta import KubeObject
from naru.api.model import ALWAYS, Int32, Model


class ScaleSpec(Model):
    """How many replicas are wanted."""

    replicas: Int32 = 0  # how many there should be


class ScaleStatus(Model):
    """How many replicas there are, and the selector that finds them."""

    replicas: Annotated[Int32, ALWAYS] = 0  # how many there are
    selector: str = ""  # in the string form of a selector


class Scale(KubeObject):
    """The one number that scalers of any kind read and write."""

    kind: str = "Scale"
    api_version: str = "autoscaling/v1"
    spec: ScaleSpec = Field(default_factory=ScaleSpec)  # what is wanted
    status: ScaleStatus = Field(default_factory=ScaleStatus)  # what is there
