"""The way from client-side to server-side apply.

A client-side ``kubectl apply`` keeps what it applied in an annotation. When the same user turns to server-side apply,
the fields in that annotation are the user's own, although managedFields says that another manager (the client-side
kubectl) set them: they are no conflict. And as long as the annotation is there it is kept up to date, so that the way
back stays open. All of this is for the manager ``kubectl`` alone.

Source: apimachinery, "managedfields" (lastAppliedManager, lastAppliedUpdater).
"""

from typing import Any, Final

import orjson

from apiserver.managed_fields.check import DoesNotFit, check
from apiserver.managed_fields.compare import compare
from apiserver.managed_fields.elements import json_text
from apiserver.managed_fields.field_sets import FieldSet, difference, has
from apiserver.managed_fields.types import Type
from apiserver.managed_fields.updater import Conflicts, Document
from apiserver.managed_fields.walk import fields_of_document

KUBECTL: Final = "kubectl"
ANNOTATION: Final = "kubectl.kubernetes.io/last-applied-configuration"
MAX_ANNOTATION_BYTES: Final = 256 << 10  # of all annotations together


def remaining_conflicts(kind: Type, api_version: str, live: Document, conflicts: Conflicts) -> Conflicts:
    """Return the conflicts that are not about what the client-side apply set."""
    own = _last_applied_fields(kind, api_version, live)
    if own is None:
        return conflicts
    return Conflicts((owner, path) for owner, path in conflicts.found if not has(own, path))


def _last_applied_fields(kind: Type, api_version: str, live: Document) -> FieldSet | None:
    """Return the fields of the annotation that still are as it says; None without a usable annotation."""
    try:
        applied = orjson.loads(_annotations(live).get(ANNOTATION) or "null")
    except orjson.JSONDecodeError:
        return None
    if not isinstance(applied, dict) or applied.get("apiVersion") != api_version:
        return None
    try:
        check(kind, applied)
        check(kind, live)
    except DoesNotFit:
        return None
    compared = compare(kind, applied, live)
    fields = difference(fields_of_document(kind, applied), compared.touched)
    return difference(fields, compared.removed)


def with_last_applied(document: Document, applied: Document) -> Document:
    """Return the document with its annotation, if it has one, telling what was applied now."""
    annotations = _annotations(document)
    if not annotations.get(ANNOTATION):
        return document
    others = {name: text for name, text in annotations.items() if name != ANNOTATION}
    kept = {**others, ANNOTATION: json_text(_without_annotation(applied)) + "\n"}
    if sum(len(name.encode()) + len(str(text).encode()) for name, text in kept.items()) > MAX_ANNOTATION_BYTES:
        kept = others
    return {**document, "metadata": {**document["metadata"], "annotations": kept}}


def _without_annotation(applied: Document) -> Document:
    if ANNOTATION not in _annotations(applied):
        return applied
    others = {name: text for name, text in _annotations(applied).items() if name != ANNOTATION}
    return {**applied, "metadata": {**applied["metadata"], "annotations": others}}


def _annotations(document: Document) -> dict[str, Any]:
    metadata = document.get("metadata")
    annotations = metadata.get("annotations") if isinstance(metadata, dict) else None
    return annotations if isinstance(annotations, dict) else {}
