"""Questions about who somebody is, and tokens to prove it.

Source: Kubernetes API reference, authentication.k8s.io/v1.
"""

from typing import Annotated, ClassVar

from naru.api.meta import KubeObject
from naru.api.model import ALWAYS, REQUIRED, Model, OptionalTime


class TokenReviewSpec(Model):
    """TODO."""

    token: str = ""
    audiences: tuple[str, ...] = ()


class UserInfo(Model):
    """TODO."""

    username: str = ""
    uid: str = ""
    groups: tuple[str, ...] = ()
    extra: dict[str, tuple[str, ...]] = {}


class TokenReviewStatus(Model):
    """TODO."""

    protobuf: ClassVar[str] = "1 2 4 3"

    authenticated: bool = False
    user: UserInfo = UserInfo()
    audiences: tuple[str, ...] = ()
    error: str = ""


class TokenReview(KubeObject):
    """TODO."""

    kind: str = "TokenReview"
    api_version: str = "authentication.k8s.io/v1"
    spec: Annotated[TokenReviewSpec, REQUIRED] = TokenReviewSpec()
    status: TokenReviewStatus = TokenReviewStatus()


class BoundObjectReference(Model):
    """TODO."""

    kind: str = ""
    api_version: str = ""
    name: str = ""
    uid: str = ""


class TokenRequestSpec(Model):
    """TODO."""

    protobuf: ClassVar[str] = "1 4 3"

    audiences: Annotated[tuple[str, ...], ALWAYS] = ()
    expiration_seconds: int | None = None
    bound_object_ref: BoundObjectReference | None = None


class TokenRequestStatus(Model):
    """TODO."""

    token: Annotated[str, ALWAYS] = ""
    expiration_timestamp: OptionalTime = None


class TokenRequest(KubeObject):
    """TODO."""

    kind: str = "TokenRequest"
    api_version: str = "authentication.k8s.io/v1"
    spec: TokenRequestSpec = TokenRequestSpec()
    status: TokenRequestStatus = TokenRequestStatus()


class SelfSubjectReviewStatus(Model):
    """TODO."""

    user_info: UserInfo = UserInfo()


class SelfSubjectReview(KubeObject):
    """TODO."""

    kind: str = "SelfSubjectReview"
    api_version: str = "authentication.k8s.io/v1"
    status: SelfSubjectReviewStatus = SelfSubjectReviewStatus()
