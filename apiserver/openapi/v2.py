"""OpenAPI version 2: one document for everything, made from the version 3 documents.

kubectl falls back on it where version 3 does not help: above all to validate the members of a ``kind: List`` before
it sends them. Generated clients are made of it.

Source: OpenAPI 2.0.
"""

from typing import Any, Final

from apiserver.openapi.scalars import INT_OR_STRING, QUANTITY
from apiserver.openapi.schemas import REF_PREFIX

_DEFINITIONS: Final = "#/definitions/"
_SCALARS: Final = {INT_OR_STRING: {"type": "string", "format": "int-or-string"}, QUANTITY: {"type": "string"}}
_ZEROS: Final[tuple[Any, ...]] = ("", 0, False, {})


def swagger(document_v3: dict[str, Any]) -> dict[str, Any]:
    """Convert a version 3 document."""
    schemas = document_v3["components"]["schemas"]
    definitions = {name: _converted(_SCALARS.get(name, schema)) for name, schema in schemas.items()}
    return {
        "swagger": "2.0",
        "info": document_v3["info"],
        "paths": {path: _path_item(item) for path, item in document_v3["paths"].items()},
        "definitions": definitions,
    }


def _converted(schema: dict[str, Any]) -> dict[str, Any]:
    """Move references, unwrap the ``allOf`` of one, for version 2 lets text stand beside a ``$ref``; drop zeros."""
    result = {key: value for key, value in schema.items() if key != "allOf"}
    for part in schema.get("allOf", ()):
        result |= part
    if result.get("default") in _ZEROS:
        result.pop("default", None)
    for holder in ("items", "additionalProperties"):
        if isinstance(result.get(holder), dict):
            result[holder] = _converted(result[holder])
    if "properties" in result:
        result["properties"] = {name: _converted(inner) for name, inner in result["properties"].items()}
    if "$ref" in result:
        result["$ref"] = result["$ref"].replace(REF_PREFIX, _DEFINITIONS)
    return result


def _path_item(item: dict[str, Any]) -> dict[str, Any]:
    operations = {method: _operation(value) for method, value in item.items() if method != "parameters"}
    return operations | {"parameters": [_parameter(parameter) for parameter in item.get("parameters", ())]}


def _parameter(parameter: dict[str, Any]) -> dict[str, Any]:
    return {**{key: value for key, value in parameter.items() if key != "schema"}, **parameter["schema"]}


def _operation(operation: dict[str, Any]) -> dict[str, Any]:
    body = operation.get("requestBody")
    result = {key: value for key, value in operation.items() if key != "requestBody"}
    result["parameters"] = [_parameter(parameter) for parameter in operation.get("parameters", ())]
    result["responses"] = {code: _response(answer) for code, answer in operation["responses"].items()}
    contents = [answer.get("content", {}) for answer in operation["responses"].values()]
    result |= {"produces": list(dict.fromkeys(kind for content in contents for kind in content)), "schemes": ["https"]}
    if body:
        result["consumes"] = list(body["content"])
        sent = next(iter(body["content"].values()))["schema"]
        result["parameters"].append(
            {"name": "body", "in": "body", "required": body.get("required", False), "schema": _converted(sent)}
        )
    return result


def _response(answer: dict[str, Any]) -> dict[str, Any]:
    if "content" not in answer:
        return {"description": answer["description"]}
    schema = next(iter(answer["content"].values()))["schema"]
    return {"description": answer["description"], "schema": _converted(schema)}
