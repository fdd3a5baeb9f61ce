"""CustomResourceDefinitions: their status remembers every version that objects were ever stored in."""

from datetime import datetime
from typing import Any, ClassVar, Final

from apiserver.registry.columns import CREATED_AT, NAME, Column, created_at
from apiserver.registry.strategy import Context, Strategy, kept_meta, with_meta
from naru.api.apiextensions_v1 import CustomResourceDefinition


class CustomResourceDefinitionStrategy(Strategy[CustomResourceDefinition]):
    """The rules of definitions."""

    has_status = True
    counts_generations = True
    allows_unconditional_update = False
    columns: ClassVar[tuple[Column, ...]] = (NAME, CREATED_AT)

    def prepare_for_create(self, obj: CustomResourceDefinition, context: Context) -> CustomResourceDefinition:
        """Begin with the version that objects are stored in."""
        return _with_stored_version(super().prepare_for_create(obj, context))

    def prepare_for_update(
        self, new: CustomResourceDefinition, old: CustomResourceDefinition
    ) -> CustomResourceDefinition:
        """Note the version that objects are stored in from now on."""
        return _with_stored_version(super().prepare_for_update(new, old))

    def prepare_for_status_update(
        self, new: CustomResourceDefinition, old: CustomResourceDefinition
    ) -> CustomResourceDefinition:
        """Keep what is wanted; the metadata may change, as upstream has it."""
        kept = with_meta(new, kept_meta(new.metadata, old.metadata))
        return kept.model_copy(update={"spec": old.spec})

    def row(self, obj: CustomResourceDefinition, now: datetime) -> list[Any]:
        """Show since when it is there."""
        return [obj.metadata.name, created_at(obj)]


def _with_stored_version(definition: CustomResourceDefinition) -> CustomResourceDefinition:
    status = definition.status
    storage = next((version.name for version in definition.spec.versions if version.storage), "")
    if not storage or storage in status.stored_versions:
        return definition
    update = {"stored_versions": (*status.stored_versions, storage)}
    return definition.model_copy(update={"status": status.model_copy(update=update)})


STRATEGIES: Final = {"customresourcedefinitions.apiextensions.k8s.io": CustomResourceDefinitionStrategy()}
