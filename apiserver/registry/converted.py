"""ConvertedStrategy: the rules of a kind for requests in a version that it is not stored in.

The rules are those of the stored version: objects are converted to it, and what comes of them is converted back.
"""

from datetime import datetime
from typing import Any, Final

from apiserver.registry.strategy import Context, Strategy
from naru.api.conversion import to_version
from naru.api.errors import FieldError
from naru.api.meta import KubeObject
from naru.api.scheme import Resource

_FACTS: Final = tuple(Strategy.__annotations__)  # what is the same in all versions, such as the columns


class ConvertedStrategy(Strategy[KubeObject]):
    """The rules of another version."""

    def __init__(self, stored: Strategy[Any], resource: Resource) -> None:
        self._rules = stored
        self._resource = resource
        vars(self).update({name: getattr(stored, name) for name in _FACTS})

    def in_stored(self, obj: KubeObject) -> Any:
        """Return the object in the version that is stored."""
        return to_version(obj, self._resource.storage)

    def _out(self, obj: KubeObject) -> KubeObject:
        return to_version(obj, self._resource)

    def prepare_for_create(self, obj: KubeObject, context: Context) -> KubeObject:
        """Prepare it as the stored version."""
        return self._out(self._rules.prepare_for_create(self.in_stored(obj), context))

    def prepare_for_update(self, new: KubeObject, old: KubeObject) -> KubeObject:
        """Prepare it as the stored version."""
        return self._out(self._rules.prepare_for_update(self.in_stored(new), self.in_stored(old)))

    def prepare_for_status_update(self, new: KubeObject, old: KubeObject) -> KubeObject:
        """Prepare it as the stored version."""
        return self._out(self._rules.prepare_for_status_update(self.in_stored(new), self.in_stored(old)))

    def validate(self, obj: KubeObject) -> list[FieldError]:
        """Check it as the stored version, whose fields the faults name."""
        return self._rules.validate(self.in_stored(obj))

    def validate_update(self, new: KubeObject, old: KubeObject) -> list[FieldError]:
        """Check it as the stored version."""
        return self._rules.validate_update(self.in_stored(new), self.in_stored(old))

    def validate_status_update(self, new: KubeObject, old: KubeObject) -> list[FieldError]:
        """Check it as the stored version."""
        return self._rules.validate_status_update(self.in_stored(new), self.in_stored(old))

    def selectable_fields(self, obj: KubeObject) -> dict[str, str]:
        """Return the fields of the stored version."""
        return self._rules.selectable_fields(self.in_stored(obj))

    def row(self, obj: KubeObject, now: datetime) -> list[Any]:
        """Show it as the stored version."""
        return self._rules.row(self.in_stored(obj), now)
