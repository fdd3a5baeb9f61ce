"""Whatever a client sends is applied or refused: nothing in it is a surprise to the field manager."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from apiserver.managed_fields.check import DoesNotFit
from apiserver.managed_fields.field_manager import field_manager_of
from apiserver.managed_fields.types import NoKey
from naru.api.model import now
from naru.api.scheme import by_kind

WORDS = "metadata spec name labels ownerReferences uid containers ports env containerPort protocol value status type"
NAMES = st.sampled_from([*WORDS.split(), "template", "selector", "conditions", "finalizers", "", "<&>"])
SCALARS = (
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.text(max_size=2)
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4), max_leaves=20
)
DOCUMENTS = st.dictionaries(NAMES, VALUES, max_size=4)

POD = by_kind("v1", "Pod")
assert POD is not None
MANAGER = field_manager_of(POD, "")


def apply(live: dict[str, Any] | None, entries: Any, document: dict[str, Any], name: str) -> Any:
    try:
        return MANAGER.apply(live, entries, document, name, now(), force=True)
    except (DoesNotFit, NoKey):
        return None


@settings(max_examples=200)
@given(DOCUMENTS, DOCUMENTS)
def test_it_is_applied_or_refused(first: dict[str, Any], second: dict[str, Any]) -> None:
    for document in (first, {"metadata": {"labels": {"a": "b"}}, "spec": first}, {"spec": {"containers": [first]}}):
        made = apply(None, (), document, "one")
        if made is not None:
            apply(*made, second, "two")
            apply(*made, {}, "one")
