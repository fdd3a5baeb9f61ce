"""What is refused of pods beyond the everyday: placement, rights, probes, claims, and changes."""

from typing import Any

import pytest

from naru.api.core_v1 import Pod
from naru.api.pods import qos_class
from naru.api.strict import decode
from naru.api.validation import validate
from naru.api.validation.pod_updates import validate_ephemeral_update, validate_pod_update, validate_resize


def pod(container: dict[str, Any] | None = None, annotations: dict[str, str] | None = None, **spec: Any) -> Pod:
    containers = [{"name": "c", "image": "i", **(container or {})}]
    meta = {"name": "p", "namespace": "default", "labels": {"app": "web"}, "annotations": annotations or {}}
    made = decode(Pod, {"metadata": meta, "spec": {"containers": containers, **spec}})
    return made.model_copy(update={"status": made.status.model_copy(update={"qos_class": qos_class(made)})})


def texts(errors: list[Any]) -> list[str]:
    return [str(error) for error in errors]


SELECTOR = {"labelSelector": {"matchLabels": {"app": "web"}}}
C = "spec.containers[0]"


@pytest.mark.parametrize(
    ("obj", "expected"),
    [
        pytest.param(
            pod(dnsPolicy="None"),
            ["spec.dnsConfig: Required value: must provide `dnsConfig` when `dnsPolicy` is None"],
            id="no DNS policy",
        ),
        pytest.param(
            pod(dnsConfig={"nameservers": ["x"], "searches": ["A"], "options": [{"value": "1"}]}),
            [
                'spec.dnsConfig.nameservers[0]: Invalid value: "x": must be a valid IP address, '
                "(e.g. 10.9.8.7 or 2001:db8::ffff)",
                'spec.dnsConfig.searches[0]: Invalid value: "A": a lowercase RFC 1123 subdomain must consist of lower '
                "case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character "
                "(e.g. 'example.com', regex used for validation is "
                r"'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
                "spec.dnsConfig.options[0]: Required value: must not be empty",
            ],
            id="DNS config",
        ),
        pytest.param(
            pod(schedulingGates=[{"name": "a"}, {"name": "a"}], nodeName="n"),
            [
                'spec.schedulingGates[1]: Duplicate value: "a"',
                "spec.nodeName: Forbidden: cannot be set until all schedulingGates have been cleared",
            ],
            id="gates",
        ),
        pytest.param(
            pod(topologySpreadConstraints=[{"maxSkew": 0, "topologyKey": "", "whenUnsatisfiable": "Maybe"}]),
            [
                "spec.topologySpreadConstraints[0].maxSkew: Invalid value: 0: must be greater than 0",
                "spec.topologySpreadConstraints[0].topologyKey: Required value: can not be empty",
                'spec.topologySpreadConstraints[0].whenUnsatisfiable: Unsupported value: "Maybe": '
                'supported values: "DoNotSchedule", "ScheduleAnyway"',
            ],
            id="spread",
        ),
        pytest.param(
            pod(
                affinity={
                    "podAntiAffinity": {
                        "preferredDuringSchedulingIgnoredDuringExecution": [
                            {"weight": 101, "podAffinityTerm": {**SELECTOR, "topologyKey": "zone"}}
                        ]
                    }
                }
            ),
            [
                "spec.affinity.podAntiAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].weight: "
                "Invalid value: 101: must be in the range 1-100"
            ],
            id="affinity",
        ),
        pytest.param(
            pod(hostUsers=False, hostNetwork=True),
            ["spec.hostNetwork: Forbidden: when `hostUsers` is false"],
            id="users of its own",
        ),
        pytest.param(
            pod({"securityContext": {"procMount": "Unmasked", "privileged": True, "allowPrivilegeEscalation": False}}),
            [
                f'{C}.securityContext.procMount: Invalid value: "Unmasked": '
                "`hostUsers` must be false to use `Unmasked`",
                f"{C}.securityContext: Invalid value: ",
            ],
            id="rights",
        ),
        pytest.param(
            pod(os={"name": "windows"}, securityContext={"runAsUser": 1}),
            ["spec.securityContext.runAsUser: Forbidden: cannot be set for a windows pod"],
            id="windows",
        ),
        pytest.param(
            pod(os={"name": "beos"}),
            ['spec.os: Unsupported value: "beos": supported values: "linux", "windows"'],
            id="system",
        ),
        pytest.param(
            pod({"readinessProbe": {"httpGet": {"port": 0, "scheme": "FTP"}, "terminationGracePeriodSeconds": 5}}),
            [
                f"{C}.readinessProbe.httpGet.port: Invalid value: 0: must be between 1 and 65535, inclusive",
                f'{C}.readinessProbe.httpGet.scheme: Unsupported value: "FTP": supported values: "HTTP", "HTTPS"',
                f"{C}.readinessProbe.terminationGracePeriodSeconds: Invalid value: 5: "
                "must not be set for readinessProbes",
            ],
            id="probe",
        ),
        pytest.param(
            pod({"lifecycle": {"preStop": {"sleep": {"seconds": 31}}, "stopSignal": "SIGTERM"}}),
            [
                f"{C}.lifecycle.preStop.sleep: Invalid value: 31: "
                "must be non-negative and less than terminationGracePeriodSeconds (30)",
                f"{C}.lifecycle.stopSignal: Forbidden: may not be set for containers with empty `spec.os.name`",
            ],
            id="lifecycle",
        ),
        pytest.param(
            pod(
                {"resizePolicy": [{"resourceName": "disk", "restartPolicy": "RestartContainer"}]},
                restartPolicy="Never",
            ),
            [
                f'{C}.resizePolicy: Unsupported value: "disk": supported values: "cpu", "memory"',
                f'{C}.resizePolicy: Invalid value: "RestartContainer": '
                "must be 'NotRequired' when `restartPolicy` is 'Never'",
            ],
            id="resize policy",
        ),
        pytest.param(
            pod({"resources": {"claims": [{"name": "gpu"}]}}, resourceClaims=[{"name": "a"}]),
            [
                'spec.resourceClaims[0]: Invalid value: {"Name":"a","ResourceClaimName":null,'
                '"ResourceClaimTemplateName":null}: must specify one of: `resourceClaimName`, '
                "`resourceClaimTemplateName`",
                f'{C}.resources.claims[0]: Not found: "gpu": must be one of the names in pod.spec.resourceClaims: a',
            ],
            id="claims",
        ),
        pytest.param(
            pod({"resources": {"requests": {"cpu": "2"}}}, resources={"requests": {"cpu": "1"}}),
            [
                'spec.resources.requests[cpu]: Invalid value: "1": '
                "must be greater than or equal to aggregate container requests of 2"
            ],
            id="resources of the pod",
        ),
        pytest.param(
            pod(
                {"volumeMounts": [{"name": "v", "mountPath": "/v", "recursiveReadOnly": "Enabled"}]},
                volumes=[{"name": "v"}],
            ),
            [f"{C}.volumeMounts.recursiveReadOnly: Forbidden: may only be specified when readOnly is true"],
            id="mount",
        ),
        pytest.param(
            pod(volumes=[{"name": "v", "projected": {"sources": [{"serviceAccountToken": {"expirationSeconds": 1}}]}}]),
            [
                "spec.volumes[0].projected.sources[0].serviceAccountToken.expirationSeconds: Invalid value: 1: "
                "may not specify a duration less than 10 minutes",
                "spec.volumes[0].projected.path: Required value",
            ],
            id="token",
        ),
        pytest.param(
            pod(ephemeralContainers=[{"name": "e", "image": "x"}]),
            ["spec.ephemeralContainers: Forbidden: cannot be set on create"],
            id="ephemeral",
        ),
    ],
)
def test_faults(obj: Pod, expected: list[str]) -> None:
    found = texts(validate(obj))
    assert len(found) == len(expected)
    assert all(text.startswith(start) for text, start in zip(found, expected, strict=True)), found


class TestUpdates:
    def test_a_gated_pod_may_be_narrowed_down(self) -> None:
        gates = {"schedulingGates": [{"name": "a"}]}
        old = pod(nodeSelector={"a": "1"}, **gates)
        assert validate_pod_update(pod(nodeSelector={"a": "1", "b": "2"}, **gates), old) == []
        assert texts(validate_pod_update(pod(nodeSelector={"a": "2"}, **gates), old)) == [
            'spec.nodeSelector: Invalid value: {"a":"2"}: '
            "only additions to spec.nodeSelector are allowed (no mutations or deletions)"
        ]

    def test_gates_only_open(self) -> None:
        assert validate_pod_update(pod(), pod(schedulingGates=[{"name": "a"}])) == []
        assert texts(validate_pod_update(pod(schedulingGates=[{"name": "a"}]), pod())) == [
            "spec.schedulingGates[0].name: Forbidden: only deletion is allowed, but found new scheduling gate 'a'"
        ]

    def test_what_differs_is_shown_as_lines(self) -> None:
        (error,) = validate_pod_update(pod(hostname="new"), pod(hostname="old"))
        assert '\n- "Hostname": "old",\n+ "Hostname": "new",\n' in str(error)

    def test_a_resize_keeps_the_class(self) -> None:
        old = pod({"resources": {"limits": {"cpu": "1", "memory": "1Gi"}}})
        assert validate_resize(pod({"resources": {"limits": {"cpu": "2", "memory": "1Gi"}}}), old) == []
        burstable = {"limits": {"cpu": "2", "memory": "1Gi"}, "requests": {"cpu": "1"}}
        assert texts(validate_resize(pod({"resources": burstable}), old)) == [
            'spec: Invalid value: "Burstable": Pod QOS Class may not change as a result of resizing'
        ]

    def test_some_pods_cannot_be_resized_at_all(self) -> None:
        whole = pod(resources={"requests": {"cpu": "1"}})
        assert texts(validate_resize(whole, whole)) == [": Forbidden: pods with pod-level resources cannot be resized"]
        mirror = pod(annotations={"kubernetes.io/config.mirror": "x"}, nodeName="n")
        assert texts(validate_resize(mirror, mirror)) == [": Forbidden: static pods cannot be resized"]

    def test_an_ephemeral_container_stays_as_it_is(self) -> None:
        old = pod(ephemeralContainers=[{"name": "e", "image": "x"}])
        (error,) = validate_ephemeral_update(pod(ephemeralContainers=[{"name": "e", "image": "y"}]), old)
        assert str(error).startswith(
            'spec.ephemeralContainers: Forbidden: existing ephemeral containers "e" may not be changed\n@@ '
        )
