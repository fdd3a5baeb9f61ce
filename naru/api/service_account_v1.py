"""ServiceAccount: the identity that a pod acts under.

Source: Kubernetes API reference, core/v1.
"""

from typing import Annotated

from naru.api.meta import KubeObject
from naru.api.model import STORED, ListMapKeys, MergeKey
from naru.api.refs_v1 import LocalObjectReference, ObjectReference


class ServiceAccount(KubeObject):
    """The identity that a pod acts under."""

    kind: str = "ServiceAccount"
    api_version: str = "v1"
    # Secrets that its pods may use
    secrets: Annotated[tuple[ObjectReference, ...], MergeKey("name"), ListMapKeys(("name",)), STORED] = ()
    # given to its pods as their imagePullSecrets
    image_pull_secrets: Annotated[tuple[LocalObjectReference, ...], STORED] = ()
    # do its pods get a token, unless they say otherwise
    automount_service_account_token: Annotated[bool | None, STORED] = None
