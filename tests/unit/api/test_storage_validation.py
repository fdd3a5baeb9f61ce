"""Classes of storage, attachments, drivers: every fault with its field and upstream's text, and what may change."""

from typing import Any

import pytest

from naru.api.errors import FieldError
from naru.api.meta import KubeObject
from naru.api.storage_v1 import (
    CSIDriver,
    CSINode,
    CSIStorageCapacity,
    StorageClass,
    VolumeAttachment,
    VolumeAttributesClass,
)
from naru.api.strict import decode
from naru.api.validation import validate, validate_status_update, validate_update

META = {"metadata": {"name": "x"}}
NEEDED = "Required value"
CSI_SPEC = {"csi": {"driver": "csi.example.com", "volumeHandle": "v"}, "accessModes": ["ReadWriteOnce"]}


def storage_class(**fields: Any) -> StorageClass:
    return decode(StorageClass, {**META, "provisioner": "example.com/p", **fields})


def attachment(source: Any = None, status: Any = None, **spec: Any) -> VolumeAttachment:
    base = {"attacher": "csi.example.com", "nodeName": "n", "source": source or {"persistentVolumeName": "pv"}}
    return decode(VolumeAttachment, {**META, "spec": {**base, **spec}, "status": status or {}})


def driver(**spec: Any) -> CSIDriver:
    return decode(CSIDriver, {**META, "spec": spec})


def node(*drivers: Any) -> CSINode:
    base = {"name": "csi.example.com", "nodeID": "n1", "topologyKeys": []}
    return decode(CSINode, {**META, "spec": {"drivers": [base | driver for driver in drivers]}})


def capacity(**fields: Any) -> CSIStorageCapacity:
    meta = {"metadata": {"name": "x", "namespace": "default"}}
    return decode(CSIStorageCapacity, {**meta, "storageClassName": "fast", **fields})


def attributes(**fields: Any) -> VolumeAttributesClass:
    base = {"driverName": "csi.example.com", "parameters": {"iops": "100"}}
    return decode(VolumeAttributesClass, {**META, **base, **fields})


def texts(errors: list[FieldError]) -> list[str]:
    return [str(error) for error in errors]


class TestDefaults:
    """What is filled in."""

    def test_a_class(self) -> None:
        wire = storage_class().wire()
        assert (wire["reclaimPolicy"], wire["volumeBindingMode"]) == ("Delete", "Immediate")

    def test_a_driver(self) -> None:
        assert driver().wire()["spec"] == {
            "attachRequired": True,
            "podInfoOnMount": False,
            "volumeLifecycleModes": ["Persistent"],
            "storageCapacity": False,
            "fsGroupPolicy": "ReadWriteOnceWithFSType",
            "requiresRepublish": False,
            "seLinuxMount": False,
        }


@pytest.mark.parametrize(
    "good",
    [
        storage_class(parameters={"type": "ssd"}, allowedTopologies=[]),
        storage_class(allowedTopologies=[{"matchLabelExpressions": [{"key": "zone", "values": ["a", "b"]}]}]),
        attachment(),
        attachment(source={"inlineVolumeSpec": CSI_SPEC}),
        driver(tokenRequests=[{"audience": "a", "expirationSeconds": 600}], serviceAccountTokenInSecrets=True),
        node({"topologyKeys": ["zone"], "allocatable": {"count": 3}}),
        capacity(capacity="1Gi", nodeTopology={"matchLabels": {"zone": "a"}}),
        attributes(),
    ],
    ids=lambda obj: type(obj).__name__,
)
def test_nothing_is_wrong(good: KubeObject) -> None:
    assert texts(validate(good)) == []


@pytest.mark.parametrize(
    ("bad", "expected"),
    [
        (decode(StorageClass, META), [f"provisioner: {NEEDED}"]),
        (
            storage_class(reclaimPolicy="Recycle", volumeBindingMode="Later"),
            [
                'reclaimPolicy: Unsupported value: "Recycle": supported values: "Delete", "Retain"',
                'volumeBindingMode: Unsupported value: "Later": supported values: "Immediate", "WaitForFirstConsumer"',
            ],
        ),
        (
            storage_class(parameters={str(number): "" for number in range(513)}),
            ["parameters: Too long: may not be more than 512 bytes"],
        ),
        (
            storage_class(parameters={"": "x" * (1 + (256 << 10))}),
            [
                'parameters: Invalid value: "": field can not be empty.',
                "parameters: Too long: may not be more than 262144 bytes",
            ],
        ),
        (
            storage_class(
                allowedTopologies=[
                    {"matchLabelExpressions": [{"key": "z", "values": ["a", "a"]}, {"key": "z"}]},
                ]
            ),
            [
                'allowedTopologies[0].matchLabelExpressions[0].values[1]: Duplicate value: "a"',
                f"allowedTopologies[0].matchLabelExpressions[1].values: {NEEDED}",
                'allowedTopologies[0].matchLabelExpressions[1].key: Duplicate value: "z"',
            ],
        ),
        (
            attachment(source={"persistentVolumeName": ""}),
            [
                f"spec.source.persistentVolumeName: {NEEDED}: must specify non empty persistentVolumeName",
                'spec.source.persistentVolumeName: Invalid value: "": a lowercase RFC 1123 subdomain must consist of '
                "lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric "
                "character (e.g. 'example.com', regex used for validation is "
                r"'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
            ],
        ),
        (
            attachment(source={"persistentVolumeName": "pv", "inlineVolumeSpec": CSI_SPEC}),
            ["spec.source: Forbidden: must specify exactly one of inlineVolumeSpec and persistentVolumeName"],
        ),
        (
            attachment(source={"inlineVolumeSpec": {"accessModes": ["ReadWriteOnce"], "storageClassName": "s"}}),
            [
                f"spec.source.inlineVolumeSpec.csi: {NEEDED}: has to be specified in the context of inline volumes",
                f"spec.source.inlineVolumeSpec: {NEEDED}: must specify a volume type",
                "spec.source.inlineVolumeSpec.storageClassName: Forbidden: "
                "may not be specified in the context of inline volumes",
            ],
        ),
        (
            driver(fsGroupPolicy="Maybe", volumeLifecycleModes=["Eternal"], nodeAllocatableUpdatePeriodSeconds=9),
            [
                'spec.fsGroupPolicy: Unsupported value: "Maybe": '
                'supported values: "File", "None", "ReadWriteOnceWithFSType"',
                'spec.volumeLifecycleModes: Unsupported value: "Eternal": supported values: "Persistent", "Ephemeral"',
                "spec.nodeAllocatableUpdatePeriodSeconds: Invalid value: 9: "
                "must be greater than or equal to 10 seconds",
            ],
        ),
        (
            driver(tokenRequests=[{"expirationSeconds": 1}, {"expirationSeconds": 1}]),
            [
                "spec.tokenRequests[0].expirationSeconds: Invalid value: 1: "
                "may not specify a duration less than 10 minutes",
                'spec.tokenRequests[1].audience: Duplicate value: ""',
            ],
        ),
        (
            driver(serviceAccountTokenInSecrets=False),
            [
                "spec.serviceAccountTokenInSecrets: Invalid value: false: "
                "serviceAccountTokenInSecrets is set but no tokenRequests are specified"
            ],
        ),
        (
            node({"nodeID": ""}, {"allocatable": {"count": -1}, "topologyKeys": ["a", "a"]}),
            [
                f"spec.drivers[0].nodeID: {NEEDED}",
                "spec.drivers[1].allocatable.count: Invalid value: -1: must be greater than or equal to 0",
                'spec.drivers[1].name: Duplicate value: "csi.example.com"',
                'spec.drivers[1]: Duplicate value: "a"',
            ],
        ),
        (
            node({"nodeID": "n" * 257}),
            [f'spec.drivers[0].nodeID: Invalid value: "{"n" * 257}": must be 256 characters or less'],
        ),
        (capacity(capacity="-1"), ['capacity: Invalid value: "-1": must be greater than or equal to 0']),
        (
            attributes(driverName="", parameters={}),
            [f"driverName: {NEEDED}", f"parameters: {NEEDED}: must contain at least one key/value pair"],
        ),
    ],
)
def test_what_is_wrong(bad: KubeObject, expected: list[str]) -> None:
    assert texts(validate(bad)) == expected


@pytest.mark.parametrize(
    ("new", "old", "expected"),
    [
        (storage_class(allowVolumeExpansion=True), storage_class(), []),
        (
            storage_class(provisioner="q", parameters={"a": "b"}, reclaimPolicy="Retain"),
            storage_class(volumeBindingMode="WaitForFirstConsumer"),
            [
                "parameters: Forbidden: updates to parameters are forbidden.",
                "provisioner: Forbidden: updates to provisioner are forbidden.",
                "reclaimPolicy: Forbidden: updates to reclaimPolicy are forbidden.",
                'volumeBindingMode: Invalid value: "Immediate": field is immutable',
            ],
        ),
        (
            attachment(nodeName="m"),
            attachment(),
            [
                'spec: Invalid value: {"Attacher":"csi.example.com","Source":{"PersistentVolumeName":"pv",'
                '"InlineVolumeSpec":null},"NodeName":"m"}: field is immutable'
            ],
        ),
        (driver(podInfoOnMount=True), driver(), []),
        (
            driver(attachRequired=False, volumeLifecycleModes=["Ephemeral"]),
            driver(),
            [
                "spec.attachedRequired: Invalid value: false: field is immutable",
                'spec.volumeLifecycleModes: Invalid value: ["Ephemeral"]: field is immutable',
            ],
        ),
        (node({"allocatable": {"count": 5}}), node({"allocatable": {"count": 3}}), []),
        (
            node({"nodeID": "other"}),
            node({}),
            [
                'spec.drivers: Invalid value: {"Name":"csi.example.com","NodeID":"other","TopologyKeys":null,'
                '"Allocatable":null}: field is immutable'
            ],
        ),
        (capacity(capacity="2Gi"), capacity(capacity="1Gi"), []),
        (
            capacity(storageClassName="slow"),
            capacity(),
            ['storageClassName: Invalid value: "slow": field is immutable'],
        ),
        (
            attributes(parameters={"iops": "200"}),
            attributes(),
            ["parameters: Forbidden: updates to parameters are forbidden."],
        ),
    ],
)
def test_what_may_change(new: KubeObject, old: KubeObject, expected: list[str]) -> None:
    assert texts(validate_update(new, old)) == expected


def test_the_status_of_an_attachment() -> None:
    new = attachment(status={"attached": False, "attachError": {"message": "x" * 1025, "errorCode": -1}})
    assert texts(validate_status_update(new, attachment())) == [
        "status.attachError.message: Too long: may not be more than 262144 bytes",
        "status.attachError.errorCode: Invalid value: -1: must be between 0 and 2147483647, inclusive",
    ]
