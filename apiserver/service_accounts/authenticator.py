"""Authenticator: whether a token that somebody shows can be believed now, and as whom.

Flow: Authorization header, or a TokenReview -> *signature, issuer, audience, times, objects* -> User.
A good signature is not enough: the account, and the pod, Secret or node that the token is bound to, must still be there
with the uid that the token names.

Source: Kubernetes documents, "Managing service accounts"; upstream's texts, which TokenReviews show.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any, Final

import jwt

from apiserver.authn import Rejected, User
from apiserver.service_accounts.claims import PRIVATE, user_of
from apiserver.service_accounts.keys import SigningKey
from apiserver.state import ServerState
from naru.api.errors import InternalError
from naru.api.meta import KubeObject
from naru.api.scheme import Resource, by_plural

logger = logging.getLogger(__name__)

LEEWAY: Final = timedelta(minutes=1)  # between the clocks of servers
UNKNOWN: Final = "invalid bearer token"
GONE: Final = "service account token has been invalidated"

_BOUND: Final = (
    ("secret", "secrets", "secret UID ({0}) does not match service account secret ref claim ({1})"),
    ("pod", "pods", "pod UID ({0}) does not match service account pod ref claim ({1})"),
    ("node", "nodes", "node UID ({0}) does not match service account node ref claim ({1})"),
)  # what a token can be bound to: its word in the claim, its resource, and how a namesake is refused


@dataclass(frozen=True)
class Authenticated:
    """Whose token it is, and for which of the asked audiences it is good."""

    user: User
    audiences: tuple[str, ...]


class TokenAuthenticator:
    """Checks tokens by the cluster's key and objects."""

    def __init__(self, state: ServerState) -> None:
        self._state = state

    @cached_property
    def key(self) -> SigningKey:
        """The cluster's key.

        Raises:
            InternalError: it has none that can be read.
        """
        path = self._state.config.service_account_key
        try:
            return SigningKey.load(path)
        except (OSError, ValueError) as error:
            logger.exception("no key for service account tokens", extra={"path": str(path)})
            raise InternalError("this server has no key for service account tokens") from error

    async def check(self, token: str, audiences: Sequence[str] = (), now: datetime | None = None) -> Authenticated:
        """Look through a token.

        Args:
            audiences: whom the asker speaks for; none: the API server.

        Raises:
            Rejected: it cannot be believed.
        """
        claims = self._signed(token)
        wanted = audiences or self._state.config.api_audiences
        matching = tuple(audience for audience in _audiences(claims) if audience in wanted)
        if not matching:
            held, asked = _listed(_audiences(claims)), _listed(wanted)
            raise Rejected(f"[{UNKNOWN}, token audiences {held} is invalid for the target audiences {asked}]")
        try:
            moment = now or datetime.now(UTC)
            _check_times(claims, moment)
            await self._check_objects(claims[PRIVATE], moment)
            return Authenticated(user_of(claims), matching)
        except Rejected as error:
            raise Rejected(f"[{UNKNOWN}, {error}]") from None
        except (KeyError, TypeError, AttributeError) as error:
            raise Rejected(UNKNOWN) from error  # signed, but not by this program

    def _signed(self, token: str) -> dict[str, Any]:
        """Return what a token says, once its issuer and its signature are found good."""
        try:
            unverified = jwt.decode(token, options={"verify_signature": False})
            if unverified.get("iss") != self._state.config.service_account_issuer:
                raise Rejected(UNKNOWN)
            if jwt.get_unverified_header(token).get("kid", self.key.id) != self.key.id:
                raise Rejected(f"[{UNKNOWN}, invalid signature, no keys found]")
            return self.key.check(token)
        except jwt.InvalidSignatureError as error:
            raise Rejected(f"[{UNKNOWN}, go-jose/go-jose: error in cryptographic primitive]") from error
        except jwt.InvalidTokenError as error:
            raise Rejected(UNKNOWN) from error

    async def _check_objects(self, private: dict[str, Any], now: datetime) -> None:
        namespace, claimed = private["namespace"], private["serviceaccount"]
        account = await self._find("serviceaccounts", namespace, claimed["name"])
        if account is None:
            raise Rejected(f'serviceaccounts "{claimed["name"]}" not found')
        if account.metadata.uid != claimed["uid"]:
            uid = account.metadata.uid
            raise Rejected(f"service account UID ({uid}) does not match claim ({claimed['uid']})")
        if _is_gone(account, now):
            raise Rejected(f"service account {namespace}/{claimed['name']} has been deleted")
        for word, plural, other in _BOUND:
            reference = private.get(word)
            if not reference or (word == "node" and private.get("pod")):
                continue  # of a pod's token the node is told, but it may be gone
            obj = await self._find(plural, namespace, reference["name"])
            if obj is None:
                raise Rejected(GONE)
            if obj.metadata.uid != reference["uid"]:
                raise Rejected(other.format(obj.metadata.uid, reference["uid"]))
            if _is_gone(obj, now):
                raise Rejected(GONE)

    async def _find(self, plural: str, namespace: str, name: str) -> KubeObject | None:
        """Look an object up at once; one that is not there yet may just have been made elsewhere."""
        resource = by_plural("", "v1", plural)
        assert isinstance(resource, Resource)
        found = self._state.reader.cached(resource, namespace, name)
        return found if found is not None else await self._state.reader.fresh(resource, namespace, name)


def _audiences(claims: dict[str, Any]) -> tuple[str, ...]:
    held = claims.get("aud") or ()
    return (held,) if isinstance(held, str) else tuple(held)


def _listed(texts: Sequence[str]) -> str:
    return "[" + " ".join(f'"{text}"' for text in texts) + "]"


def _check_times(claims: dict[str, Any], now: datetime) -> None:
    early, late = (now + LEEWAY).timestamp(), (now - LEEWAY).timestamp()
    if claims.get("nbf", 0) > early:
        raise Rejected("service account token is not valid yet")
    if claims["exp"] < late:
        raise Rejected("service account token has expired")
    if claims.get("iat", 0) > early:
        raise Rejected("service account token is issued in the future")


def _is_gone(obj: KubeObject, now: datetime) -> bool:
    """Tell whether an object's end has come, although it may still be there."""
    deleted = obj.metadata.deletion_timestamp
    return deleted is not None and deleted < now - LEEWAY
