"""Bodies as bytes: what is read of them, and what is said of those that cannot be."""

import contextlib
import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apiserver.bodies.malformed import syntax_error
from apiserver.bodies.parsing import MAX_DEPTH, Malformed, check_shape, parse, parse_json
from apiserver.bodies.yaml_events import YamlFault, load_yaml
from naru.api.errors import UnsupportedMediaType

TEXTS = st.text(st.characters(max_codepoint=0xFFFF, exclude_categories=["Cs"]))  # YAML knows no pairs of surrogates
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=10,
)


class TestSyntaxErrors:
    """A text that is no JSON is explained as Go's scanner explains it."""

    @pytest.mark.parametrize(
        ("body", "error"),
        [
            (b"", "unexpected end of JSON input"),
            (b"{", "unexpected end of JSON input"),
            (b'{"a":}', "invalid character '}' looking for beginning of value"),
            (b"{a:1}", "invalid character 'a' looking for beginning of object key string"),
            (b'{"a":1,}', "invalid character '}' looking for beginning of object key string"),
            (b'{"a" 1}', "invalid character '1' after object key"),
            (b'{"a":1 "b"}', "invalid character '\"' after object key:value pair"),
            (b"[1 2]", "invalid character '2' after array element"),
            (b"{} x", "invalid character 'x' after top-level value"),
            (b"nux", "invalid character 'x' in literal null (expecting 'l')"),
            (b'"\x01"', "invalid character '\\x01' in string literal"),
            (b'"\\x"', "invalid character 'x' in string escape code"),
            (b'"\\u12g"', "invalid character 'g' in \\u hexadecimal character escape"),
            (b"-a", "invalid character 'a' in numeric literal"),
            (b"1.x", "invalid character 'x' after decimal point in numeric literal"),
            (b"1ex", "invalid character 'x' in exponent of numeric literal"),
            (b"'a'", r"invalid character '\'' looking for beginning of value"),
            (b"\xff", "invalid character 'ÿ' looking for beginning of value"),
            (b"[" * 20_000, "exceeded max depth"),
            (b'{"a":' * 11_000, "exceeded max depth"),
        ],
    )
    def test_error(self, body: bytes, error: str) -> None:
        assert syntax_error(body) == error


class TestJson:
    """JSON is read as Go reads it."""

    @pytest.mark.parametrize(
        ("body", "value"),
        [
            (b'{"a":"\xff"}', {"a": "\ufffd"}),
            (b'{"a":"\\ud800"}', {"a": "\ufffd"}),
            (b'{"a":"\\u0000"}', {"a": "\0"}),
            (b"null", None),
            (b'{"a":18446744073709551616,"a":18446744073709551616}', {"a": 18446744073709551616.0}),
            (b'{"a":"\\ud800","b":' + b"9" * 30 + b"}", {"a": "\ufffd", "b": 1e30}),
        ],
    )
    def test_texts_that_are_none_are_mended(self, body: bytes, value: Any) -> None:
        assert parse_json(body) == value

    @pytest.mark.parametrize("opening", [b"[", b'{"a":'])
    @pytest.mark.parametrize("depth", [MAX_DEPTH + 1, 100_000])
    def test_depth_is_bounded(self, opening: bytes, depth: int) -> None:
        closing = b"]" if opening == b"[" else b"}"
        with pytest.raises(Malformed, match=r"exceeded max depth|unexpected end"):
            parse_json(opening * depth + b"1" + closing * depth)

    def test_what_is_wide_is_not_deep(self) -> None:
        assert len(parse_json(b"[" + b"[],{}," * 500 + b"1]")) == 1001

    @pytest.mark.parametrize("body", [b"NaN", b"[Infinity]", b'{"a":-Infinity}'])
    def test_constants_of_javascript_are_none(self, body: bytes) -> None:
        with pytest.raises(Malformed, match=r"looking for beginning of value|in numeric literal"):
            parse_json(body)

    @given(st.binary(max_size=200))
    def test_anything_is_read_or_refused(self, body: bytes) -> None:
        with contextlib.suppress(Malformed):
            parse_json(body)


class TestShape:
    """A body is an object whose kind and version are texts."""

    STRUCT = r'struct { APIVersion string "json:\"apiVersion,omitempty\""; Kind string "json:\"kind,omitempty\"" }'

    @pytest.mark.parametrize(
        ("value", "end"),
        [
            ([], f"array into Go value of type {STRUCT}"),
            ("a", f"string into Go value of type {STRUCT}"),
            (True, f"bool into Go value of type {STRUCT}"),
            ({"kind": 5}, "number into Go struct field .kind of type string"),
            ({"apiVersion": []}, "array into Go struct field .apiVersion of type string"),
        ],
    )
    def test_refusal(self, value: Any, end: str) -> None:
        with pytest.raises(Malformed) as caught:
            check_shape(value)
        assert caught.value.problem == f"couldn't get version/kind; json parse error: json: cannot unmarshal {end}"

    def test_nothing_is_an_empty_object(self) -> None:
        assert check_shape(None) == {}


class TestYaml:
    """YAML is read as go-yaml reads it, within bounds."""

    @pytest.mark.parametrize(
        ("text", "value"),
        [
            ("a: 1\nb: [x, 'y', \"z\"]\n", {"a": 1, "b": ["x", "y", "z"]}),
            ("a: yes\nb: 'yes'\nc: ~\n", {"a": True, "b": "yes", "c": None}),
            ("a: 2026-01-02\nb: 12:30\n", {"a": "2026-01-02", "b": "12:30"}),
            ("a: 0644\nb: 0x1F\nc: 1_000\nd: 1.5e3\n", {"a": 420, "b": 31, "c": 1000, "d": 1500.0}),
            ("1: a\ntrue: b\n", {"1": "a", "true": "b"}),
            ("a: &x {p: 1}\nb: *x\nc: {<<: *x, q: 2}\n", {"a": {"p": 1}, "b": {"p": 1}, "c": {"p": 1, "q": 2}}),
            ("a: {<<: {p: 1, q: 1}, p: 2}\n", {"a": {"p": 2, "q": 1}}),
            ("a: |\n  two\n  lines\n", {"a": "two\nlines\n"}),
            ("a: 1\n---\nb: 2\n", {"a": 1}),
            ("", None),
            ('{"a": "\\u0041"}', {"a": "A"}),
        ],
    )
    def test_value(self, text: str, value: Any) -> None:
        assert load_yaml(text.encode()) == (value, [])

    def test_repeated_keys_are_told(self) -> None:
        assert load_yaml(b"a: 1\nb:\n  c: 1\n  c: 2\na: 2\n") == (
            {"a": 2, "b": {"c": 2}},
            ['line 4: key "c" already set in map', 'line 5: key "a" already set in map'],
        )

    @pytest.mark.parametrize(
        ("text", "fault"),
        [
            ("a: b: c\n", "mapping values are not allowed in this context"),
            ("a: 1\nb: c: d\n", "line 2: mapping values are not allowed in this context"),
            ("a: [1\n", "did not find expected"),
            ("a: &x [*x]\n", "anchor 'x' value contains itself"),
            ("a: *x\n", "unknown anchor 'x' referenced"),
            ("? [a]\n: b\n", "invalid map key"),
            ("[" * 100_000, "exceeded max depth of 200"),
            ("- " * 100_000 + "a", "exceeded max depth of 200"),
            ("a: \x01\n", "control characters are not allowed"),
        ],
    )
    def test_fault(self, text: str, fault: str) -> None:
        with pytest.raises(YamlFault, match=re.escape(fault)):
            load_yaml(text.encode())

    def test_a_bomb_does_not_go_off(self) -> None:
        lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
        lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
        with pytest.raises(YamlFault, match="document contains excessive aliasing"):
            load_yaml("\n".join(lines).encode())

    @given(JSON_VALUES)
    def test_json_is_yaml(self, value: Any) -> None:
        assert load_yaml(json.dumps(value).encode())[0] == value

    @given(st.binary(max_size=200))
    def test_anything_is_read_or_refused(self, body: bytes) -> None:
        with contextlib.suppress(YamlFault):
            load_yaml(body)


class TestMediaTypes:
    """The type says how a body is read."""

    def test_no_type_is_json(self) -> None:
        assert parse("", b'{"a":1}').value == {"a": 1}

    @pytest.mark.parametrize("media_type", ["text/yaml", "text/plain", "application/x-www-form-urlencoded", "x"])
    def test_others_are_refused(self, media_type: str) -> None:
        with pytest.raises(UnsupportedMediaType) as caught:
            parse(media_type, b"{}")
        assert caught.value.message == (
            "the body of the request was in an unknown format - accepted media types include: "
            "application/json, application/yaml, application/vnd.kubernetes.protobuf"
        )
        assert "details" not in caught.value.status()
