"""Webhooks, policies, APIServices: defaults, and every fault with its field and upstream's text."""

from typing import Any

import pytest

from naru.api.admissionregistration_v1 import (
    MutatingAdmissionPolicy,
    MutatingAdmissionPolicyBinding,
    MutatingWebhookConfiguration,
    ValidatingAdmissionPolicy,
    ValidatingAdmissionPolicyBinding,
    ValidatingWebhookConfiguration,
)
from naru.api.apiregistration_v1 import APIService
from naru.api.errors import FieldError
from naru.api.meta import KubeObject
from naru.api.strict import decode
from naru.api.validation import validate, validate_status_update, validate_update

RULE = {"operations": ["CREATE"], "apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"]}
MATCH = {"resourceRules": [RULE]}
NOTHING: list[str] = []


def webhooks(*hooks: dict[str, Any], kind: type[KubeObject] = ValidatingWebhookConfiguration) -> Any:
    base = {
        "name": "a.example.com",
        "clientConfig": {"url": "https://a.example.com/check"},
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
    }
    return decode(kind, {"metadata": {"name": "hooks"}, "webhooks": [base | hook for hook in hooks]})


def policy(**spec: Any) -> ValidatingAdmissionPolicy:
    base = {"matchConstraints": MATCH, "validations": [{"expression": "true"}]}
    return decode(ValidatingAdmissionPolicy, {"metadata": {"name": "p"}, "spec": base | spec})


def mutating(**spec: Any) -> MutatingAdmissionPolicy:
    base = {
        "matchConstraints": MATCH,
        "reinvocationPolicy": "Never",
        "mutations": [{"patchType": "JSONPatch", "jsonPatch": {"expression": "[]"}}],
    }
    return decode(MutatingAdmissionPolicy, {"metadata": {"name": "p"}, "spec": base | spec})


def binding(kind: type[KubeObject] = ValidatingAdmissionPolicyBinding, **spec: Any) -> Any:
    base = {"policyName": "p"} | ({"validationActions": ["Deny"]} if kind is ValidatingAdmissionPolicyBinding else {})
    return decode(kind, {"metadata": {"name": "b"}, "spec": base | spec})


def service(name: str = "v1.example.com", **spec: Any) -> APIService:
    base = {"group": "example.com", "version": "v1", "groupPriorityMinimum": 100, "versionPriority": 10}
    return decode(APIService, {"metadata": {"name": name}, "spec": base | spec})


def texts(errors: list[FieldError]) -> list[str]:
    return [str(error) for error in errors]


class TestDefaults:
    """What nobody said."""

    def test_a_webhook(self) -> None:
        client = {"service": {"namespace": "a", "name": "b"}}
        hook = webhooks({"clientConfig": client, "rules": [RULE]}, kind=MutatingWebhookConfiguration).wire()
        assert hook["webhooks"][0] == {
            "name": "a.example.com",
            "clientConfig": {"service": {"namespace": "a", "name": "b", "port": 443}},
            "rules": [{**RULE, "scope": "*"}],
            "failurePolicy": "Fail",
            "matchPolicy": "Equivalent",
            "namespaceSelector": {},
            "objectSelector": {},
            "sideEffects": "None",
            "timeoutSeconds": 10,
            "admissionReviewVersions": ["v1"],
            "reinvocationPolicy": "Never",
        }

    def test_a_policy(self) -> None:
        spec = policy().wire()["spec"]
        assert spec["failurePolicy"] == "Fail"
        assert spec["matchConstraints"] == {
            "namespaceSelector": {},
            "objectSelector": {},
            "resourceRules": [{**RULE, "scope": "*"}],
            "matchPolicy": "Equivalent",
        }

    def test_the_port_of_another_server(self) -> None:
        spec = service(service={"namespace": "a", "name": "b"}).spec
        assert spec.service is not None
        assert spec.service.port == 443


class TestWebhooks:
    """What is wrong with webhooks."""

    def test_nothing(self) -> None:
        assert texts(validate(webhooks({"rules": [RULE]}, {"name": "b.example.com"}))) == NOTHING

    @pytest.mark.parametrize(
        ("hook", "expected"),
        [
            ({"name": ""}, ["name: Required value"]),
            (
                {"name": "example.com"},
                [
                    'name: Invalid value: "example.com": should be a domain with at least three segments separated '
                    "by dots"
                ],
            ),
            (
                {"sideEffects": None, "admissionReviewVersions": []},
                [
                    "sideEffects: Required value: must specify one of None, NoneOnDryRun",
                    "admissionReviewVersions: Required value: must specify one of v1, v1beta1",
                ],
            ),
            (
                {"sideEffects": "Some", "timeoutSeconds": 31, "failurePolicy": "Try"},
                [
                    'failurePolicy: Unsupported value: "Try": supported values: "Fail", "Ignore"',
                    'sideEffects: Unsupported value: "Some": supported values: "None", "NoneOnDryRun"',
                    "timeoutSeconds: Invalid value: 31: the timeout value must be between 1 and 30 seconds",
                ],
            ),
            ({"clientConfig": {}}, ["clientConfig: Required value: exactly one of url or service is required"]),
            (
                {"clientConfig": {"url": "http://me@host/?a=b#c"}},
                [
                    "clientConfig.url: Invalid value: \"http\": 'https' is the only allowed URL scheme; desired "
                    "format: https://host[/path]",
                    'clientConfig.url: Invalid value: "me": user information is not permitted in the URL',
                    'clientConfig.url: Invalid value: "c": fragments are not permitted in the URL',
                    'clientConfig.url: Invalid value: "a=b": query parameters are not permitted in the URL',
                ],
            ),
            (
                {"clientConfig": {"service": {"namespace": "a", "name": "b", "port": 65536, "path": "a//b"}}},
                [
                    "clientConfig.service.port: Invalid value: 65536: port is not valid: must be between 1 and 65535, "
                    "inclusive",
                    "clientConfig.service.path: Invalid value: \"a//b\": must start with a '/'",
                    'clientConfig.service.path: Invalid value: "a//b": segment[0] may not be empty',
                    'clientConfig.service.path: Invalid value: "a//b": segment[1] may not be empty',
                ],
            ),
            (
                {"admissionReviewVersions": ["v2", "v2"]},
                [
                    'admissionReviewVersions[1]: Invalid value: "v2": duplicate version',
                    'admissionReviewVersions: Invalid value: ["v2","v2"]: must include at least one of v1, v1beta1',
                ],
            ),
            (
                {"rules": [{"operations": ["*", "EAT"], "apiGroups": ["*", ""], "apiVersions": [""]}]},
                [
                    'rules[0].operations: Invalid value: ["*","EAT"]: if \'*\' is present, must not specify other '
                    "operations",
                    'rules[0].operations[1]: Unsupported value: "EAT": supported values: "*", "CONNECT", "CREATE", '
                    '"DELETE", "UPDATE"',
                    'rules[0].apiGroups: Invalid value: ["*",""]: if \'*\' is present, must not specify other API '
                    "groups",
                    "rules[0].apiVersions[0]: Required value",
                    "rules[0].resources: Required value",
                ],
            ),
            (
                {"rules": [RULE | {"resources": ["*", "pods", "*/*", "pods/log"], "scope": "Room"}]},
                [
                    'rules[0].resources: Invalid value: ["*","pods","*/*","pods/log"]: if \'*/*\' is present, must not '
                    "specify other resources",
                    'rules[0].resources: Invalid value: ["*","pods","*/*","pods/log"]: if \'*\' is present, must not '
                    "specify other resources without subresources",
                    'rules[0].scope: Unsupported value: "Room": supported values: "*", "Cluster", "Namespaced"',
                ],
            ),
            (
                {"matchConditions": [{"name": "a", "expression": " "}, {"name": "a", "expression": "true"}, {}]},
                [
                    "matchConditions[0].expression: Required value",
                    'matchConditions[1].name: Duplicate value: "a"',
                    "matchConditions[2].expression: Required value",
                    "matchConditions[2].name: Required value",
                ],
            ),
        ],
    )
    def test_something(self, hook: dict[str, Any], expected: list[str]) -> None:
        assert texts(validate(webhooks(hook))) == [f"webhooks[0].{text}" for text in expected]

    def test_names_are_unique(self) -> None:
        assert texts(validate(webhooks({}, {}))) == ['webhooks[1].name: Duplicate value: "a.example.com"']

    def test_faults_from_before_are_put_up_with(self) -> None:
        old = webhooks({"sideEffects": "Some", "admissionReviewVersions": ["v2"]}, {})
        assert texts(validate_update(old, old)) == NOTHING
        assert texts(validate_update(webhooks({"sideEffects": "Some"}), webhooks({}))) != NOTHING


class TestPolicies:
    """What is wrong with policies."""

    def test_nothing(self) -> None:
        assert texts(validate(policy()) + validate(mutating())) == NOTHING

    def test_everything_is_missing(self) -> None:
        assert texts(validate(policy(matchConstraints=None, validations=[]))) == [
            "spec.matchConstraints: Required value",
            "spec.validations: Required value: validations or auditAnnotations must contain at least one item",
            "spec.auditAnnotations: Required value: validations or auditAnnotations must contain at least one item",
        ]

    @pytest.mark.parametrize(
        ("spec", "expected"),
        [
            ({"matchConstraints": {}}, ["spec.matchConstraints.resourceRules: Required value"]),
            (
                {"paramKind": {"apiVersion": "a/b/c"}},
                [
                    'spec.paramKind.apiVersion: Invalid value: "a/b/c": unexpected GroupVersion string: a/b/c',
                    "spec.paramKind.kind: Required value",
                ],
            ),
            (
                {"variables": [{"name": "let", "expression": "1"}, {"name": " "}]},
                [
                    'spec.variables[0].name: Invalid value: "let": must be a valid CEL identifier',
                    "spec.variables[1].name: Required value: name is not specified",
                    "spec.variables[1].expression: Required value: expression is not specified",
                ],
            ),
            (
                {"validations": [{"expression": " ", "message": "a\nb", "messageExpression": " ", "reason": "Mood"}]},
                [
                    "spec.validations[0].expression: Required value: expression is not specified",
                    'spec.validations[0].messageExpression: Invalid value: " ": must be non-empty if specified',
                    'spec.validations[0].message: Invalid value: "a\\nb": must not contain line breaks',
                    'spec.validations[0].reason: Unsupported value: "Mood": supported values: "Forbidden", "Invalid", '
                    '"RequestEntityTooLarge"',
                ],
            ),
            (
                {"auditAnnotations": [{"key": "a", "valueExpression": "''"}, {"key": "a", "valueExpression": ""}]},
                [
                    "spec.auditAnnotations[1].valueExpression: Required value: valueExpression is not specified",
                    'spec.auditAnnotations[1].key: Duplicate value: "a"',
                ],
            ),
        ],
    )
    def test_something(self, spec: dict[str, Any], expected: list[str]) -> None:
        assert texts(validate(policy(**spec))) == expected

    @pytest.mark.parametrize(
        ("spec", "expected"),
        [
            (
                {"mutations": [], "reinvocationPolicy": ""},
                [
                    "spec.mutations: Required value: mutations must contain at least one item",
                    "spec.reinvocationPolicy: Required value",
                ],
            ),
            (
                {"mutations": [{}, {"patchType": "Merge"}, {"patchType": "JSONPatch", "applyConfiguration": {}}]},
                [
                    "spec.mutations[0].patchType: Required value",
                    'spec.mutations[1].patchType: Unsupported value: "Merge": supported values: "ApplyConfiguration", '
                    '"JSONPatch"',
                    'spec.mutations[2].applyConfiguration: Invalid value: "{applyConfiguration}": must not be '
                    "specified when patchType is JSONPatch",
                    "spec.mutations[2].jsonPatch: Required value: must be specified when patchType is JSONPatch",
                ],
            ),
            (
                {"matchConstraints": {"resourceRules": [RULE | {"operations": ["DELETE"]}]}},
                [
                    'spec.matchConstraints.resourceRules.operations: Unsupported value: "DELETE": supported values: '
                    '"*", "CONNECT", "CREATE", "UPDATE"'
                ],
            ),
        ],
    )
    def test_something_that_changes(self, spec: dict[str, Any], expected: list[str]) -> None:
        assert texts(validate(mutating(**spec))) == expected

    def test_a_status(self) -> None:
        status = {"typeChecking": {"expressionWarnings": [{"fieldRef": " "}]}, "conditions": [{"type": "a"}]}
        new = decode(ValidatingAdmissionPolicy, {**policy().wire(), "status": status})
        assert texts(validate_status_update(new, policy())) == [
            "status.typeChecking.expressionWarnings[0].warning: Required value",
            "status.typeChecking.expressionWarnings[0].fieldRef: Required value",
            "status.conditions[0].status: Required value",
            "status.conditions[0].lastTransitionTime: Required value",
            "status.conditions[0].reason: Required value",
        ]


class TestBindings:
    """What is wrong with what puts a policy into force."""

    def test_nothing(self) -> None:
        good = binding(paramRef={"name": "a", "parameterNotFoundAction": "Allow"}, matchResources={})
        assert texts(validate(good) + validate(binding(MutatingAdmissionPolicyBinding))) == NOTHING

    @pytest.mark.parametrize(
        ("spec", "expected"),
        [
            (
                {"policyName": "", "validationActions": []},
                [
                    "spec.policyName: Required value",
                    "spec.validationActions: Required value: at least one validation action is required",
                ],
            ),
            (
                {"validationActions": ["Deny", "Warn", "Warn"]},
                [
                    'spec.validationActions[2]: Duplicate value: "Warn"',
                    'spec.validationActions: Invalid value: ["Deny","Warn","Warn"]: must not contain both Deny and '
                    "Warn (repeating the same validation failure information in the API response and headers serves "
                    "no purpose)",
                ],
            ),
            (
                {"paramRef": {"name": "a/b", "selector": {}}},
                [
                    "spec.paramRef.name: Invalid value: \"a/b\": may not contain '/'",
                    "spec.paramRef.name: Forbidden: name and selector are mutually exclusive",
                    "spec.paramRef.selector: Forbidden: name and selector are mutually exclusive",
                    "spec.paramRef.parameterNotFoundAction: Required value",
                ],
            ),
            (
                {"paramRef": {"parameterNotFoundAction": "Ask"}},
                [
                    "spec.paramRef: Required value: one of name or selector must be specified",
                    'spec.paramRef.parameterNotFoundAction: Unsupported value: "Ask": supported values: "Deny", '
                    '"Allow"',
                ],
            ),
        ],
    )
    def test_something(self, spec: dict[str, Any], expected: list[str]) -> None:
        assert texts(validate(binding(**spec))) == expected


class TestAPIService:
    """What is wrong with an APIService."""

    def test_nothing(self) -> None:
        core = service("v1.", group="")
        assert texts(validate(service()) + validate(core)) == NOTHING

    @pytest.mark.parametrize(
        ("bad", "expected"),
        [
            (
                service("example.com"),
                [
                    'metadata.name: Invalid value: "example.com": must be `spec.version+"."+spec.group`: '
                    '"v1.example.com"'
                ],
            ),
            (
                service("v2.", group="", version="v2"),
                ["spec.group: Required value: only v1 may have an empty group and it better be legacy kube"],
            ),
            (
                service(groupPriorityMinimum=0, versionPriority=1001),
                [
                    "spec.groupPriorityMinimum: Invalid value: 0: must be positive and less than 20000",
                    "spec.versionPriority: Invalid value: 1001: must be positive and less than 1000",
                ],
            ),
            (
                service(caBundle="YWI=", insecureSkipTLSVerify=True),
                [
                    'spec.caBundle: Invalid value: "2 bytes": local APIServices may not have a caBundle',
                    "spec.insecureSkipTLSVerify: Invalid value: true: local APIServices may not have "
                    "insecureSkipTLSVerify",
                ],
            ),
            (
                service(service={"port": 0}, caBundle="YWI=", insecureSkipTLSVerify=True),
                [
                    "spec.service.namespace: Required value",
                    "spec.service.name: Required value",
                    "spec.service.port: Invalid value: 0: port is not valid: must be between 1 and 65535, inclusive",
                    "spec.insecureSkipTLSVerify: Invalid value: true: may not be true if caBundle is present",
                ],
            ),
        ],
    )
    def test_something(self, bad: APIService, expected: list[str]) -> None:
        assert texts(validate(bad)) == expected

    def test_a_status(self) -> None:
        status = {"conditions": [{"type": "Available", "status": "Perhaps"}]}
        new = decode(APIService, {**service().wire(), "status": status})
        assert texts(validate_status_update(new, service())) == [
            'status.conditions[0].status: Unsupported value: "Perhaps": supported values: "True", "False", "Unknown"'
        ]
