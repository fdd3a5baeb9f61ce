import pytest

from naru.api.config_v1 import ConfigMap
from naru.api.meta import LabelSelector, ObjectMeta, OwnerReference
from naru.api.model import now
from naru.api.selectors import matcher
from naru.controller.ownership import Claims, candidates, controller_of, index_ownership, plan_claims
from naru.controller.store import Store

OWNER = ConfigMap(metadata=ObjectMeta(name="owner", namespace="default", uid="u1"))
WEB = matcher(LabelSelector(match_labels={"app": "web"}))


def child(name: str, owner: str = "", app: str = "web", deleted: bool = False, namespace: str = "default") -> ConfigMap:
    owners = (OwnerReference(api_version="v1", kind="ConfigMap", name="o", uid=owner, controller=True),)
    meta = ObjectMeta(
        name=name,
        namespace=namespace,
        labels={"app": app},
        owner_references=owners if owner else (),
        deletion_timestamp=now() if deleted else None,
    )
    return ConfigMap(metadata=meta)


class TestPlanClaims:
    """An owner keeps what is its own, adopts matching orphans, and lets go what no longer matches."""

    @pytest.mark.parametrize(
        ("obj", "outcome"),
        [
            pytest.param(child("a", "u1"), "keep", id="its own"),
            pytest.param(child("a", "u1", app="other"), "release", id="its own, with other labels"),
            pytest.param(child("a"), "adopt", id="a matching orphan"),
            pytest.param(child("a", app="other"), "", id="an orphan with other labels"),
            pytest.param(child("a", deleted=True), "", id="an orphan on its way out"),
            pytest.param(child("a", "u2"), "", id="somebody else's"),
        ],
    )
    def test_claims(self, obj: ConfigMap, outcome: str) -> None:
        expected = Claims(**{outcome: (obj,)}) if outcome else Claims()
        assert plan_claims(OWNER, WEB, [obj]) == expected

    def test_an_owner_on_its_way_out_changes_nothing(self) -> None:
        leaving = OWNER.model_copy(update={"metadata": OWNER.metadata.model_copy(update={"deletion_timestamp": now()})})
        own = child("a", "u1", app="other")
        assert plan_claims(leaving, WEB, [own, child("b")]) == Claims(keep=(own,))


def test_candidates_are_the_owned_and_the_orphans_of_the_namespace() -> None:
    store: Store[ConfigMap] = Store()
    index_ownership(store)
    for obj in (child("a", "u1"), child("b"), child("c", "u2"), child("d", namespace="other")):
        store.put(obj)
    assert [obj.metadata.name for obj in candidates(store, OWNER)] == ["a", "b"]


def test_an_owner_that_does_not_manage_is_no_controller() -> None:
    reference = OwnerReference(api_version="v1", kind="ConfigMap", name="o", uid="u1")
    assert controller_of(ConfigMap(metadata=ObjectMeta(name="a", owner_references=(reference,)))) is None
