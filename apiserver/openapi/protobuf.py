"""The protobuf form of an OpenAPI 2 document, written by hand.

A protobuf message is a run of fields, each a tag (number and wire type) and a value; every field needed here is a
text, a truth value or another message. That is little enough to write out, and saves generated code.

Source: https://protobuf.dev/programming-guides/encoding/ ; the field numbers are those of gnostic's OpenAPIv2.proto.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import orjson

_VARINT: Final = 0
_LENGTH_DELIMITED: Final = 2

Json = Mapping[str, Any]


def varint(number: int) -> bytes:
    """Encode a non-negative number, seven bits a byte, the lowest first."""
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)


def message(number: int, content: bytes) -> bytes:
    """Encode a field that holds bytes: a message, or a text."""
    return varint(number << 3 | _LENGTH_DELIMITED) + varint(len(content)) + content


def text(number: int, value: str | None) -> bytes:
    """Encode a text; an empty one is left out."""
    return message(number, value.encode()) if value else b""


def texts(number: int, values: Iterable[str]) -> bytes:
    """Encode a repeated text."""
    return b"".join(message(number, value.encode()) for value in values)


def flag(number: int, value: bool) -> bytes:
    """Encode a truth value; false is left out."""
    return varint(number << 3 | _VARINT) + b"\x01" if value else b""


def named(number: int, values: Json, encode: Callable[[Any], bytes]) -> bytes:
    """Encode a map as gnostic does: a repeated message of name and value."""
    return b"".join(message(number, text(1, name) + message(2, encode(value))) for name, value in values.items())


def _any(value: Any) -> bytes:
    return text(2, orjson.dumps(value).decode())  # the field wants YAML, and JSON is YAML


def _extensions(number: int, holder: Json) -> bytes:
    return named(number, {key: value for key, value in holder.items() if key.startswith("x-")}, _any)


def encode_document(document: Json) -> bytes:
    """Encode the whole document (message ``Document``)."""
    info = text(1, document["info"]["title"]) + text(2, document["info"]["version"])
    paths = named(2, document["paths"], _path_item)
    definitions = named(1, document["definitions"], encode_schema)
    return text(1, document["swagger"]) + message(2, info) + message(8, paths) + message(9, definitions)


def encode_schema(schema: Json) -> bytes:
    """Encode one schema (message ``Schema``)."""
    parts = [text(1, schema.get("$ref")), text(2, schema.get("format")), text(4, schema.get("description"))]
    if "default" in schema:
        parts.append(message(5, _any(schema["default"])))
    parts.append(texts(19, schema.get("required", ())))
    parts += [message(20, _any(value)) for value in schema.get("enum", ())]
    if "additionalProperties" in schema:
        parts.append(message(21, message(1, encode_schema(schema["additionalProperties"]))))
    if "type" in schema:
        parts.append(message(22, texts(1, [schema["type"]])))
    if "items" in schema:
        parts.append(message(23, message(1, encode_schema(schema["items"]))))
    if "properties" in schema:
        parts.append(message(25, named(1, schema["properties"], encode_schema)))
    return b"".join(parts) + _extensions(31, schema)


_METHOD_NUMBERS: Final = {"get": 2, "put": 3, "post": 4, "delete": 5, "patch": 8}


def _path_item(item: Json) -> bytes:
    operations = [message(number, _operation(item[name])) for name, number in _METHOD_NUMBERS.items() if name in item]
    return b"".join(operations) + _parameters(9, item["parameters"])


def _operation(operation: Json) -> bytes:
    responses = named(1, operation["responses"], _response)
    return (
        texts(1, operation["tags"])
        + text(5, operation["operationId"])
        + texts(6, operation["produces"])
        + texts(7, operation.get("consumes", ()))
        + _parameters(8, operation["parameters"])
        + message(9, responses)
        + _extensions(13, operation)
    )


def _response(response: Json) -> bytes:
    schema = message(2, message(1, encode_schema(response["schema"]))) if "schema" in response else b""
    return message(1, text(1, response["description"]) + schema)


def _parameters(number: int, parameters: Iterable[Json]) -> bytes:
    return b"".join(message(number, message(1, _parameter(parameter))) for parameter in parameters)


def _parameter(parameter: Json) -> bytes:
    name, where = parameter["name"], parameter["in"]
    required, description = parameter.get("required", False), parameter.get("description")
    if where == "body":
        body = text(1, description) + text(2, name) + text(3, where) + flag(4, required)
        return message(1, body + message(5, encode_schema(parameter["schema"])))
    common = flag(1, required) + text(2, where) + text(3, description) + text(4, name)
    if where == "path":
        return message(2, message(4, common + text(5, parameter["type"]) + text(6, parameter.get("format"))))
    return message(2, message(3, common + text(6, parameter["type"]) + text(7, parameter.get("format"))))
