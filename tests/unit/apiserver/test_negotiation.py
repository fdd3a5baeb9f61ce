"""Accept headers, read as upstream reads them."""

import pytest

from apiserver.negotiation import Choice, clauses, is_produced, negotiated
from apiserver.warnings import warning_headers

TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"
TYPES = ("application/json", "application/yaml")


class TestClauses:
    """What the client prefers comes first."""

    @pytest.mark.parametrize(
        ("header", "media_types"),
        [
            ("a/b, c/d", ["a/b", "c/d"]),
            ("a/b;q=0.1, c/d;q=0.9", ["c/d", "a/b"]),
            ("*/*, a/*, a/b", ["a/b", "a/*", "*/*"]),
            ("*", ["*/*"]),
            ("nonsense, a/b/c, a/b", ["a/b"]),
            ("a/b;q=x", ["a/b"]),
            (",", []),
        ],
    )
    def test_order(self, header: str, media_types: list[str]) -> None:
        assert [clause.media_type for clause in clauses(header)] == media_types


class TestNegotiated:
    """The first form that can be made is taken."""

    @pytest.mark.parametrize(
        ("header", "choice"),
        [
            ("", Choice()),
            ("*/*", Choice()),
            ("application/*", Choice()),
            ("application/yaml", Choice("application/yaml")),
            ("application/vnd.kubernetes.protobuf,application/json", Choice()),
            ("application/yaml;q=0.5,application/json;q=0.4", Choice("application/yaml")),
            ("application/json;pretty=1", Choice(pretty=True)),
            ("application/json;stream=watch", Choice()),
            ("application/json;stream=other", None),
            (TABLE, Choice(target=("meta.k8s.io", "v1", "Table"))),
            (f"{TABLE.replace('v=v1', 'v=v2')},{TABLE}", Choice(target=("meta.k8s.io", "v1", "Table"))),
            (f"{TABLE.replace('json', 'yaml')}", Choice("application/yaml", ("meta.k8s.io", "v1", "Table"))),
            (
                f"{TABLE.replace('Table', 'PartialObjectMetadata').replace('v=v1', 'v=v1beta1')}",
                Choice(target=("meta.k8s.io", "v1beta1", "PartialObjectMetadata")),
            ),
            ("application/json;as=Rocket;v=v1;g=meta.k8s.io", None),
            ("application/json;v=v1", None),
            ("text/html", None),
            ("application/vnd.kubernetes.protobuf", None),
        ],
    )
    def test_choice(self, header: str, choice: Choice | None) -> None:
        assert negotiated(header, transforms=True) == choice

    def test_what_is_no_object_has_no_table(self) -> None:
        assert negotiated(TABLE, transforms=False) is None
        assert negotiated(f"{TABLE},application/json", transforms=False) == Choice()


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", True),
        ("text/html, */*;q=0.1", True),
        ("application/json;as=Rocket", True),
        ("application/*", False),
        ("text/html", False),
        ("APPLICATION/JSON", False),
    ],
)
def test_what_the_router_lets_pass(header: str, expected: bool) -> None:
    assert is_produced(header, TYPES) is expected


class TestWarnings:
    """Warnings are headers, and headers have limits."""

    def test_quotes_are_escaped(self) -> None:
        assert warning_headers(['unknown field "spec.foo"']) == ['299 - "unknown field \\"spec.foo\\""']

    def test_each_text_is_told_once_and_none_with_control_characters(self) -> None:
        assert warning_headers(["a", "b", "a", "", "c\nd"]) == ['299 - "a"', '299 - "b"']

    def test_too_many_are_cut_short_and_at_last_left_out(self) -> None:
        texts = [f"{number:03}" + "x" * 997 for number in range(50)]
        headers = warning_headers(texts)
        assert len(headers) == 16
        assert {len(header) for header in headers} == {256 + len('299 - ""')}
