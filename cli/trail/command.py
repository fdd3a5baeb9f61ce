"""`naru trail`: read the API server's ring of writes, and show the part that led to an object, or follow all of it."""

import asyncio
from typing import Final

import orjson

from cli.faults import ExitCode, Fault
from cli.session import Session
from cli.trail.render import forest_lines, record_line
from cli.trail.tree import ObjectName, Record, build_tree, trail_of
from cli.verbs.names import Target
from naru.client.errors import ConnectionFailed

PATH: Final = "/naru/trail"
_RECONNECT_S: Final = 0.5


async def show(session: Session, target: Target | None) -> int:
    """Print the trees that the target has a part in; without a target all of them.

    Raises:
        Fault: the ring holds nothing of the target.
    """
    records = await _records(session)
    roots = build_tree(records)
    if target is not None:
        roots = trail_of(roots, await _wanted(session, target, records))
    if not roots:
        raise Fault(
            f"the trail has nothing of {target or 'anybody'}: it keeps 4096 writes, from the API server's start on",
            code=ExitCode.NOT_FOUND,
        )
    print("\n".join(forest_lines(roots)))
    return ExitCode.OK


async def follow(session: Session, target: Target | None) -> int:
    """Print writes as they happen, until interrupted; of a target, its own and those that follow from them."""
    records = await _records(session)
    related = _Related(await _wanted(session, target, records) if target else None)
    for record in records:
        related.concerns(record)
    last_id = records[-1].id if records else 0
    while True:
        try:
            params = {"since": str(last_id), "watch": "1"}
            async with session.client.open(PATH, params=params) as stream:
                async for line in stream.lines():
                    record = Record.of(orjson.loads(line))
                    last_id = record.id
                    if related.concerns(record):
                        print(record_line(record), flush=True)
        except ConnectionFailed:
            await asyncio.sleep(_RECONNECT_S)  # the API server restarts: its ring starts anew


class _Related:
    """Knows which objects a target's changes have led to so far."""

    def __init__(self, wanted: ObjectName | None) -> None:
        self._everything = wanted is None
        self._known = {_key(wanted)} if wanted else set()

    def concerns(self, record: Record) -> bool:
        """Tell whether a record is of the target or follows from it, and remember its object if so."""
        if self._everything:
            return True
        caused = record.cause is not None and _key(record.cause) in self._known
        if caused:
            self._known.add(_key(record.object))
        return caused or _key(record.object) in self._known


def _key(name: ObjectName) -> tuple[str, str, str]:
    return (name.kind, name.namespace, name.name)


async def _records(session: Session) -> list[Record]:
    body = await session.client.raw("GET", PATH)
    return [Record.of(item) for item in body["items"]]


async def _wanted(session: Session, target: Target, records: list[Record]) -> ObjectName:
    """Name the target; of several namesakes the last one."""
    namespace = session.namespace if target.resource.namespaced else ""
    name = ObjectName(target.resource.kind, namespace, target.name)
    uids = [record.object.uid for record in records if record.object.is_same(name)]
    return ObjectName(name.kind, name.namespace, name.name, uids[-1]) if uids else name
