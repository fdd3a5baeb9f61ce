"""Templates: Pods that differ in nothing but their name are decoded once.

Flow: body -> plain values -> *decode_alike* -> admission. Nearly all Pods come from the template of some workload,
often hundreds of one within a second. Decoding is pure and its result frozen, so they may share it, all but the name.
"""

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Final

import orjson

from apiserver.handlers.metadata import with_meta
from naru.api import strict
from naru.api.errors import APIError
from naru.api.fields import Shape
from naru.api.meta import KubeObject
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
