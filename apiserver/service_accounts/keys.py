"""Keys: the one that tokens are signed with, and its public half, by which they are checked.

The cluster's ``sa.key`` is an elliptic curve key or an RSA key; its id in tokens is made from the public half, as
upstream makes it.

Source: RFC 7515 (JWS), RFC 7517 (JWK), RFC 7519 (JWT).
"""

import base64
import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from jwt.algorithms import ECAlgorithm, RSAAlgorithm
from jwt.types import Options

_OF_CURVES: Final = {"secp256r1": "ES256", "secp384r1": "ES384", "secp521r1": "ES512"}


@dataclass(frozen=True)
class SigningKey:
    """The private key of the cluster's tokens."""

    private: EllipticCurvePrivateKey | RSAPrivateKey

    @classmethod
    def load(cls, path: Path) -> "SigningKey":
        """Read a key in PEM.

        Raises:
            OSError: there is none.
            ValueError: it is no key, or one of a kind that signs no tokens.
        """
        key = load_pem_private_key(path.read_bytes(), password=None)
        if not isinstance(key, EllipticCurvePrivateKey | RSAPrivateKey):
            raise ValueError(f"{path}: the key of service account tokens must be an EC or an RSA key")
        return cls(key)

    @cached_property
    def algorithm(self) -> str:
        """How the key signs, such as ES256."""
        return "RS256" if isinstance(self.private, RSAPrivateKey) else _OF_CURVES[self.private.curve.name]

    @cached_property
    def id(self) -> str:
        """The name of the key in tokens: a digest of its public half."""
        der = self.private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return base64.urlsafe_b64encode(hashlib.sha256(der).digest()).rstrip(b"=").decode()

    def sign(self, claims: dict[str, Any]) -> str:
        """Make a token."""
        headers = {"kid": self.id, "typ": None}  # upstream's tokens name no type
        ordered = dict(sorted(claims.items()))
        return jwt.encode(ordered, self.private, self.algorithm, headers)

    def check(self, token: str) -> dict[str, Any]:
        """Return what a token says, if this key signed it; times and names in it are for others to look at.

        Raises:
            jwt.InvalidTokenError: it did not.
        """
        unlooked: Options = {"verify_exp": False, "verify_nbf": False, "verify_iat": False, "verify_aud": False}
        claims: dict[str, Any] = jwt.decode(token, self.private.public_key(), [self.algorithm], options=unlooked)
        return claims

    def public_document(self) -> dict[str, Any]:
        """Return the public half as a JSON Web Key."""
        if isinstance(self.private, RSAPrivateKey):
            document = RSAAlgorithm.to_jwk(self.private.public_key(), as_dict=True)
        else:
            document = ECAlgorithm.to_jwk(self.private.public_key(), as_dict=True)
        document.pop("key_ops", None)
        return {"use": "sig", "kid": self.id, "alg": self.algorithm, **document}
