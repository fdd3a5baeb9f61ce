"""A client certificate names a user and its groups; without one the sender is anonymous."""

import pytest

from apiserver.authn import ANONYMOUS, User, user_of_subject
from apiserver.authz import attributes_of, authorize
from naru.api.errors import Forbidden


class TestSubject:
    """The subject's common name is the user, its organizations are the groups."""

    def test_user_and_groups(self) -> None:
        subject = ((("organizationName", "system:nodes"),), (("organizationName", "x"),), (("commonName", "node-1"),))
        assert user_of_subject(subject) == User("node-1", ("system:nodes", "x", "system:authenticated"))

    def test_a_certificate_without_a_name_is_nobody(self) -> None:
        assert user_of_subject(((("organizationName", "system:masters"),),)) is ANONYMOUS


class TestAuthorize:
    """Certificates of the cluster may do everything in this version, strangers look at the health alone."""

    @pytest.mark.parametrize("path", ["/healthz", "/livez", "/readyz", "/version", "/version/"])
    def test_open_to_all(self, path: str) -> None:
        authorize(ANONYMOUS, "GET", path, {})

    @pytest.mark.parametrize(
        ("method", "path", "refusal"),
        [
            ("GET", "/", 'forbidden: User "system:anonymous" cannot get path "/"'),
            ("GET", "/readyz/etcd", 'forbidden: User "system:anonymous" cannot get path "/readyz/etcd"'),
            ("POST", "/version", 'forbidden: User "system:anonymous" cannot post path "/version"'),
            ("GET", "/apis/apps/v1", 'forbidden: User "system:anonymous" cannot get path "/apis/apps/v1"'),
            ("GET", "/<a>&", 'forbidden: User "system:anonymous" cannot get path "/&lt;a&gt;&amp;"'),
            (
                "GET",
                "/api/v1/pods",
                'pods is forbidden: User "system:anonymous" cannot list resource "pods" in API group "" '
                "at the cluster scope",
            ),
            (
                "PATCH",
                "/apis/apps/v1/namespaces/web/deployments/a/scale",
                'deployments.apps "a" is forbidden: User "system:anonymous" cannot patch resource "deployments/scale" '
                'in API group "apps" in the namespace "web"',
            ),
            (
                "DELETE",
                "/api/v1/namespaces/web",
                'namespaces "web" is forbidden: User "system:anonymous" cannot delete resource "namespaces" '
                'in API group "" in the namespace "web"',
            ),
        ],
    )
    def test_closed_to_strangers(self, method: str, path: str, refusal: str) -> None:
        authorize(User("admin"), method, path, {})
        with pytest.raises(Forbidden) as caught:
            authorize(ANONYMOUS, method, path, {})
        assert caught.value.message == refusal

    @pytest.mark.parametrize(("query", "verb"), [({}, "list"), ({"watch": "1"}, "watch"), ({"watch": "0"}, "list")])
    def test_the_verb_of_a_collection(self, query: dict[str, str], verb: str) -> None:
        assert attributes_of("GET", "/api/v1/pods", query).verb == verb
