"""Validation: each fault with its field, its reason and upstream's text."""

from copy import deepcopy
from typing import Any

import pytest

from naru.api.apps_v1 import Deployment, ReplicaSet
from naru.api.autoscaling_v1 import Scale, ScaleSpec
from naru.api.coordination_v1 import Lease
from naru.api.core_v1 import Binding, ConfigMap, Event, Namespace, Node, Pod, Secret, ServiceAccount
from naru.api.errors import FieldError
from naru.api.meta import KubeObject
from naru.api.strict import decode
from naru.api.validation import validate, validate_status_update, validate_update
from naru.api.validation.apps import validate_scale
from naru.api.validation.pods import validate_binding

META = {"name": "web", "namespace": "default"}
NODE_META = {"name": "node-1"}
CONTAINER = {"name": "c", "image": "x"}


def merged(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    result = deepcopy(base)
    for name, value in changes.items():
        old = result.get(name)
        result[name] = merged(old, value) if isinstance(value, dict) and isinstance(old, dict) else value
    return result


def pod(spec: dict[str, Any] | None = None, **meta: Any) -> Pod:
    return decode(Pod, {"metadata": {**META, **meta}, "spec": {"containers": [CONTAINER], **(spec or {})}})


def container(**fields: Any) -> Pod:
    return pod({"containers": [{**CONTAINER, **fields}], "volumes": [{"name": "v"}]})


DEPLOYMENT: dict[str, Any] = {
    "metadata": META,
    "spec": {
        "selector": {"matchLabels": {"app": "web"}},
        "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [CONTAINER]}},
    },
}


def deployment(changes: dict[str, Any] | None = None) -> Deployment:
    return decode(Deployment, merged(DEPLOYMENT, changes or {}))


def replica_set(changes: dict[str, Any] | None = None) -> ReplicaSet:
    return decode(ReplicaSet, merged(DEPLOYMENT, changes or {}))


def texts(errors: list[FieldError]) -> list[str]:
    return [str(error) for error in errors]


@pytest.mark.parametrize(
    "obj",
    [
        pod(),
        deployment(),
        replica_set(),
        container(env=[{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['app']"}}}]),
        container(env=[{"name": "A", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu"}}}]),
        container(volumeMounts=[{"name": "v", "mountPath": "/a"}, {"name": "v", "mountPath": "/b", "subPath": "x/y"}]),
        container(resources={"limits": {"example.com/gpu": "1"}}),
        decode(Namespace, {"metadata": {"name": "dev"}}),
        decode(Node, {"metadata": NODE_META, "status": {"capacity": {"cpu": "2", "pods": "110"}}}),
        decode(ConfigMap, {"metadata": META, "data": {".bashrc": "x"}}),
        decode(Secret, {"metadata": META}),
        decode(ServiceAccount, {"metadata": META}),
        decode(Event, {"metadata": META, "involvedObject": {"namespace": "default"}}),
        decode(Event, {"metadata": META, "involvedObject": {"kind": "Node", "name": "n"}}),
        decode(Lease, {"metadata": META, "spec": {"leaseDurationSeconds": 40}}),
    ],
    ids=lambda obj: type(obj).__name__,
)
def test_what_is_fine(obj: KubeObject) -> None:
    assert validate(obj) == []
    assert validate_update(obj, obj) == []
    assert validate_status_update(obj, obj) == []


@pytest.mark.parametrize(
    ("obj", "reason", "text"),
    [
        pytest.param(
            pod(name=""),
            "FieldValueRequired",
            "metadata.name: Required value: name or generateName is required",
            id="no name",
        ),
        pytest.param(pod(namespace=""), "FieldValueRequired", "metadata.namespace: Required value", id="no namespace"),
        pytest.param(
            pod(labels={"a": "b$"}),
            "FieldValueInvalid",
            'metadata.labels: Invalid value: "b$": a valid label must be an empty string or consist of',
            id="label value",
        ),
        pytest.param(
            pod(finalizers=["hold"]),
            "FieldValueInvalid",
            'metadata.finalizers[0]: Invalid value: "hold": name is neither a standard finalizer name nor is it fully',
            id="a finalizer of nobody",
        ),
        pytest.param(
            deployment({"spec": {"template": {"metadata": {"annotations": {"a b": ""}}}}}),
            "FieldValueInvalid",
            'spec.template.annotations: Invalid value: "a b": name part must consist of',
            id="annotation of a template",
        ),
        pytest.param(
            pod({"containers": []}), "FieldValueRequired", "spec.containers: Required value", id="no containers"
        ),
        pytest.param(
            pod({"containers": [CONTAINER, CONTAINER]}),
            "FieldValueDuplicate",
            'spec.containers[1].name: Duplicate value: "c"',
            id="two containers of one name",
        ),
        pytest.param(
            pod({"initContainers": [CONTAINER]}),
            "FieldValueDuplicate",
            'spec.initContainers[0].name: Duplicate value: "c"',
            id="an init container with the name of a container",
        ),
        pytest.param(
            pod({"initContainers": [{"name": "i", "image": "x", "lifecycle": {}}]}),
            "FieldValueForbidden",
            "spec.initContainers[0].lifecycle: Forbidden: may not be set for init containers without "
            "restartPolicy=Always",
            id="a hook on an init container",
        ),
        pytest.param(
            pod({"initContainers": [{"name": "i", "image": "x", "restartPolicy": "Always"}]}),
            "FieldValueForbidden",
            "spec.initContainers[0].restartPolicy: Forbidden: naru does not run sidecars yet",
            id="a sidecar, which a node would take for an init container",
        ),
        pytest.param(
            container(name="C_1"),
            "FieldValueInvalid",
            'spec.containers[0].name: Invalid value: "C_1": a lowercase RFC 1123 label must consist of',
            id="container name",
        ),
        pytest.param(
            container(image=""), "FieldValueRequired", "spec.containers[0].image: Required value", id="no image"
        ),
        pytest.param(
            container(image=" x"),
            "FieldValueInvalid",
            'spec.containers[0].image: Invalid value: " x": must not have leading or trailing whitespace',
            id="a space before the image",
        ),
        pytest.param(
            container(imagePullPolicy="Often"),
            "FieldValueNotSupported",
            'spec.containers[0].imagePullPolicy: Unsupported value: "Often": '
            'supported values: "Always", "IfNotPresent", "Never"',
            id="pull policy",
        ),
        pytest.param(
            container(ports=[{"containerPort": 70000}]),
            "FieldValueInvalid",
            "spec.containers[0].ports[0].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive",
            id="port number",
        ),
        pytest.param(
            container(ports=[{"containerPort": 1, "protocol": "ICMP"}]),
            "FieldValueNotSupported",
            'spec.containers[0].ports[0].protocol: Unsupported value: "ICMP": supported values: "SCTP", "TCP", "UDP"',
            id="protocol",
        ),
        pytest.param(
            container(ports=[{"containerPort": 1, "hostPort": 8}, {"containerPort": 2, "hostPort": 8}]),
            "FieldValueDuplicate",
            'spec.containers[0].ports[1].hostPort: Duplicate value: "TCP//8"',
            id="one host port twice",
        ),
        pytest.param(
            container(env=[{"name": "A=B", "value": "x"}]),
            "FieldValueInvalid",
            'spec.containers[0].env[0].name: Invalid value: "A=B": a valid environment variable name must consist',
            id="variable name",
        ),
        pytest.param(
            container(env=[{"name": "A", "valueFrom": {}}]),
            "FieldValueInvalid",
            'spec.containers[0].env[0].valueFrom: Invalid value: "": must specify one of: `fieldRef`, '
            "`resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`",
            id="a variable from nothing",
        ),
        pytest.param(
            container(env=[{"name": "A", "value": "x", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}]),
            "FieldValueInvalid",
            'spec.containers[0].env[0].valueFrom: Invalid value: "": may not be specified when `value` is not empty',
            id="a variable with a value and a source",
        ),
        pytest.param(
            container(env=[{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "spec.color"}}}]),
            "FieldValueNotSupported",
            'spec.containers[0].env[0].valueFrom.fieldRef.fieldPath: Unsupported value: "spec.color"',
            id="a field that cannot be a variable",
        ),
        pytest.param(
            container(volumeMounts=[{"name": "w", "mountPath": "/a"}]),
            "FieldValueNotFound",
            'spec.containers[0].volumeMounts[0].name: Not found: "w"',
            id="a mount of a volume that is not there",
        ),
        pytest.param(
            container(volumeMounts=[{"name": "v", "mountPath": "/a"}, {"name": "v", "mountPath": "/a"}]),
            "FieldValueInvalid",
            'spec.containers[0].volumeMounts[1].mountPath: Invalid value: "/a": must be unique',
            id="two mounts at one path",
        ),
        pytest.param(
            container(volumeMounts=[{"name": "v", "mountPath": "/a", "subPath": "../x"}]),
            "FieldValueInvalid",
            "spec.containers[0].volumeMounts.subPath: Invalid value: \"../x\": must not contain '..'",
            id="a way out of the volume",
        ),
        pytest.param(
            container(volumeMounts=[{"name": "v", "mountPath": "/a", "mountPropagation": "Bidirectional"}]),
            "FieldValueForbidden",
            "spec.containers[0].volumeMounts.mountPropagation: Forbidden: Bidirectional mount propagation is "
            "available only to privileged containers",
            id="propagation to the host",
        ),
        pytest.param(
            container(resources={"requests": {"cpu": "-1"}}),
            "FieldValueInvalid",
            'spec.containers[0].resources.requests[cpu]: Invalid value: "-1": must be greater than or equal to 0',
            id="a limit below zero",
        ),
        pytest.param(
            container(resources={"limits": {"cpu": "1"}, "requests": {"cpu": "2"}}),
            "FieldValueInvalid",
            'spec.containers[0].resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1',
            id="a request above its limit",
        ),
        pytest.param(
            container(resources={"requests": {"disk": "1"}}),
            "FieldValueInvalid",
            'spec.containers[0].resources.requests[disk]: Invalid value: "disk": must be a standard resource for',
            id="a resource that nobody knows",
        ),
        pytest.param(
            container(livenessProbe={"periodSeconds": 1}),
            "FieldValueRequired",
            "spec.containers[0].livenessProbe: Required value: must specify a handler type",
            id="a probe that asks nothing",
        ),
        pytest.param(
            container(securityContext={"runAsUser": -1}),
            "FieldValueInvalid",
            "spec.containers[0].securityContext.runAsUser: Invalid value: -1: must be between 0 and 2147483647",
            id="user number",
        ),
        pytest.param(
            pod({"volumes": [{"name": "v"}, {"name": "v"}]}),
            "FieldValueDuplicate",
            'spec.volumes[1].name: Duplicate value: "v"',
            id="two volumes of one name",
        ),
        pytest.param(
            pod({"volumes": [{"name": "v", "emptyDir": {}, "hostPath": {"path": "/"}}]}),
            "FieldValueForbidden",
            "spec.volumes[0].emptyDir: Forbidden: may not specify more than 1 volume type",
            id="a volume of two types",
        ),
        pytest.param(
            pod({"volumes": [{"name": "v", "hostPath": {"path": "/", "type": "Folder"}}]}),
            "FieldValueNotSupported",
            'spec.volumes[0].hostPath.type: Unsupported value: "Folder"',
            id="host path type",
        ),
        pytest.param(
            pod({"volumes": [{"name": "v", "secret": {}}]}),
            "FieldValueRequired",
            "spec.volumes[0].secret.secretName: Required value",
            id="a secret volume of no secret",
        ),
        pytest.param(
            pod({"volumes": [{"name": "v", "configMap": {"name": "m", "items": [{"key": "k", "path": "/a"}]}}]}),
            "FieldValueInvalid",
            'spec.volumes[0].configMap.items[0].path: Invalid value: "/a": must be a relative path',
            id="a file outside its volume",
        ),
        pytest.param(
            pod({"volumes": [{"name": "v", "configMap": {"name": "m", "defaultMode": 0o1777}}]}),
            "FieldValueInvalid",
            "spec.volumes[0].configMap.defaultMode: Invalid value: 1023: must be a number between 0 and 0777 (octal)",
            id="file mode",
        ),
        pytest.param(
            pod({"volumes": [{"name": "v", "downwardAPI": {"items": [{"path": "a"}]}}]}),
            "FieldValueRequired",
            "spec.volumes[0].downwardAPI: Required value: one of fieldRef and resourceFieldRef is required",
            id="a downward file without a source",
        ),
        pytest.param(
            pod({"restartPolicy": "Sometimes"}),
            "FieldValueNotSupported",
            'spec.restartPolicy: Unsupported value: "Sometimes": supported values: "Always", "OnFailure", "Never"',
            id="restart policy",
        ),
        pytest.param(
            pod({"tolerations": [{"value": "x"}]}),
            "FieldValueInvalid",
            'spec.tolerations[0].operator: Invalid value: "": operator must be Exists when `key` is empty',
            id="a toleration of everything, by value",
        ),
        pytest.param(
            pod({"tolerations": [{"key": "a", "operator": "Exists", "effect": "NoSchedule", "tolerationSeconds": 1}]}),
            "FieldValueInvalid",
            "spec.tolerations[0].effect: Invalid value: \"NoSchedule\": effect must be 'NoExecute' when "
            "`tolerationSeconds` is set",
            id="seconds without NoExecute",
        ),
        pytest.param(
            pod({"hostPID": True, "shareProcessNamespace": True}),
            "FieldValueInvalid",
            "spec.securityContext.shareProcessNamespace: Invalid value: true: ShareProcessNamespace and HostPID cannot",
            id="two process namespaces",
        ),
        pytest.param(
            pod({"hostAliases": [{"ip": "1.2.3"}]}),
            "FieldValueInvalid",
            'spec.hostAliases[0].ip: Invalid value: "1.2.3": must be a valid IP address',
            id="host alias",
        ),
        pytest.param(
            deployment({"spec": {"replicas": -1}}),
            "FieldValueInvalid",
            "spec.replicas: Invalid value: -1: must be greater than or equal to 0",
            id="negative replicas",
        ),
        pytest.param(
            deployment({"spec": {"template": {"metadata": {"labels": {"app": "db"}}}}}),
            "FieldValueInvalid",
            'spec.template.metadata.labels: Invalid value: {"app":"db"}: `selector` does not match template `labels`',
            id="a template that the selector does not find",
        ),
        pytest.param(
            deployment({"spec": {"selector": {"matchLabels": None}}}),
            "FieldValueInvalid",
            "spec.selector: Invalid value: {}: empty selector is invalid for deployment",
            id="a selector of everything",
        ),
        pytest.param(
            deployment({"spec": {"template": {"spec": {"restartPolicy": "Never"}}}}),
            "FieldValueNotSupported",
            'spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"',
            id="a template of pods that end",
        ),
        pytest.param(
            deployment({"spec": {"template": {"spec": {"containers": [{"name": "c"}]}}}}),
            "FieldValueRequired",
            "spec.template.spec.containers[0].image: Required value",
            id="a template without an image",
        ),
        pytest.param(
            deployment({"spec": {"strategy": {"type": "Blue"}}}),
            "FieldValueNotSupported",
            'spec.strategy: Unsupported value: {"Type":"Blue","RollingUpdate":null}: '
            'supported values: "Recreate", "RollingUpdate"',
            id="strategy",
        ),
        pytest.param(
            deployment({"spec": {"strategy": {"type": "Recreate", "rollingUpdate": {}}}}),
            "FieldValueForbidden",
            "spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is 'Recreate'",
            id="a rolling recreation",
        ),
        pytest.param(
            deployment({"spec": {"strategy": {"rollingUpdate": {"maxSurge": 0, "maxUnavailable": 0}}}}),
            "FieldValueInvalid",
            "spec.strategy.rollingUpdate.maxUnavailable: Invalid value: 0: may not be 0 when `maxSurge` is 0",
            id="an update that cannot move",
        ),
        pytest.param(
            deployment({"spec": {"strategy": {"rollingUpdate": {"maxSurge": "x"}}}}),
            "FieldValueInvalid",
            'spec.strategy.rollingUpdate.maxSurge: Invalid value: "x": a valid percent string must be',
            id="percentage",
        ),
        pytest.param(
            deployment({"spec": {"minReadySeconds": 600}}),
            "FieldValueInvalid",
            "spec.progressDeadlineSeconds: Invalid value: 600: must be greater than minReadySeconds",
            id="a deadline that comes too soon",
        ),
        pytest.param(
            decode(Namespace, {"metadata": {"name": "a.b"}}),
            "FieldValueInvalid",
            'metadata.name: Invalid value: "a.b": must not contain dots',
            id="namespace name",
        ),
        pytest.param(
            decode(Node, {"metadata": {"name": "n", "namespace": "x"}}),
            "FieldValueForbidden",
            "metadata.namespace: Forbidden: not allowed on this type",
            id="a node in a namespace",
        ),
        pytest.param(
            decode(Node, {"metadata": NODE_META, "spec": {"taints": [{"key": "a", "effect": "Never"}]}}),
            "FieldValueNotSupported",
            'spec.taints[0].effect: Unsupported value: "Never": '
            'supported values: "NoSchedule", "PreferNoSchedule", "NoExecute"',
            id="taint effect",
        ),
        pytest.param(
            decode(ConfigMap, {"metadata": META, "data": {"a/b": "x"}}),
            "FieldValueInvalid",
            'data[a/b]: Invalid value: "a/b": a valid config key must consist of',
            id="config key",
        ),
        pytest.param(
            decode(ConfigMap, {"metadata": META, "data": {"a": "x" * (2**20 + 1)}}),
            "FieldValueTooLong",
            "data: Too long: may not be more than 1048576 bytes",
            id="too much config",
        ),
        pytest.param(
            decode(Secret, {"metadata": META, "type": "kubernetes.io/tls", "data": {"tls.crt": ""}}),
            "FieldValueRequired",
            "data[tls.key]: Required value",
            id="half a certificate",
        ),
        pytest.param(
            decode(Event, {"metadata": META, "involvedObject": {"namespace": "other"}}),
            "FieldValueInvalid",
            'involvedObject.namespace: Invalid value: "other": does not match event.namespace',
            id="an event away from its object",
        ),
        pytest.param(
            decode(Lease, {"metadata": META, "spec": {"leaseDurationSeconds": 0}}),
            "FieldValueInvalid",
            "spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0",
            id="a lease of no time",
        ),
    ],
)
def test_faults(obj: KubeObject, reason: str, text: str) -> None:
    errors = validate(obj)
    assert [error.reason for error in errors] == [reason]
    assert str(errors[0]).startswith(text)


def test_all_faults_are_told_at_once() -> None:
    assert len(validate(pod({"containers": [{"name": "C"}], "restartPolicy": "x"}, name="A"))) == 4


def test_a_reference_to_a_field_is_among_given_fields() -> None:
    two = {"fieldRef": {"fieldPath": "metadata.name"}, "secretKeyRef": {"name": "s", "key": "k"}}
    assert texts(validate(container(env=[{"name": "A", "valueFrom": two}]))) == [
        'spec.containers[0].env[0].valueFrom: Invalid value: "": may not have more than one field specified at a time'
    ]


class TestUpdates:
    """What may change of an object that exists, and what may not."""

    def test_identity_stays(self) -> None:
        assert texts(validate_update(pod(name="other"), pod())) == [
            'metadata.name: Invalid value: "other": field is immutable'
        ]

    @pytest.mark.parametrize(
        "spec",
        [
            {"containers": [{**CONTAINER, "image": "y"}]},
            {"activeDeadlineSeconds": 5},
            {"tolerations": [{"key": "a", "operator": "Exists"}]},
        ],
    )
    def test_of_a_pod_little_may_change(self, spec: dict[str, Any]) -> None:
        kept = {"containers": [{**CONTAINER, "imagePullPolicy": "Always"}]}
        changed = {**kept, **spec}
        changed["containers"] = [{**c, "imagePullPolicy": "Always"} for c in changed["containers"]]
        assert validate_update(pod(changed), pod(kept)) == []

    def test_the_rest_of_a_pod_stays_and_is_named(self) -> None:
        (error,) = validate_update(pod({"hostname": "x", "nodeSelector": {"a": "b"}}), pod())
        assert error.reason == "FieldValueForbidden"
        assert str(error).startswith("spec: Forbidden: pod updates may not change fields other than `spec.containers")
        assert '\n- "Hostname": "",\n+ "Hostname": "x",\n' in str(error)

    @pytest.mark.parametrize("meta", [{"labels": {"a b": "c"}}, {"annotations": {"a/b/c": "d"}}])
    def test_labels_and_annotations_of_a_pod_obey_the_rules_of_new_ones(self, meta: dict[str, Any]) -> None:
        (error,) = validate_update(pod(**meta), pod())
        assert error.field == f"metadata.{next(iter(meta))}"

    def test_containers_stay(self) -> None:
        grown = pod({"containers": [CONTAINER, {"name": "d", "image": "x"}]})
        assert texts(validate_update(grown, pod())) == [
            "spec.containers: Forbidden: pod updates may not add or remove containers"
        ]

    def test_tolerations_stay(self) -> None:
        tolerant = pod({"tolerations": [{"key": "a", "operator": "Exists"}]})
        assert texts(validate_update(pod(), tolerant)) == [
            "spec.tolerations: Forbidden: existing toleration can not be modified except its tolerationSeconds"
        ]

    def test_a_deadline_may_only_come_nearer(self) -> None:
        (error,) = validate_update(pod({"activeDeadlineSeconds": 9}), pod({"activeDeadlineSeconds": 5}))
        assert str(error).endswith("must be less than or equal to previous value")

    def test_a_selector_stays(self) -> None:
        labels = {"app": "web", "tier": "x"}
        changed = deployment(
            {"spec": {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}}}}
        )
        assert texts(validate_update(changed, deployment())) == [
            'spec.selector: Invalid value: {"matchLabels":{"app":"web","tier":"x"}}: field is immutable'
        ]

    def test_pod_addresses_are_given_once(self) -> None:
        node = decode(Node, {"metadata": NODE_META})
        first = decode(Node, {"metadata": NODE_META, "spec": {"podCIDR": "10.0.0.0/24", "podCIDRs": ["10.0.0.0/24"]}})
        other = decode(Node, {"metadata": NODE_META, "spec": {"podCIDR": "10.0.1.0/24", "podCIDRs": ["10.0.1.0/24"]}})
        assert validate_update(first, node) == []
        assert texts(validate_update(other, first)) == [
            'spec.podCIDRs: Forbidden: node updates may not change podCIDR except from "" to valid'
        ]

    def test_immutable_config_stays(self) -> None:
        frozen = decode(ConfigMap, {"metadata": META, "immutable": True, "data": {"a": "1"}})
        thawed = decode(ConfigMap, {"metadata": META, "data": {"a": "2"}})
        assert texts(validate_update(thawed, frozen)) == [
            "immutable: Forbidden: field is immutable when `immutable` is set",
            "data: Forbidden: field is immutable when `immutable` is set",
        ]

    def test_the_type_of_a_secret_stays(self) -> None:
        (error,) = validate_update(decode(Secret, {"metadata": META, "type": "x"}), decode(Secret, {"metadata": META}))
        assert str(error) == 'type: Invalid value: "x": field is immutable'

    def test_what_ended_for_good_does_not_run_again(self) -> None:
        def once(state: dict[str, Any]) -> Pod:
            status = {"containerStatuses": [{"name": "c", "state": state}]}
            return decode(Pod, {**pod({"restartPolicy": "Never"}).wire(), "status": status})

        running, ended = once({"running": {}}), once({"terminated": {"exitCode": 1}})
        assert validate_status_update(ended, running) == []
        assert texts(validate_status_update(running, ended)) == [
            "status.containerStatuses[0].state: Forbidden: may not be transitioned to non-terminated state"
        ]

    def test_counts_of_a_status_fit_together(self) -> None:
        counted = decode(ReplicaSet, {**replica_set().wire(), "status": {"replicas": 1, "readyReplicas": 2}})
        assert texts(validate_status_update(counted, replica_set())) == [
            "status.readyReplicas: Invalid value: 2: cannot be greater than status.replicas"
        ]


def test_a_scale_is_not_negative() -> None:
    assert texts(validate_scale(Scale(spec=ScaleSpec(replicas=-1)))) == [
        "spec.replicas: Invalid value: -1: must be greater than or equal to 0"
    ]


def test_a_binding_names_a_node() -> None:
    assert texts(validate_binding(decode(Binding, {"target": {"kind": "Pod"}}))) == [
        'target.kind: Unsupported value: "Pod": supported values: "Node", "<empty>"',
        "target.name: Required value",
    ]
