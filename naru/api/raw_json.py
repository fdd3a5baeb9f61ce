"""RawJson: JSON inside of JSON that is stored and handed on without being looked at.

A tree of small dicts takes twenty times the memory of its text, and most readers of an object never look into its
managedFields. So such a field is kept as encoded bytes, of which equal ones are shared.

Source: Kubernetes API reference, meta/v1 FieldsV1 and runtime RawExtension: any JSON value.
"""

from functools import lru_cache
from typing import Any

import orjson
from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema


class RawJson(bytes):
    """Encoded JSON: any value on the wire, its text in here."""

    __slots__ = ()

    @classmethod
    def of(cls, value: Any) -> "RawJson":
        """Encode a value."""
        return _shared(orjson.dumps(value))

    @property
    def value(self) -> Any:
        """The decoded value, made anew for each reader."""
        return _decoded(self)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Tell pydantic: any value goes in, and the same value comes out."""
        return core_schema.no_info_after_validator_function(
            _encoded,
            core_schema.any_schema(),
            serialization=core_schema.plain_serializer_function_ser_schema(
                _decoded, return_schema=core_schema.any_schema()
            ),
        )


def _encoded(value: Any) -> RawJson:
    return value if isinstance(value, RawJson) else RawJson.of(value)


def _decoded(value: bytes) -> Any:
    return orjson.loads(memoryview(value))  # orjson takes no subclass of bytes


@lru_cache(maxsize=2048)
def _shared(text: bytes) -> RawJson:
    return RawJson(text)
