"""What is refused of workloads, in upstream's words, and which defaults they get."""

from typing import Any

import pytest

from naru.api.apps_v1 import ControllerRevision, DaemonSet, Deployment, ReplicaSet, StatefulSet
from naru.api.batch_v1 import CronJob, Job
from naru.api.meta import KubeObject
from naru.api.replication_controller_v1 import PodTemplate, ReplicationController
from naru.api.strict import decode
from naru.api.validation import validate, validate_status_update, validate_update

META = {"name": "web", "namespace": "default", "uid": "u"}
LABELS = {"app": "web"}


def template(labels: dict[str, str] = LABELS, **spec: Any) -> dict[str, Any]:
    pod = {"containers": [{"name": "c", "image": "i"}], **spec}
    return {"metadata": {"labels": labels}, "spec": pod}


def workload(kind: type[KubeObject], **spec: Any) -> KubeObject:
    whole = {"selector": {"matchLabels": LABELS}, "template": template(), **spec}
    return decode(kind, {"metadata": META, "spec": whole})


def job(**spec: Any) -> KubeObject:
    generated = {
        "controller-uid": "u",
        "job-name": "web",
        "batch.kubernetes.io/controller-uid": "u",
        "batch.kubernetes.io/job-name": "web",
    }
    selector = {"matchLabels": {"batch.kubernetes.io/controller-uid": "u"}}
    whole = {"selector": selector, "template": template(generated, restartPolicy="Never"), **spec}
    return decode(Job, {"metadata": META, "spec": whole})


def cron_job(name: str = "web", **spec: Any) -> KubeObject:
    inner = {"spec": {"template": template(restartPolicy="Never")}}
    whole = {"schedule": "*/5 * * * *", "jobTemplate": inner, **spec}
    return decode(CronJob, {"metadata": {**META, "name": name}, "spec": whole})


def texts(errors: list[Any]) -> list[str]:
    return [str(error) for error in errors]


VALID = [
    workload(StatefulSet),
    workload(DaemonSet),
    workload(Deployment),
    workload(ReplicaSet),
    decode(ReplicationController, {"metadata": META, "spec": {"template": template()}}),
    decode(PodTemplate, {"metadata": META, "template": template()}),
    decode(ControllerRevision, {"metadata": META, "data": {"a": 1}, "revision": 1}),
    job(),
    cron_job(timeZone="Asia/Seoul"),
]


@pytest.mark.parametrize("obj", VALID, ids=lambda obj: obj.kind)
def test_a_plain_object_is_valid(obj: KubeObject) -> None:
    assert validate(obj) == []
    assert validate_update(obj, obj) == []
    assert validate_status_update(obj, obj) == []


INDEXED = {"completionMode": "Indexed", "completions": 5}
UNMATCHED = 'spec.template.metadata.labels: Invalid value: {"app":"web"}: `selector` does not match template `labels`'


@pytest.mark.parametrize(
    ("obj", "expected"),
    [
        pytest.param(
            workload(Deployment, selector=None),
            ["spec.selector: Required value", UNMATCHED],
            id="a Deployment without selector finds nothing",
        ),
        pytest.param(
            workload(StatefulSet, podManagementPolicy="Odd", replicas=-1, serviceName="A_"),
            [
                "spec.podManagementPolicy: Invalid value: \"Odd\": must be 'OrderedReady' or 'Parallel'",
                "spec.replicas: Invalid value: -1: must be greater than or equal to 0",
                'spec.serviceName: Invalid value: "A_": a lowercase RFC 1123 label must consist of lower case '
                "alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. "
                "'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')",
            ],
            id="several faults of a StatefulSet",
        ),
        pytest.param(
            workload(StatefulSet, updateStrategy={"type": "OnDelete", "rollingUpdate": {"partition": 1}}),
            [
                'spec.updateStrategy.rollingUpdate: Invalid value: {"Partition":1,"MaxUnavailable":null}: '
                "only allowed for updateStrategy 'RollingUpdate'"
            ],
            id="a partition needs a rolling update",
        ),
        pytest.param(
            workload(StatefulSet, persistentVolumeClaimRetentionPolicy={"whenDeleted": "Keep"}),
            [
                'spec.persistentVolumeClaimRetentionPolicy.whenDeleted: Unsupported value: "Keep": '
                'supported values: "Retain", "Delete"'
            ],
            id="retention policy",
        ),
        pytest.param(
            workload(DaemonSet, updateStrategy={"rollingUpdate": {"maxUnavailable": 1, "maxSurge": 1}}),
            [
                "spec.updateStrategy.rollingUpdate.maxSurge: Invalid value: 1: "
                "may not be set when maxUnavailable is non-zero"
            ],
            id="a DaemonSet surges or does without",
        ),
        pytest.param(
            workload(DaemonSet, template=template(restartPolicy="Never", activeDeadlineSeconds=1)),
            [
                'spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"',
                "spec.template.spec.activeDeadlineSeconds: Forbidden: "
                "activeDeadlineSeconds in DaemonSet is not Supported",
            ],
            id="daemons go on for ever",
        ),
        pytest.param(
            decode(ReplicationController, {"metadata": META, "spec": {}}),
            ["spec.selector: Required value", "spec.template: Required value"],
            id="a ReplicationController needs a template",
        ),
        pytest.param(
            decode(ControllerRevision, {"metadata": META, "revision": -1}),
            [
                "data: Required value: data is mandatory",
                "revision: Invalid value: -1: must be greater than or equal to 0",
            ],
            id="a revision remembers something",
        ),
        pytest.param(
            job(template=template(restartPolicy="Always"), selector=None),
            [
                'spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"',
                "spec.selector: Required value",
                UNMATCHED,
            ],
            id="a Job's pods end",
        ),
        pytest.param(
            job(backoffLimitPerIndex=1, maxFailedIndexes=1),
            [
                "spec.backoffLimitPerIndex: Invalid value: 1: requires indexed completion mode",
                "spec.maxFailedIndexes: Invalid value: 1: requires indexed completion mode",
            ],
            id="bounds of indexes need indexes",
        ),
        pytest.param(
            job(podFailurePolicy={"rules": [{"action": "Boom", "onExitCodes": {"operator": "In", "values": [3, 0]}}]}),
            [
                'spec.podFailurePolicy.rules[0].action: Unsupported value: "Boom": '
                'supported values: "Count", "FailIndex", "FailJob", "Ignore"',
                "spec.podFailurePolicy.rules[0].onExitCodes.values[1]: Invalid value: 0: "
                "must not be 0 for the In operator",
                "spec.podFailurePolicy.rules[0].onExitCodes.values: Invalid value: [3,0]: must be ordered",
            ],
            id="failure policy",
        ),
        pytest.param(
            job(**INDEXED, successPolicy={"rules": [{"succeededIndexes": "1,3-7"}, {}]}),
            [
                'spec.successPolicy.rules[0].succeededIndexes: Invalid value: "1,3-7": '
                'error parsing succeededIndexes: too large index: "7"',
                "spec.successPolicy.rules[1]: Required value: "
                "at least one of succeededCount or succeededIndexes must be specified",
            ],
            id="success policy",
        ),
        pytest.param(
            job(managedBy="me"),
            [
                'spec.managedBy: Invalid value: "me": must be a domain-prefixed path (such as "acme.io/foo")',
            ],
            id="managed by",
        ),
        pytest.param(
            cron_job("x" * 53, schedule="61 * * *", timeZone="Nowhere/Else", concurrencyPolicy="Both"),
            [
                'spec.schedule: Invalid value: "61 * * *": expected exactly 5 fields, found 4: [61 * * *]',
                'spec.timeZone: Invalid value: "Nowhere/Else": unknown time zone Nowhere/Else',
                'spec.concurrencyPolicy: Unsupported value: "Both": supported values: "Allow", "Forbid", "Replace"',
                f'metadata.name: Invalid value: "{"x" * 53}": must be no more than 52 characters',
            ],
            id="several faults of a CronJob",
        ),
    ],
)
def test_faults(obj: KubeObject, expected: list[str]) -> None:
    assert texts(validate(obj)) == expected


@pytest.mark.parametrize(
    ("schedule", "problem"),
    [
        ("60 * * * *", "end of range (60) above maximum (59): 60"),
        ("* * 0 * *", "beginning of range (0) below minimum (1): 0"),
        ("5-3 * * * *", "beginning of range (5) beyond end of range (3): 5-3"),
        ("*/0 * * * *", "step of range should be a positive number: */0"),
        ("x * * * *", 'failed to parse int from x: strconv.Atoi: parsing "x": invalid syntax'),
        ("1-2-3 * * * *", "too many hyphens: 1-2-3"),
        ("1/2/3 * * * *", "too many slashes: 1/2/3"),
        ("@never", "unrecognized descriptor: @never"),
        ("TZ=UTC * * * * *", "cannot use TZ or CRON_TZ in schedule, use timeZone field instead"),
    ],
)
def test_a_schedule_that_cron_does_not_read_is_refused(schedule: str, problem: str) -> None:
    assert texts(validate(cron_job(schedule=schedule))) == [f'spec.schedule: Invalid value: "{schedule}": {problem}']


@pytest.mark.parametrize(
    "schedule", ["@daily", "@every 1h30m", "0 9-17/2 * jan,dec mon-fri", "? * * * *", "5/15 * * * *"]
)
def test_a_schedule_that_cron_reads_is_taken(schedule: str) -> None:
    assert validate(cron_job(schedule=schedule)) == []


@pytest.mark.parametrize(
    ("new", "old", "expected"),
    [
        pytest.param(
            workload(StatefulSet, serviceName="b", replicas=3, minReadySeconds=2),
            workload(StatefulSet, serviceName="a"),
            [
                "spec: Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals', "
                "'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and "
                "'minReadySeconds' are forbidden"
            ],
            id="a StatefulSet keeps its Service",
        ),
        pytest.param(
            decode(ControllerRevision, {"metadata": META, "data": {"a": 1}, "revision": 1}),
            decode(ControllerRevision, {"metadata": META, "data": {"a": 2}, "revision": 1}),
            ['data: Invalid value: {"a":1}: field is immutable'],
            id="a revision keeps its data",
        ),
        pytest.param(
            job(completions=3),
            job(completions=2),
            ["spec.completions: Invalid value: 3: field is immutable"],
            id="a Job keeps its completions",
        ),
        pytest.param(
            job(**{**INDEXED, "completions": 3}, parallelism=3), job(**INDEXED, parallelism=5), [], id="an elastic Job"
        ),
        pytest.param(
            job(**{**INDEXED, "completions": 3}),
            job(**INDEXED),
            ["spec.completions: Invalid value: 3: can only be modified in tandem with spec.parallelism"],
            id="a Job that would lose pods",
        ),
    ],
)
def test_faults_of_an_update(new: KubeObject, old: KubeObject, expected: list[str]) -> None:
    assert texts(validate_update(new, old)) == expected


def test_the_end_of_a_job_is_an_end() -> None:
    def with_status(**status: Any) -> KubeObject:
        return job().model_copy(update={"status": decode(Job, {"spec": {}, "status": status}).status})

    failed = [{"type": "Failed", "status": "True"}]
    time = "2026-01-01T00:00:00Z"
    old = with_status(conditions=failed, startTime=time, failed=2)
    assert texts(validate_status_update(with_status(failed=1, startTime=time), old)) == [
        "status.conditions: Invalid value: cannot disable the terminal Failed=True condition",
        "status.failed: Invalid value: 1: cannot decrease the failed counter",
    ]
    complete = [{"type": "Complete", "status": "True"}]
    assert texts(validate_status_update(with_status(conditions=complete, active=1), job())) == [
        "status.completionTime: Required value: completionTime is required for Complete jobs",
        "status.active: Invalid value: 1: active>0 is invalid for finished job",
        "status.startTime: Required value: startTime is required for finished job",
    ]


def test_a_job_has_the_defaults_of_upstream_and_a_cron_jobs_template_has_not() -> None:
    spec = decode(Job, {"spec": {"template": template(), "backoffLimitPerIndex": 1, "parallelism": 2}}).wire()["spec"]
    assert {name: spec[name] for name in spec if name != "template"} == {
        "parallelism": 2,
        "backoffLimit": 2**31 - 1,
        "backoffLimitPerIndex": 1,
        "completionMode": "NonIndexed",
        "manualSelector": False,
        "podReplacementPolicy": "TerminatingOrFailed",
        "suspend": False,
    }
    inner = cron_job().wire()["spec"]["jobTemplate"]["spec"]
    assert list(inner) == ["template"]
    assert inner["template"]["spec"]["schedulerName"] == "default-scheduler"


def test_labels_of_the_template_become_those_of_the_object() -> None:
    controller = decode(ReplicationController, {"metadata": META, "spec": {"template": template()}})
    assert controller.metadata.labels == LABELS
    assert controller.spec.selector == LABELS
    assert decode(Job, {"spec": {"template": template()}}).metadata.labels == LABELS
