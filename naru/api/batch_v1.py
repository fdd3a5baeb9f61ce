"""Job and CronJob: pods that run to an end, once or by the calendar.

Source: Kubernetes API reference, batch/v1.
"""

from typing import Annotated, ClassVar

from naru.api.meta import KubeObject, LabelSelector, ObjectMeta
from naru.api.model import ALWAYS, REQUIRED, SET, Int32, MergeKey, Model, OptionalTime
from naru.api.pod_v1 import PodTemplateSpec
from naru.api.refs_v1 import ObjectReference


class PodFailurePolicyOnExitCodesRequirement(Model):
    """TODO."""

    container_name: str | None = None
    operator: Annotated[str, REQUIRED] = ""
    values: Annotated[tuple[Int32, ...], SET, REQUIRED] = ()


class PodFailurePolicyOnPodConditionsPattern(Model):
    """TODO."""

    type: Annotated[str, REQUIRED] = ""
    status: Annotated[str, ALWAYS] = ""


class PodFailurePolicyRule(Model):
    """TODO."""

    action: Annotated[str, REQUIRED] = ""
    on_exit_codes: PodFailurePolicyOnExitCodesRequirement | None = None
    on_pod_conditions: tuple[PodFailurePolicyOnPodConditionsPattern, ...] = ()


class PodFailurePolicy(Model):
    """TODO."""

    rules: Annotated[tuple[PodFailurePolicyRule, ...], REQUIRED] = ()


class SuccessPolicyRule(Model):
    """TODO."""

    succeeded_indexes: str | None = None
    succeeded_count: Int32 | None = None


class SuccessPolicy(Model):
    """TODO."""

    rules: Annotated[tuple[SuccessPolicyRule, ...], REQUIRED] = ()


class JobSpec(Model):
    """TODO."""

    protobuf: ClassVar[str] = "1-3 11 16 7 12 13 4-6 8-10 14 15"

    parallelism: Int32 | None = None
    completions: Int32 | None = None
    active_deadline_seconds: int | None = None
    pod_failure_policy: PodFailurePolicy | None = None
    success_policy: SuccessPolicy | None = None
    backoff_limit: Int32 | None = None
    backoff_limit_per_index: Int32 | None = None
    max_failed_indexes: Int32 | None = None
    selector: LabelSelector | None = None
    manual_selector: bool | None = None
    template: PodTemplateSpec
    ttl_seconds_after_finished: Int32 | None = None
    completion_mode: str | None = None
    suspend: bool | None = None
    pod_replacement_policy: str | None = None
    managed_by: str | None = None


class JobCondition(Model):
    """TODO."""

    type: Annotated[str, REQUIRED] = ""
    status: Annotated[str, REQUIRED] = ""
    last_probe_time: OptionalTime = None
    last_transition_time: OptionalTime = None
    reason: str = ""
    message: str = ""


class UncountedTerminatedPods(Model):
    """TODO."""

    succeeded: Annotated[tuple[str, ...], SET] = ()
    failed: Annotated[tuple[str, ...], SET] = ()


class JobStatus(Model):
    """TODO."""

    protobuf: ClassVar[str] = "1-6 11 7 10 8 9"

    conditions: Annotated[tuple[JobCondition, ...], MergeKey("type")] = ()
    start_time: OptionalTime = None
    completion_time: OptionalTime = None
    active: Int32 = 0
    succeeded: Int32 = 0
    failed: Int32 = 0
    terminating: Int32 | None = None
    completed_indexes: str = ""
    failed_indexes: str | None = None
    uncounted_terminated_pods: UncountedTerminatedPods | None = None
    ready: Int32 | None = None


class Job(KubeObject):
    """TODO."""

    kind: str = "Job"
    api_version: str = "batch/v1"
    spec: JobSpec
    status: JobStatus = JobStatus()


class JobTemplateSpec(Model):
    """TODO."""

    metadata: ObjectMeta = ObjectMeta()
    spec: JobSpec


class CronJobSpec(Model):
    """TODO."""

    protobuf: ClassVar[str] = "1 8 2-7"

    schedule: Annotated[str, REQUIRED] = ""
    time_zone: str | None = None
    starting_deadline_seconds: int | None = None
    concurrency_policy: str = ""
    suspend: bool | None = None
    job_template: JobTemplateSpec
    successful_jobs_history_limit: Int32 | None = None
    failed_jobs_history_limit: Int32 | None = None


class CronJobStatus(Model):
    """TODO."""

    protobuf: ClassVar[str] = "1 4 5"

    active: tuple[ObjectReference, ...] = ()
    last_schedule_time: OptionalTime = None
    last_successful_time: OptionalTime = None


class CronJob(KubeObject):
    """TODO."""

    kind: str = "CronJob"
    api_version: str = "batch/v1"
    spec: CronJobSpec
    status: CronJobStatus = CronJobStatus()
