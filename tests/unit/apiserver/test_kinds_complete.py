"""Every kind that is stored has rules of its own, a strategy of its own, and upstream's columns."""

import pytest

from apiserver.registry import strategy_for
from apiserver.registry.columns import AGE, NAME
from apiserver.registry.strategy import Strategy
from naru.api.scheme import RESOURCES, Resource
from naru.api.validation import rules_of

STORED = [resource for resource in RESOURCES if not resource.is_virtual]
WITHOUT_COLUMNS = {"deviceclasses.resource.k8s.io", "resourceclaimtemplates.resource.k8s.io"}  # upstream shows no more


@pytest.mark.parametrize("resource", STORED, ids=lambda resource: resource.group_resource)
class TestEveryStoredKind:
    """Nothing is kept that nobody checks."""

    def test_has_rules(self, resource: Resource) -> None:
        assert callable(rules_of(resource.storage.model).new)

    def test_has_a_strategy_of_its_own(self, resource: Resource) -> None:
        assert type(strategy_for(resource)) is not Strategy

    def test_has_columns(self, resource: Resource) -> None:
        plain = strategy_for(resource).columns == (NAME, AGE)
        assert plain == (resource.group_resource in WITHOUT_COLUMNS)

    def test_has_a_status_where_there_is_a_path_for_it(self, resource: Resource) -> None:
        assert strategy_for(resource).has_status == ("status" in resource.subresources)
