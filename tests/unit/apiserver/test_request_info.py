"""URLs and methods, read as verbs on resources."""

import pytest

from apiserver.request_info import is_served_by_api, request_info, unknown_path
from naru.api.errors import MethodNotAllowed, NotFound


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/api/v1/pods", ("list", "pods", "", "", "")),
        ("GET", "/api/v1/namespaces/web/pods", ("list", "pods", "web", "", "")),
        ("GET", "/api/v1/namespaces/web/pods/a", ("get", "pods", "web", "a", "")),
        ("GET", "/api/v1/namespaces/web/pods/a/status", ("get", "pods", "web", "a", "status")),
        ("POST", "/api/v1/namespaces/web/pods", ("create", "pods", "web", "", "")),
        ("POST", "/api/v1/namespaces/web/pods/a/binding", ("create", "pods", "web", "a", "binding")),
        ("PUT", "/apis/apps/v1/namespaces/web/deployments/a", ("update", "deployments", "web", "a", "")),
        ("PATCH", "/apis/apps/v1/namespaces/web/deployments/a/scale", ("patch", "deployments", "web", "a", "scale")),
        ("DELETE", "/api/v1/namespaces/web/pods", ("deletecollection", "pods", "web", "", "")),
        ("DELETE", "/api/v1/namespaces/web", ("delete", "namespaces", "", "web", "")),
        ("GET", "/api/v1/namespaces", ("list", "namespaces", "", "", "")),
        ("PUT", "/api/v1/namespaces/web/finalize", ("update", "namespaces", "", "web", "finalize")),
        ("GET", "/api/v1/namespaces/pods/pods/status", ("get", "pods", "pods", "status", "")),
        ("GET", "/api/v1/nodes/n1", ("get", "nodes", "", "n1", "")),
        ("GET", "/api/v1/pods/", ("list", "pods", "", "", "")),
        ("GET", "/api/v1/watch/namespaces/web/pods", ("watch", "pods", "web", "", "")),
        ("GET", "/api/v1/watch/namespaces/web/pods/a", ("watch", "pods", "web", "a", "")),
    ],
)
def test_path(method: str, path: str, expected: tuple[str, ...]) -> None:
    info = request_info(method, path, {})
    assert (info.verb, info.resource.plural, info.namespace, info.name, info.subresource) == expected


@pytest.mark.parametrize(
    ("value", "verb"),
    [("1", "watch"), ("true", "watch"), ("", "watch"), ("yes", "watch"), ("0", "list"), ("False", "list")],
)
def test_a_list_with_watch_is_a_watch(value: str, verb: str) -> None:
    assert request_info("GET", "/api/v1/pods", {"watch": value}).verb == verb


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/api", True),
        ("/api/v2", True),
        ("/apis", True),
        ("/apis/apps/v9/rockets", True),
        ("/version/x", True),
        ("/apis/rockets.example.com/v1/rockets", False),
        ("/apix", False),
        ("//api/v1", False),
        ("/", False),
    ],
)
def test_who_owns_a_path(path: str, expected: bool) -> None:
    assert is_served_by_api(path) is expected


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/rockets",
        "/api/v2/pods",
        "/apis/apps/v1/pods",
        "/api/v1/namespaces/web/nodes",
        "/api/v1/pods/a",
        "/api/v1/namespaces/web/pods/a/rocket",
        "/api/v1/namespaces/web/pods/a/log/x",
        "/api/v1//pods",
        "/api/v1/namespaces/web//a",
        "/api/v1/namespaces/web/pods//status",
        "/api/v1/namespaces/web/pods/a//",
        "/api/v1/../v1/pods",
        "/apis/apps",
    ],
)
def test_a_path_that_leads_nowhere(path: str) -> None:
    with pytest.raises(NotFound, match="could not find the requested resource"):
        request_info("GET", path, {})


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", "/api/v1/pods"),
        ("POST", "/api/v1/pods"),
        ("DELETE", "/api/v1/pods"),
        ("POST", "/api/v1/namespaces/web/pods/a"),
        ("DELETE", "/api/v1/namespaces/web/pods/a/status"),
        ("TRACE", "/api/v1/pods"),
        ("HEAD", "/api/v1/pods"),
        ("OPTIONS", "/api/v1/namespaces/web/pods/a"),
    ],
)
def test_a_verb_that_a_path_does_not_have(method: str, path: str) -> None:
    with pytest.raises(MethodNotAllowed):
        request_info(method, path, {})


def test_a_refusal_has_details_even_when_there_are_none() -> None:
    """Kubectl debug looks into them to tell a path that is not served from a pod that does not exist."""
    assert unknown_path().status()["details"] == {}
