"""Templates: what objects have in common, with others or with what they were before, is decoded once.

Flow: body -> plain values -> *decode_alike*, *decode_changed* -> admission.

Nearly all Pods come from the template of some workload, often hundreds of one within a second, and are changed soon
after: their status, a label. Decoding is pure and its result frozen, so objects may share it: all but the name, or all
but what has changed.
"""

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Final

import orjson

from apiserver.handlers.metadata import with_meta
from naru.api import strict
from naru.api.defaults import with_defaults
from naru.api.errors import APIError
from naru.api.fields import Shape, fields_of
from naru.api.meta import KubeObject
from naru.api.model import Model
from naru.api.pod_v1 import Pod

KEPT: Final = 128  # templates; one takes some 30 KB
MAX_BYTES: Final = 16 << 10  # of one that is kept
KIND: Final = "Pod"
VERSION: Final = "v1"


@dataclass(frozen=True)
class Decoded:
    """An object, and the paths of its fields that have no effect."""

    obj: KubeObject
    inert: tuple[str, ...]


def decode_alike(model: type[KubeObject], raw: dict[str, Any]) -> Decoded | None:
    """Decode an object by what is known of those that are like it.

    None if its kind is none of which there are many, or if something is wrong with it, which is for others to say.
    """
    metadata = raw.get("metadata")
    if model is not Pod or not isinstance(metadata, dict) or not isinstance(name := metadata.get("name", ""), str):
        return None
    nameless = {**raw, "metadata": {field: value for field, value in metadata.items() if field != "name"}}
    try:
        text = orjson.dumps(nameless, option=orjson.OPT_PASSTHROUGH_SUBCLASS)  # not if it gives a field twice
    except TypeError:
        return None
    template = _template(text) if len(text) <= MAX_BYTES else None
    return replace(template, obj=with_meta(template.obj, name=name)) if template is not None else None


@lru_cache(maxsize=KEPT)
def _template(text: bytes) -> Decoded | None:
    raw = orjson.loads(text)
    if raw.get("kind", KIND) != KIND or raw.get("apiVersion", VERSION) != VERSION:
        return None
    if strict.oddities(raw, Shape(model=Pod)) & strict.OUT_OF_PLACE:
        return None
    try:
        obj = strict.decode(Pod, raw)
    except APIError:
        return None
    return Decoded(obj, tuple(strict.stored_only_fields(raw, Pod)))


def changed_parts(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """Return the fields at the top of a document that are not written as they were."""
    return {name: value for name, value in new.items() if name not in old or _text(old[name]) != _text(value)}


def _text(value: Any) -> bytes:
    """Write a value; unlike ``==`` this tells 1 from 1.0 and from true. What cannot be written is like nothing else."""
    try:
        return orjson.dumps(value)
    except TypeError:
        return b""


def decode_changed(
    obj: KubeObject, old: dict[str, Any], new: dict[str, Any], news: dict[str, Any]
) -> KubeObject | None:
    """Decode a new state of an object, which shares what did not change.

    None if a part has gone or is no object, or if something is wrong with it, which is for others to say.

    Args:
        old: the wire form of ``obj``.
        news: the parts of ``new`` that differ from ``old``.
    """
    fields, changed = fields_of(type(obj)), {}
    if not old.keys() <= new.keys():
        return None
    for name, value in news.items():
        part = fields[name].shape.model if name in fields else None
        if part is None or not issubclass(part, Model) or not isinstance(value, dict):
            return None
        try:
            changed[fields[name].attribute] = strict.decode(part, value)
        except APIError:
            return None
    decoded = obj.model_copy(update=changed)
    defaulted = with_defaults(decoded)
    return decoded if defaulted == decoded else defaulted  # most often nothing is to be filled in, and all is shared
