"""Quantities: exact amounts, and one way to write each of them."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from naru.api.quantity import canonical, format_quantity, int_value, milli_value, parse_quantity

SUFFIXES = ["", "n", "u", "m", "k", "M", "G", "Ki", "Mi", "Gi", "e3", "E-2", "e0"]

quantities = st.builds(
    lambda sign, whole, fraction, suffix: f"{sign}{whole}{fraction}{suffix}",
    st.sampled_from(["", "-", "+"]),
    st.integers(min_value=0, max_value=10**7).map(str),
    st.one_of(st.just(""), st.integers(min_value=0, max_value=999).map(lambda n: f".{n}")),
    st.sampled_from(SUFFIXES),
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0", "0"),
        ("0.000", "0"),
        ("1000m", "1"),
        ("0.5", "500m"),
        ("1.5", "1500m"),
        ("100m", "100m"),
        ("1000", "1k"),
        ("1000k", "1M"),
        ("1024Mi", "1Gi"),
        ("0.5Gi", "512Mi"),
        ("1.5Gi", "1536Mi"),
        ("0.5Ki", "512"),
        ("0.3Mi", "314572800m"),
        ("-1024Ki", "-1Mi"),
        ("1e3", "1e3"),
        ("1000e3", "1e6"),
        ("0.0000000001", "1n"),
        ("-0.0000000001", "-1n"),
        ("9223372036854775808", "9223372036854775807"),
        ("+1", "1"),
        (".5", "500m"),
        ("5.", "5"),
    ],
)
def test_canonical_form(text: str, expected: str) -> None:
    assert canonical(text) == expected


@pytest.mark.parametrize("text", ["", "m", "1x", "1 Gi", "--1", "1e", "1.2.3", "Gi", "\u0661", "1e99"])
def test_what_is_no_quantity_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="quantit"):
        canonical(text)


@given(quantities)
def test_the_canonical_form_says_the_same(text: str) -> None:
    assert parse_quantity(canonical(text)) == parse_quantity(text)


@given(quantities)
def test_the_canonical_form_is_its_own(text: str) -> None:
    assert canonical(canonical(text)) == canonical(text)


@given(st.integers(min_value=-(10**15), max_value=10**15), st.booleans())
def test_formatting_is_undone_by_parsing(amount: int, binary: bool) -> None:
    assert parse_quantity(format_quantity(amount, binary=binary)) == amount


@pytest.mark.parametrize(
    ("text", "whole", "thousandths"),
    [("1", 1, 1000), ("1500m", 2, 1500), ("1m", 1, 1), ("100u", 1, 1), ("-1500m", -2, -1500), ("1Ki", 1024, 1024000)],
)
def test_rounding_goes_away_from_zero(text: str, whole: int, thousandths: int) -> None:
    assert (int_value(text), milli_value(text)) == (whole, thousandths)


def test_arithmetic_is_exact() -> None:
    assert parse_quantity("0.1") + parse_quantity("0.2") == Decimal("0.3")
