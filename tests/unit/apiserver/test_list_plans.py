"""What a list asks for, and what a watch: the parameters that are read off a query, and those that are refused."""

import pytest
from aiohttp.test_utils import make_mocked_request

from apiserver.handlers.list import Plan, plan_list
from apiserver.handlers.list_options import ListOptions, parse_revision
from apiserver.handlers.selection import ALWAYS_SELECTABLE, check_fields, selectable_fields
from apiserver.storage.continuation import LATEST, PageExpired, continue_token, parse_continue
from naru.api.batch_v1 import Job
from naru.api.core_v1 import ConfigMap, Pod
from naru.api.errors import BadRequest
from naru.api.scheme import RESOURCES, resource_of
from naru.api.selectors import parse_field_selector


def options(query: str) -> ListOptions:
    return ListOptions.of(make_mocked_request("GET", f"/api/v1/pods?{query}"))


class TestPlan:
    @pytest.mark.parametrize(
        ("query", "plan"),
        [
            pytest.param("", Plan(), id="now"),
            pytest.param("limit=5", Plan(limit=5), id="now, a page"),
            pytest.param("resourceVersion=0&limit=5", Plan("0"), id="whatever there is, never cut"),
            pytest.param("resourceVersion=7", Plan("7"), id="not older than"),
            pytest.param("resourceVersion=7&resourceVersionMatch=NotOlderThan&limit=5", Plan("7", limit=5), id="page"),
            pytest.param("resourceVersion=7&limit=5", Plan(revision=7, limit=5), id="exactly, in the older form"),
            pytest.param("resourceVersion=7&resourceVersionMatch=Exact", Plan(revision=7), id="exactly"),
            pytest.param("limit=-1", Plan(), id="a limit that is none"),
        ],
    )
    def test_of_a_query(self, query: str, plan: Plan) -> None:
        assert plan_list(options(query), "") == plan

    def test_of_a_token(self) -> None:
        token = continue_token(7, "web\0")
        assert plan_list(options(f"continue={token}&limit=2"), "default") == Plan(
            revision=7, start="default/web\0", limit=2, is_continued=True
        )

    def test_of_a_token_that_goes_on_with_the_present(self) -> None:
        token = PageExpired("web\0").status()["metadata"]["continue"]
        assert parse_continue(token) == (LATEST, "web\0")
        assert plan_list(options(f"continue={token}"), "") == Plan(start="web\0", is_continued=True)


class TestOptions:
    @pytest.mark.parametrize(
        ("query", "initial"),
        [
            pytest.param("watch=1", True, id="from nowhere"),
            pytest.param("watch=1&resourceVersion=0", True, id="from anywhere"),
            pytest.param("watch=1&resourceVersion=5", None, id="from somewhere"),
            pytest.param("watch=1&sendInitialEvents=false&resourceVersionMatch=NotOlderThan", False, id="said"),
            pytest.param("", None, id="no watch"),
        ],
    )
    def test_a_watch_from_nowhere_begins_with_the_present(self, query: str, initial: bool | None) -> None:
        assert options(query).send_initial is initial

    @pytest.mark.parametrize("text", ["abc", "-1", "+1", "1 ", "१", "1.0", str(2**64)])
    def test_revisions_that_are_none(self, text: str) -> None:
        with pytest.raises(BadRequest, match=r"^opening: resourceVersion: Invalid value: "):
            parse_revision(text, "opening: ")

    @pytest.mark.parametrize(("text", "revision"), [("", 0), ("0", 0), ("17", 17), (str(2**64 - 1), 2**64 - 1)])
    def test_revisions(self, text: str, revision: int) -> None:
        assert parse_revision(text) == revision


class TestFields:
    @pytest.mark.parametrize("resource", RESOURCES, ids=lambda resource: resource.group_resource)
    def test_every_kind_tells_what_it_can_be_selected_by(self, resource):
        always = {"metadata.name"} if resource.plural in ("nodes", "namespaces") else set(ALWAYS_SELECTABLE)
        assert always <= set(selectable_fields(resource))

    @pytest.mark.parametrize(
        ("kind", "message"),
        [
            (ConfigMap, '"spec.x" is not a known field selector: only "metadata.name", "metadata.namespace"'),
            (Pod, "field label not supported: spec.x"),
            (Job, 'field label "spec.x" not supported for Job'),
        ],
    )
    def test_others_are_refused(self, kind, message):
        with pytest.raises(BadRequest) as refused:
            check_fields(resource_of(kind), parse_field_selector("spec.x=1"))
        assert refused.value.message == message
