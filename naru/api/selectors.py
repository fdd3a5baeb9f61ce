"""Selectors: which objects are meant, by their labels or by their fields.

Three notations: the text of a query (``app=web,tier in (a, b),!old``), the ``LabelSelector`` inside objects, and
field selectors (``spec.nodeName=node-1,status.phase!=Failed``). All become matchers, which are plain data.

Source: Kubernetes, "Labels and Selectors" and "Field Selectors".
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from naru.api.errors import BadRequest
from naru.api.meta import LabelSelector
from naru.api.names import check_label_key, check_label_value


class Operator(StrEnum):
    """How a label is compared."""

    IN = "In"
    NOT_IN = "NotIn"  # also true of an object without the label
    EXISTS = "Exists"
    DOES_NOT_EXIST = "DoesNotExist"
    GREATER = "Gt"  # as whole numbers
    LESS = "Lt"


@dataclass(frozen=True)
class Requirement:
    """One condition on one label."""

    key: str
    operator: Operator
    values: tuple[str, ...] = ()

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Tell whether the labels fulfil the condition."""
        value = labels.get(self.key)
        match self.operator:
            case Operator.IN:
                return value in self.values
            case Operator.NOT_IN:
                return value not in self.values
            case Operator.EXISTS:
                return value is not None
            case Operator.DOES_NOT_EXIST:
                return value is None
            case Operator.GREATER:
                return _is_number(value) and int(value or 0) > int(self.values[0])
            case Operator.LESS:
                return _is_number(value) and int(value or 0) < int(self.values[0])

    def __str__(self) -> str:
        """Write it as a query does."""
        values = ",".join(sorted(self.values))
        match self.operator:
            case Operator.IN:
                return f"{self.key}={values}" if len(self.values) == 1 else f"{self.key} in ({values})"
            case Operator.NOT_IN:
                return f"{self.key}!={values}" if len(self.values) == 1 else f"{self.key} notin ({values})"
            case Operator.EXISTS:
                return self.key
            case Operator.DOES_NOT_EXIST:
                return f"!{self.key}"
            case Operator.GREATER:
                return f"{self.key}>{values}"
            case Operator.LESS:
                return f"{self.key}<{values}"


@dataclass(frozen=True)
class LabelMatcher:
    """Conditions that must all hold; without any, everything matches, unless ``nothing`` is set."""

    requirements: tuple[Requirement, ...] = ()
    nothing: bool = False

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Tell whether an object with these labels is meant."""
        return not self.nothing and all(requirement.matches(labels) for requirement in self.requirements)

    def __str__(self) -> str:
        """Write it as a query does, ordered by key; ``parse_label_selector`` reads it back."""
        return ",".join(str(requirement) for requirement in sorted(self.requirements, key=lambda r: r.key))


NOTHING: Final = LabelMatcher(nothing=True)
_IN_OBJECTS: Final = (Operator.IN, Operator.NOT_IN, Operator.EXISTS, Operator.DOES_NOT_EXIST)


def matcher(selector: LabelSelector | None) -> LabelMatcher:
    """Return the matcher of a selector in an object: None matches nothing, an empty one everything.

    Raises:
        ValueError: an operator does not exist (validation refuses such objects).
    """
    if selector is None:
        return NOTHING
    requirements = [Requirement(key, Operator.IN, (value,)) for key, value in selector.match_labels.items()]
    for expression in selector.match_expressions:
        if expression.operator not in _IN_OBJECTS:
            raise ValueError(f"{expression.operator!r} is not a valid label selector operator")
        requirements.append(Requirement(expression.key, Operator(expression.operator), expression.values))
    return LabelMatcher(tuple(requirements))


# In a query: the text of one requirement, up to a comma that is not inside parentheses.
_PART: Final = re.compile(r"\s*((?:[^,(]|\([^)]*\))*)(,|$)")
_SET: Final = re.compile(r"(?P<key>\S+)\s+(?P<operator>in|notin)\s*\((?P<values>[^()]*)\)")
_COMPARISON: Final = re.compile(r"(?P<key>[^\s=!<>()]+)\s*(?P<operator>==|=|!=|>|<)\s*(?P<value>[^\s=!<>()]*)")
_PRESENCE: Final = re.compile(r"(?P<absent>!?)\s*(?P<key>[^\s=!<>()]+)")
_COMPARISONS: Final = {
    "=": Operator.IN,
    "==": Operator.IN,
    "!=": Operator.NOT_IN,
    ">": Operator.GREATER,
    "<": Operator.LESS,
}


def parse_label_selector(text: str) -> LabelMatcher:
    """Read the ``labelSelector`` of a request.

    Raises:
        BadRequest: the text cannot be understood, or names an impossible label.
    """
    if not text.strip():
        return LabelMatcher()
    try:
        return LabelMatcher(tuple(_parse_requirement(part) for part in _split_query(text)))
    except ValueError as error:
        raise BadRequest(f"unable to parse requirement: {error} in label selector {text!r}") from None


def _split_query(text: str) -> Iterator[str]:
    position, comma = 0, ","
    while comma:
        match = _PART.match(text, position)
        if match is None:
            raise ValueError(f"found {text[position:]!r}, expected: ',' or ')'")
        yield match[1].strip()
        position, comma = match.end(), match[2]


def _parse_requirement(text: str) -> Requirement:
    if match := _SET.fullmatch(text):
        operator = Operator.IN if match["operator"] == "in" else Operator.NOT_IN
        return _checked(match["key"], operator, tuple(value.strip() for value in match["values"].split(",")))
    if match := _COMPARISON.fullmatch(text):
        return _checked(match["key"], _COMPARISONS[match["operator"]], (match["value"],))
    if match := _PRESENCE.fullmatch(text):
        return _checked(match["key"], Operator.DOES_NOT_EXIST if match["absent"] else Operator.EXISTS, ())
    raise ValueError(f"found {text!r}, expected: !, identifier, or 'end of string'")


def _checked(key: str, operator: Operator, values: tuple[str, ...]) -> Requirement:
    complaints = [f"key {key!r}: {complaint}" for complaint in check_label_key(key)]
    complaints += [f"value {value!r}: {complaint}" for value in values for complaint in check_label_value(value)]
    if operator in (Operator.GREATER, Operator.LESS) and not _is_number(values[0]):
        complaints.append(f"value {values[0]!r}: for 'Gt', 'Lt' operators, the value must be an integer")
    if complaints:
        raise ValueError("; ".join(complaints))
    return Requirement(key, operator, values)


def _is_number(value: str | None) -> bool:
    return value is not None and re.fullmatch(r"[+-]?\d+", value, re.ASCII) is not None


@dataclass(frozen=True)
class FieldRequirement:
    """One condition on one field; a field that an object lacks counts as empty."""

    path: str
    value: str
    negated: bool = False


@dataclass(frozen=True)
class FieldMatcher:
    """Conditions on fields that must all hold."""

    requirements: tuple[FieldRequirement, ...] = ()

    def matches(self, fields: Mapping[str, str]) -> bool:
        """Tell whether an object with these selectable fields is meant.

        Raises:
            BadRequest: objects of this kind cannot be selected by one of the fields.
        """
        for requirement in self.requirements:
            value = fields.get(requirement.path)
            if value is None:
                raise BadRequest(f"field label not supported: {requirement.path}")
            if (value == requirement.value) is requirement.negated:
                return False
        return True

    def exact(self, path: str) -> str | None:
        """Return the one value that a field may have, if the selector says so."""
        return next((r.value for r in self.requirements if r.path == path and not r.negated), None)


_FIELD_PART: Final = re.compile(r"((?:\\.|[^\\,])*)(,|$)", re.DOTALL)
_FIELD: Final = re.compile(
    r"(?P<path>(?:\\.|[^\\=!])+)(?P<operator>!=|==|=)(?P<value>(?:\\[\\,=]|[^\\,=])*)", re.DOTALL
)


def parse_field_selector(text: str) -> FieldMatcher:
    r"""Read the ``fieldSelector`` of a request; in values, ``\`` stands before a ``\``, a comma or an equals sign.

    Raises:
        BadRequest: the text cannot be understood.
    """
    return FieldMatcher(tuple(_parse_field(part, text) for part in _split_fields(text) if part))


def _split_fields(text: str) -> Iterator[str]:
    position, comma = 0, ","
    while comma:
        match = _FIELD_PART.match(text, position)
        if match is None:
            raise BadRequest(f"invalid selector: '{text}'; can't understand '{text[position:]}'")
        yield match[1]
        position, comma = match.end(), match[2]


def _parse_field(part: str, text: str) -> FieldRequirement:
    match = _FIELD.fullmatch(part)
    if match is None:
        raise BadRequest(f"invalid selector: '{text}'; can't understand '{part}'")
    return FieldRequirement(
        path=match["path"].strip(),
        value=re.sub(r"\\(.)", r"\1", match["value"], flags=re.DOTALL),
        negated=match["operator"] == "!=",
    )
