"""A token is believed as long as its signature, its times, its audience and its objects are good."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from apiserver.authn import Rejected
from apiserver.service_accounts.authenticator import TokenAuthenticator
from apiserver.service_accounts.claims import Bound, claims_of
from apiserver.service_accounts.keys import SigningKey
from apiserver.state import ServerConfig
from naru.api.core_v1 import Node, Pod, Secret, ServiceAccount
from naru.api.errors import InternalError
from naru.api.meta import KubeObject, ObjectMeta

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
ACCOUNT = ServiceAccount(metadata=ObjectMeta(name="robot", namespace="default", uid="1"))
SECRET = Secret(metadata=ObjectMeta(name="s", namespace="default", uid="2"))
NODE = Node(metadata=ObjectMeta(name="n", uid="3"))
ISSUER = ServerConfig.service_account_issuer


class Reader:
    """The objects that there are."""

    def __init__(self, *objects: KubeObject) -> None:
        self.objects = {(type(obj).__name__, obj.metadata.name): obj for obj in objects}

    def cached(self, resource: Any, namespace: str, name: str) -> KubeObject | None:
        return self.objects.get((resource.kind, name))

    async def fresh(self, resource: Any, namespace: str, name: str) -> KubeObject | None:
        return self.cached(resource, namespace, name)


@pytest.fixture
def config(tmp_path: Path) -> ServerConfig:
    key = ec.generate_private_key(ec.SECP256R1())
    (tmp_path / "sa.key").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return ServerConfig("unix:///nowhere", (("127.0.0.1", 6443),), tmp_path)


def authenticator(config: ServerConfig, *objects: KubeObject) -> TokenAuthenticator:
    state: Any = SimpleNamespace(config=config, reader=Reader(*objects))
    return TokenAuthenticator(state)


def token(config: ServerConfig, issuer: str = ISSUER, seconds: int = 3600, **bound: KubeObject) -> str:
    claims = claims_of(ACCOUNT, Bound(bound), issuer, [issuer], seconds, NOW, extend=False)
    return SigningKey.load(config.service_account_key).sign(claims)


def deleted(obj: KubeObject, ago: timedelta) -> KubeObject:
    return obj.model_copy(update={"metadata": obj.metadata.model_copy(update={"deletion_timestamp": NOW - ago})})


def renewed(obj: KubeObject) -> KubeObject:
    return obj.model_copy(update={"metadata": obj.metadata.model_copy(update={"uid": "new"})})


async def test_a_good_one(config: ServerConfig) -> None:
    found = await authenticator(config, ACCOUNT, NODE).check(token(config, node=NODE), now=NOW)
    assert (found.user.name, found.user.uid) == ("system:serviceaccount:default:robot", "1")
    assert dict(found.user.extra)["authentication.kubernetes.io/node-name"] == ("n",)
    assert found.audiences == (ISSUER,)


@pytest.mark.parametrize(
    ("later", "why"),
    [
        (timedelta(hours=1, seconds=59), ""),
        (timedelta(hours=1, seconds=61), "service account token has expired"),
        (timedelta(seconds=-59), ""),
        (timedelta(seconds=-61), "service account token is not valid yet"),
    ],
)
async def test_times(config: ServerConfig, later: timedelta, why: str) -> None:
    checked = authenticator(config, ACCOUNT).check(token(config), now=NOW + later)
    if not why:
        assert (await checked).user.uid == "1"
        return
    with pytest.raises(Rejected) as refusal:
        await checked
    assert str(refusal.value) == f"[invalid bearer token, {why}]"


GONE = "service account token has been invalidated"


@pytest.mark.parametrize(
    ("objects", "why"),
    [
        pytest.param([SECRET], 'serviceaccounts "robot" not found', id="no account"),
        pytest.param(
            [renewed(ACCOUNT), SECRET], "service account UID (new) does not match claim (1)", id="another account"
        ),
        pytest.param(
            [deleted(ACCOUNT, timedelta(minutes=2)), SECRET],
            "service account default/robot has been deleted",
            id="an account that ends",
        ),
        pytest.param([ACCOUNT], GONE, id="no secret"),
        pytest.param(
            [ACCOUNT, renewed(SECRET)],
            "secret UID (new) does not match service account secret ref claim (2)",
            id="another secret",
        ),
        pytest.param([ACCOUNT, deleted(SECRET, timedelta(minutes=2))], GONE, id="a secret that ends"),
    ],
)
async def test_objects(config: ServerConfig, objects: list[KubeObject], why: str) -> None:
    with pytest.raises(Rejected) as refusal:
        await authenticator(config, *objects).check(token(config, secret=SECRET), now=NOW)
    assert str(refusal.value) == f"[invalid bearer token, {why}]"


async def test_what_has_just_been_deleted_still_counts(config: ServerConfig) -> None:
    objects = ACCOUNT, deleted(SECRET, timedelta(seconds=30))
    assert (await authenticator(config, *objects).check(token(config, secret=SECRET), now=NOW)).user.uid == "1"


async def test_of_a_pods_token_the_node_may_be_gone(config: ServerConfig) -> None:
    pod = Pod(metadata=ObjectMeta(name="p", namespace="default", uid="4"))
    found = await authenticator(config, ACCOUNT, pod).check(token(config, pod=pod, node=NODE), now=NOW)
    assert dict(found.user.extra)["authentication.kubernetes.io/pod-uid"] == ("4",)


async def test_of_another_issuer(config: ServerConfig) -> None:
    with pytest.raises(Rejected, match=r"^invalid bearer token$"):
        await authenticator(config, ACCOUNT).check(token(config, issuer="https://example.com"), now=NOW)


@pytest.mark.parametrize("with_kid", [True, False])
async def test_of_another_key(config: ServerConfig, with_kid: bool) -> None:
    claims = jwt.decode(token(config), options={"verify_signature": False})
    own = SigningKey.load(config.service_account_key)
    other = ec.generate_private_key(ec.SECP256R1())
    forged = jwt.encode(claims, other, "ES256", {"kid": own.id if with_kid else "x"})
    with pytest.raises(Rejected, match=r"^\[invalid bearer token, "):
        await authenticator(config, ACCOUNT).check(forged, now=NOW)


async def test_unsigned(config: ServerConfig) -> None:
    claims = jwt.decode(token(config), options={"verify_signature": False})
    with pytest.raises(Rejected):
        await authenticator(config, ACCOUNT).check(jwt.encode(claims, None, "none"), now=NOW)


async def test_for_others(config: ServerConfig) -> None:
    with pytest.raises(Rejected) as refusal:
        await authenticator(config, ACCOUNT).check(token(config), ["vault"], now=NOW)
    why = f'token audiences ["{ISSUER}"] is invalid for the target audiences ["vault"]'
    assert str(refusal.value) == f"[invalid bearer token, {why}]"


async def test_without_a_key(tmp_path: Path) -> None:
    config = ServerConfig("unix:///nowhere", (("127.0.0.1", 6443),), tmp_path)
    with pytest.raises(InternalError, match="no key for service account tokens"):
        _ = authenticator(config).key


def test_an_rsa_key_signs_too() -> None:
    key = SigningKey(rsa.generate_private_key(public_exponent=65537, key_size=2048))
    assert key.check(key.sign({"iss": "x"})) == {"iss": "x"}
    document = key.public_document()
    assert (document["kty"], document["alg"], document["use"]) == ("RSA", "RS256", "sig")
