"""Authentication: who sent a request, read off its client certificate or its ServiceAccount token.

Flow: TLS handshake (checked against the cluster's CA), Authorization header -> *User* -> admission, trail.
The certificate's common name is the user, its organizations are the groups. Without a certificate the user is
``system:anonymous``, unless a token of :mod:`apiserver.service_accounts` comes with the request; what the anonymous
user may do is up to :mod:`apiserver.authz`.

Source: Kubernetes documents, "Authenticating: X.509 client certificates", "service account tokens".
"""

import hashlib
import logging
import ssl
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from aiohttp import web

from apiserver.state import ServerState
from naru.api.errors import Unauthorized
from naru.client.tls import shrink_buffers

logger = logging.getLogger(__name__)

AUTHENTICATED: Final = "system:authenticated"
CREDENTIAL_ID: Final = "authentication.kubernetes.io/credential-id"

Subject = tuple[tuple[tuple[str, str], ...], ...]  # as ssl gives it: names of names of (attribute, value)


class Rejected(Exception):
    """A token cannot be believed; the message says why."""


@dataclass(frozen=True)
class User:
    """Who sent a request."""

    name: str
    groups: tuple[str, ...] = ()
    uid: str = ""
    extra: tuple[tuple[str, tuple[str, ...]], ...] = ()  # what else the way of authentication tells


ANONYMOUS: Final = User("system:anonymous", ("system:unauthenticated",))


def server_tls(certificate: Path, key: Path, ca: Path) -> ssl.SSLContext:
    """Build the server's side of TLS: a client may show a certificate, and one it shows must be the CA's."""
    shrink_buffers()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(certificate, key)
    context.load_verify_locations(ca)
    context.verify_mode = ssl.CERT_OPTIONAL
    return context


def user_of(request: web.Request) -> User:
    """Return the sender; the handshake has checked the certificate, so its names can be believed."""
    certificate = request.get_extra_info("peercert")
    return user_of_subject(certificate["subject"]) if certificate else ANONYMOUS


@lru_cache(maxsize=1024)
def user_of_subject(subject: Subject) -> User:
    """Read user and groups off a certificate's subject."""
    attributes = [pair for names in subject for pair in names]
    names = [value for attribute, value in attributes if attribute == "commonName"]
    if not names or not names[-1]:
        return ANONYMOUS
    groups = [value for attribute, value in attributes if attribute == "organizationName"]
    return User(names[-1], (*groups, AUTHENTICATED))


async def authenticate(request: web.Request, state: ServerState) -> User:
    """Return the sender of a request that shows what this server can check, or nothing at all.

    Raises:
        Unauthorized: it shows something that nobody here has given out.
    """
    user = user_of(request)
    if user is not ANONYMOUS or "Authorization" not in request.headers:
        return user
    scheme, _, token = request.headers["Authorization"].strip().partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthorized("Unauthorized")
    return await _user_of_token(token.strip(), state)


async def _user_of_token(token: str, state: ServerState) -> User:
    tokens = await state.tokens()
    try:
        return (await tokens.check(token)).user
    except Rejected as error:
        logger.info("refused a token", extra={"why": str(error)})
        raise Unauthorized("Unauthorized") from None


def credential_of(request: web.Request) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return what names the client certificate of a request: a digest of it."""
    tls = request.get_extra_info("ssl_object")
    certificate = tls.getpeercert(binary_form=True) if tls is not None else None
    if not certificate:
        return ()
    return ((CREDENTIAL_ID, (f"X509SHA256={hashlib.sha256(certificate).hexdigest()}",)),)
