"""Documents of one kind in other versions: for managers that wrote through another version than the request's.

A manager's fields are named in the version that it wrote in, so that is where they are compared.
"""

from apiserver.managed_fields.types import type_of
from apiserver.managed_fields.updater import Convert, Document, Typed
from naru.api.conversion import to_version
from naru.api.scheme import Resource, by_kind
from naru.api.strict import without_nulls


def converter_of(resource: Resource) -> Convert:
    """Return the conversion between the versions of a kind; it knows no others."""

    def convert(document: Document, version: str, wanted: str) -> Typed | None:
        source, target = by_kind(version, resource.kind), by_kind(wanted, resource.kind)
        if source is None or target is None or source.storage is not target.storage:
            return None
        obj = source.model.model_validate({**without_nulls(document), "apiVersion": version, "kind": resource.kind})
        stored = to_version(obj, source.storage)
        return type_of(target.model), to_version(stored, target).wire()

    return convert
