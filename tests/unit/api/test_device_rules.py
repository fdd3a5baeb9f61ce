"""Claims on devices, and devices: defaults, and every fault with its field and upstream's text."""

from typing import Any

import pytest

from naru.api.errors import FieldError
from naru.api.resource_v1 import DeviceClass, ResourceClaim, ResourceClaimTemplate, ResourceSlice
from naru.api.strict import decode
from naru.api.validation import validate, validate_status_update, validate_update

NOTHING: list[str] = []
CLASS = "gpu.example.com"
EXACTLY = {"name": "gpu", "exactly": {"deviceClassName": CLASS}}
OPAQUE = {"driver": CLASS, "parameters": {"a": 1}}
RESULT = {"request": "gpu", "driver": CLASS, "pool": "node-1", "device": "gpu-0"}
NO_REQUEST = "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'"
LABEL = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with "
    "an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
)


def claim(*requests: Any, status: Any = None, **devices: Any) -> ResourceClaim:
    spec = {"devices": {"requests": list(requests or [EXACTLY]), **devices}}
    meta = {"name": "c", "namespace": "default"}
    return decode(ResourceClaim, {"metadata": meta, "spec": spec, "status": status or {}})


def allocated(*results: Any, **status: Any) -> ResourceClaim:
    return claim(status={"allocation": {"devices": {"results": list(results or [RESULT])}}, **status})


def devices(*found: Any, **spec: Any) -> ResourceSlice:
    pool = {"name": "node-1", "resourceSliceCount": 1}
    base = {"driver": CLASS, "pool": pool, "nodeName": "node-1", "devices": list(found)}
    return decode(ResourceSlice, {"metadata": {"name": "s"}, "spec": base | spec})


def shared(**capacity: Any) -> ResourceSlice:
    policy = {"value": "10Gi", "requestPolicy": capacity}
    return devices({"name": "a", "allowMultipleAllocations": True, "capacity": {"memory": policy}})


def texts(errors: list[FieldError]) -> list[str]:
    return [str(error) for error in errors]


class TestDefaults:
    """What nobody said."""

    def test_one_device_is_asked_for(self) -> None:
        ways = {"name": "any", "firstAvailable": [{"name": "a", "deviceClassName": CLASS, "allocationMode": "All"}]}
        exact, other = claim(EXACTLY, ways).wire()["spec"]["devices"]["requests"]
        assert exact["exactly"] == {"deviceClassName": CLASS, "allocationMode": "ExactCount", "count": 1}
        assert other["firstAvailable"] == [{"name": "a", "deviceClassName": CLASS, "allocationMode": "All"}]

    def test_so_it_is_in_a_template(self) -> None:
        wire = {"metadata": {"name": "t", "namespace": "default"}, "spec": {"spec": claim().spec.wire()}}
        template = decode(ResourceClaimTemplate, wire)
        assert template.spec.spec.devices.requests[0].exactly == claim().spec.devices.requests[0].exactly

    def test_a_unit_for_a_unit(self) -> None:
        device = {"name": "a", "nodeAllocatableResourceMappings": {"cpu": {}}}
        mappings = devices(device).spec.devices[0].node_allocatable_resource_mappings
        assert mappings["cpu"].allocation_multiplier == "1"


class TestClaim:
    """What is wrong with a claim."""

    @pytest.mark.parametrize(
        "good",
        [
            claim(),
            claim(constraints=[{"matchAttribute": "example.com/numa"}], config=[{"opaque": OPAQUE}]),
            claim({"name": "any", "firstAvailable": [{"name": "a", "deviceClassName": CLASS}]}),
        ],
    )
    def test_nothing(self, good: ResourceClaim) -> None:
        assert texts(validate(good)) == NOTHING

    @pytest.mark.parametrize(
        ("bad", "expected"),
        [
            (
                claim({"name": "A"}),
                [
                    f'requests[0].name: Invalid value: "A": {LABEL}',
                    "requests[0]: Required value: exactly one of `exactly` or `firstAvailable` is required",
                ],
            ),
            (
                claim({**EXACTLY, "firstAvailable": [{"name": "a", "deviceClassName": CLASS}]}),
                [
                    "requests[0]: Invalid value: null: exactly one of `exactly` or `firstAvailable` is required, but "
                    "multiple fields are set"
                ],
            ),
            (claim(EXACTLY, EXACTLY), ['requests[1]: Duplicate value: "gpu"']),
            (
                claim({"name": "a", "exactly": {"allocationMode": "Some"}}),
                [
                    "requests[0].exactly.deviceClassName: Required value",
                    'requests[0].exactly.allocationMode: Unsupported value: "Some": supported values: "All", '
                    '"ExactCount"',
                ],
            ),
            (
                claim({"name": "a", "exactly": {"deviceClassName": CLASS, "allocationMode": "All", "count": 2}}),
                [
                    "requests[0].exactly.count: Invalid value: 2: must not be specified when allocationMode is 'All'",
                ],
            ),
            (
                claim(
                    {"name": "a", "exactly": {"deviceClassName": CLASS, "count": -1, "selectors": [{}, {"cel": {}}]}}
                ),
                [
                    "requests[0].exactly.selectors[0].cel: Required value",
                    "requests[0].exactly.selectors[1].cel.expression: Required value",
                    "requests[0].exactly.count: Invalid value: -1: must be greater than zero",
                ],
            ),
            (
                claim(
                    {
                        "name": "a",
                        "exactly": {
                            "deviceClassName": CLASS,
                            "tolerations": [{"operator": "Exists", "value": "b"}, {"operator": "Near", "effect": "No"}],
                        },
                    }
                ),
                [
                    'requests[0].exactly.tolerations[0].value: Invalid value: "b": must be empty for operator `Exists`',
                    'requests[0].exactly.tolerations[1].operator: Unsupported value: "Near": supported values: '
                    '"Equal", "Exists"',
                    'requests[0].exactly.tolerations[1].effect: Unsupported value: "No": supported values: '
                    '"NoExecute", "NoSchedule", "None"',
                ],
            ),
            (
                claim(constraints=[{"requests": ["cpu", "a/b/c"], "matchAttribute": "numa"}, {}]),
                [
                    f'constraints[0].requests[0]: Invalid value: "cpu": {NO_REQUEST}',
                    f'constraints[0].requests[1]: Invalid value: "a/b/c": {NO_REQUEST}',
                    'constraints[0].matchAttribute: Invalid value: "numa": a fully qualified name must be a domain '
                    "and a name separated by a slash",
                    'constraints[1]: Required value: exactly one of "matchAttribute" or "distinctAttribute" is '
                    "required, but multiple fields are set",
                ],
            ),
            (
                claim(config=[{}, {"opaque": {"driver": CLASS, "parameters": 7}}, {"opaque": {"driver": CLASS}}]),
                [
                    "config[0].opaque: Required value",
                    'config[1].opaque.parameters: Invalid value: "<value omitted>": must be a valid JSON object',
                    "config[2].opaque.parameters: Required value",
                ],
            ),
            (
                claim(*({**EXACTLY, "name": f"a{number}"} for number in range(33))),
                ["requests: Too many: 33: must have at most 32 items"],
            ),
        ],
    )
    def test_something(self, bad: ResourceClaim, expected: list[str]) -> None:
        assert texts(validate(bad)) == [f"spec.devices.{text}" for text in expected]

    def test_what_is_wanted_never_changes(self) -> None:
        [error] = texts(validate_update(claim({**EXACTLY, "name": "other"}), claim()))
        assert error.startswith('spec: Invalid value: {"Devices":')
        assert error.endswith("field is immutable")

    def test_a_template_has_labels_alone(self) -> None:
        spec = {"metadata": {"labels": {"a": "b"}, "name": "c"}, "spec": claim().spec.wire()}
        template = decode(ResourceClaimTemplate, {"metadata": {"name": "t", "namespace": "default"}, "spec": spec})
        assert texts(validate(template)) == ["spec.metadata.name: Forbidden: cannot be set"]


class TestClaimStatus:
    """What is wrong with what came of a claim."""

    def test_nothing(self) -> None:
        user = {"resource": "pods", "name": "p", "uid": "1"}
        told = {"driver": CLASS, "pool": "node-1", "device": "gpu-0", "networkData": {"ips": ["10.0.0.1/24"]}}
        good = allocated(reservedFor=[user], devices=[told])
        assert texts(validate_status_update(good, claim())) == NOTHING

    @pytest.mark.parametrize(
        ("bad", "expected"),
        [
            (
                claim(status={"reservedFor": [{"resource": "pods"}]}),
                [
                    "status.reservedFor[0].name: Required value",
                    "status.reservedFor[0].uid: Required value",
                    "status.reservedFor: Forbidden: may not be specified when `allocated` is not set",
                ],
            ),
            (
                allocated({**RESULT, "request": "cpu", "shareID": "1"}),
                [
                    f'status.allocation.devices.results[0].request: Invalid value: "cpu": {NO_REQUEST}',
                    'status.allocation.devices.results[0].shareID: Invalid value: "1": error validating uid: invalid '
                    "UUID length: 1",
                ],
            ),
            (
                allocated(
                    devices=[
                        {
                            "driver": CLASS,
                            "pool": "p",
                            "device": "d",
                            "networkData": {"ips": ["10.0.0.1", "10.0.0.1/024"]},
                        }
                    ]
                ),
                [
                    f'status.devices[0]: Invalid value: "{CLASS}/p/d": must be an allocated device in the claim',
                    'status.devices[0].networkData.ips[0]: Invalid value: "10.0.0.1": must be a valid address in CIDR '
                    "form, (e.g. 10.9.8.7/24 or 2001:db8::1/64)",
                    'status.devices[0].networkData.ips[1]: Invalid value: "10.0.0.1/024": must be in canonical form '
                    '("10.0.0.1/24")',
                ],
            ),
        ],
    )
    def test_something(self, bad: ResourceClaim, expected: list[str]) -> None:
        assert texts(validate_status_update(bad, claim())) == expected

    def test_what_was_allocated_never_changes(self) -> None:
        [error] = texts(validate_status_update(allocated({**RESULT, "device": "gpu-1"}), allocated()))
        assert error.startswith("status.allocation: Invalid value: {")
        assert error.endswith("field is immutable")


class TestSlice:
    """What is wrong with devices."""

    @pytest.mark.parametrize(
        "good",
        [
            devices(),
            devices({"name": "a", "attributes": {"numa": {"int": 0}, "example.com/v": {"version": "1.2.3-a.b+c"}}}),
            devices(nodeName=None, perDeviceNodeSelection=True),
            devices(devices=None, sharedCounters=[{"name": "a", "counters": {"memory": {"value": "1Gi"}}}]),
            shared(default="1Gi", validValues=["1Gi", "2Gi"]),
            shared(default="1Gi", validRange={"min": "1Gi", "max": "4Gi", "step": "1Gi"}),
        ],
    )
    def test_nothing(self, good: ResourceSlice) -> None:
        assert texts(validate(good)) == NOTHING

    @pytest.mark.parametrize(
        ("bad", "expected"),
        [
            (
                devices(pool={"name": "", "generation": -1}, nodeName=None),
                [
                    "spec.pool.name: Required value",
                    "spec.pool.resourceSliceCount: Invalid value: 0: must be greater than zero",
                    "spec.pool.generation: Invalid value: -1: must be greater than or equal to zero",
                    "spec: Required value: exactly one of `nodeName`, `nodeSelector`, `allNodes`, "
                    "`perDeviceNodeSelection` is required",
                ],
            ),
            (
                devices(allNodes=True),
                [
                    'spec: Invalid value: "{`nodeName`, `allNodes`}": exactly one of `nodeName`, `nodeSelector`, '
                    "`allNodes`, `perDeviceNodeSelection` is required, but multiple fields are set"
                ],
            ),
            (
                devices({"name": "a"}, {"name": "a", "attributes": {"b-c": {}, "v": {"version": "1"}}}),
                [
                    'spec.devices[1].attributes[b-c]: Invalid value: "b-c": a valid C identifier must start with '
                    "alphabetic character or '_', followed by a string of alphanumeric characters or '_' (e.g. "
                    "'my_name',  or 'MY_NAME',  or 'MyName', regex used for validation is '[A-Za-z_][A-Za-z0-9_]*')",
                    'spec.devices[1].attributes[b-c]: Invalid value: "": exactly one value must be specified',
                    'spec.devices[1].attributes[v].version: Invalid value: "1": must be a string compatible with '
                    "semver.org spec 2.0.0",
                    'spec.devices[1]: Duplicate value: "a"',
                ],
            ),
            (
                devices({"name": "a", "nodeName": "n", "taints": [{"key": "a", "effect": ""}]}),
                [
                    "spec.devices[0].taints[0].effect: Required value",
                    "spec.devices[0]: Invalid value: null: `nodeName`, `nodeSelector` and `allNodes` can only be set "
                    "if `perDeviceNodeSelection` is set to true in the ResourceSlice spec",
                ],
            ),
            (
                devices(
                    {"name": "a", "bindingConditions": ["b"], "capacity": {"m": {"value": "1", "requestPolicy": {}}}}
                ),
                [
                    "spec.devices[0].capacity[m].requestPolicy: Forbidden: allowMultipleAllocations must be true",
                    "spec.devices[0].bindingFailureConditions: Invalid value: null: bindingFailureConditions are "
                    "required to use bindingConditions",
                ],
            ),
            (
                shared(validValues=["1Gi"]),
                [
                    "spec.devices[0].capacity[memory].requestPolicy.default: Required value: required when "
                    "validValues is defined"
                ],
            ),
            (
                shared(default="3Gi", validValues=["2Gi", "1Gi", "20Gi"]),
                [
                    'spec.devices[0].capacity[memory].requestPolicy.validValues[1]: Invalid value: "1Gi": values must '
                    "be sorted in ascending order",
                    'spec.devices[0].capacity[memory].requestPolicy.validValues[2]: Invalid value: "20Gi": option is '
                    "larger than capacity value: 10Gi",
                    'spec.devices[0].capacity[memory].requestPolicy.validValues: Invalid value: "3Gi": default value '
                    "is not valid according to the requestPolicy",
                ],
            ),
            (
                devices(*({"name": f"a{number}"} for number in range(129))),
                ["spec.devices: Too many: 129: must have at most 128 items"],
            ),
        ],
    )
    def test_something(self, bad: ResourceSlice, expected: list[str]) -> None:
        assert texts(validate(bad)) == expected

    def test_it_stays_where_it_is(self) -> None:
        assert texts(validate_update(devices(nodeName="node-2"), devices())) == [
            'spec.nodeName: Invalid value: "node-2": field is immutable'
        ]


class TestClass:
    """What is wrong with a class of devices."""

    def test_its_parts(self) -> None:
        spec = {"selectors": [{}], "config": [{}], "extendedResourceName": "cpu"}
        assert texts(validate(decode(DeviceClass, {"metadata": {"name": CLASS}, "spec": spec}))) == [
            "spec.selectors[0].cel: Required value",
            "spec.config[0].opaque: Required value",
            'spec.extendedResourceName: Invalid value: "cpu": must be a valid extended resource name',
        ]
