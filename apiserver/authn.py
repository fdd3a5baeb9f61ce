"""Authentication: who sent a request, read off the client certificate of its connection.

Flow: TLS handshake (checked against the cluster's CA) -> *User* -> admission, trail, audit headers.
The certificate's common name is the user, its organizations are the groups. Without a certificate the user is
``system:anonymous``; what that one may do is up to :mod:`apiserver.authz`.

Source: Kubernetes documents, "Authenticating: X.509 client certificates".
"""

import ssl
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from aiohttp import web

from naru.api.errors import Unauthorized

AUTHENTICATED: Final = "system:authenticated"

Subject = tuple[tuple[tuple[str, str], ...], ...]  # as ssl gives it: names of names of (attribute, value)


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


def authenticate(request: web.Request) -> User:
    """Return the sender of a request that shows what this server can check, or nothing at all.

    Raises:
        Unauthorized: it shows something that nobody here has given out.
    """
    user = user_of(request)
    if user is ANONYMOUS and "Authorization" in request.headers:
        raise Unauthorized("Unauthorized")
    return user
