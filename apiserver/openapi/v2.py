"""OpenAPI version 2: one document for everything, in JSON or in the protobuf form that kubectl asks for.

It is made from the version 3 documents. kubectl falls back on it where version 3 does not help: above all to validate
the members of a ``kind: List`` before it sends them.

Source: OpenAPI 2.0; kube-openapi serves the same media types.
"""

import asyncio
from collections.abc import Sequence
from functools import cache
from typing import Any, Final

from aiohttp import web

from apiserver.documents import Document, document
from apiserver.negotiation import clauses
from apiserver.openapi.protobuf import encode_document
from apiserver.openapi.schemas import INT_OR_STRING, QUANTITY, REF_PREFIX
from apiserver.openapi.v3 import group_document
from naru.api.errors import NotAcceptable
from naru.api.scheme import Resource

PROTOBUF: Final = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf"  # as clients ask
PROTOBUF_ANSWER: Final = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"  # @ is no character of a type

_DEFINITIONS: Final = "#/definitions/"
_SCALARS: Final = {INT_OR_STRING: {"type": "string", "format": "int-or-string"}, QUANTITY: {"type": "string"}}


def add_routes(app: web.Application, resources: Sequence[Resource]) -> None:
    """Serve ``/openapi/v2``."""

    @cache
    def build() -> dict[str, Any]:
        return swagger(group_document(resources))

    @cache
    def encoded(media_type: str) -> Document:
        if media_type == PROTOBUF:
            return document(encode_document(build()), PROTOBUF_ANSWER)
        return document(build())

    async def handler(request: web.Request) -> web.StreamResponse:
        media_type = _media_type(request.headers.get("Accept", "*/*"))
        return (await asyncio.to_thread(encoded, media_type)).respond(request)

    app.router.add_get("/openapi/v2", handler)


def _media_type(accept: str) -> str:
    for clause in clauses(accept):
        if clause.media_type in (PROTOBUF, PROTOBUF_ANSWER):
            return PROTOBUF
        if clause.media_type in ("application/json", "application/*", "*/*", ""):
            return "application/json"
    raise NotAcceptable(f"only the following media types are accepted: application/json, {PROTOBUF}")


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


def _converted(value: Any) -> Any:
    """Move references, and unwrap the ``allOf`` of one: version 2 lets text stand beside a ``$ref``."""
    if isinstance(value, list):
        return [_converted(item) for item in value]
    if not isinstance(value, dict):
        return value
    result = {key: _converted(item) for key, item in value.items() if key != "allOf"}
    for part in value.get("allOf", ()):
        result |= _converted(part)
    target = result.get("$ref")
    if isinstance(target, str):
        result["$ref"] = target.replace(REF_PREFIX, _DEFINITIONS)
    return result


def _path_item(item: dict[str, Any]) -> dict[str, Any]:
    operations = {method: _operation(value) for method, value in item.items() if method != "parameters"}
    return operations | {"parameters": [_parameter(parameter) for parameter in item.get("parameters", ())]}


def _parameter(parameter: dict[str, Any]) -> dict[str, Any]:
    return {**{key: value for key, value in parameter.items() if key != "schema"}, **parameter["schema"]}


def _operation(operation: dict[str, Any]) -> dict[str, Any]:
    body = operation.get("requestBody")
    result = {key: value for key, value in operation.items() if key != "requestBody"}
    result["parameters"] = [_parameter(parameter) for parameter in operation["parameters"]]
    result["responses"] = {code: _response(answer) for code, answer in operation["responses"].items()}
    result["produces"] = [kind for answer in operation["responses"].values() for kind in answer["content"]]
    if body:
        result["consumes"] = list(body["content"])
        sent = next(iter(body["content"].values()))["schema"]
        result["parameters"].append(
            {"name": "body", "in": "body", "required": body.get("required", False), "schema": _converted(sent)}
        )
    return result


def _response(answer: dict[str, Any]) -> dict[str, Any]:
    schema = next(iter(answer["content"].values()))["schema"]
    return {"description": answer["description"], "schema": _converted(schema)}
