"""Write docs/reference/support.md from the declarations of the kinds: what naru acts on, stores only, or refuses.

Flow: scheme table -> types that objects are made of -> one block a type. A type that is reached through a field or a
kind that naru only stores is stored with it.
"""

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from pydantic import BaseModel

from naru.api.fields import Field, Shape, fields_of
from naru.api.model import Refused, Stored
from naru.api.scheme import RESOURCES, Resource

TARGET = Path(__file__).resolve().parent.parent / "docs" / "reference" / "support.md"

OPENING = """# What naru supports

Generated from the declarations of the kinds (`make support`); do not edit. Kinds and fields are those of Kubernetes
v1.36.

- **Acted on**: naru does what the field says or, in a status, keeps it true.
- **Stored only**: kept as it was written and shown again, defaults and validation included, but nothing in naru acts on
  it yet. A write that sets such a field to something that matters is answered with a `Warning` header, and so is the
  creation of an object of such a kind, where somebody would expect an effect.
- **Refused**: an object that sets it is refused, with the reason given here.

What is neither here nor in `kubectl api-resources` does not exist in naru.
"""

DIFFERENCES = """
## Where a cluster of upstream does more

- PersistentVolumes and claims are created without the finalizers `kubernetes.io/pv-protection` and
  `kubernetes.io/pvc-protection`: nothing in naru would take them away again, and a deleted object would never go.
- Roles and bindings are stored, but not enforced: every authenticated user may do everything, and access reviews
  (`kubectl auth can-i`) answer so. The default roles and bindings are not created.
- Nobody approves or signs CertificateSigningRequests unless somebody is asked to do so.
- Secrets of the type `kubernetes.io/service-account-token` are not filled with a token; `kubectl create token` gives
  one.
"""


def main() -> None:
    """Write the page, or with ``--check`` tell by the exit code whether it is as it should be."""
    page = render()
    if "--check" in sys.argv[1:]:
        sys.exit(TARGET.read_text() != page)
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_text(page)


def render() -> str:
    """Return the page."""
    acted = _types_of((r for r in RESOURCES if not r.stored_only), through_stored=False)
    kept = [model for model in _types_of(RESOURCES, through_stored=True) if model not in acted]
    blocks = [
        OPENING,
        "## Kinds\n",
        *_kind_table(),
        DIFFERENCES,
        "## Fields of types that naru acts on\n",
        *(line for model in acted for line in _acted_block(model)),
        "\n## Fields of types that naru only stores\n",
        *(f"- `{_name(model)}`: {_listed(fields_of(model).values())}" for model in kept),
    ]
    return "\n".join(blocks) + "\n"


def _kind_table() -> Iterator[str]:
    yield "| kind | API | | verbs | subresources |"
    yield "|---|---|---|---|---|"
    for resource in RESOURCES:
        state = "stored only" if resource.stored_only else "acted on"
        verbs = "all" if len(resource.verbs) > 1 else ", ".join(resource.verbs)
        yield f"| {resource.kind} | {resource.api_version} | {state} | {verbs} | {', '.join(resource.subresources)} |"


def _types_of(resources: Iterable[Resource], *, through_stored: bool) -> list[type[BaseModel]]:
    """Return the types that objects of some kinds are made of, in the order in which a reader meets them."""
    found: dict[type[BaseModel], None] = {}
    for resource in resources:
        _add(Shape(model=resource.model), found, through_stored)
    return list(found)


def _add(shape: Shape, found: dict[type[BaseModel], None], through_stored: bool) -> None:
    inner = shape.items or shape.values
    if inner is not None:
        _add(inner, found, through_stored)
    elif shape.model is not None and shape.model not in found:
        found[shape.model] = None
        for field in fields_of(shape.model).values():
            if through_stored or field.mark(Stored) is None:
                _add(field.shape, found, through_stored)


def _acted_block(model: type[BaseModel]) -> Iterator[str]:
    fields = fields_of(model).values()
    refused = [field for field in fields if field.mark(Refused)]
    stored = [field for field in fields if field.mark(Stored)]
    yield f"- `{_name(model)}`: {_listed(f for f in fields if f not in stored and f not in refused) or 'no fields'}"
    if stored:
        yield f"  - stored only: {', '.join(_stored(field) for field in stored)}"
    for field in refused:
        yield f"  - refused: `{field.name}`: {getattr(field.mark(Refused), 'why', '')}"


def _stored(field: Field) -> str:
    """Name a stored field, and the values of it that naru does honour."""
    mark = field.mark(Stored)
    silent = [str(value) for value in (mark.silent if mark else ()) if value is not False]
    return f"`{field.name}`" + (f" (but for {', '.join(silent)})" if silent else "")


def _listed(fields: Iterable[Field]) -> str:
    return ", ".join(f"`{field.name}`" for field in fields)


def _name(model: type[BaseModel]) -> str:
    """Name a type with the group that declares it where the name alone is not enough."""
    group = model.__module__.rpartition(".")[2]
    return f"{model.__name__} ({group.replace('_', '/')})" if model.__name__ in _REPEATED else model.__name__


def _repeated() -> set[str]:
    names = [model.__name__ for model in _types_of(RESOURCES, through_stored=True)]
    return {name for name in names if names.count(name) > 1}


_REPEATED = _repeated()

if __name__ == "__main__":
    main()
