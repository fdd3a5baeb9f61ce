"""APIService: groups that another server serves.

Source: Kubernetes API reference, apiregistration.k8s.io/v1.
"""

from typing import Annotated, ClassVar

from naru.api.config_v1 import Base64
from naru.api.meta import KubeObject
from naru.api.model import REQUIRED, Int32, ListMapKeys, MergeKey, Model, OptionalTime


class ServiceReference(Model):
    """The Service behind which the other server answers."""

    namespace: str = ""  # namespace of the Service
    name: str = ""  # name of the Service
    port: Int32 | None = None  # port of the Service; 443 if not said


class APIServiceSpec(Model):
    """Which group and version, who serves it, and where it stands in discovery."""

    protobuf: ClassVar[str] = "1-5 7 8"

    service: ServiceReference | None = None  # who serves it; unset: this API server itself
    group: str = ""  # the API group; empty for the core group
    version: str = ""  # the version, such as v1
    # true: the other server's certificate is not checked; not together with caBundle
    insecure_skip_tls_verify: bool = False
    ca_bundle: Base64 = b""  # PEM certificates by which the other server's one is checked
    # groups with a higher number come first in discovery: 1 to 20000
    group_priority_minimum: Annotated[Int32, REQUIRED] = 0
    # within the group, versions with a higher number come first: 1 to 1000
    version_priority: Annotated[Int32, REQUIRED] = 0


class APIServiceCondition(Model):
    """One aspect of an APIService's state."""

    type: Annotated[str, REQUIRED] = ""  # Available: the server answers
    status: Annotated[str, REQUIRED] = ""  # True, False or Unknown
    last_transition_time: OptionalTime = None  # when status last changed
    reason: str = ""  # why, in one CamelCase word for programs
    message: str = ""  # why, in a sentence for people


class APIServiceStatus(Model):
    """Whether the group can be reached."""

    # its conditions, one of a type
    conditions: Annotated[tuple[APIServiceCondition, ...], MergeKey("type"), ListMapKeys(("type",))] = ()


class APIService(KubeObject):
    """One version of an API group, and the server that answers for it."""

    kind: str = "APIService"
    api_version: str = "apiregistration.k8s.io/v1"
    spec: APIServiceSpec = APIServiceSpec()  # what is wanted
    status: APIServiceStatus = APIServiceStatus()  # what is there
