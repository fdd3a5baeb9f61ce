"""Namespaces: kept by a finalizer of their own until the namespace controller has emptied them."""

from datetime import datetime
from typing import Any, ClassVar, Final

from apiserver.registry.columns import AGE, NAME, Column
from apiserver.registry.strategy import Context, Strategy, kept_meta, with_meta
from naru.api.defaults.core import default_namespace
from naru.api.durations import human_age
from naru.api.namespace_v1 import Namespace

FINALIZER: Final = "kubernetes"
ACTIVE: Final = "Active"
TERMINATING: Final = "Terminating"


class NamespaceStrategy(Strategy[Namespace]):
    """The rules of namespaces."""

    has_status = True
    columns: ClassVar[tuple[Column, ...]] = (NAME, Column("Status", "Active, or Terminating."), AGE)

    def prepare_for_create(self, obj: Namespace, context: Context) -> Namespace:
        """Make sure that the namespace controller is asked before the namespace goes."""
        created = default_namespace(super().prepare_for_create(obj, context))  # again: the name may be new
        if FINALIZER in created.spec.finalizers:
            return created
        finalizers = (*created.spec.finalizers, FINALIZER)
        return created.model_copy(update={"spec": created.spec.model_copy(update={"finalizers": finalizers})})

    def prepare_for_update(self, new: Namespace, old: Namespace) -> Namespace:
        """Leave the finalizers to the ``finalize`` subresource."""
        return super().prepare_for_update(new, old).model_copy(update={"spec": old.spec})

    def prepare_for_finalize(self, new: Namespace, old: Namespace) -> Namespace:
        """Let a ``finalize`` change the finalizers, and nothing else."""
        return with_meta(old, kept_meta(old.metadata, old.metadata)).model_copy(update={"spec": new.spec})

    def finalizers(self, obj: Namespace) -> tuple[str, ...]:
        """Count those in the spec as well."""
        return (*obj.metadata.finalizers, *obj.spec.finalizers)

    def mark_deleted(self, obj: Namespace) -> Namespace:
        """Say that the namespace takes no new objects."""
        return obj.model_copy(update={"status": obj.status.model_copy(update={"phase": TERMINATING})})

    def selectable_fields(self, obj: Namespace) -> dict[str, str]:
        """Let clients ask for a phase; ``name`` is the old word for ``metadata.name``."""
        return {**super().selectable_fields(obj), "name": obj.metadata.name, "status.phase": obj.status.phase}

    def row(self, obj: Namespace, now: datetime) -> list[Any]:
        """Show the phase."""
        return [obj.metadata.name, obj.status.phase, human_age(obj.metadata.creation_timestamp, now)]


STRATEGIES: Final = {"namespaces": NamespaceStrategy()}
