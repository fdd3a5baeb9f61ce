"""The base of every API type, and the marks that a field's declaration may carry.

A kind is declared once. Everything else reads that declaration: decoding and defaulting (pydantic), which
values are left out on the wire (below), strategic merge patch (``MergeKey``, ``ReplaceKeys``), what naru stores
without acting on it (``Stored``), OpenAPI.

What is written on the wire follows the Go types of Kubernetes:

==========================  =============================  =====================================
declaration                 Go                             on the wire
==========================  =============================  =====================================
``x: int``                  ``X int64 `json:"x"` ``        always; required when decoding
``x: int = 0``              ``omitempty``                  left out when zero, false or empty
``x: int | None = None``    pointer, ``omitempty``         left out when None, kept when 0
``x: int = 3``              pointer with a default of 3    always
``x: Annotated[int, ALWAYS] = 0``  not ``omitempty``       always; may be missing when decoding
``x: Annotated[int, REQUIRED] = 0``  the same, required    as ``ALWAYS``; validation asks for it
==========================  =============================  =====================================

Source: Kubernetes API conventions, "Optional vs. Required", "Serialization Format".
"""

import operator
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar, Final, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, GetCoreSchemaHandler, PlainSerializer
from pydantic_core import core_schema

INITIALISMS: Final = {
    "api": "API",
    "cidr": "CIDR",
    "cidrs": "CIDRs",
    "cpu": "CPU",
    "fqdn": "FQDN",
    "id": "ID",
    "io": "IO",
    "ip": "IP",
    "ipc": "IPC",
    "ips": "IPs",
    "pid": "PID",
    "tls": "TLS",
    "uri": "URI",
    "url": "URL",
    "urls": "URLs",
    "uuid": "UUID",
    "wwns": "WWNs",
}  # as in podCIDR: Kubernetes writes these in capitals unless they open the name (uid, ip)


def wire_name(attribute: str) -> str:
    """Name a Python attribute as Kubernetes does on the wire: ``pod_cidr`` is ``podCIDR``, not ``podCidr``."""
    first, *rest = attribute.rstrip("_").split("_")
    return first + "".join(INITIALISMS.get(word, word.capitalize()) for word in rest)


@dataclass(frozen=True)
class MergeKey:
    """Strategic merge patch merges this list by the named field of its items (``""``: items are scalars, a set)."""

    key: str


@dataclass(frozen=True)
class ListMapKeys:
    """Server-side apply knows this list's items by these fields together (``x-kubernetes-list-map-keys``)."""

    keys: tuple[str, ...]


@dataclass(frozen=True)
class ListSet:
    """Server-side apply knows this list as a set (``+listType=set``); a strategic merge patch replaces it."""


@dataclass(frozen=True)
class ReplaceKeys:
    """Strategic merge patch clears the object's other fields when a patch sets one of them (``retainKeys``)."""


@dataclass(frozen=True)
class Always:
    """Written even when zero or empty: the Go field has no ``omitempty``."""


@dataclass(frozen=True)
class Required(Always):
    """The schema calls it required; as in Go a missing one decodes to zero, to which the kind's validation objects."""


@dataclass(frozen=True)
class Atomic:
    """Server-side apply knows this map, or the object in this field, only as a whole (``+mapType=atomic``)."""


@dataclass(frozen=True)
class Granular:
    """Server-side apply knows the fields of the object in this field, although its model is atomic elsewhere."""


@dataclass(frozen=True)
class Pointer:
    """A pointer in Go, to an object that defaulting makes: whoever sends none owns it nevertheless, as a default."""


@dataclass(frozen=True)
class Narrow:
    """A number that has 32 bits in Go, whose decoder refuses a larger one."""


@dataclass(frozen=True)
class Stored:
    """Kept through a round trip, but naru does not act on it yet: writing it is answered with a ``Warning`` header."""

    silent: tuple[bool | str, ...] = (False,)  # values that ask for nothing, or for what naru does anyway


@dataclass(frozen=True)
class NullWhenEmpty:
    """A list that is always written, as Go does it: as null when nothing is in it. Not for what is written often."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        """Read null as an empty list, and write that as null."""
        items = handler(source)
        return core_schema.no_info_after_validator_function(
            lambda found: found or (),
            core_schema.nullable_schema(items),
            serialization=core_schema.wrap_serializer_function_ser_schema(
                lambda found, write: write(found) or None, schema=items
            ),
        )


@dataclass(frozen=True)
class Refused:
    """Validation refuses the field, or some of its values; ``why`` is for docs/reference/support.md."""

    why: str


NARROW: Final = Narrow()
NULL_WHEN_EMPTY: Final = NullWhenEmpty()
REPLACE_KEYS: Final = ReplaceKeys()
ALWAYS: Final = Always()
REQUIRED: Final = Required()
ATOMIC: Final = Atomic()
GRANULAR: Final = Granular()
POINTER: Final = Pointer()
SET: Final = ListSet()
STORED: Final = Stored()


_set = object.__setattr__  # past the frozen one
is_zero = operator.not_  # what Go's omitempty leaves out; in C, since it is asked for every field that is written


class Model(BaseModel):
    """Base of every API type; frozen, because one cached object has many readers (change it with model_copy).

    Validators are built at first use, so importing a group costs nothing for the kinds that stay unused.
    Dump with :meth:`wire` to get what belongs on the wire.
    """

    atomic: ClassVar[bool] = False  # server-side apply knows the object only as a whole (``+structType=atomic``)
    protobuf: ClassVar[str] = ""  # numbers of the fields, in their order here (apiserver/protobuf/numbers.py)

    model_config = ConfigDict(
        frozen=True,
        extra="ignore",  # unknown fields are found before decoding, where fieldValidation says warn, fail or pass
        alias_generator=wire_name,
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
        defer_build=True,
    )

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        """Give each field its ``omitempty``: see the table of this module."""
        super().__pydantic_init_subclass__(**kwargs)
        for field in cls.model_fields.values():
            default = field.get_default(call_default_factory=False)
            keeps_zero = field.is_required() or default is None or not is_zero(default)
            if (
                not keeps_zero
                and not any(isinstance(mark, Always) for mark in field.metadata)
                and not isinstance(default, BaseModel)
            ):
                field.exclude_if = is_zero

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Return a copy with some fields changed.

        Every change of an object is one, so what pydantic does for attributes that no API type has is left out.
        """
        if deep:
            return super().model_copy(update=update, deep=True)
        changed = update or {}
        copied = self.__new__(type(self))
        _set(copied, "__dict__", {**self.__dict__, **changed})
        _set(copied, "__pydantic_fields_set__", {*self.__pydantic_fields_set__, *changed})
        _set(copied, "__pydantic_extra__", None)
        _set(copied, "__pydantic_private__", None)
        return copied

    def wire(self) -> dict[str, Any]:
        """Return the object as JSON-ready dicts and lists, with the fields left out that Kubernetes leaves out."""
        return self.model_dump(mode="json", exclude_none=True)

    def wire_json(self) -> bytes:
        """Encode :meth:`wire` as JSON without building it first."""
        return self.model_dump_json(exclude_none=True).encode()


def _format_time(moment: datetime) -> str:
    return _in_utc(moment).isoformat(timespec="seconds") + "Z"


def _format_micro_time(moment: datetime) -> str:
    return _in_utc(moment).isoformat(timespec="microseconds") + "Z"


def _in_utc(moment: datetime) -> datetime:
    """Return a moment without its zone; at both ends of time, where UTC would be another era, as it is."""
    with suppress(OverflowError):
        moment = moment.astimezone(UTC)
    return moment.replace(tzinfo=None)  # isoformat writes years below 1000 in four digits, which strftime does not


def _parse_moment(value: object) -> object:
    """Read a moment here already: what a validator hands on is no longer JSON, where strict decoding takes texts."""
    if not isinstance(value, str):
        return value
    try:
        return datetime.fromisoformat(value) if value else None
    except ValueError:
        return value  # the field's own validation says what is wrong


Time = Annotated[datetime, PlainSerializer(_format_time, return_type=str)]
"""A moment, in RFC 3339 with whole seconds and Z on the wire (metav1.Time)."""

MicroTime = Annotated[datetime, PlainSerializer(_format_micro_time, return_type=str)]
"""A moment, in RFC 3339 with six decimals and Z on the wire (metav1.MicroTime)."""

OptionalTime = Annotated[Time | None, BeforeValidator(_parse_moment)]

Int32 = Annotated[int, NARROW, Field(ge=-(2**31), le=2**31 - 1)]
"""A whole number of 32 bits; a plain ``int`` has 64."""

IntOrString = Int32 | str
"""A number, or a text such as a percentage or a port's name."""


def now() -> datetime:
    """Return this moment with the precision that ``Time`` keeps."""
    return datetime.now(UTC).replace(microsecond=0)
