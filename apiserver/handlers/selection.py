"""Selection: the selectors of a list, a watch or a deletion, read off the query."""

from apiserver.handlers.call import Call
from apiserver.storage.filter import Filter
from naru.api.selectors import parse_field_selector, parse_label_selector


def filter_of(call: Call) -> Filter:
    """Build the filter that namespace, ``labelSelector`` and ``fieldSelector`` describe.

    Raises:
        BadRequest: a selector cannot be parsed, or names a field that cannot be selected by.
    """
    labels, fields = call.request.query.get("labelSelector", ""), call.request.query.get("fieldSelector", "")
    if call.info.name:  # the deprecated watch of one object
        fields = ",".join(filter(None, (fields, f"metadata.name={call.info.name}")))
    namespace = call.info.namespace if call.resource.namespaced else ""
    return Filter(
        namespace,
        parse_label_selector(labels) if labels else None,
        parse_field_selector(fields) if fields else None,
    )
