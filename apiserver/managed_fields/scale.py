"""The record of an object as its scale shows it: whoever owns its number of replicas owns that of the scale.

Flow: the object's record -> *to_scale* -> FieldManager of the Scale -> *to_parent* -> the object's record.

Source: apimachinery, "managedfields" (ScaleHandler).
"""

from dataclasses import replace
from typing import Final

from apiserver.managed_fields.field_manager import FieldManager
from apiserver.managed_fields.field_sets import Path, difference, has, set_of
from apiserver.managed_fields.managers import Managed, Owned
from apiserver.managed_fields.types import type_of, zero_document
from apiserver.managed_fields.updater import Updater
from naru.api.autoscaling_v1 import Scale

SCALE_VERSION: Final = "autoscaling/v1"
REPLICAS: Final[Path] = ("f:spec", "f:replicas")  # in a Scale, and in every built-in kind that has one

SCALE_MANAGER: Final = FieldManager(Updater(type_of(Scale), SCALE_VERSION), "scale", zero_document(Scale))


def to_scale(parent: Managed, path: Path = REPLICAS) -> Managed:
    """Return what of an object's record is about its scale."""
    replicas = set_of([REPLICAS])
    return {
        who: replace(owned, fields=replicas, api_version=SCALE_VERSION)
        for who, owned in parent.items()
        if has(owned.fields, path)
    }


def to_parent(scale: Managed, parent: Managed, api_version: str, path: Path = REPLICAS) -> Managed:
    """Return an object's record after its scale was written, whose record says who owns the replicas now.

    As upstream has it, an owner that comes by the scale has no time.
    """
    replicas, result = set_of([path]), {}
    for who, owned in parent.items():
        fields = owned.fields if who in scale else difference(owned.fields, replicas)
        if fields:
            result[who] = owned if fields is owned.fields else replace(owned, fields=fields)
    for who, owned in scale.items():
        if has(owned.fields, REPLICAS) and not (who in parent and has(parent[who].fields, path)):
            result[who] = Owned(replicas, api_version, parent[who].time if who in parent else None)
    return result
