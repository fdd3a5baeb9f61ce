"""CustomResourceDefinitions: defaults, and every fault with its field and upstream's text."""

from typing import Any

import pytest

from naru.api.apiextensions_v1 import CustomResourceDefinition
from naru.api.errors import FieldError
from naru.api.strict import decode
from naru.api.validation import validate, validate_update

NOTHING: list[str] = []
NAMES = {"plural": "crontabs", "kind": "CronTab"}
TEXT = {"type": "string"}
EMBEDDED = {"type": "object", "x-kubernetes-embedded-resource": True, "x-kubernetes-preserve-unknown-fields": True}


def version(name: str = "v1", schema: Any = None, **more: Any) -> dict[str, Any]:
    root = {"type": "object"} if schema is None else schema
    return {"name": name, "served": True, "storage": True, "schema": {"openAPIV3Schema": root}} | more


def definition(*versions: Any, name: str = "crontabs.example.com", **spec: Any) -> CustomResourceDefinition:
    base = {"group": "example.com", "scope": "Namespaced", "names": NAMES, "versions": list(versions or [version()])}
    return decode(CustomResourceDefinition, {"metadata": {"name": name}, "spec": base | spec})


def with_field(schema: dict[str, Any]) -> CustomResourceDefinition:
    return definition(version(schema={"type": "object", "properties": {"a": schema}}))


def texts(errors: list[FieldError]) -> list[str]:
    return [str(error) for error in errors]


class TestDefaults:
    """What nobody said."""

    def test_names_follow_from_the_kind(self) -> None:
        names = definition().spec.names
        assert (names.singular, names.list_kind) == ("crontab", "CronTabList")

    def test_versions_are_converted_by_nothing(self) -> None:
        assert definition().wire()["spec"]["conversion"] == {"strategy": "None"}

    def test_the_stored_version_is_remembered(self) -> None:
        assert definition(version("v1", storage=False), version("v2")).status.stored_versions == ("v2",)

    def test_a_webhook_has_a_port(self) -> None:
        client = {"service": {"namespace": "a", "name": "b"}}
        conversion = {"strategy": "Webhook", "webhook": {"clientConfig": client, "conversionReviewVersions": ["v1"]}}
        found = definition(conversion=conversion).wire()["spec"]["conversion"]["webhook"]["clientConfig"]
        assert found["service"]["port"] == 443

    def test_a_schema_is_read_as_far_as_it_goes(self) -> None:
        schema = {"type": "object", "additionalProperties": {"type": "array", "items": {"type": "string", "b": 1}}}
        found = with_field(schema).wire()["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["a"]
        assert found == {"type": "object", "additionalProperties": {"type": "array", "items": TEXT}}


class TestDefinition:
    """What is wrong with a definition, apart from its schema."""

    def test_nothing(self) -> None:
        good = definition(version("v1", storage=False), version("v2", subresources={"status": {}}))
        assert texts(validate(good)) == NOTHING

    @pytest.mark.parametrize(
        ("bad", "expected"),
        [
            (
                definition(name="tabs.example.com"),
                ['metadata.name: Invalid value: "tabs.example.com": must be spec.names.plural+"."+spec.group'],
            ),
            (
                definition(name="crontabs.example", group="example", scope=""),
                [
                    'spec.group: Invalid value: "example": should be a domain with at least one dot',
                    "spec.scope: Required value",
                ],
            ),
            (
                definition(scope="Galaxy"),
                ['spec.scope: Unsupported value: "Galaxy": supported values: "Cluster", "Namespaced"'],
            ),
            (
                definition(name=".example.com", names={}),
                [
                    "spec.names.plural: Required value",
                    "spec.names.singular: Required value",
                    "spec.names.kind: Required value",
                    "spec.names.listKind: Required value",
                ],
            ),
            (
                definition(names={**NAMES, "listKind": "CronTab"}),
                ['spec.names.listKind: Invalid value: "CronTab": kind and listKind may not be the same'],
            ),
            (
                definition({"name": "v1", "served": True, "storage": True}),
                ["spec.versions[0].schema.openAPIV3Schema: Required value"],
            ),
            (
                definition(preserveUnknownFields=True),
                [
                    "spec.preserveUnknownFields: Invalid value: true: cannot set to true, set "
                    "x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead"
                ],
            ),
            (
                definition(name="crontabs.test.k8s.io", group="test.k8s.io"),
                [
                    "metadata.annotations[api-approved.kubernetes.io]: Required value: protected groups must have "
                    'approval annotation "api-approved.kubernetes.io", see '
                    "https://github.com/kubernetes/enhancements/pull/1111"
                ],
            ),
            (
                definition(version(deprecationWarning="old"), version("v2", storage=False)),
                ['spec.versions[0].deprecationWarning: Invalid value: "old": can only be set for deprecated versions'],
            ),
            (
                definition(version(additionalPrinterColumns=[{"name": "a", "type": "text", "jsonPath": "a"}])),
                [
                    'spec.additionalPrinterColumns[0].type: Invalid value: "text": must be one of '
                    "boolean,date,integer,number,string",
                    'spec.additionalPrinterColumns[0].JSONPath: Invalid value: "a": must be a simple json path '
                    "starting with .",
                ],
            ),
            (
                definition(version(subresources={"scale": {"specReplicasPath": ".status.a"}})),
                [
                    'spec.subresources.scale.specReplicasPath: Invalid value: ".status.a": should be a json path '
                    "under .spec",
                    "spec.subresources.scale.statusReplicasPath: Required value",
                ],
            ),
            (
                definition(conversion={"strategy": "Webhook"}),
                [
                    "spec.conversion.webhookClientConfig: Required value: required when strategy is set to Webhook",
                    "spec.conversion.conversionReviewVersions: Required value",
                ],
            ),
            (
                definition(conversion={"strategy": "None", "webhook": {"conversionReviewVersions": ["v1"]}}),
                [
                    "spec.conversion.conversionReviewVersions: Forbidden: should not be set when strategy is not set "
                    "to Webhook"
                ],
            ),
        ],
    )
    def test_something(self, bad: CustomResourceDefinition, expected: list[str]) -> None:
        found = texts(validate(bad))
        assert [text for text in found if not text.startswith("metadata.name") or bad.spec.names.kind] == expected

    def test_one_version_is_stored(self) -> None:
        found = texts(validate(definition(version("v1"), version("v1"))))
        assert [text.rpartition(": ")[2] for text in found] == [
            "must contain unique version names",
            "must have exactly one version marked as storage version",
        ]
        assert found[0].startswith('spec.versions: Invalid value: [{"Name":"v1","Served":true,"Storage":true,')

    def test_some_things_are_fixed(self) -> None:
        old = definition()
        assert texts(validate_update(definition(group="example.org"), old)) == [
            'spec.group: Invalid value: "example.org": field is immutable'
        ]
        assert texts(validate_update(definition(scope="Cluster"), old)) == NOTHING
        status = {"conditions": [{"type": "Established", "status": "True"}], "storedVersions": ["v1"]}
        served = decode(CustomResourceDefinition, {**old.wire(), "status": status})
        new = definition(scope="Cluster", names={**NAMES, "kind": "Tab"})
        assert texts(validate_update(new, served)) == [
            'spec.scope: Invalid value: "Cluster": field is immutable',
            'spec.names.kind: Invalid value: "Tab": field is immutable',
        ]

    def test_what_is_stored_stays_known(self) -> None:
        old = definition()
        new = definition(version("v2")).model_copy(update={"status": old.status})
        assert texts(validate_update(new, old)) == [
            'status.storedVersions: Invalid value: ["v1"]: must have the storage version v2',
            'status.storedVersions[0]: Invalid value: "v1": missing from spec.versions; v1 was previously a storage '
            "version, and must remain in spec.versions until a storage migration ensures no data remains persisted in "
            "v1 and removes v1 from status.storedVersions",
        ]


class TestSchema:
    """What is wrong with the schema of a version."""

    @pytest.mark.parametrize(
        "good",
        [
            TEXT,
            EMBEDDED,
            {"x-kubernetes-int-or-string": True, "anyOf": [{"type": "integer"}, {"type": "string"}]},
            {"type": "object", "properties": {"b": TEXT}, "anyOf": [{"required": ["b"]}, {"properties": {"b": {}}}]},
            {
                "type": "array",
                "x-kubernetes-list-type": "map",
                "x-kubernetes-list-map-keys": ["b"],
                "items": {"type": "object", "required": ["b"], "properties": {"b": TEXT}},
            },
        ],
    )
    def test_nothing(self, good: dict[str, Any]) -> None:
        assert texts(validate(with_field(good))) == NOTHING

    @pytest.mark.parametrize(
        ("schema", "expected"),
        [
            ({}, [".type: Required value: must not be empty for specified object fields"]),
            ({"type": "array"}, [".items: Required value: must be specified"]),
            (
                {"type": "array", "items": {}},
                [".items.type: Required value: must not be empty for specified array items"],
            ),
            (
                {"type": "array", "items": [TEXT]},
                [".items: Forbidden: items must be a schema object and not an array"],
            ),
            (
                {"type": "text"},
                [
                    '.type: Unsupported value: "text": supported values: "array", "boolean", "integer", "number", '
                    '"object", "string"'
                ],
            ),
            (
                {"type": "string", "anyOf": [{"type": "string", "default": "a", "title": "t"}]},
                [
                    ".anyOf[0].default: Forbidden: must be undefined to be structural",
                    ".anyOf[0].title: Forbidden: must be empty to be structural",
                    ".anyOf[0].type: Forbidden: must be empty to be structural",
                ],
            ),
            (
                {"type": "object", "properties": {"b": TEXT}, "additionalProperties": TEXT},
                [".additionalProperties: Forbidden: additionalProperties and properties are mutual exclusive"],
            ),
            (
                {"type": "object", "$ref": "#/a", "uniqueItems": True},
                [
                    ".$ref: Forbidden: $ref is not supported",
                    ".uniqueItems: Forbidden: uniqueItems cannot be set to true since the runtime complexity becomes "
                    "quadratic",
                ],
            ),
            (
                {"type": "string", "x-kubernetes-list-type": "set", "x-kubernetes-map-type": "sharp"},
                [
                    '.type: Invalid value: "string": must be object if x-kubernetes-map-type is specified',
                    '.x-kubernetes-map-type: Unsupported value: "sharp": supported values: "atomic", "granular"',
                    '.type: Invalid value: "string": must be array if x-kubernetes-list-type is specified',
                ],
            ),
            (
                {
                    "type": "array",
                    "x-kubernetes-list-type": "map",
                    "x-kubernetes-list-map-keys": ["b", "c"],
                    "items": {"type": "object", "properties": {"b": TEXT}, "nullable": True},
                },
                [
                    '.x-kubernetes-list-map-keys: Invalid value: ["b","c"]: entries must all be names of item '
                    "properties",
                    ".items.nullable: Forbidden: cannot be nullable when x-kubernetes-list-type is map",
                    ".items.properties[b].default: Required value: this property is in x-kubernetes-list-map-keys, so "
                    "it must have a default or be a required property",
                ],
            ),
            (
                {
                    "type": "string",
                    "x-kubernetes-validations": [{"rule": " "}, {"rule": "a\nb"}, {"rule": "c", "reason": "d"}],
                },
                [
                    ".x-kubernetes-validations[0].rule: Required value: rule is not specified",
                    ".x-kubernetes-validations[1].message: Required value: message must be specified if rule contains "
                    "line breaks",
                    '.x-kubernetes-validations[2].reason: Unsupported value: "d": supported values: '
                    '"FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired"',
                ],
            ),
        ],
    )
    def test_something(self, schema: dict[str, Any], expected: list[str]) -> None:
        path = "spec.validation.openAPIV3Schema.properties[a]"
        assert texts(validate(with_field(schema))) == [path + text for text in expected]

    @pytest.mark.parametrize(
        ("schema", "expected"),
        [
            ({"type": "string"}, ['.type: Invalid value: "string": must be object at the root']),
            ({"properties": {}}, [".type: Required value: must not be empty at the root"]),
            (
                {"type": "object", "not": {"properties": {"b": {}}}},
                [
                    ".properties[b]: Required value: because it is defined in "
                    "spec.validation.openAPIV3Schema.not.properties[b]"
                ],
            ),
            (
                {"type": "object", "nullable": True, "additionalProperties": TEXT},
                [
                    ".nullable: Forbidden: nullable cannot be true at the root",
                    ".additionalProperties: Forbidden: must not be used at the root",
                ],
            ),
            (
                {"type": "object", "properties": {"metadata": {"type": "object", "properties": {"labels": TEXT}}}},
                [
                    ".properties[metadata]: Forbidden: must not specify anything other than name and generateName, but "
                    "metadata is implicitly specified"
                ],
            ),
            (
                {"type": "object", "properties": {"kind": {"type": "integer", "default": 1}}},
                [
                    '.properties[kind].type: Invalid value: "integer": must be string',
                    ".properties[kind].default: Forbidden: must not be set in top-level kind",
                ],
            ),
        ],
    )
    def test_the_root(self, schema: dict[str, Any], expected: list[str]) -> None:
        found = texts(validate(definition(version(schema=schema))))
        assert found == [f"spec.validation.openAPIV3Schema{text}" for text in expected]

    def test_each_version_has_its_own(self) -> None:
        bad = definition(version(), version("v2", {"type": "string"}, storage=False))
        assert texts(validate(bad)) == [
            'spec.versions[1].schema.openAPIV3Schema.type: Invalid value: "string": must be object at the root'
        ]

    @pytest.mark.parametrize(
        ("path", "expected"),
        [
            (".spec.a", []),
            (".spec.b", ["is an invalid path: does not refer to a valid field"]),
            (
                ".spec",
                [
                    "must point to a field of type string, boolean or integer. Enum string fields and strings with "
                    "formats are allowed."
                ],
            ),
        ],
    )
    def test_what_selectors_may_name(self, path: str, expected: list[str]) -> None:
        schema = {"type": "object", "properties": {"spec": {"type": "object", "properties": {"a": TEXT}}}}
        found = texts(validate(definition(version(schema=schema, selectableFields=[{"jsonPath": path}]))))
        assert found == [f'spec.selectableFields[0].jsonPath: Invalid value: "{path}": {text}' for text in expected]
