"""Selectors: which objects are meant."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from naru.api.errors import BadRequest
from naru.api.meta import LabelSelector, LabelSelectorRequirement
from naru.api.selectors import (
    LabelMatcher,
    Operator,
    Requirement,
    matcher,
    parse_field_selector,
    parse_label_selector,
)

names = st.from_regex("[a-z0-9]([-a-z0-9]{0,5}[a-z0-9])?", fullmatch=True)
requirements = st.one_of(
    st.builds(Requirement, names, st.sampled_from([Operator.IN, Operator.NOT_IN]), st.tuples(names)),
    st.builds(
        Requirement,
        names,
        st.sampled_from([Operator.IN, Operator.NOT_IN]),
        st.lists(names, min_size=2, max_size=3, unique=True).map(lambda values: tuple(sorted(values))),
    ),
    st.builds(Requirement, names, st.sampled_from([Operator.EXISTS, Operator.DOES_NOT_EXIST])),
)


class TestLabelQueries:
    """The ``labelSelector`` of a request."""

    @pytest.mark.parametrize(
        ("query", "labels", "expected"),
        [
            pytest.param("", {}, True, id="nothing asked, everything matches"),
            pytest.param("app=web", {"app": "web"}, True, id="equal"),
            pytest.param("app==web", {"app": "db"}, False, id="not equal"),
            pytest.param("app!=web", {}, True, id="unequal is true without the label"),
            pytest.param("tier in (a, b)", {"tier": "b"}, True, id="in a set"),
            pytest.param("tier in (a,b)", {}, False, id="in a set needs the label"),
            pytest.param("tier notin (a,b)", {}, True, id="notin is true without the label"),
            pytest.param("tier notin (a,b)", {"tier": "a"}, False, id="notin excludes"),
            pytest.param("app", {"app": ""}, True, id="exists, whatever its value"),
            pytest.param("!app", {"app": ""}, False, id="does not exist"),
            pytest.param("app=", {"app": ""}, True, id="an empty value"),
            pytest.param("n>3", {"n": "4"}, True, id="greater"),
            pytest.param("n<3", {"n": "x"}, False, id="less needs a number"),
            pytest.param("app=web, tier in (a,b) ,!old", {"app": "web", "tier": "a"}, True, id="all of several"),
            pytest.param("example.com/role=x", {"example.com/role": "x"}, True, id="a key with a prefix"),
        ],
    )
    def test_matching(self, query: str, labels: dict[str, str], expected: bool) -> None:
        assert parse_label_selector(query).matches(labels) is expected

    @pytest.mark.parametrize("query", ["a in b", "a in (b", "a=b=c", ",", "a,,b", "-a=b", "a=b$", "n>x", "a b"])
    def test_what_cannot_be_read_is_refused(self, query: str) -> None:
        with pytest.raises(BadRequest, match="unable to parse requirement"):
            parse_label_selector(query)

    @given(st.lists(requirements, max_size=4, unique_by=lambda r: r.key))
    def test_what_is_written_is_read_back(self, wanted: list[Requirement]) -> None:
        written = LabelMatcher(tuple(sorted(wanted, key=lambda r: r.key)))
        assert parse_label_selector(str(written)) == written


class TestSelectorsInObjects:
    """``LabelSelector``, as Deployments and ReplicaSets have it."""

    def test_no_selector_matches_nothing(self) -> None:
        assert not matcher(None).matches({})

    def test_an_empty_selector_matches_everything(self) -> None:
        assert matcher(LabelSelector()).matches({"a": "b"})

    def test_labels_and_expressions_must_all_hold(self) -> None:
        selector = LabelSelector(
            match_labels={"app": "web"},
            match_expressions=(LabelSelectorRequirement(key="tier", operator="NotIn", values=("x",)),),
        )
        assert matcher(selector).matches({"app": "web"})
        assert not matcher(selector).matches({"app": "web", "tier": "x"})
        assert str(matcher(selector)) == "app=web,tier!=x"


class TestFieldSelectors:
    """The ``fieldSelector`` of a request."""

    def test_all_fields_must_fit(self) -> None:
        selector = parse_field_selector("spec.nodeName=node-1,status.phase!=Failed")
        assert selector.matches({"spec.nodeName": "node-1", "status.phase": "Running"})
        assert not selector.matches({"spec.nodeName": "node-1", "status.phase": "Failed"})
        assert selector.exact("spec.nodeName") == "node-1"
        assert selector.exact("status.phase") is None

    def test_an_empty_value_is_a_value(self) -> None:
        assert parse_field_selector("spec.nodeName=").matches({"spec.nodeName": ""})

    def test_escaped_signs_are_part_of_the_value(self) -> None:
        assert parse_field_selector(r"reason=a\,b\=c\\d").exact("reason") == r"a,b=c\d"

    def test_a_field_that_the_kind_does_not_offer_is_refused(self) -> None:
        with pytest.raises(BadRequest, match=r"field label not supported: spec\.color"):
            parse_field_selector("spec.color=red").matches({})

    @pytest.mark.parametrize("text", ["a", "a>b", "=b", "a=b=c"])
    def test_what_cannot_be_read_is_refused(self, text: str) -> None:
        with pytest.raises(BadRequest, match="can't understand"):
            parse_field_selector(text)
