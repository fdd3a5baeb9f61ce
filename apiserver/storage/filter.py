"""Filter: which objects a list or a watch is about.

A watch with a selector sees objects move in and out of it: an object that begins to match is ADDED for that watcher,
one that stops matching is DELETED, whatever really happened to it.
"""

from dataclasses import dataclass

from apiserver.storage.entry import Entry
from naru.api.keys import ObjectKey
from naru.api.selectors import FieldMatcher, LabelMatcher


@dataclass(frozen=True)
class Filter:
    """A namespace (empty: all) and what labels and fields must be; None leaves them alone."""

    namespace: str = ""
    labels: LabelMatcher | None = None
    fields: FieldMatcher | None = None

    @property
    def selects(self) -> bool:
        """Tell whether one has to look inside objects to decide."""
        return self.labels is not None or self.fields is not None

    @property
    def name(self) -> str:
        """The only name that an object may have; empty: any."""
        return (self.fields.exact("metadata.name") or "") if self.fields is not None else ""

    def in_scope(self, key: ObjectKey) -> bool:
        """Tell whether the key alone lets the object through."""
        return not self.namespace or key.namespace == self.namespace

    def matches(self, entry: Entry) -> bool:
        """Tell whether the object belongs to the list or watch."""
        if not self.in_scope(entry.key):
            return False
        if self.fields is not None and not self._matches_fields(entry):
            return False
        return self.labels is None or self.labels.matches(entry.labels)

    def _matches_fields(self, entry: Entry) -> bool:
        assert self.fields is not None
        name = self.name
        if name and name != entry.key.name:
            return False  # nothing has to be decoded to see that
        return self.fields.matches(entry.fields)
