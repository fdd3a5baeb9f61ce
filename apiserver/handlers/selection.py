"""Selection: the selectors of a list, a watch or a deletion, read off the query."""

from functools import cache
from typing import Any, Final

from pydantic import BaseModel

from apiserver.handlers.call import Call
from apiserver.registry import strategy_for
from apiserver.storage.filter import Filter
from naru.api.errors import BadRequest
from naru.api.scheme import Resource
from naru.api.selectors import FieldMatcher, parse_field_selector, parse_label_selector

ALWAYS_SELECTABLE: Final = ("metadata.name", "metadata.namespace")

# Fields that objects have for those who filter them, but that upstream takes from nobody.
_REFUSED: Final = {("", "nodes"): ("metadata.namespace",), ("", "namespaces"): ("metadata.namespace", "name")}


def filter_of(call: Call) -> Filter:
    """Build the filter that namespace, ``labelSelector`` and ``fieldSelector`` describe.

    Raises:
        BadRequest: a selector cannot be parsed, or names a field that cannot be selected by.
    """
    labels, text = call.request.query.get("labelSelector", ""), call.request.query.get("fieldSelector", "")
    fields = parse_field_selector(text) if text else FieldMatcher()
    check_fields(call.resource, fields)
    if call.info.name:  # the deprecated watch of one object
        if fields.requirements and fields.exact("metadata.name") != call.info.name:
            raise BadRequest("fieldSelector metadata.name doesn't match requested name")
        fields = fields if fields.requirements else parse_field_selector(f"metadata.name={call.info.name}")
    matcher = parse_label_selector(labels) if labels else None
    return Filter(
        call.info.namespace if call.resource.namespaced else "",
        matcher if matcher and matcher.requirements else None,
        fields if fields.requirements else None,
    )


def check_fields(resource: Resource, fields: FieldMatcher) -> None:
    """Refuse a field that objects of this kind cannot be selected by.

    Raises:
        BadRequest: there is one.
    """
    if not fields.requirements:
        return  # and the kind's class is left unloaded, if nobody has asked for it yet
    known = selectable_fields(resource)
    for requirement in fields.requirements:
        if requirement.path in known:
            continue
        if known == ALWAYS_SELECTABLE:
            only = ", ".join(f'"{name}"' for name in known)
            raise BadRequest(f'"{requirement.path}" is not a known field selector: only {only}')
        if (resource.group, resource.plural) == ("batch", "jobs"):
            raise BadRequest(f'field label "{requirement.path}" not supported for Job')
        raise BadRequest(f"field label not supported: {requirement.path}")


@cache
def selectable_fields(resource: Resource) -> tuple[str, ...]:
    """Name the fields that objects of a kind can be selected by, as its strategy tells them of a blank object."""
    refused = _REFUSED.get((resource.group, resource.plural), ())
    fields = strategy_for(resource).selectable_fields(_blank(resource.model))
    return tuple(field for field in fields if field not in refused)


def _blank(model: type[BaseModel]) -> Any:
    """Return an object of a kind with defaults alone, blank ones in the fields that have none."""
    required: dict[str, Any] = {}
    for name, field in model.model_fields.items():
        if field.is_required():
            inner = field.annotation
            required[name] = _blank(inner) if isinstance(inner, type) and issubclass(inner, BaseModel) else ""
    return model.model_construct(**required)
