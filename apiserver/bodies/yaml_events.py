"""YAML bodies: the first document of a stream, as the JSON that it stands for.

Built from the parser's events, without recursion, so that depth is counted before it hurts. Aliases share what they
name, and what they would expand to is bounded: nine lines of YAML can stand for a billion values.

Source: YAML 1.1 as go-yaml reads it: no base 60, times stay texts; the JSON of sigs.k8s.io/yaml, whose keys are texts.
"""

import base64
import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import yaml

MAX_DEPTH: Final = 200
MAX_EXPANDED: Final = 400_000  # values that a document may stand for, aliases written out

_INT: Final = re.compile(r"[-+]?(?:0[xX][0-9a-fA-F_]+|0[bB][01_]+|0o?[0-7_]+|[1-9][0-9_]*|0)")
_FLOAT: Final = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_WORDS: Final[dict[str, bool | None]] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("y", "Y", "yes", "Yes", "YES", "on", "On", "ON", "true", "True", "TRUE"), True),
    **dict.fromkeys(("n", "N", "no", "No", "NO", "off", "Off", "OFF", "false", "False", "FALSE"), False),
}
_TAG: Final = "tag:yaml.org,2002:"


class YamlFault(Exception):
    """The text cannot be read; the message says why."""


@dataclass
class _Open:
    """A list or map that is being read."""

    value: Any
    anchor: str | None
    size: int = 1  # values inside, aliases written out
    key: str | None = None  # the key whose value comes next
    merging: bool = False  # the value that comes next is merged into the map
    merged: dict[str, Any] = field(default_factory=dict)
    seen: set[str] = field(default_factory=set)


class _Reader:
    def __init__(self) -> None:
        self.stack: list[_Open] = []
        self.anchors: dict[str, tuple[Any, int]] = {}
        self.open_anchors: set[str] = set()
        self.repeated: list[str] = []
        self.result: Any = None

    def take(self, event: yaml.Event) -> None:
        """Handle one event."""
        match event:
            case yaml.SequenceStartEvent():
                self._begin([], event.anchor)
            case yaml.MappingStartEvent():
                self._begin({}, event.anchor)
            case yaml.SequenceEndEvent() | yaml.MappingEndEvent():
                self._end(_line(event))
            case yaml.AliasEvent():
                if event.anchor in self.open_anchors:
                    raise YamlFault(f"anchor '{event.anchor}' value contains itself")
                if event.anchor not in self.anchors:
                    raise YamlFault(f"unknown anchor '{event.anchor}' referenced")
                self._put(*self.anchors[event.anchor], _line(event))
            case yaml.ScalarEvent():
                value = _scalar(event)
                if event.anchor:
                    self.anchors[event.anchor] = (value, 1)
                is_merge = value == "<<" and not event.style
                self._put(value, 1, _line(event), is_merge=is_merge)

    def _begin(self, value: Any, anchor: str | None) -> None:
        if len(self.stack) >= MAX_DEPTH:
            raise YamlFault(f"exceeded max depth of {MAX_DEPTH}")
        if self.stack and isinstance(self.stack[-1].value, dict) and self._wants_key():
            raise YamlFault("invalid map key: lists and maps cannot be keys")
        if anchor:
            self.open_anchors.add(anchor)
        self.stack.append(_Open(value, anchor))

    def _wants_key(self) -> bool:
        return self.stack[-1].key is None and not self.stack[-1].merging

    def _end(self, line: int) -> None:
        done = self.stack.pop()
        if isinstance(done.value, dict):
            done.value = {**done.merged, **done.value}
        if done.anchor:
            self.open_anchors.discard(done.anchor)
            self.anchors[done.anchor] = (done.value, done.size)
        self._put(done.value, done.size, line)

    def _put(self, value: Any, size: int, line: int, *, is_merge: bool = False) -> None:
        """Give a value its place."""
        if not self.stack:
            self.result = value
            return
        holder = self.stack[-1]
        holder.size += size
        if holder.size > MAX_EXPANDED:
            raise YamlFault("document contains excessive aliasing")
        if isinstance(holder.value, list):
            holder.value.append(value)
        elif holder.merging:
            _merge(holder, value)
        elif holder.key is None:
            self._put_key(holder, value, line, is_merge=is_merge)
        else:
            holder.value[holder.key] = value
            holder.key = None

    def _put_key(self, holder: _Open, value: Any, line: int, *, is_merge: bool) -> None:
        if isinstance(value, dict | list):
            raise YamlFault("invalid map key: lists and maps cannot be keys")
        if is_merge:
            holder.merging = True
            return
        holder.key = _key(value)
        if holder.key in holder.seen:
            self.repeated.append(f"line {line}: key {yaml_quoted(holder.key)} already set in map")
        holder.seen.add(holder.key)


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark is not None else 0


def _merge(holder: _Open, value: Any) -> None:
    """Put the fields of a map (of several, the first counts) beneath those that the holder has itself."""
    holder.merging = False
    sources = value if isinstance(value, list) else [value]
    if not all(isinstance(source, dict) for source in sources):
        raise YamlFault("map merge requires map or sequence of maps as the value")
    for source in sources:
        holder.merged = {**source, **holder.merged}


def yaml_quoted(text: str) -> str:
    """Write a key into a message."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _key(value: Any) -> str:
    match value:
        case bool():
            return str(value).lower()
        case None:
            return "null"
        case _:
            return str(value)


def _scalar(event: yaml.ScalarEvent) -> Any:
    text: str = event.value
    tag = event.tag or ""
    if tag == f"{_TAG}binary":
        try:
            return base64.b64decode(text, validate=False).decode("utf-8", "replace")
        except binascii.Error:
            raise YamlFault("!!binary value contains invalid base64 data") from None
    if event.style or tag in ("!", f"{_TAG}str"):
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _INT.fullmatch(text):
        return _integer(text.replace("_", ""))
    if _FLOAT.fullmatch(text):
        return float(text)
    return text


def _integer(text: str) -> int | float:
    digits = text.lstrip("+-")
    sign = -1 if text.startswith("-") else 1
    if len(digits) > 70:
        return float(text)
    if len(digits) > 1 and digits[0] == "0" and digits[1] not in "xXbBoO":
        digits = f"0o{digits[1:]}"
    try:
        return sign * int(digits, 0)
    except ValueError:
        return float(digits) * sign


def load_yaml(body: bytes) -> tuple[Any, list[str]]:
    """Read the first document; also tell which keys it gives twice, in the words of go-yaml.

    Raises:
        YamlFault: it is not well-formed, too deep, or expands to too much.
    """
    reader = _Reader()
    try:
        for event in _first_document(body):
            reader.take(event)
    except yaml.MarkedYAMLError as error:
        raise YamlFault(_described(error)) from None
    except (yaml.YAMLError, UnicodeError, ValueError) as error:
        raise YamlFault(" ".join(str(error).split())) from None
    return reader.result, reader.repeated


def _first_document(body: bytes) -> Iterator[yaml.Event]:
    for event in yaml.parse(body, Loader=yaml.CSafeLoader):
        if isinstance(event, yaml.DocumentEndEvent):
            return
        yield event


def _described(error: yaml.MarkedYAMLError) -> str:
    """Write a fault of libyaml's as go-yaml, which descends from it, does."""
    mark = error.problem_mark or error.context_mark
    is_scanner = isinstance(error, yaml.scanner.ScannerError)
    line = (mark.line + is_scanner if mark.line else 0) if mark is not None else 0
    return f"line {line}: {error.problem}" if line else str(error.problem or "unknown problem parsing YAML content")
