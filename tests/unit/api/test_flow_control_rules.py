"""Flow schemas and priority levels: defaults, and every fault with its field and upstream's text."""

from typing import Any

import pytest

from naru.api.errors import FieldError
from naru.api.flowcontrol_v1 import FlowSchema, PriorityLevelConfiguration
from naru.api.strict import decode
from naru.api.validation import validate, validate_status_update

ALICE = {"kind": "User", "user": {"name": "alice"}}
READ = {"verbs": ["get", "list"], "apiGroups": [""], "resources": ["pods"], "namespaces": ["*"]}
VERBS = '"create", "delete", "deletecollection", "get", "list", "patch", "proxy", "update", "watch"'


def schema(name: str = "web", status: Any = None, **spec: Any) -> FlowSchema:
    base = {"priorityLevelConfiguration": {"name": "low"}}
    return decode(FlowSchema, {"metadata": {"name": name}, "spec": base | spec, "status": status or {}})


def ruled(subject: Any = ALICE, resource: Any = None, other: Any = None) -> FlowSchema:
    rules = {"subjects": [subject], "resourceRules": [resource or READ], "nonResourceRules": [other] if other else []}
    return schema(rules=[rules])


def level(name: str = "low", **spec: Any) -> PriorityLevelConfiguration:
    return decode(PriorityLevelConfiguration, {"metadata": {"name": name}, "spec": {"type": "Limited"} | spec})


def queued(**queuing: int) -> PriorityLevelConfiguration:
    return level(limited={"limitResponse": {"type": "Queue", "queuing": queuing}})


def texts(errors: list[FieldError]) -> list[str]:
    return [str(error) for error in errors]


class TestDefaults:
    """What nobody said."""

    def test_a_schema_comes_in_the_middle(self) -> None:
        assert schema().spec.matching_precedence == 1000

    def test_a_limited_level_has_a_share(self) -> None:
        assert level(limited={"limitResponse": {"type": "Reject"}}).wire()["spec"]["limited"] == {
            "nominalConcurrencyShares": 30,
            "lendablePercent": 0,
            "limitResponse": {"type": "Reject"},
        }

    def test_a_share_of_nothing_stays_nothing(self) -> None:
        limited = level(limited={"nominalConcurrencyShares": 0, "limitResponse": {"type": "Reject"}}).spec.limited
        assert limited is not None
        assert limited.nominal_concurrency_shares == 0

    def test_queues(self) -> None:
        assert queued().wire()["spec"]["limited"]["limitResponse"]["queuing"] == {
            "queues": 64,
            "handSize": 8,
            "queueLengthLimit": 50,
        }

    def test_an_exempt_level_lends_nothing(self) -> None:
        exempt = level("exempt", type="Exempt", exempt={}).wire()["spec"]["exempt"]
        assert exempt == {"nominalConcurrencyShares": 0, "lendablePercent": 0}


class TestFlowSchema:
    """What is wrong with a schema."""

    @pytest.mark.parametrize(
        "good",
        [
            schema(),
            ruled(),
            ruled({"kind": "ServiceAccount", "serviceAccount": {"namespace": "a", "name": "*"}}),
            ruled(other={"verbs": ["*"], "nonResourceURLs": ["/healthz", "/apis/*", "/"]}),
            schema("exempt", matchingPrecedence=1),
        ],
    )
    def test_nothing(self, good: FlowSchema) -> None:
        assert texts(validate(good)) == []

    @pytest.mark.parametrize(
        ("bad", "expected"),
        [
            (
                schema(matchingPrecedence=-1),
                ["spec.matchingPrecedence: Invalid value: -1: must be a positive value"],
            ),
            (
                schema(matchingPrecedence=10001),
                ["spec.matchingPrecedence: Invalid value: 10001: must not be greater than 10000"],
            ),
            (
                schema(matchingPrecedence=1),
                [
                    "spec.matchingPrecedence: Invalid value: 1: only the schema named 'exempt' may have "
                    "matchingPrecedence 1"
                ],
            ),
            (
                schema(distinguisherMethod={"type": "ByMood"}, priorityLevelConfiguration={}),
                [
                    'spec.distinguisherMethod.type: Unsupported value: {"Type":"ByMood"}: supported values: '
                    '"ByNamespace", "ByUser"',
                    "spec.priorityLevelConfiguration.name: Required value: must reference a priority level",
                ],
            ),
            (
                schema(rules=[{}]),
                [
                    "spec.rules[0].subjects: Required value: subjects must contain at least one value",
                    "spec.rules[0]: Required value: at least one of resourceRules and nonResourceRules has to be "
                    "non-empty",
                ],
            ),
            (
                ruled({"kind": "Robot"}),
                [
                    'spec.rules[0].subjects[0].kind: Unsupported value: "Robot": supported values: "Group", '
                    '"ServiceAccount", "User"'
                ],
            ),
            (
                ruled({"kind": "Group", "user": {"name": "a"}}),
                [
                    "spec.rules[0].subjects[0].group: Required value: group is required when subject kind is 'Group'",
                    "spec.rules[0].subjects[0].user: Forbidden: user is forbidden when subject kind is not 'User'",
                ],
            ),
            (
                ruled({"kind": "ServiceAccount", "serviceAccount": {}}),
                [
                    "spec.rules[0].subjects[0].serviceAccount.name: Required value",
                    "spec.rules[0].subjects[0].serviceAccount.namespace: Required value: must specify namespace for "
                    "service account",
                ],
            ),
            (
                ruled(resource={"verbs": ["eat"], "apiGroups": ["*", "apps"]}),
                [
                    f'spec.rules[0].resourceRules[0].verbs: Unsupported value: ["eat"]: supported values: {VERBS}',
                    'spec.rules[0].resourceRules[0].apiGroups: Invalid value: ["*","apps"]: if \'*\' is present, must '
                    "not specify other api groups",
                    "spec.rules[0].resourceRules[0].resources: Required value: resource rules must supply at least "
                    "one resource",
                    "spec.rules[0].resourceRules[0].namespaces: Required value: resource rules that are not cluster "
                    "scoped must supply at least one namespace",
                ],
            ),
            (
                ruled(other={"verbs": ["get"], "nonResourceURLs": ["a", "/a b", "/a//b", "/*/a", ""]}),
                [
                    f'spec.rules[0].nonResourceRules[0].nonResourceURLs[{index}]: Invalid value: "{url}": {why}'
                    for index, (url, why) in enumerate(
                        [
                            ("a", "must start with slash"),
                            ("/a b", "must not contain white-space"),
                            ("/a//b", "must not contain double slash"),
                            ("/*/a", "wildcard can only do suffix matching"),
                            ("", "must not be empty"),
                        ]
                    )
                ],
            ),
        ],
    )
    def test_something(self, bad: FlowSchema, expected: list[str]) -> None:
        assert texts(validate(bad)) == expected

    def test_a_status(self) -> None:
        twice = schema(status={"conditions": [{"type": "Dangling"}, {"type": "Dangling"}, {}]})
        assert texts(validate_status_update(twice, schema())) == [
            'status.conditions[1].type: Duplicate value: "Dangling"',
            "status.conditions[2].type: Required value: must not be empty",
        ]


class TestPriorityLevel:
    """What is wrong with a level."""

    @pytest.mark.parametrize("good", [queued(), level("exempt", type="Exempt"), queued(queues=128, handSize=6)])
    def test_nothing(self, good: PriorityLevelConfiguration) -> None:
        assert texts(validate(good)) == []

    @pytest.mark.parametrize(
        ("bad", "expected"),
        [
            (level(), ["spec.limited: Required value: must not be empty when type is Limited"]),
            (
                level(type="Exempt", limited={"limitResponse": {"type": "Reject"}}),
                [
                    "spec.type: Invalid value: \"Exempt\": type must be 'Exempt' if and only if name is 'exempt'",
                    "spec.limited: Forbidden: must be nil if the type is not Limited",
                ],
            ),
            (level(type="None"), ['spec.type: Unsupported value: "None": supported values: "Exempt", "Limited"']),
            (
                level("exempt", type="Exempt", exempt={"nominalConcurrencyShares": -1, "lendablePercent": 101}),
                [
                    "spec.exempt.nominalConcurrencyShares: Invalid value: -1: must be a non-negative integer",
                    "spec.exempt.lendablePercent: Invalid value: 101: must be between 0 and 100, inclusive",
                ],
            ),
            (
                level(limited={"limitResponse": {"type": "Queue"}, "borrowingLimitPercent": -1}),
                [
                    "spec.limited.limitResponse.queuing: Required value: must not be empty if "
                    "limited.limitResponse.type is Limited",
                    "spec.limited.borrowingLimitPercent: Invalid value: -1: if specified, must be a non-negative "
                    "integer",
                ],
            ),
            (
                queued(queues=4, handSize=8, queueLengthLimit=-1),
                [
                    "spec.limited.limitResponse.queuing.queueLengthLimit: Invalid value: -1: must be positive",
                    "spec.limited.limitResponse.queuing.handSize: Invalid value: 8: should not be greater than "
                    "queues (4)",
                ],
            ),
            (
                queued(queues=512, handSize=8),
                [
                    "spec.limited.limitResponse.queuing.handSize: Invalid value: 8: required entropy bits of deckSize "
                    "512 and handSize 8 should not be greater than 60"
                ],
            ),
        ],
    )
    def test_something(self, bad: PriorityLevelConfiguration, expected: list[str]) -> None:
        assert texts(validate(bad)) == expected
