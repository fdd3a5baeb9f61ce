"""Strategy: the rules by which objects of one kind are created, changed, checked, deleted and shown.

Flow of a write: decode -> defaults -> admission -> *prepare* -> *validate* -> store.
A subclass says what is special about its kind; what it does not say holds for every kind. Nothing here touches
storage, and nothing reads a clock of its own.
"""

import secrets
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Final, Generic, TypeVar

from apiserver.authn import ANONYMOUS, User
from apiserver.registry.columns import AGE, NAME, Column
from naru.api import validation
from naru.api.durations import human_age
from naru.api.errors import FieldError
from naru.api.meta import KubeObject, ObjectMeta
from naru.api.names import LABEL_MAX

M = TypeVar("M", bound=KubeObject)

SUFFIX_LENGTH: Final = 5
_SUFFIX_LETTERS: Final = "bcdfghjklmnpqrstvwxz2456789"  # no vowels and nothing that looks like one: no words


@dataclass(frozen=True)
class Context:
    """What a strategy may know about the request."""

    now: datetime
    user: User = ANONYMOUS


def generate_name(base: str) -> str:
    """Return a name that is very likely new: ``base`` and five letters."""
    return base[: LABEL_MAX - SUFFIX_LENGTH] + "".join(secrets.choice(_SUFFIX_LETTERS) for _ in range(SUFFIX_LENGTH))


@dataclass(frozen=True)
class Part(Generic[M]):
    """A subresource that changes a part of an object: what it takes of the new state, and what it refuses."""

    prepare: Callable[[M, M], M]  # (new, old) -> the old object with the part that may be new
    validate: Callable[[M, M], list[FieldError]]


class Strategy(Generic[M]):
    """Rules that hold for every kind, unless a subclass knows better."""

    has_status: ClassVar[bool] = False  # a status that only the ``status`` subresource writes
    counts_generations: ClassVar[bool] = False  # metadata.generation goes up with every change of the spec
    allows_create_on_update: ClassVar[bool] = False  # a PUT of a name that does not exist creates it
    allows_unconditional_update: ClassVar[bool] = True  # a PUT may leave the resourceVersion out, and overwrite
    deletes_gracefully: ClassVar[bool] = False  # somebody gets time to end what the object stands for
    claims: ClassVar[bool] = False  # objects hold what no other may have (see claimed)
    parts: ClassVar[Mapping[str, Part[Any]]] = {}  # subresources by which only a part of an object changes
    ttl_seconds: ClassVar[int | None] = None  # objects vanish after that time
    columns: ClassVar[tuple[Column, ...]] = (NAME, AGE)

    # Writing

    def prepare_for_create(self, obj: M, context: Context) -> M:
        """Give a new object its identity, and take from it what is not the creator's to set."""
        meta = obj.metadata
        update: dict[str, Any] = {
            "name": meta.name or (generate_name(meta.generate_name) if meta.generate_name else ""),
            "uid": str(uuid.uuid4()),
            "creation_timestamp": context.now,
            "generation": 1 if self.counts_generations else 0,
            "resource_version": "",
            "deletion_timestamp": None,
            "deletion_grace_period_seconds": None,
        }
        created = with_meta(obj, update)
        return self.with_first_status(created) if self.has_status else created

    def with_first_status(self, obj: M) -> M:
        """Return a new object with the status that it starts with."""
        status = type(obj).model_fields["status"].get_default(call_default_factory=True, validated_data={})
        return obj.model_copy(update={"status": status})

    def prepare_for_update(self, new: M, old: M) -> M:
        """Keep what an update of the object cannot change: its identity, its status, its generation."""
        prepared = with_meta(new, kept_meta(new.metadata, old.metadata))
        if self.has_status:
            prepared = prepared.model_copy(update={"status": status_of(old)})
        if self.counts_generations and spec_of(prepared) != spec_of(old):
            prepared = with_meta(prepared, {"generation": old.metadata.generation + 1})
        return prepared

    def prepare_for_status_update(self, new: M, old: M) -> M:
        """Keep everything but the status (and the annotations that tell about it)."""
        annotations = new.metadata.annotations
        meta = {"annotations": annotations, "managed_fields": new.metadata.managed_fields}
        return with_meta(old, meta).model_copy(update={"status": status_of(new)})

    def prepare_for_part(self, name: str, new: M, old: M) -> M:
        """Keep everything but the part of the object that a subresource is for."""
        part: M = with_meta(self.parts[name].prepare(new, old), {"managed_fields": new.metadata.managed_fields})
        changed = self.counts_generations and spec_of(part) != spec_of(old)
        return with_meta(part, {"generation": old.metadata.generation + changed})

    def prepare_for_approval(self, new: M, old: M) -> M:
        """Keep everything but the decision, where a kind has the ``approval`` subresource."""
        return old

    # Claiming

    def claimed(self, obj: M) -> Mapping[bytes, bytes]:
        """Return what an object holds for itself alone: keys of etcd, written and removed in one step with it."""
        return {}

    def left_behind(self, obj: M) -> Sequence[bytes]:
        """Return further keys of etcd that go with an object."""
        return ()

    # Checking

    def validate(self, obj: M) -> list[FieldError]:
        """Return what is wrong with an object."""
        return validation.validate(obj)

    def validate_update(self, new: M, old: M) -> list[FieldError]:
        """Return what is wrong with an object, or with turning ``old`` into it."""
        return validation.validate_update(new, old)

    def validate_status_update(self, new: M, old: M) -> list[FieldError]:
        """Return what is wrong with a status."""
        return validation.validate_status_update(new, old)

    def validate_approval(self, new: M, old: M) -> list[FieldError]:
        """Return what is wrong with a decision."""
        return []

    def warnings(self, obj: M, old: M | None) -> Sequence[str]:
        """Return what the writer of a new or changed object should know although nothing is wrong with it."""
        return ()

    # Deleting

    def grace_period_seconds(self, obj: M, requested: int | None) -> int:
        """Return for how long the object stays after a deletion, so that somebody can end what it stands for."""
        return 0

    def finalizers(self, obj: M) -> tuple[str, ...]:
        """Return who must let go of the object before it can vanish."""
        return obj.metadata.finalizers

    def mark_deleted(self, obj: M) -> M:
        """Note in an object that its deletion has begun; the deletion's time is in its metadata already."""
        return obj

    # Showing

    def selectable_fields(self, obj: M) -> dict[str, str]:
        """Return the fields that a field selector may name."""
        return {"metadata.name": obj.metadata.name, "metadata.namespace": obj.metadata.namespace}

    def row(self, obj: M, now: datetime) -> list[Any]:
        """Return one cell for each column."""
        return [obj.metadata.name, human_age(obj.metadata.creation_timestamp, now)]

    def row_conditions(self, obj: M) -> list[dict[str, str]]:
        """Return what is remarkable about a row (a pod that has ended)."""
        return []


def kept_meta(new: ObjectMeta, old: ObjectMeta) -> dict[str, Any]:
    """Return the metadata that an update leaves alone; what the client sent differently is for validation to find."""
    return {
        "uid": new.uid or old.uid,
        "creation_timestamp": new.creation_timestamp or old.creation_timestamp,
        "generation": old.generation,
        "deletion_timestamp": new.deletion_timestamp or old.deletion_timestamp,
        "deletion_grace_period_seconds": (
            old.deletion_grace_period_seconds
            if new.deletion_grace_period_seconds is None
            else new.deletion_grace_period_seconds
        ),
    }


def with_meta(obj: M, update: Mapping[str, Any]) -> M:
    """Return the object with some of its metadata changed."""
    return obj.model_copy(update={"metadata": obj.metadata.model_copy(update=update)})


def status_alone(new: M, old: M) -> M:
    """Keep everything but the status, of a kind whose annotations tell nothing about it."""
    kept = with_meta(old, {"managed_fields": new.metadata.managed_fields})
    return kept.model_copy(update={"status": status_of(new)})


def status_of(obj: KubeObject) -> Any:
    """Return the status of an object whose kind has one."""
    return getattr(obj, "status")  # noqa: B009 - not every kind has one


def spec_of(obj: KubeObject) -> Any:
    """Return the spec of an object whose kind has one."""
    return getattr(obj, "spec")  # noqa: B009 - not every kind has one
