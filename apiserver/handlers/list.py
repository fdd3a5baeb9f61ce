"""LIST: where the objects of a list come from, and its pages.

A list is true at one revision, however many pages it takes. The cache has the objects as they are now and, by undoing
what happened since, as they were a while ago; what it has forgotten is read from etcd.

Source: Kubernetes documents, "API concepts: resource versions, semantics for get and list", and "retrieving large
results sets in chunks"; KEPs 2340 (consistent reads from cache) and 4988 (snapshots).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from aiohttp import web

from apiserver.handlers.call import Call
from apiserver.handlers.get import be_as_new_as
from apiserver.handlers.list_options import EXACT, ListOptions, parse_revision
from apiserver.handlers.pace import Pace
from apiserver.handlers.pieces import respond_list
from apiserver.handlers.selection import filter_of
from apiserver.storage.cache import WatchCache
from apiserver.storage.caches import CacheBehind
from apiserver.storage.continuation import PageExpired, continue_token, parse_continue
from apiserver.storage.entry import Entry
from apiserver.storage.filter import Filter
from naru.api.errors import BadRequest, Gone
from naru.api.keys import ObjectKey

MAX_PAGE: Final = 200  # objects that are asked of etcd at once: an answer of megabytes would hold up the loop


@dataclass(frozen=True)
class Plan:
    """Which objects are listed: those of now (as new as ``resource_version``), or of exactly one ``revision``."""

    resource_version: str = ""
    revision: int = 0  # 0: now
    start: str = ""  # the path that the page begins at
    limit: int = 0
    is_continued: bool = False


@dataclass(frozen=True)
class Listing:
    """The objects of one page, and what its metadata say."""

    entries: Sequence[Entry]
    revision: int
    namespace: str = ""
    last: str = ""  # path of the last object that was looked at, if there are more
    remaining: int | None = None

    @property
    def metadata(self) -> dict[str, Any]:
        """The ListMeta on the wire."""
        meta: dict[str, Any] = {"resourceVersion": str(self.revision)}
        if self.last:
            scope = f"{self.namespace}/" if self.namespace else ""
            meta["continue"] = continue_token(self.revision, f"{self.last.removeprefix(scope)}\0")
            if self.remaining is not None:
                meta["remainingItemCount"] = self.remaining
        return meta


async def list_objects(call: Call) -> web.StreamResponse:
    """Answer with a list."""
    chosen = filter_of(call)
    listing = await read_list(call, plan_list(ListOptions.of(call.request), chosen.namespace), chosen)
    return await respond_list(call, listing.entries, listing.metadata)


def plan_list(options: ListOptions, namespace: str) -> Plan:
    """Decide which objects are meant.

    Raises:
        BadRequest: the revision or the token cannot be read.
    """
    version = options.resource_version
    limit = 0 if version == "0" else max(options.limit, 0)  # a list of revision 0 is never cut
    if options.token:
        revision, start = parse_continue(options.token)
        if version not in ("", "0"):
            raise BadRequest("specifying resource version is not allowed when using continue")
        start = f"{namespace}/{start}" if namespace else start
        return Plan("", max(revision, 0), start, limit, is_continued=True)
    revision = parse_revision(version, "invalid resource version: ")
    if revision and (options.match == EXACT or (limit and not options.match)):
        return Plan(revision=revision, limit=limit)
    return Plan(version, limit=limit)


async def read_list(call: Call, plan: Plan, chosen: Filter) -> Listing:
    """Collect the objects of one page."""
    caches = call.state.caches
    cache = caches.of(call.resource)
    try:
        await be_as_new_as(call, str(plan.revision or plan.resource_version))
        if not plan.revision:
            return await _page(_candidates(cache, plan, chosen), caches.revision, plan, chosen)
        entries = cache.entries_at(plan.revision, chosen.namespace, plan.start)
        return await _page(entries, plan.revision, plan, chosen)
    except (CacheBehind, Gone):
        return await _from_etcd(call, plan, chosen)


def _candidates(cache: WatchCache, plan: Plan, chosen: Filter) -> Sequence[Entry]:
    """Return the objects that may be meant, in etcd's order."""
    if chosen.name and (chosen.namespace or not cache.resource.namespaced):
        entry = cache.get(ObjectKey(chosen.namespace, chosen.name))
        return [entry] if entry is not None else []
    return cache.entries(chosen.namespace, plan.start)


async def _page(entries: Sequence[Entry], revision: int, plan: Plan, chosen: Filter) -> Listing:
    """Take the first objects that the filter lets through."""
    if chosen.selects:
        found, looked_at = await _choose(entries, chosen, plan.limit)
    elif not plan.limit or plan.limit >= len(entries):
        found, looked_at = entries, len(entries)
    else:
        found, looked_at = entries[: plan.limit], plan.limit
    rest = len(entries) - looked_at
    last = str(entries[looked_at - 1].key) if rest else ""
    return Listing(found, revision, chosen.namespace, last, None if chosen.selects else rest)


async def _choose(entries: Sequence[Entry], chosen: Filter, limit: int) -> tuple[Sequence[Entry], int]:
    """Return the objects that the filter lets through, up to a limit, and how many were looked at."""
    pace, found = Pace(), []
    for number, entry in enumerate(entries, start=1):
        if chosen.matches(entry):
            found.append(entry)
            if len(found) == limit:
                return found, number
        if pace.is_due:
            await pace.step()
    return found, len(entries)


async def _from_etcd(call: Call, plan: Plan, chosen: Filter) -> Listing:
    """Read pages of etcd until enough objects are let through by the filter."""
    found: list[Entry] = []
    start, revision = plan.start, plan.revision
    size = min(plan.limit, MAX_PAGE) or MAX_PAGE
    while True:
        try:
            page = await call.state.store.page(
                call.resource, chosen.namespace, revision=revision, start=start, limit=size
            )
        except Gone:
            if not plan.is_continued:
                raise
            raise PageExpired(start.removeprefix(f"{chosen.namespace}/")) from None
        revision = page.revision
        wanted = plan.limit - len(found) if plan.limit else 0
        more, looked_at = await _choose(page.entries, chosen, wanted)
        found += more
        rest = len(page.entries) - looked_at + page.remaining
        if not rest or (plan.limit and len(found) == plan.limit):
            break
        start, size = f"{page.entries[-1].key}\0", min(2 * size, MAX_PAGE)  # a selector lets few through
    last = str(page.entries[looked_at - 1].key) if rest else ""
    return Listing(found, revision, chosen.namespace, last, None if chosen.selects else rest)
