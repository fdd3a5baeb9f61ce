"""Defaults of LimitRanges: what is not said of containers follows from what is."""

from typing import Final

from naru.api.quota_v1 import LimitRange, LimitRangeItem


def default_limit_range(limit_range: LimitRange) -> LimitRange:
    """Let the largest limit be the limit, and a limit (or the smallest request) be the request."""
    limits = tuple(map(_default_item, limit_range.spec.limits))
    return limit_range.model_copy(update={"spec": limit_range.spec.model_copy(update={"limits": limits})})


def _default_item(item: LimitRangeItem) -> LimitRangeItem:
    if item.type != "Container":
        return item
    limits = {**item.max, **item.default}
    requests = {**item.min, **limits, **item.default_request}
    return item.model_copy(update={"default": limits, "default_request": requests})


DEFAULTS: Final = {LimitRange: default_limit_range}
