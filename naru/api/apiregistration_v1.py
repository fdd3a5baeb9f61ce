"""APIService: groups that another server serves.

Source: Kubernetes API reference, apiregistration.k8s.io/v1.
"""

from typing import Annotated, ClassVar

from naru.api.config_v1 import Base64
from naru.api.meta import KubeObject
from naru.api.model import REQUIRED, Int32, ListMapKeys, MergeKey, Model, OptionalTime


class ServiceReference(Model):
    """TODO."""

    namespace: str = ""
    name: str = ""
    port: Int32 | None = None


class APIServiceSpec(Model):
    """TODO."""

    protobuf: ClassVar[str] = "1-5 7 8"

    service: ServiceReference | None = None
    group: str = ""
    version: str = ""
    insecure_skip_tls_verify: bool = False
    ca_bundle: Base64 = b""
    group_priority_minimum: Annotated[Int32, REQUIRED] = 0
    version_priority: Annotated[Int32, REQUIRED] = 0


class APIServiceCondition(Model):
    """TODO."""

    type: Annotated[str, REQUIRED] = ""
    status: Annotated[str, REQUIRED] = ""
    last_transition_time: OptionalTime = None
    reason: str = ""
    message: str = ""


class APIServiceStatus(Model):
    """TODO."""

    conditions: Annotated[tuple[APIServiceCondition, ...], MergeKey("type"), ListMapKeys(("type",))] = ()


class APIService(KubeObject):
    """TODO."""

    kind: str = "APIService"
    api_version: str = "apiregistration.k8s.io/v1"
    spec: APIServiceSpec = APIServiceSpec()
    status: APIServiceStatus = APIServiceStatus()
