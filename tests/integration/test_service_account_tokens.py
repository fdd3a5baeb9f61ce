"""Tokens of service accounts, and the questions about who somebody is and what somebody may do."""

import contextlib
import ssl
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import jwt
import pytest

ISSUER = "https://kubernetes.default.svc.cluster.local"
AUTHN = "/apis/authentication.k8s.io/v1"
AUTHZ = "/apis/authorization.k8s.io/v1"
KUBECTLS = sorted((Path(__file__).parents[2] / ".tools").glob("kubectl-*"))


@pytest.fixture
async def stranger(apiserver: Any) -> AsyncIterator[Any]:
    """A client without a certificate; called with a path and a token, it returns code and body."""
    tls = ssl.create_default_context(cafile=str(apiserver.pki.ca_file))
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=tls)) as session:

        async def send(path: str, token: str, body: Any = None) -> tuple[int, Any]:
            headers = {"Authorization": f"Bearer {token}"}
            method = "GET" if body is None else "POST"
            async with session.request(method, apiserver.url + path, json=body, headers=headers) as response:
                return response.status, await response.json()

        yield send


async def account(api: Any, name: str = "robot") -> Any:
    made = await api.post(api.path("serviceaccounts"), {"metadata": {"name": name}})
    assert made.code == 201
    return made.body["metadata"]


async def request_token(api: Any, name: str = "robot", **spec: Any) -> Any:
    return await api.post(api.path("serviceaccounts", name, "token"), {"spec": spec})


def claims(token: str) -> Any:
    return jwt.decode(token, options={"verify_signature": False})


class TestTokenRequest:
    """``serviceaccounts/NAME/token`` gives out signed tokens."""

    async def test_what_a_token_says(self, api: Any) -> None:
        meta = await account(api)
        answer = await request_token(api)
        assert answer.code == 201
        assert answer.body["kind"] == "TokenRequest"
        assert answer.body["spec"] == {"audiences": [ISSUER], "expirationSeconds": 3600}
        assert answer.body["metadata"]["name"] == "robot"
        token = answer.body["status"]["token"]
        said = claims(token)
        assert said["exp"] - said["iat"] == 3600
        assert said["nbf"] == said["iat"]
        assert {key: said[key] for key in ("iss", "sub", "aud", "kubernetes.io")} == {
            "iss": ISSUER,
            "sub": f"system:serviceaccount:{api.namespace}:robot",
            "aud": [ISSUER],
            "kubernetes.io": {
                "namespace": api.namespace,
                "serviceaccount": {"name": "robot", "uid": meta["uid"]},
            },
        }
        assert set(jwt.get_unverified_header(token)) == {"alg", "kid"}

    @pytest.mark.parametrize(
        ("body", "code", "message"),
        [
            (
                {"spec": {"expirationSeconds": 599}},
                422,
                'TokenRequest.authentication.k8s.io "" is invalid: spec.expirationSeconds: Invalid value: 599: '
                "may not specify a duration less than 10 minutes",
            ),
            (
                {"spec": {"expirationSeconds": 2**32 + 1}},
                422,
                'TokenRequest.authentication.k8s.io "" is invalid: spec.expirationSeconds: Invalid value: 4294967297: '
                "may not specify a duration larger than 2^32 seconds",
            ),
            (
                {"metadata": {"name": "other"}},
                422,
                'TokenRequest.authentication.k8s.io "robot" is invalid: metadata.name: Invalid value: "other": '
                "must match the service account name if specified",
            ),
            (
                {"spec": {"boundObjectRef": {"kind": "ConfigMap", "apiVersion": "v1", "name": "x"}}},
                400,
                "cannot bind token to object of type /v1, Kind=ConfigMap",
            ),
            (
                {"spec": {"boundObjectRef": {"kind": "Secret", "apiVersion": "v1", "name": "x"}}},
                404,
                'secrets "x" not found',
            ),
        ],
    )
    async def test_refusals(self, api: Any, body: Any, code: int, message: str) -> None:
        await account(api)
        answer = await api.post(api.path("serviceaccounts", "robot", "token"), body)
        assert (answer.code, answer.body["message"]) == (code, message)

    async def test_there_has_to_be_an_account(self, api: Any) -> None:
        answer = await request_token(api, "nobody")
        assert (answer.code, answer.body["message"]) == (404, 'serviceaccounts "nobody" not found')

    async def test_bound_to_another_namesake(self, api: Any) -> None:
        await account(api)
        await api.post(api.path("secrets"), {"metadata": {"name": "s"}})
        ref = {"kind": "Secret", "apiVersion": "v1", "name": "s", "uid": "0"}
        answer = await request_token(api, boundObjectRef=ref)
        assert answer.code == 409
        assert answer.body["message"] == (
            'Operation cannot be fulfilled on Secret "s": the UID in the bound object reference (0) does not match the '
            "UID in record. The object might have been deleted and then recreated"
        )

    async def test_of_a_pod(self, api: Any) -> None:
        await account(api)
        spec = {"serviceAccountName": "robot", "nodeName": "far", "containers": [{"name": "c", "image": "x"}]}
        pod = await api.post(api.path("pods"), {"metadata": {"name": "p"}, "spec": spec})
        ref = {"kind": "Pod", "apiVersion": "v1", "name": "p", "uid": pod.body["metadata"]["uid"]}
        said = claims((await request_token(api, boundObjectRef=ref, expirationSeconds=3607)).body["status"]["token"])
        private = said["kubernetes.io"]
        assert private["pod"] == {"name": "p", "uid": pod.body["metadata"]["uid"]}
        assert private["node"] == {"name": "far"}
        assert said["exp"] - said["iat"] == 365 * 24 * 3600
        assert private["warnafter"] - said["iat"] == 3607
        await account(api, "other")
        answer = await request_token(api, "other", boundObjectRef=ref)
        assert (answer.code, answer.body["message"]) == (
            400,
            'cannot bind token for serviceaccount "other" to pod running with different serviceaccount name.',
        )


class TestBearer:
    """A token lets its bearer in, for as long as what it is bound to is there."""

    async def test_who_am_i(self, api: Any, stranger: Any) -> None:
        meta = await account(api)
        token = (await request_token(api)).body["status"]["token"]
        code, body = await stranger(f"{AUTHN}/selfsubjectreviews", token, {})
        assert code == 201
        assert body["status"]["userInfo"] == {
            "username": f"system:serviceaccount:{api.namespace}:robot",
            "uid": meta["uid"],
            "groups": ["system:serviceaccounts", f"system:serviceaccounts:{api.namespace}", "system:authenticated"],
            "extra": {"authentication.kubernetes.io/credential-id": [f"JTI={claims(token)['jti']}"]},
        }

    async def test_for_somebody_else(self, api: Any, stranger: Any) -> None:
        await account(api)
        token = (await request_token(api, audiences=["vault"])).body["status"]["token"]
        assert (await stranger("/api/v1/nodes", token))[0] == 401

    @pytest.mark.parametrize("token", ["nonsense", "a.b.c", "eyJhbGciOiJub25lIn0.e30."])
    async def test_no_token_of_ours(self, stranger: Any, token: str) -> None:
        code, body = await stranger("/api/v1/nodes", token)
        assert (code, body["reason"], body["message"]) == (401, "Unauthorized", "Unauthorized")

    async def test_a_namesake_of_a_deleted_account_is_another_one(self, api: Any, stranger: Any) -> None:
        await account(api)
        token = (await request_token(api)).body["status"]["token"]
        assert (await stranger("/api/v1/nodes", token))[0] == 200
        await api.delete(api.path("serviceaccounts", "robot"))
        assert (await stranger("/api/v1/nodes", token))[0] == 401
        await account(api)
        assert (await stranger("/api/v1/nodes", token))[0] == 401

    async def test_with_the_secret_goes_the_token(self, api: Any, stranger: Any) -> None:
        await account(api)
        await api.post(api.path("secrets"), {"metadata": {"name": "s"}})
        ref = {"kind": "Secret", "apiVersion": "v1", "name": "s"}
        token = (await request_token(api, boundObjectRef=ref)).body["status"]["token"]
        assert (await stranger("/api/v1/nodes", token))[0] == 200
        await api.delete(api.path("secrets", "s"))
        assert (await stranger("/api/v1/nodes", token))[0] == 401
        review = await api.post(f"{AUTHN}/tokenreviews", {"spec": {"token": token}})
        assert review.body["status"] == {
            "user": {},
            "error": "[invalid bearer token, service account token has been invalidated]",
        }


class TestReviews:
    """Questions are answered and not stored."""

    async def test_whose_token(self, api: Any) -> None:
        await account(api)
        token = (await request_token(api, audiences=["vault", ISSUER])).body["status"]["token"]
        answer = await api.post(f"{AUTHN}/tokenreviews", {"spec": {"token": token, "audiences": ["vault", "x"]}})
        assert answer.code == 201
        assert answer.body["status"]["authenticated"] is True
        assert answer.body["status"]["audiences"] == ["vault"]
        assert answer.body["status"]["user"]["username"] == f"system:serviceaccount:{api.namespace}:robot"
        answer = await api.post(f"{AUTHN}/tokenreviews", {"spec": {"token": token, "audiences": ["x"]}})
        assert "authenticated" not in answer.body["status"]
        answer = await api.post(f"{AUTHN}/tokenreviews", {"spec": {}})
        assert (answer.code, answer.body["message"]) == (400, "token is required for TokenReview in authentication")

    async def test_who_shows_a_certificate(self, api: Any) -> None:
        answer = await api.post(f"{AUTHN}/selfsubjectreviews", {})
        info = answer.body["status"]["userInfo"]
        assert (info["username"], info["groups"]) == ("admin", ["system:masters", "system:authenticated"])
        assert info["extra"]["authentication.kubernetes.io/credential-id"][0].startswith("X509SHA256=")

    async def test_access(self, api: Any) -> None:
        about = {"verb": "delete", "resource": "nodes"}
        answer = await api.post(f"{AUTHZ}/selfsubjectaccessreviews", {"spec": {"resourceAttributes": about}})
        assert (answer.code, answer.body["status"]["allowed"]) == (201, True)
        asked = {"spec": {"user": "system:anonymous", "resourceAttributes": about}}
        answer = await api.post(f"{AUTHZ}/subjectaccessreviews", asked)
        assert answer.body["status"]["allowed"] is False
        asked = {"spec": {"user": "system:anonymous", "nonResourceAttributes": {"path": "/version", "verb": "get"}}}
        answer = await api.post(f"{AUTHZ}/subjectaccessreviews", asked)
        assert answer.body["status"]["allowed"] is True
        path = f"{AUTHZ}/namespaces/{api.namespace}/localsubjectaccessreviews"
        here = {"spec": {"user": "ann", "resourceAttributes": {**about, "namespace": api.namespace}}}
        assert (await api.post(path, here)).body["status"]["allowed"] is True

    @pytest.mark.parametrize(
        ("plural", "body", "message"),
        [
            (
                "selfsubjectaccessreviews",
                {},
                'SelfSubjectAccessReview.authorization.k8s.io "" is invalid: spec.resourceAttributes: Invalid value: '
                "null: exactly one of nonResourceAttributes or resourceAttributes must be specified",
            ),
            (
                "subjectaccessreviews",
                {"spec": {"nonResourceAttributes": {"path": "/"}, "resourceAttributes": {}}},
                'SubjectAccessReview.authorization.k8s.io "" is invalid: [spec.nonResourceAttributes: Invalid value: '
                '{"Path":"/","Verb":""}: cannot be specified in combination with resourceAttributes, spec.user: '
                'Invalid value: "": at least one of user or group must be specified]',
            ),
        ],
    )
    async def test_questions_that_are_none(self, api: Any, plural: str, body: Any, message: str) -> None:
        answer = await api.post(f"{AUTHZ}/{plural}", body)
        assert (answer.code, answer.body["message"]) == (422, message)

    async def test_all_that_i_may(self, api: Any) -> None:
        answer = await api.post(f"{AUTHZ}/selfsubjectrulesreviews", {"spec": {"namespace": "default"}})
        assert answer.body["status"] == {
            "resourceRules": [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}],
            "nonResourceRules": [{"verbs": ["*"], "nonResourceURLs": ["*"]}],
            "incomplete": False,
        }
        answer = await api.post(f"{AUTHZ}/selfsubjectrulesreviews", {})
        assert (answer.code, answer.body["message"]) == (400, "no namespace on request")

    async def test_they_can_only_be_posted(self, api: Any) -> None:
        for path in (f"{AUTHN}/tokenreviews", f"{AUTHZ}/subjectaccessreviews"):
            assert (await api.get(path)).code == 405
        rows = (await api.get(AUTHZ)).body["resources"]
        assert [row["name"] for row in rows] == [
            "localsubjectaccessreviews",
            "selfsubjectaccessreviews",
            "selfsubjectrulesreviews",
            "subjectaccessreviews",
        ]
        assert all(row["verbs"] == ["create"] for row in rows)


class TestDiscovery:
    """Others can check tokens by the published key."""

    async def test_the_key(self, api: Any) -> None:
        configuration = (await api.get("/.well-known/openid-configuration")).body
        assert configuration["issuer"] == ISSUER
        assert configuration["jwks_uri"].endswith("/openid/v1/jwks")
        answer = await api.get("/openid/v1/jwks")
        assert answer.headers["Content-Type"] == "application/jwk-set+json"
        await account(api)
        token = (await request_token(api)).body["status"]["token"]
        keys = jwt.PyJWKSet.from_json(answer.body)
        key = keys[jwt.get_unverified_header(token)["kid"]]
        assert configuration["id_token_signing_alg_values_supported"] == [key.algorithm_name]
        assert jwt.decode(token, key, audience=ISSUER, issuer=ISSUER)["sub"].endswith(":robot")


@pytest.mark.parametrize("binary", KUBECTLS, ids=lambda path: path.name)
class TestKubectl:
    """kubectl's own commands about it."""

    @staticmethod
    def run(binary: Path, server: Any, *arguments: str) -> str:
        argv = [str(binary), "--kubeconfig", str(server.kubeconfig), *arguments]
        with contextlib.suppress(subprocess.CalledProcessError):
            return subprocess.run(argv, capture_output=True, text=True, timeout=60, check=True).stdout
        return subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False).stderr

    async def test_commands(self, binary: Path, api: Any, apiserver: Any) -> None:
        await account(api)
        token = self.run(binary, apiserver, "create", "token", "robot", "-n", api.namespace, "--duration", "20m")
        assert claims(token.strip())["sub"] == f"system:serviceaccount:{api.namespace}:robot"
        who = self.run(binary, apiserver, "auth", "whoami")
        assert "admin" in who
        assert self.run(binary, apiserver, "auth", "can-i", "create", "pods") == "yes\n"
        assert "*.*" in self.run(binary, apiserver, "auth", "can-i", "--list")
