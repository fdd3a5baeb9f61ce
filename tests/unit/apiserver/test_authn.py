"""A client certificate names a user and its groups; without one the sender is anonymous."""

import pytest

from apiserver.authn import ANONYMOUS, User, authorize, user_of_subject
from naru.api.errors import Unauthorized


class TestSubject:
    """The subject's common name is the user, its organizations are the groups."""

    def test_user_and_groups(self) -> None:
        subject = ((("organizationName", "system:nodes"),), (("organizationName", "x"),), (("commonName", "node-1"),))
        assert user_of_subject(subject) == User("node-1", ("system:nodes", "x", "system:authenticated"))

    def test_a_certificate_without_a_name_is_nobody(self) -> None:
        assert user_of_subject(((("organizationName", "system:masters"),),)) is ANONYMOUS


class TestAuthorize:
    """Certificates of the cluster may do everything in this version, strangers look at the health alone."""

    @pytest.mark.parametrize("path", ["/healthz", "/livez", "/readyz/caches", "/version"])
    def test_open_to_all(self, path: str) -> None:
        authorize(ANONYMOUS, path)

    @pytest.mark.parametrize("path", ["/", "/api", "/apis/apps/v1/deployments", "/naru/trail", "/openapi/v3"])
    def test_closed_to_strangers(self, path: str) -> None:
        authorize(User("admin"), path)
        with pytest.raises(Unauthorized):
            authorize(ANONYMOUS, path)
