"""Image names mean what docker means by them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nodeagent.images.errors import InvalidReference
from nodeagent.images.reference import parse_reference

DIGEST = "sha256:" + "a" * 64


class TestParseReference:
    """The full form of a name is what docker would make of it."""

    @pytest.mark.parametrize(
        ("text", "full"),
        [
            ("busybox", "docker.io/library/busybox:latest"),
            ("busybox:1.36", "docker.io/library/busybox:1.36"),
            ("team/web", "docker.io/team/web:latest"),
            ("docker.io/busybox", "docker.io/library/busybox:latest"),
            ("index.docker.io/busybox", "docker.io/library/busybox:latest"),
            ("localhost/web", "localhost/web:latest"),
            ("localhost:5000/web", "localhost:5000/web:latest"),
            ("127.0.0.1:5000/team/web:v2", "127.0.0.1:5000/team/web:v2"),
            ("[::1]:5000/web", "[::1]:5000/web:latest"),
            ("naru.local/busybox:1", "naru.local/busybox:1"),
            ("quay.io/a/b-c__d.e/f:V_1.x-y", "quay.io/a/b-c__d.e/f:V_1.x-y"),
            (f"busybox@{DIGEST}", f"docker.io/library/busybox@{DIGEST}"),
            (f"busybox:1@{DIGEST}", f"docker.io/library/busybox:1@{DIGEST}"),
        ],
    )
    def test_short_forms_are_filled_in(self, text: str, full: str) -> None:
        assert str(parse_reference(text)) == full

    @pytest.mark.parametrize(
        "text",
        [
            "",
            ":",
            "@",
            "/",
            "busybox:",
            "busybox@",
            "Busybox",
            "a//b",
            "a/../b",
            "web:-1",
            "web: 1",
            "web@sha256:12",
            "web@md5:" + "a" * 64,
            "-a.io/web",
            "a" * 64,
            "b/" * 127 + "cc",
            "http://a.io/web",
            "web\n",
        ],
    )
    def test_anything_else_is_refused_by_name(self, text: str) -> None:
        with pytest.raises(InvalidReference, match="couldn't parse image name") as caught:
            parse_reference(text)
        assert caught.value.reason == "InvalidImageName"

    def test_an_upper_case_repository_is_explained(self) -> None:
        with pytest.raises(InvalidReference, match="must be lowercase"):
            parse_reference("quay.io/Team/web")

    @given(st.text(max_size=80))
    def test_any_text_is_either_a_name_or_refused(self, text: str) -> None:
        try:
            reference = parse_reference(text)
        except InvalidReference:
            return
        assert parse_reference(str(reference)) == reference
