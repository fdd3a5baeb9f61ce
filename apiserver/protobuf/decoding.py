"""From protobuf to plain dicts, with the types and the numbers of the models.

A Go program writes every field that is no pointer, set or not: an empty text or a moment of zero means "not set" and is
left out here, as it is in JSON.

Source: Kubernetes documents, "API concepts: Kubernetes Protobuf encoding"; k8s.io/apimachinery's runtime.Unknown.
"""

import base64
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import orjson
from pydantic import BaseModel

from apiserver.openapi.scalars import INT_OR_STRING, MICRO_TIME, QUANTITY, TIME, scalar_name
from apiserver.protobuf.numbers import Numbers, numbers_of
from apiserver.protobuf.wire import as_bytes, as_float, as_int, read_fields
from naru.api.authentication_v1 import TokenRequest
from naru.api.autoscaling_v1 import Scale
from naru.api.errors import BadRequest
from naru.api.fields import Field, Shape
from naru.api.options import DeleteOptions
from naru.api.pod_v1 import Binding
from naru.api.policy_v1 import Eviction
from naru.api.scheme import by_kind

MEDIA_TYPE: Final = "application/vnd.kubernetes.protobuf"

_MAGIC: Final = b"k8s\x00"
_TYPE_META, _RAW, _ENCODING = 1, 2, 3  # of runtime.Unknown
_MAX_DEPTH: Final = 64
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

_WITHOUT_RESOURCE: Final[dict[str, type[BaseModel]]] = {
    "Binding": Binding,
    "DeleteOptions": DeleteOptions,
    "Eviction": Eviction,
    "Scale": Scale,
    "TokenRequest": TokenRequest,
}
_ZERO_IS_UNSET: Final = frozenset({"Probe"})  # its numbers are no pointers in Go, and have defaults above zero


def decode(body: bytes) -> dict[str, Any]:
    """Turn a body into what its JSON form would be.

    Raises:
        BadRequest: the body is not an object in the protobuf encoding of Kubernetes.
    """
    if not body.startswith(_MAGIC):
        raise BadRequest("provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]")
    try:
        envelope = dict(read_fields(body[len(_MAGIC) :]))
        if as_bytes(envelope.get(_ENCODING, b"")):
            raise ValueError("its content is compressed, which is not read here")
        types = dict(read_fields(as_bytes(envelope.get(_TYPE_META, b""))))
        api_version, kind = (_text(as_bytes(types.get(number, b""))) for number in (1, 2))
        content = _message(as_bytes(envelope.get(_RAW, b"")), _model(api_version, kind), 0)
    except (ValueError, OverflowError) as error:
        raise BadRequest(f"error decoding protobuf: {error}") from error
    return {"kind": kind, "apiVersion": api_version, **content}


def _model(api_version: str, kind: str) -> type[BaseModel]:
    resource = by_kind(api_version, kind)
    model = resource.model if resource else _WITHOUT_RESOURCE.get(kind)
    if model is None:
        raise ValueError(f'no kind "{kind}" is registered for version "{api_version}"')
    return model


def _message(content: bytes, model: type[BaseModel], depth: int, numbers: Numbers | None = None) -> dict[str, Any]:
    """Decode one message; ``numbers`` are those of an embedded one, whose fields are the model's own."""
    if depth > _MAX_DEPTH:
        raise ValueError("messages are nested too deeply")
    table = numbers_of(model) if numbers is None else numbers
    result: dict[str, Any] = {}
    for number, raw in read_fields(content):
        target = table.get(number)
        if isinstance(target, dict):
            result |= _message(as_bytes(raw), model, depth + 1, target)
        elif target is not None:
            _add(result, target, raw, model, depth)
    return result


def _add(result: dict[str, Any], field: Field, raw: int | bytes, model: type[BaseModel], depth: int) -> None:
    name, shape = field.name, field.shape
    if shape.items:
        result.setdefault(name, []).append(_value(raw, shape.items, depth))
    elif shape.values:
        entry = dict(read_fields(as_bytes(raw)))
        key, value = _text(as_bytes(entry.get(1, b""))), _value(entry.get(2, b""), shape.values, depth)
        result.setdefault(name, {})[key] = value
    else:
        value = _value(raw, shape, depth)
        if not _is_unset(value, field, model):
            result[name] = value


def _is_unset(value: Any, field: Field, model: type[BaseModel]) -> bool:
    if value in ("", None) or (value == 0 and model.__name__ in _ZERO_IS_UNSET):
        return True
    return bool(value == field.info.get_default())


def _value(raw: int | bytes, shape: Shape, depth: int) -> Any:
    if shape.model:
        return _message(as_bytes(raw), shape.model, depth + 1)
    if shape.items:  # a list as the value of a map is a message of its own, which has nothing but the list
        return [_value(item, shape.items, depth + 1) for _, item in read_fields(as_bytes(raw))]
    match scalar_name(shape):
        case str(name) if name in (TIME, MICRO_TIME):
            return _time(dict(read_fields(as_bytes(raw))), micro=name == MICRO_TIME)
        case str(name) if name == QUANTITY:
            return _text(as_bytes(dict(read_fields(as_bytes(raw))).get(1, b"")))
        case str(name) if name == INT_OR_STRING:
            return _int_or_string(dict(read_fields(as_bytes(raw))))
    return _plain(raw, shape.scalar)


def _plain(raw: int | bytes, scalar: Any) -> Any:
    if scalar is bool:
        return as_int(raw) != 0
    if scalar is int:
        return as_int(raw)
    if scalar is float:
        return as_float(raw)
    if scalar is bytes:
        return base64.b64encode(as_bytes(raw)).decode()
    if isinstance(scalar, type) and issubclass(scalar, str):
        return _text(as_bytes(raw))
    return orjson.loads(as_bytes(dict(read_fields(as_bytes(raw))).get(1, b"")) or b"null")  # FieldsV1, JSON within


def _time(parts: dict[int, int | bytes], *, micro: bool) -> str | None:
    if not parts:
        return None  # Go's zero time
    moment = _EPOCH + timedelta(seconds=as_int(parts.get(1, 0)), microseconds=as_int(parts.get(2, 0)) // 1_000)
    return moment.replace(tzinfo=None).isoformat(timespec="microseconds" if micro else "seconds") + "Z"


def _int_or_string(parts: dict[int, int | bytes]) -> int | str:
    return _text(as_bytes(parts.get(3, b""))) if as_int(parts.get(1, 0)) else as_int(parts.get(2, 0))


def _text(raw: bytes) -> str:
    return raw.decode()  # a UnicodeDecodeError is a ValueError
