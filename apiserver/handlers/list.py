"""LIST: where the objects of a list come from, and its pages.

A list is true at one revision, however many pages it takes. The first page is made from the cache; the pages that
follow are read from etcd as it was at the revision of the first.

Source: Kubernetes documents, "API concepts: resource versions, semantics for get and list", and "retrieving large
results sets in chunks".
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Any

from aiohttp import web

from apiserver.handlers.call import Call
from apiserver.handlers.get import be_as_new_as, parse_revision
from apiserver.handlers.output import list_of, respond
from apiserver.handlers.selection import filter_of
from apiserver.storage.entry import Entry
from apiserver.storage.filter import Filter
from apiserver.storage.store import continue_token, parse_continue
from naru.api.errors import BadRequest, FieldError, invalid


@dataclass(frozen=True)
class Plan:
    """Where a list comes from: the cache (as new as ``resource_version``) or etcd (at ``revision``)."""

    resource_version: str = ""
    revision: int = 0  # exactly this one, from etcd; 0: from the cache
    after: str = ""  # the last path of the page before
    limit: int = 0


@dataclass(frozen=True)
class Listing:
    """The objects of one page, and what its metadata say."""

    entries: list[Entry]
    revision: int
    last: str = ""  # path of the last object when more follow
    remaining: int | None = None

    @property
    def metadata(self) -> dict[str, Any]:
        """The ListMeta on the wire."""
        meta: dict[str, Any] = {"resourceVersion": str(self.revision)}
        if self.last:
            meta["continue"] = continue_token(self.revision, self.last)
            if self.remaining:
                meta["remainingItemCount"] = self.remaining
        return meta


async def list_objects(call: Call) -> web.StreamResponse:
    """Answer with a list."""
    plan, chosen = plan_list(call), filter_of(call)
    if plan == Plan(plan.resource_version) and chosen == Filter() and call.form.is_plain:
        return await _whole(call, plan)
    listing = await read_list(call, plan, chosen)
    body = call.form.many(call.resource, listing.entries, listing.metadata)
    return await respond(call.request, body, call.form)


def plan_list(call: Call) -> Plan:
    """Decide where the list comes from.

    Raises:
        BadRequest: the parameters contradict each other.
    """
    query = call.request.query
    version, match = query.get("resourceVersion", ""), query.get("resourceVersionMatch", "")
    limit, token = call.number("limit") or 0, query.get("continue", "")
    _check_match(version, match, token)
    if token:
        if version not in ("", "0"):
            raise BadRequest("specifying resource version is not allowed when using continue")
        revision, after = parse_continue(token)
        return Plan(revision=revision, after=after, limit=limit)
    if version not in ("", "0") and (match == "Exact" or (limit and not match)):
        return Plan(revision=parse_revision(version), limit=limit)
    return Plan(version, limit=limit)


def _check_match(version: str, match: str, token: str) -> None:
    problem = ""
    if match and not version:
        problem = "Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided"
    elif match and token:
        problem = "Forbidden: resourceVersionMatch is forbidden when continue is provided"
    elif match not in ("", "Exact", "NotOlderThan"):
        problem = f'Unsupported value: "{match}": supported values: "Exact", "NotOlderThan"'
    elif match == "Exact" and version == "0":
        problem = 'Forbidden: resourceVersionMatch "exact" is forbidden for resourceVersion "0"'
    if problem:
        error = FieldError("resourceVersionMatch", "FieldValueForbidden", problem)
        raise invalid("meta.k8s.io", "ListOptions", "", [error])


async def _whole(call: Call, plan: Plan) -> web.StreamResponse:
    """Answer with all objects of the resource, whose encoding the cache keeps until one changes."""
    await be_as_new_as(call, plan.resource_version)
    caches = call.state.caches
    joined = caches.of(call.resource).joined()
    body = list_of(call.resource, joined, {"resourceVersion": str(caches.revision)})
    return await respond(call.request, body, call.form)


async def read_list(call: Call, plan: Plan, chosen: Filter) -> Listing:
    """Collect the objects of one page."""
    if plan.revision:
        return await _from_etcd(call, plan, chosen)
    await be_as_new_as(call, plan.resource_version)
    caches = call.state.caches
    found = caches.of(call.resource).scan(chosen)
    if not plan.limit:
        return Listing(list(found), caches.revision)
    entries = list(islice(found, plan.limit))
    remaining = sum(1 for _ in found)
    last = str(entries[-1].key) if remaining else ""
    return Listing(entries, caches.revision, last, None if chosen.selects else remaining)


async def _from_etcd(call: Call, plan: Plan, chosen: Filter) -> Listing:
    """Read pages of etcd until enough objects are let through by the filter."""
    entries: list[Entry] = []
    after, revision = plan.after, plan.revision
    while True:
        page = await call.state.store.page(
            call.resource, chosen.namespace, revision=revision, after=after, limit=plan.limit
        )
        entries += _chosen(page.entries, chosen)
        if page.entries:
            after = str(page.entries[-1].key)
        if not page.remaining or not page.entries:
            break
        if plan.limit and len(entries) >= plan.limit:
            break
    if plan.limit and len(entries) > plan.limit:
        kept = entries[: plan.limit]
        return Listing(kept, revision, str(kept[-1].key))
    return Listing(entries, revision, after if page.remaining else "", None if chosen.selects else page.remaining)


def _chosen(entries: Iterable[Entry], chosen: Filter) -> list[Entry]:
    return [entry for entry in entries if chosen.matches(entry)]
