"""Warnings: what a client is told although its request is granted."""

import pytest

from apiserver.warnings import inert_warnings, plural_of, warning_headers
from naru.api.scheme import RESOURCES, by_plural


class TestHeaders:
    def test_each_text_is_told_once_and_quoted(self) -> None:
        assert warning_headers(['a "b"', 'a "b"', ""]) == ['299 - "a \\"b\\""']

    def test_many_long_texts_are_cut_and_then_left_out(self) -> None:
        headers = warning_headers(f"{number}{'x' * 1000}" for number in range(20))
        assert len(headers) == 16
        assert all(len(header) == len('299 - ""') + 256 for header in headers)


class TestInertKinds:
    """Creating what nothing acts on is answered with words."""

    @pytest.mark.parametrize(
        ("group", "plural", "expected"),
        [
            ("networking.k8s.io", "ingresses", ["naru keeps Ingresses, but nothing acts on them yet"]),
            ("networking.k8s.io", "networkpolicies", ["naru keeps NetworkPolicies, but nothing acts on them yet"]),
            ("", "pods", []),
            ("", "endpoints", []),
            ("networking.k8s.io", "ipaddresses", []),
        ],
    )
    def test_warnings(self, group: str, plural: str, expected: list[str]) -> None:
        resource = by_plural(group, "v1", plural)
        assert resource is not None
        assert list(inert_warnings(resource)) == expected

    def test_every_kind_has_a_plural(self) -> None:
        assert all(plural_of(resource).lower() == resource.plural for resource in RESOURCES)
