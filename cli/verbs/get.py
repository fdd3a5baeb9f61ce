"""`naru get`: objects as the server's tables, as YAML or JSON, or as names; once, or as they change.

Flow: targets -> GET with ``Accept: ...as=Table`` -> *rows* -> stdout. The server knows the columns of every kind;
nothing here does.

Source: Kubernetes API reference, meta/v1 Table; "Receiving resources as Tables" in the API concepts.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from cli.faults import ExitCode, Fault
from cli.session import Session
from cli.tables import column_widths, pad, plain_table
from cli.verbs.names import Target, full_name
from cli.verbs.output import check_form, render
from naru.api.errors import Gone, NotFound
from naru.api.scheme import Resource

TABLE: Final = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"
FORMS: Final = ("wide", "yaml", "json", "name")


@dataclass(frozen=True)
class Query:
    """What to get, and how to show it."""

    targets: tuple[Target, ...]
    form: str = ""
    all_namespaces: bool = False
    label_selector: str = ""
    field_selector: str = ""
    watch: bool = False
    show_headers: bool = True
    ignore_not_found: bool = False
    show_labels: bool = False


@dataclass
class Table:
    """The server's table of one kind."""

    columns: list[dict[str, Any]]
    rows: list[dict[str, Any]]
    resource_version: str = ""
    widths: list[int] = field(default_factory=list)

    @classmethod
    def read(cls, body: dict[str, Any]) -> "Table":
        """Take a Table from the wire."""
        version = str(body.get("metadata", {}).get("resourceVersion", ""))
        return cls(body.get("columnDefinitions") or [], body.get("rows") or [], version)


async def get(session: Session, query: Query) -> int:
    """Print what the query asks for; return the exit code."""
    check_form(query.form, FORMS)
    if query.watch:
        return await _watch(session, query)
    if query.form in ("", "wide"):
        return await _print_tables(session, query)
    objects, missing = await _objects(session, query)
    if query.form == "name":
        for resource, item in objects:
            print(full_name(resource, item["metadata"]["name"]))
    elif objects or not missing:
        single = len(query.targets) == 1 and bool(query.targets[0].name)
        print(render([item for _, item in objects], query.form, as_list=not single))
    return _report_missing(missing, query)


def path_of(session: Session, query: Query, target: Target) -> str:
    """Return the URL path of a target, or of the collection that holds it."""
    namespace = "" if query.all_namespaces else session.namespace
    if target.name and query.all_namespaces and target.resource.namespaced:
        raise Fault("an object cannot be named across all namespaces: leave out -A", code=ExitCode.USAGE)
    return target.resource.path(namespace, target.name)


def params_of(query: Query) -> dict[str, str]:
    """Return the selectors as query parameters."""
    params = {"labelSelector": query.label_selector, "fieldSelector": query.field_selector}
    return {name: value for name, value in params.items() if value}


def cells_of(table: Table, query: Query, resource: Resource, *, prefix: bool) -> list[list[str]]:
    """Choose and write the cells of each row; the first line is the header."""
    wide = query.form == "wide"
    shown = [number for number, column in enumerate(table.columns) if wide or not column.get("priority")]
    namespaced = query.all_namespaces and resource.namespaced
    header = ["NAMESPACE"] * namespaced + [table.columns[number]["name"].upper() for number in shown]
    lines = [header + ["LABELS"] * query.show_labels]
    for row in table.rows:
        metadata = row.get("object", {}).get("metadata", {})
        cells = [_text(row["cells"][number]) for number in shown]
        if prefix and cells:
            cells[0] = full_name(resource, cells[0])
        lines.append([metadata.get("namespace", "")] * namespaced + cells + _labels(metadata) * query.show_labels)
    return lines


async def _print_tables(session: Session, query: Query) -> int:
    """Print one table a kind; several tables are told apart by the kind before each name."""
    missing: list[str] = []
    printed = False
    many = len({target.resource.kind for target in query.targets}) > 1
    for resource, targets in _by_resource(query.targets):
        table = await _table(session, query, targets, missing)
        if table is None or not table.rows:
            continue
        lines = cells_of(table, query, resource, prefix=many)
        header = lines[0] if query.show_headers else []
        print(("\n" if printed else "") + plain_table(header, lines[1:]))
        printed = True
    if not printed and not missing:
        where = "" if query.all_namespaces else f" in {session.namespace} namespace"
        namespaced = any(target.resource.namespaced for target in query.targets)
        print(f"No resources found{where if namespaced else ''}.", file=sys.stderr)
    return _report_missing(missing, query)


async def _table(session: Session, query: Query, targets: Sequence[Target], missing: list[str]) -> Table | None:
    joined: Table | None = None
    for target in targets:
        params = params_of(query) if not target.name else {}
        try:
            body = await session.client.raw(
                "GET", path_of(session, query, target), params=params, headers={"Accept": TABLE}
            )
        except NotFound as error:
            missing.append(error.message)
            continue
        table = Table.read(body)
        if joined is None:
            joined = table
        else:
            joined.rows += table.rows
    return joined


async def _objects(session: Session, query: Query) -> tuple[list[tuple[Resource, dict[str, Any]]], list[str]]:
    found: list[tuple[Resource, dict[str, Any]]] = []
    missing: list[str] = []
    for target in query.targets:
        params = params_of(query) if not target.name else {}
        try:
            body = await session.client.raw("GET", path_of(session, query, target), params=params)
        except NotFound as error:
            missing.append(error.message)
            continue
        kind = {"apiVersion": target.resource.api_version, "kind": target.resource.kind}
        items = [body] if target.name else [kind | item for item in body.get("items") or ()]
        found += [(target.resource, item) for item in items]
    return found, missing


async def _watch(session: Session, query: Query) -> int:
    """Print the table, then a line for each change, until interrupted."""
    if len({target.resource for target in query.targets}) != 1 or len(query.targets) > 1:
        raise Fault("--watch follows one kind, or one object, at a time", code=ExitCode.USAGE)
    if query.form not in ("", "wide"):
        raise Fault("--watch prints tables: -o wide, or no -o", code=ExitCode.USAGE)
    target = query.targets[0]
    if target.name:
        selector = ",".join(part for part in (query.field_selector, f"metadata.name={target.name}") if part)
        query = _replace_selector(query, selector)
        target = Target(target.resource)
    while True:
        body = await session.client.raw(
            "GET", path_of(session, query, target), params=params_of(query), headers={"Accept": TABLE}
        )
        table = Table.read(body)
        _print_rows(table, query, target.resource, header=query.show_headers)
        try:
            await _follow(session, query, target, table)
        except Gone:
            continue  # too far behind: start over with a list


async def _follow(session: Session, query: Query, target: Target, table: Table) -> None:
    version = table.resource_version
    while True:
        params = params_of(query) | {"watch": "true", "resourceVersion": version, "allowWatchBookmarks": "true"}
        async with session.client.open(path_of(session, query, target), params=params, accept=TABLE) as stream:
            async for line in stream.lines():
                version = _print_event(orjson.loads(line), table, query, target.resource) or version


def _print_event(event: dict[str, Any], table: Table, query: Query, resource: Resource) -> str:
    """Print a change; return the version that it brings."""
    body = event["object"]
    if event["type"] == "ERROR":
        raise Gone(str(body.get("message", "the watch ended")))
    if event["type"] == "BOOKMARK":
        return str(body.get("metadata", {}).get("resourceVersion", ""))
    table.rows = body.get("rows") or []
    _print_rows(table, query, resource, header=False)
    metadata = table.rows[0].get("object", {}).get("metadata", {}) if table.rows else {}
    return str(metadata.get("resourceVersion", ""))


def _print_rows(table: Table, query: Query, resource: Resource, *, header: bool) -> None:
    lines = cells_of(table, query, resource, prefix=False)
    widths = column_widths(lines)
    table.widths = [max(pair) for pair in zip(widths, table.widths or widths, strict=True)]
    for line in lines if header else lines[1:]:
        print(pad(line, table.widths), flush=True)


def _by_resource(targets: Sequence[Target]) -> list[tuple[Resource, list[Target]]]:
    groups: dict[Resource, list[Target]] = {}
    for target in targets:
        groups.setdefault(target.resource, []).append(target)
    return list(groups.items())


def _replace_selector(query: Query, selector: str) -> Query:
    return Query(**(vars(query) | {"field_selector": selector}))


def _report_missing(missing: Sequence[str], query: Query) -> int:
    if not missing or query.ignore_not_found:
        return ExitCode.OK
    for message in missing:
        print(f"naru: {message}", file=sys.stderr)
    return ExitCode.NOT_FOUND


def _text(cell: object) -> str:
    return "<none>" if cell is None or cell == "" else str(cell)


def _labels(metadata: dict[str, Any]) -> list[str]:
    labels = metadata.get("labels") or {}
    return [",".join(f"{name}={value}" for name, value in sorted(labels.items())) or "<none>"]
