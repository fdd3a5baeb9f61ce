"""PersistentVolumes and claims: every fault with its field and upstream's text, and what may change later."""

from typing import Any

import pytest

from naru.api.errors import FieldError
from naru.api.persistent_volume_claim_v1 import PersistentVolumeClaim
from naru.api.persistent_volume_v1 import PersistentVolume
from naru.api.pod_v1 import PodSpec
from naru.api.strict import decode
from naru.api.validation import validate, validate_status_update, validate_update
from naru.api.validation.volumes import validate_volumes

CSI: dict[str, Any] = {"driver": "csi.example.com", "volumeHandle": "vol-1"}


def volume(**spec: Any) -> PersistentVolume:
    base = {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "hostPath": {"path": "/data"}}
    return decode(PersistentVolume, {"metadata": {"name": "pv"}, "spec": base | spec})


def sourced(**source: Any) -> PersistentVolume:
    return volume(hostPath=None, **source)


def claim(annotations: dict[str, str] | None = None, phase: str = "Pending", has: str = "", **spec: Any) -> Any:
    base = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    meta = {"name": "data", "namespace": "default", "annotations": annotations or {}}
    status = {"phase": phase, "capacity": {"storage": has} if has else {}}
    return decode(PersistentVolumeClaim, {"metadata": meta, "spec": base | spec, "status": status})


def texts(errors: list[FieldError]) -> list[str]:
    return [str(error) for error in errors]


class TestDefaults:
    """What a volume and a claim say when their creator said nothing."""

    def test_a_volume(self) -> None:
        spec = volume().wire()["spec"]
        assert (spec["persistentVolumeReclaimPolicy"], spec["volumeMode"]) == ("Retain", "Filesystem")

    def test_a_claim(self) -> None:
        wire = claim().wire()
        assert (wire["spec"]["volumeMode"], wire["status"]["phase"]) == ("Filesystem", "Pending")


MODES = '"ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"'
NEEDED = "Required value"


class TestNewVolume:
    """What is wrong with a new volume."""

    @pytest.mark.parametrize(
        "good",
        [
            volume(),
            sourced(csi=CSI, volumeAttributesClassName="gold"),
            sourced(nfs={"server": "s", "path": "/x"}, mountOptions=["soft"]),
            sourced(
                iscsi={"targetPortal": "10.0.0.1", "iqn": "iqn.2015-02.example.com:test", "lun": 0},
                nodeAffinity={
                    "required": {
                        "nodeSelectorTerms": [{"matchExpressions": [{"key": "a", "operator": "In", "values": ["b"]}]}]
                    }
                },
            ),
            sourced(azureDisk={"diskName": "d", "diskURI": "https://blob/x.vhd"}),
        ],
    )
    def test_nothing(self, good: PersistentVolume) -> None:
        assert texts(validate(good)) == []

    def test_everything_is_missing(self) -> None:
        assert texts(validate(decode(PersistentVolume, {"metadata": {"name": "pv"}}))) == [
            f"spec.accessModes: {NEEDED}",
            f"spec.capacity: {NEEDED}",
            'spec.capacity: Unsupported value: null: supported values: "storage"',
            f"spec: {NEEDED}: must specify a volume type",
        ]

    @pytest.mark.parametrize(
        ("spec", "expected"),
        [
            ({"accessModes": ["Mine"]}, [f'spec.accessModes: Unsupported value: "Mine": supported values: {MODES}']),
            (
                {"accessModes": ["ReadWriteOncePod", "ReadOnlyMany"]},
                ["spec.accessModes: Forbidden: may not use ReadWriteOncePod with other access modes"],
            ),
            (
                {"capacity": {"storage": "1Gi", "cpu": "1"}},
                ['spec.capacity: Unsupported value: {"storage":"1Gi","cpu":"1"}: supported values: "storage"'],
            ),
            (
                {"capacity": {"storage": "-1"}},
                [
                    "spec.capacity[storage]: Invalid value: -1: must be a valid resource quantity",
                    'spec.capacity[storage]: Invalid value: "-1": must be greater than zero',
                ],
            ),
            (
                {"persistentVolumeReclaimPolicy": "Burn"},
                [
                    'spec.persistentVolumeReclaimPolicy: Unsupported value: "Burn": '
                    'supported values: "Delete", "Recycle", "Retain"'
                ],
            ),
            (
                {"persistentVolumeReclaimPolicy": "Recycle", "hostPath": {"path": "//"}},
                ["spec.persistentVolumeReclaimPolicy: Forbidden: may not be 'recycle' for a hostPath mount of '/'"],
            ),
            (
                {"volumeMode": "Tape"},
                ['spec.volumeMode: Unsupported value: "Tape": supported values: "Block", "Filesystem"'],
            ),
            (
                {"nfs": {"server": "s", "path": "/x"}},
                ["spec.nfs: Forbidden: may not specify more than 1 volume type"],
            ),
            (
                {"cephfs": {"monitors": ["m"]}},
                ["spec.cephFS: Forbidden: may not specify more than 1 volume type"],
            ),
            (
                {"nodeAffinity": {}},
                [f"spec.nodeAffinity.required: {NEEDED}: must specify required node constraints"],
            ),
            (
                {"volumeAttributesClassName": ""},
                [
                    f"spec.volumeAttributesClassName: {NEEDED}: an empty string is disallowed",
                    f"spec.csi: {NEEDED}: has to be specified when using volumeAttributesClassName",
                ],
            ),
            (
                {"hostPath": {"path": "/a/../b"}},
                ["spec.hostPath.path: Invalid value: \"/a/../b\": must not contain '..'"],
            ),
        ],
    )
    def test_its_spec(self, spec: dict[str, Any], expected: list[str]) -> None:
        assert texts(validate(volume(**spec))) == expected

    @pytest.mark.parametrize(
        ("source", "expected"),
        [
            (
                {"nfs": {}},
                [
                    f"spec.nfs.server: {NEEDED}",
                    f"spec.nfs.path: {NEEDED}",
                    'spec.nfs.path: Invalid value: "": must be an absolute path',
                ],
            ),
            (
                {"gcePersistentDisk": {"partition": 300}},
                [
                    f"spec.persistentDisk.pdName: {NEEDED}",
                    "spec.persistentDisk.partition: Invalid value: 300: must be between 1 and 255, inclusive",
                ],
            ),
            (
                {"local": {"path": "/mnt"}},
                [f"spec.nodeAffinity: {NEEDED}: Local volume requires node affinity"],
            ),
            (
                {"iscsi": {"targetPortal": "p", "iqn": "nonsense", "lun": 256, "chapAuthSession": True}},
                [
                    'spec.iscsi.iqn: Invalid value: "nonsense": must be valid format',
                    "spec.iscsi.lun: Invalid value: 256: must be between 0 and 255, inclusive",
                    f"spec.iscsi.secretRef: {NEEDED}",
                ],
            ),
            (
                {"fc": {"targetWWNs": ["w"]}},
                [f"spec.fc.lun: {NEEDED}: lun is required if targetWWNs is specified"],
            ),
            (
                {"flexVolume": {"driver": "x/y", "options": {"a.k8s.io/b": "c"}}},
                [
                    'spec.flexVolume.options[a.k8s.io/b]: Invalid value: "a.k8s.io/b": '
                    "kubernetes.io and k8s.io namespaces are reserved"
                ],
            ),
            (
                {"csi": {"driver": "csi.example.com", "nodePublishSecretRef": {"name": "s"}}},
                [f"spec.csi.volumeHandle: {NEEDED}", f"spec.csi.nodePublishSecretRef.namespace: {NEEDED}"],
            ),
            (
                {"azureFile": {"secretName": "s", "shareName": "t", "secretNamespace": ""}},
                [f"spec.azureFile.secretNamespace: {NEEDED}"],
            ),
            (
                {"quobyte": {"registry": "nowhere", "volume": "v"}},
                [
                    'spec.quobyte.registry: Invalid value: "nowhere": '
                    "must be a host:port pair or multiple pairs separated by commas"
                ],
            ),
            ({"scaleIO": {"gateway": "g"}}, [f"spec.scaleIO.system: {NEEDED}", f"spec.scaleIO.volumeName: {NEEDED}"]),
        ],
    )
    def test_its_source(self, source: dict[str, Any], expected: list[str]) -> None:
        assert texts(validate(sourced(**source))) == expected

    def test_its_nodes(self) -> None:
        expressions = [{"key": "a", "operator": "In"}, {"key": "a", "operator": "Gt", "values": []}, {"key": "a"}]
        term = {"matchExpressions": expressions, "matchFields": [{"key": "x", "operator": "Exists"}]}
        path = "spec.nodeAffinity.required.nodeSelectorTerms[0]"
        assert texts(validate(volume(nodeAffinity={"required": {"nodeSelectorTerms": [term]}}))) == [
            f"{path}.matchExpressions[0].values: {NEEDED}: must be specified when `operator` is 'In' or 'NotIn'",
            f"{path}.matchExpressions[1].values: {NEEDED}: "
            "must be specified single value when `operator` is 'Lt' or 'Gt'",
            f'{path}.matchExpressions[2].operator: Invalid value: "": not a valid selector operator',
            f'{path}.matchFields[0].operator: Invalid value: "Exists": not a valid selector operator',
            f'{path}.matchFields[0].key: Invalid value: "x": not a valid field selector key',
        ]


class TestChangedVolume:
    """What may change in a volume."""

    def test_its_class_and_its_policy(self) -> None:
        new = volume(storageClassName="fast", persistentVolumeReclaimPolicy="Delete")
        assert texts(validate_update(new, volume())) == []

    def test_never_its_source(self) -> None:
        errors = texts(validate_update(volume(hostPath={"path": "/other"}), volume()))
        assert len(errors) == 1
        head = "spec.persistentvolumesource: Forbidden: spec.persistentvolumesource is immutable after creation\n"
        assert errors[0].startswith(head)

    def test_but_a_secret_to_enlarge_it_may_come_later(self) -> None:
        secret = {"name": "s", "namespace": "n"}
        new, old = sourced(csi=CSI | {"controllerExpandSecretRef": secret}), sourced(csi=CSI)
        assert texts(validate_update(new, old)) == []
        assert len(validate_update(old, new)) == 1

    def test_never_its_mode(self) -> None:
        errors = texts(validate_update(volume(volumeMode="Block"), volume()))
        assert errors == ['volumeMode: Invalid value: "Block": field is immutable']

    @staticmethod
    def on(label: str) -> PersistentVolume:
        expression = {"key": label, "operator": "In", "values": ["a"]}
        return volume(nodeAffinity={"required": {"nodeSelectorTerms": [{"matchExpressions": [expression]}]}})

    def test_its_nodes_once(self) -> None:
        assert texts(validate_update(self.on("x"), volume())) == []
        shown = (
            '{"Required":{"NodeSelectorTerms":[{"MatchExpressions":[{"Key":"y","Operator":"In","Values":["a"]}],'
            '"MatchFields":null}]}}'
        )
        why = "field is immutable, except for updating from beta label to GA"
        assert texts(validate_update(self.on("y"), self.on("x"))) == [f"nodeAffinity: Invalid value: {shown}: {why}"]

    def test_and_later_the_names_of_their_labels(self) -> None:
        old = self.on("failure-domain.beta.kubernetes.io/zone")
        assert texts(validate_update(self.on("topology.kubernetes.io/zone"), old)) == []


class TestNewClaim:
    """What is wrong with a new claim."""

    def test_everything_is_missing(self) -> None:
        bare = decode(PersistentVolumeClaim, {"metadata": {"name": "c", "namespace": "n"}})
        assert texts(validate(bare)) == [
            f"spec.accessModes: {NEEDED}: at least 1 access mode is required",
            f"spec.resources[storage]: {NEEDED}",
        ]

    @pytest.mark.parametrize(
        ("spec", "expected"),
        [
            ({}, []),
            ({"dataSource": {"kind": "PersistentVolumeClaim", "name": "other"}}, []),
            (
                {"resources": {"requests": {"storage": "0"}}},
                ['spec.resources[storage]: Invalid value: "0": must be greater than zero'],
            ),
            (
                {"dataSource": {"kind": "Thing", "name": ""}},
                [
                    f"spec.dataSource.name: {NEEDED}",
                    'spec.dataSource: Invalid value: "Thing": '
                    "must be 'PersistentVolumeClaim' when referencing the default apiGroup",
                ],
            ),
            (
                {
                    "dataSource": {"kind": "PersistentVolumeClaim", "name": "a"},
                    "dataSourceRef": {"kind": "PersistentVolumeClaim", "name": "b"},
                },
                ["spec: Invalid value: {}: must match dataSourceRef"],
            ),
            (
                {"selector": {"matchExpressions": [{"key": "a", "operator": "In"}]}},
                [
                    f"spec.selector.matchExpressions[0].values: {NEEDED}: "
                    "must be specified when `operator` is 'In' or 'NotIn'"
                ],
            ),
        ],
    )
    def test_its_spec(self, spec: dict[str, Any], expected: list[str]) -> None:
        assert texts(validate(claim(**spec))) == expected


FIXED = (
    "spec: Forbidden: spec is immutable after creation except resources.requests and "
    "volumeAttributesClassName for bound claims\n"
)
MORE = {"requests": {"storage": "2Gi"}}


class TestChangedClaim:
    """What may change in a claim."""

    @pytest.mark.parametrize(
        ("new", "old"),
        [
            pytest.param(claim(volumeName="pv"), claim(), id="it gets its volume"),
            pytest.param(claim(storageClassName="fast"), claim(), id="it gets a class if it has none"),
            pytest.param(claim(phase="Bound", resources=MORE), claim(phase="Bound"), id="a bound one may grow"),
            pytest.param(
                claim(resources={"requests": {"storage": "1024Mi"}}), claim(), id="amounts are compared by value"
            ),
            pytest.param(
                claim(phase="Bound", has="1Gi", resources={"requests": {"storage": "3Gi"}}),
                claim(phase="Bound", has="1Gi", resources={"requests": {"storage": "4Gi"}}),
                id="a resize may be given up down to what there is",
            ),
            pytest.param(
                claim({"volume.beta.kubernetes.io/storage-class": "x"}, storageClassName="x"),
                claim({"volume.beta.kubernetes.io/storage-class": "x"}),
                id="the class moves from the annotation to the field",
            ),
        ],
    )
    def test_allowed(self, new: PersistentVolumeClaim, old: PersistentVolumeClaim) -> None:
        assert texts(validate_update(new, old)) == []

    @pytest.mark.parametrize(
        ("new", "old"),
        [
            pytest.param(claim(resources=MORE), claim(), id="one that waits for a volume does not grow"),
            pytest.param(claim(volumeName="b"), claim(volumeName="a"), id="another volume"),
            pytest.param(claim(storageClassName="b"), claim(storageClassName="a"), id="another class"),
            pytest.param(claim(accessModes=["ReadWriteMany"]), claim(), id="other access modes"),
        ],
    )
    def test_refused(self, new: PersistentVolumeClaim, old: PersistentVolumeClaim) -> None:
        errors = texts(validate_update(new, old))
        assert len(errors) == 1
        assert errors[0].startswith(FIXED)

    def test_it_does_not_shrink(self) -> None:
        old = claim(phase="Bound", has="1Gi")
        new = claim(phase="Bound", has="1Gi", resources={"requests": {"storage": "500Mi"}})
        why = "spec.resources.requests.storage: Forbidden: field can not be less than status.capacity"
        assert texts(validate_update(new, old)) == [why]

    def test_the_annotation_of_the_class_stays(self) -> None:
        name = "volume.beta.kubernetes.io/storage-class"
        errors = texts(validate_update(claim({name: "b"}), claim({name: "a"})))
        assert errors == [f'metadata.annotations.{name}: Invalid value: "b": field is immutable']

    def test_its_status(self) -> None:
        states = {"allocatedResourceStatuses": {"cpu": "NodeResizePending", "storage": "Tired"}}
        new = claim()
        status = decode(PersistentVolumeClaim, {"status": states}).status
        path = "status.allocatedResourceStatuses"
        supported = (
            '"ControllerResizeInProgress", "ControllerResizeInfeasible", "NodeResizeInProgress", '
            '"NodeResizeInfeasible", "NodeResizePending"'
        )
        assert texts(validate_status_update(new.model_copy(update={"status": status}), claim())) == [
            f'{path}: Unsupported value: "cpu": supported values: "storage"',
            f'{path}: Unsupported value: "storage": supported values: {supported}',
        ]


class TestVolumesOfPods:
    """The sources that pods have in common with PersistentVolumes."""

    @pytest.mark.parametrize(
        ("source", "expected"),
        [
            ({"nfs": {"server": "s", "path": "/x"}}, []),
            (
                {"nfs": {"server": "s"}},
                ["nfs.path: Required value", 'nfs.path: Invalid value: "": must be an absolute path'],
            ),
            ({"gcePersistentDisk": {}}, ["persistentDisk.pdName: Required value"]),
            ({"csi": {"driver": "d", "nodePublishSecretRef": {}}}, ["csi.nodePublishSecretRef.name: Required value"]),
            ({"ephemeral": {}}, ["ephemeral.volumeClaimTemplate: Required value"]),
            (
                {"ephemeral": {"volumeClaimTemplate": {"spec": {"accessModes": ["ReadWriteOnce"]}}}},
                ["ephemeral.volumeClaimTemplate.spec.resources[storage]: Required value"],
            ),
            ({"cinder": {"volumeID": "v", "secretRef": {}}}, ["cinder.secretRef.name: Required value"]),
        ],
    )
    def test_their_faults(self, source: dict[str, Any], expected: list[str]) -> None:
        volumes = decode(PodSpec, {"containers": [], "volumes": [{"name": "v", **source}]}).volumes
        assert texts(validate_volumes(volumes, "spec.volumes")) == [f"spec.volumes[0].{text}" for text in expected]
