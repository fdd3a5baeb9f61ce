"""Claims: what a ServiceAccount token says. Pure; the clock is an argument.

Source: Kubernetes documents, "Managing service accounts: bound service account tokens".
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from apiserver.authn import AUTHENTICATED, CREDENTIAL_ID, User
from naru.api.meta import KubeObject

PRIVATE: Final = "kubernetes.io"  # the claim that holds all that is not standard
ACCOUNTS: Final = "system:serviceaccounts"
PREFIX: Final = "system:serviceaccount"

KUBELET_EXPIRATION_S: Final = 3607  # what node agents ask for the tokens of pods: such a token lives on for a year
EXTENDED_EXPIRATION_S: Final = 365 * 24 * 3600

POD_NAME: Final = "authentication.kubernetes.io/pod-name"
POD_UID: Final = "authentication.kubernetes.io/pod-uid"
NODE_NAME: Final = "authentication.kubernetes.io/node-name"
NODE_UID: Final = "authentication.kubernetes.io/node-uid"


@dataclass(frozen=True)
class Bound:
    """The objects without which a token is worthless, by their word in the claim: pod, secret, node."""

    objects: dict[str, KubeObject] = field(default_factory=dict)


def claims_of(
    account: KubeObject,
    bound: Bound,
    issuer: str,
    audiences: Sequence[str],
    seconds: int,
    now: datetime,
    *,
    extend: bool,
) -> dict[str, Any]:
    """Return what a new token says.

    Args:
        extend: let it live for a year, and only note when it should have been replaced: programs that read their
            token once would fail otherwise.
    """
    private: dict[str, Any] = {"namespace": account.metadata.namespace, "serviceaccount": _reference(account)}
    private |= {word: _reference(obj) for word, obj in bound.objects.items()}
    if extend:
        private["warnafter"] = _number(now + timedelta(seconds=seconds))
        seconds = EXTENDED_EXPIRATION_S
    return {
        "iss": issuer,
        "sub": f"{PREFIX}:{account.metadata.namespace}:{account.metadata.name}",
        "aud": list(audiences),
        "iat": _number(now),
        "nbf": _number(now),
        "exp": _number(now + timedelta(seconds=seconds)),
        "jti": str(uuid.uuid4()),
        PRIVATE: dict(sorted(private.items())),
    }


def _reference(obj: KubeObject) -> dict[str, str]:
    meta = obj.metadata
    return {"name": meta.name, "uid": meta.uid} if meta.uid else {"name": meta.name}


def _number(moment: datetime) -> int:
    return int(moment.timestamp())


def user_of(claims: dict[str, Any]) -> User:
    """Return who shows a token."""
    private = claims[PRIVATE]
    namespace, account = private["namespace"], private["serviceaccount"]
    extra: list[tuple[str, tuple[str, ...]]] = []
    if jti := claims.get("jti"):
        extra.append((CREDENTIAL_ID, (f"JTI={jti}",)))
    for word, name_key, uid_key in (("node", NODE_NAME, NODE_UID), ("pod", POD_NAME, POD_UID)):
        reference = private.get(word) or {}
        if name := reference.get("name"):
            extra.append((name_key, (name,)))
        if uid := reference.get("uid"):
            extra.append((uid_key, (uid,)))
    groups = (ACCOUNTS, f"{ACCOUNTS}:{namespace}", AUTHENTICATED)
    return User(f"{PREFIX}:{namespace}:{account['name']}", groups, account["uid"], tuple(extra))
