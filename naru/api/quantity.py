"""Quantity: amounts as Kubernetes writes them: ``500m`` CPUs, ``64Mi`` bytes, ``1e3`` of anything.

A quantity stays the text that is on the wire, brought to its canonical form when it is decoded, so two equal
amounts of one format are equal strings; arithmetic goes through :func:`parse_quantity`, which is exact.

Source: Kubernetes API reference, resource.Quantity.
"""

import re
from decimal import ROUND_CEILING, Decimal, localcontext
from functools import lru_cache
from typing import Annotated, Final

from pydantic import BeforeValidator

BINARY_SUFFIXES: Final = {"Ki": 1, "Mi": 2, "Gi": 3, "Ti": 4, "Pi": 5, "Ei": 6}  # powers of 1024
DECIMAL_SUFFIXES: Final = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_SUFFIX_OF_EXPONENT: Final = {exponent: suffix for suffix, exponent in DECIMAL_SUFFIXES.items()}
_SUFFIX_OF_POWER: Final = {power: suffix for suffix, power in BINARY_SUFFIXES.items()} | {0: ""}

MAX_QUANTITY: Final = Decimal(2**63 - 1)  # larger amounts are cut down to it
_FINEST: Final = Decimal("1e-9")  # smaller parts are rounded up, away from zero
_PRECISION: Final = 60  # digits: above 19 of MAX_QUANTITY, 9 of _FINEST and the 15 that a binary suffix adds

_PATTERN: Final = re.compile(
    r"(?P<sign>[+-]?)(?P<number>\d+(?:\.\d*)?|\.\d+)"
    r"(?P<suffix>[KMGTPE]i|[eE][+-]?\d+|[numkMGTPE]?)",
    re.ASCII,
)  # "E" alone is exa, "E3" an exponent: the longer alternative comes first


def _split(text: str) -> tuple[Decimal, str]:
    """Return the exact amount and its suffix.

    Raises:
        ValueError: the text is no quantity.
    """
    match = _PATTERN.fullmatch(text)
    if match is None:
        raise ValueError("quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'")
    number = Decimal(match["sign"] + match["number"])
    suffix = match["suffix"]
    with localcontext(prec=_PRECISION):
        if suffix in BINARY_SUFFIXES:
            return number * 1024 ** BINARY_SUFFIXES[suffix], suffix
        exponent = DECIMAL_SUFFIXES[suffix] if suffix in DECIMAL_SUFFIXES else int(suffix[1:])
        if abs(exponent) > _PRECISION:
            raise ValueError("unable to parse quantity's suffix")
        return number.scaleb(exponent), suffix


def _rounded_up(amount: Decimal, unit: Decimal) -> Decimal:
    """Round away from zero to a multiple of ``unit``, a power of ten."""
    with localcontext(prec=_PRECISION):
        return abs(amount).quantize(unit, rounding=ROUND_CEILING).copy_sign(amount)


@lru_cache(maxsize=4096)
def parse_quantity(text: str) -> Decimal:
    """Return the exact amount, rounded up to billionths and bounded as upstream bounds it.

    Raises:
        ValueError: the text is no quantity.
    """
    amount, _ = _split(text)
    if abs(amount) > MAX_QUANTITY:
        return MAX_QUANTITY.copy_sign(amount)
    return _rounded_up(amount, _FINEST)


def _integer_and_exponent(amount: Decimal) -> tuple[int, int]:
    """Write the amount as mantissa times ten to an exponent that is a multiple of three, as large as it can be."""
    sign, digits, exponent = amount.as_tuple()
    mantissa = int("".join(map(str, digits)))
    assert isinstance(exponent, int)
    while mantissa and mantissa % 10 == 0:
        mantissa, exponent = mantissa // 10, exponent + 1
    surplus = exponent % 3
    return (-mantissa if sign else mantissa) * 10**surplus, exponent - surplus


def _format_binary(amount: Decimal) -> str:
    mantissa, power = int(amount), 0
    while power < 6 and mantissa % 1024 == 0:
        mantissa, power = mantissa // 1024, power + 1
    return f"{mantissa}{_SUFFIX_OF_POWER[power]}"


@lru_cache(maxsize=4096)
def canonical(text: str) -> str:
    """Return the form that the API server answers with: ``1000m`` is ``1``, ``1024Mi`` is ``1Gi``, ``0.5`` is ``500m``.

    The family of the suffix is kept: powers of 1024, of 1000, or an exponent. A binary amount below 1024 or with
    a fraction is written in the decimal family, like upstream's.

    Raises:
        ValueError: the text is no quantity.
    """
    amount = parse_quantity(text)
    _, suffix = _split(text)
    if amount == 0:
        return "0"
    if suffix in BINARY_SUFFIXES and abs(amount) >= 1024 and amount == amount.to_integral_value():
        return _format_binary(amount)
    mantissa, exponent = _integer_and_exponent(amount)
    if suffix in DECIMAL_SUFFIXES or suffix in BINARY_SUFFIXES:
        return f"{mantissa}{_SUFFIX_OF_EXPONENT[exponent]}"
    return f"{mantissa}e{exponent}" if exponent else str(mantissa)


def format_quantity(amount: Decimal | int, *, binary: bool = False) -> str:
    """Write an amount in canonical form, in powers of 1024 (memory) or of 1000 (anything else)."""
    exact = _rounded_up(Decimal(amount), _FINEST)
    if binary and abs(exact) >= 1024 and exact == exact.to_integral_value():
        return _format_binary(exact)
    return canonical(f"{exact:f}")


def int_value(text: str) -> int:
    """Return the amount in whole units (bytes, say), rounded up."""
    return int(_rounded_up(parse_quantity(text), Decimal(1)))


def milli_value(text: str) -> int:
    """Return the amount in thousandths (millicores, say), rounded up."""
    return int(_rounded_up(parse_quantity(text) * 1000, Decimal(1)))


def _decode(value: object) -> object:
    """Take a text or a number, as YAML writers use both, and return the canonical text."""
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        raise ValueError("a quantity is a string or a number")
    return canonical(str(value).strip())


Quantity = Annotated[str, BeforeValidator(_decode)]
"""An amount in canonical form."""
