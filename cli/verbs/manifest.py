"""Read manifests: YAML or JSON, several documents a file, each remembering the line of every field.

Flow: ``-f`` arguments -> files -> *Document* -> apply, delete. A message of the server that names a field is given
the file and line of that field back.
"""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from re import compile as pattern
from typing import Any, Final

import yaml

from cli.faults import ExitCode, Fault
from naru.api.scheme import RESOURCES, Resource, by_kind

SUFFIXES: Final = (".yaml", ".yml", ".json")
STDIN: Final = "-"
_STEP: Final = pattern(r"\.?([^.\[\]]+)|\[([^\]]*)\]")
_BASE: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_BASE):  # type: ignore[misc,valid-type]  # one of two classes, whichever this machine has
    """YAML without dates: Kubernetes keeps them as text."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, expression) for tag, expression in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in _BASE.yaml_implicit_resolvers.items()
}


@dataclass(frozen=True)
class Document:
    """One object of a manifest."""

    source: str
    node: yaml.Node
    content: dict[str, Any]
    resource: Resource

    @property
    def name(self) -> str:
        """The object's name."""
        return str(self.content["metadata"]["name"])

    @property
    def namespace(self) -> str:
        """The object's namespace; empty when the manifest leaves it open."""
        return str(self.content["metadata"].get("namespace") or "")

    def place(self, field: str = "") -> str:
        """Return ``FILE:LINE`` of a field such as ``spec.containers[0].image``, or of what is nearest above it."""
        return f"{self.source}:{line_of(self.node, field)}"


def read_documents(sources: Sequence[str]) -> list[Document]:
    """Read every object of the files, directories and (``-``) standard input.

    Raises:
        Fault: a file cannot be read, or something in it is no object; the message names file and line.
    """
    documents = [document for source in sources for name, text in _texts(source) for document in parse(name, text)]
    if not documents:
        raise Fault(f"no objects found in {', '.join(sources)}", code=ExitCode.USAGE)
    return documents


def parse(source: str, text: str) -> list[Document]:
    """Read the objects of one file; a ``List`` stands for its items."""
    try:
        nodes = [node for node in yaml.compose_all(text, Loader=_Loader) if not _is_empty(node)]
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f"{source}:{mark.line + 1}:{mark.column + 1}" if mark else source
        problem = " ".join(part for part in (error.context, error.problem) if part)
        raise Fault(f"{where}: not YAML: {problem}", code=ExitCode.USAGE) from error
    except yaml.YAMLError as error:
        raise Fault(f"{source}: not YAML: {error}", code=ExitCode.USAGE) from error
    return [document for node in nodes for document in _documents(source, node)]


def line_of(node: yaml.Node, field: str) -> int:
    """Return the line where a field, or the nearest thing above it that exists, is written."""
    line: int = node.start_mark.line + 1
    for name, index in _STEP.findall(field):
        found = _member(node, name or index)
        if found is None:
            return line
        line, node = found
    return line


def _member(node: yaml.Node, step: str) -> tuple[int, yaml.Node] | None:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == step:
                return key.start_mark.line + 1, value
    if isinstance(node, yaml.SequenceNode) and step.isdecimal() and int(step) < len(node.value):
        item = node.value[int(step)]
        return item.start_mark.line + 1, item
    return None


def _documents(source: str, node: yaml.Node) -> Iterator[Document]:
    if not isinstance(node, yaml.MappingNode):
        raise _wrong(source, node, "an object must be a mapping with apiVersion, kind and metadata")
    _refuse_duplicates(source, node)
    content = _construct(source, node)
    items = _member(node, "items")
    if content.get("kind") == "List" and items is not None:
        for item in items[1].value:
            yield from _documents(source, item)
        return
    yield Document(source, node, content, _check(source, node, content))


def _check(source: str, node: yaml.Node, content: dict[str, Any]) -> Resource:
    """Find the kind, and refuse an object that cannot be sent anywhere."""
    for field in ("apiVersion", "kind"):
        if not isinstance(content.get(field), str):
            raise _wrong(source, node, f"{field}: Required value", field)
    resource = by_kind(content["apiVersion"], content["kind"])
    if resource is None:
        known = [f"{known.kind} ({known.api_version})" for known in RESOURCES]
        same = [entry for entry in known if entry.split()[0] == content["kind"]]
        hint = f"did you mean {same[0]}?" if same else f"known kinds: {', '.join(known)}"
        message = f'no kind "{content["kind"]}" in version "{content["apiVersion"]}"'
        raise _wrong(source, node, message, "apiVersion" if same else "kind", hint)
    metadata = content.get("metadata")
    if not isinstance(metadata, dict):
        raise _wrong(source, node, "metadata: Required value", "metadata")
    if not isinstance(metadata.get("name"), str) or not metadata["name"]:
        raise _wrong(source, node, "metadata.name: Required value", "metadata.name")
    return resource


def _refuse_duplicates(source: str, node: yaml.Node, path: str = "") -> None:
    """Refuse a key that is given twice: YAML would silently keep the last."""
    if isinstance(node, yaml.SequenceNode):
        for number, item in enumerate(node.value):
            _refuse_duplicates(source, item, f"{path}[{number}]")
    if not isinstance(node, yaml.MappingNode):
        return
    seen: set[str] = set()
    for key, value in node.value:
        name = str(key.value)
        field = f"{path}.{name}" if path else name
        if name in seen:
            raise _wrong(source, key, f"{field} is given twice")
        seen.add(name)
        _refuse_duplicates(source, value, field)


def _construct(source: str, node: yaml.Node) -> dict[str, Any]:
    try:
        content = yaml.SafeLoader.construct_document(yaml.SafeLoader(""), node)
    except yaml.MarkedYAMLError as error:
        raise _wrong(source, node, f"not YAML: {error.problem}") from error
    return dict(content)


def _texts(source: str) -> Iterator[tuple[str, str]]:
    if source == STDIN:
        yield "stdin", sys.stdin.read()
        return
    path = Path(source)
    try:
        if not path.is_dir():
            yield source, path.read_text()
            return
        for file in sorted(path.iterdir()):
            if file.suffix in SUFFIXES and file.is_file():
                yield str(file), file.read_text()
    except OSError as error:
        raise Fault(f"{error.filename or source}: {error.strerror}", code=ExitCode.USAGE) from error
    except UnicodeDecodeError as error:
        raise Fault(f"{source}: not a text file: {error.reason}", code=ExitCode.USAGE) from error


def _is_empty(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.value in ("", "null", "~")


def _wrong(source: str, node: yaml.Node, message: str, field: str = "", remedy: str = "") -> Fault:
    return Fault(f"{source}:{line_of(node, field)}: {message}", remedy=remedy, code=ExitCode.USAGE)
