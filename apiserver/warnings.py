"""Warning headers: what a client should know although its request is granted.

kubectl and client libraries print them. Each text is told once; when all of them together become too long for headers,
every one is cut short, and at some point no more are added.

Source: RFC 7234, section 5.5; KEP-1693; k8s.io/apiserver, endpoints/filters/warning.go for the limits.
"""

import re
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Final

from naru.api.scheme import Resource

MAX_CHARACTERS: Final = 4 * 1024  # of all texts
MAX_SHORTENED: Final = 256  # of each, once they are too many

_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f]")


UNSURPRISING: Final = frozenset(
    {
        "ControllerRevision",
        "CSINode",
        "CSIStorageCapacity",
        "Endpoints",
        "EndpointSlice",
        "PodTemplate",
        "VolumeAttachment",
    }
)  # kinds of which nobody expects that creating one does something


DEPRECATED: Final = {
    ("", "endpoints"): "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice",
}  # told to whoever touches the resource, even by reading


@cache
def inert_warnings(resource: Resource) -> Sequence[str]:
    """Return what the creator of an object should know if nothing acts on objects of its kind."""
    if not resource.stored_only or resource.kind in UNSURPRISING:
        return ()
    return (f"naru keeps {plural_of(resource)}, but nothing acts on them yet",)


def plural_of(resource: Resource) -> str:
    """Name the objects of a kind: Services, Ingresses, NetworkPolicies."""
    kind, plural = resource.kind, resource.plural
    length = next(n for n in range(len(kind), 0, -1) if plural.startswith(kind[:n].lower()))
    return kind[:length] + plural[length:]


def warning_headers(texts: Iterable[str]) -> Sequence[str]:
    """Write texts as the values of ``Warning`` headers."""
    told = [text for text in dict.fromkeys(texts) if text and not _CONTROL.search(text)]
    if sum(map(len, told)) <= MAX_CHARACTERS:
        return [_header(text) for text in told]
    headers, written = [], 0
    for text in told:
        if written >= MAX_CHARACTERS:
            break
        short = text[:MAX_SHORTENED]
        written += len(short)
        headers.append(_header(short))
    return headers


def _header(text: str) -> str:
    quoted = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'299 - "{quoted}"'
