"""Questions about who somebody is, and tokens to prove it.

Source: Kubernetes API reference, authentication.k8s.io/v1.
"""

from typing import Annotated, ClassVar

from pydantic import Field

from naru.api.meta import KubeObject
from naru.api.model import ALWAYS, REQUIRED, Model, OptionalTime


class TokenReviewSpec(Model):
    """The token in question."""

    token: str = ""  # the token
    audiences: tuple[str, ...] = ()  # whom the asker speaks for; empty: the API server


class UserInfo(Model):
    """Who somebody is."""

    username: str = ""  # name, unique in the cluster
    uid: str = ""  # id that tells one from a later namesake
    groups: tuple[str, ...] = ()  # names of the groups that it belongs to
    extra: dict[str, tuple[str, ...]] = {}  # what else the way of authentication tells


class TokenReviewStatus(Model):
    """The answer."""

    protobuf: ClassVar[str] = "1 2 4 3"

    authenticated: bool = False  # true: the token is good
    user: UserInfo = Field(default_factory=UserInfo)  # whose token it is
    audiences: tuple[str, ...] = ()  # for which of the audiences it is good
    error: str = ""  # why it could not be checked


class TokenReview(KubeObject):
    """Asks whose token something is, and whether it is good."""

    kind: str = "TokenReview"
    api_version: str = "authentication.k8s.io/v1"
    spec: Annotated[TokenReviewSpec, REQUIRED] = Field(default_factory=TokenReviewSpec)  # the token in question
    status: TokenReviewStatus = Field(default_factory=TokenReviewStatus)  # the answer


class BoundObjectReference(Model):
    """The object without which a token is worthless."""

    kind: str = ""  # Pod, Secret or Node
    api_version: str = ""  # group and version of its kind
    name: str = ""  # name of the object
    uid: str = ""  # uid of the object


class TokenRequestSpec(Model):
    """What the token shall be good for."""

    protobuf: ClassVar[str] = "1 4 3"

    # whom it is for; each must look whether it is named; empty: the API server
    audiences: Annotated[tuple[str, ...], ALWAYS] = ()
    # for how long it shall be good, 600 at least; the server may decide otherwise
    expiration_seconds: int = 3600
    # once this object is gone the token is worthless; unset: the account alone counts
    bound_object_ref: BoundObjectReference | None = None


class TokenRequestStatus(Model):
    """The token."""

    token: Annotated[str, ALWAYS] = ""  # the token, a JWT
    expiration_timestamp: OptionalTime = None  # when it ends


class TokenRequest(KubeObject):
    """Asks for a token of a service account."""

    kind: str = "TokenRequest"
    api_version: str = "authentication.k8s.io/v1"
    spec: TokenRequestSpec = Field(default_factory=TokenRequestSpec)  # what the token shall be good for
    status: TokenRequestStatus = Field(default_factory=TokenRequestStatus)  # the token


class SelfSubjectReviewStatus(Model):
    """The answer."""

    user_info: UserInfo = Field(default_factory=UserInfo)  # who the asker is


class SelfSubjectReview(KubeObject):
    """Asks who the asker is."""

    kind: str = "SelfSubjectReview"
    api_version: str = "authentication.k8s.io/v1"
    status: SelfSubjectReviewStatus = Field(default_factory=SelfSubjectReviewStatus)  # the answer
