"""Job and CronJob: pods that run to an end, once or by the calendar.

Source: Kubernetes API reference, batch/v1.
"""

from typing import Annotated, ClassVar

from pydantic import Field

from naru.api.meta import KubeObject, LabelSelector, ObjectMeta
from naru.api.model import ALWAYS, POINTER, REQUIRED, SET, Int32, MergeKey, Model, OptionalTime
from naru.api.pod_v1 import PodTemplateSpec
from naru.api.refs_v1 import ObjectReference


class PodFailurePolicyOnExitCodesRequirement(Model):
    """The exit codes that a rule is about."""

    container_name: str | None = None  # only this container counts; unset: every one
    operator: Annotated[str, REQUIRED] = ""  # In or NotIn
    values: Annotated[tuple[Int32, ...], SET, REQUIRED] = ()  # the codes, in ascending order; 0 not with In


class PodFailurePolicyOnPodConditionsPattern(Model):
    """A condition of a failed pod that a rule is about."""

    type: Annotated[str, REQUIRED] = ""  # type of the condition
    status: Annotated[str, ALWAYS] = "True"  # status that it must have


class PodFailurePolicyRule(Model):
    """What to do about a failed pod of a certain kind; it names exit codes or conditions."""

    # FailJob; FailIndex; Ignore: as if nothing had happened; Count: towards backoffLimit
    action: Annotated[str, REQUIRED] = ""
    on_exit_codes: PodFailurePolicyOnExitCodesRequirement | None = None  # applies to these exit codes
    # applies to pods with one of these conditions
    on_pod_conditions: tuple[PodFailurePolicyOnPodConditionsPattern, ...] = ()


class PodFailurePolicy(Model):
    """What to do about failed pods."""

    rules: Annotated[tuple[PodFailurePolicyRule, ...], REQUIRED] = ()  # the first that matches counts; 20 at most


class SuccessPolicyRule(Model):
    """Which indexes are enough; both fields together must hold."""

    succeeded_indexes: str | None = None  # all of these must have succeeded, such as 1,3-5
    succeeded_count: Int32 | None = None  # so many must have succeeded, of those if they are named


class SuccessPolicy(Model):
    """When an indexed Job is done before all indexes are."""

    rules: Annotated[tuple[SuccessPolicyRule, ...], REQUIRED] = ()  # one of them is enough; 20 at most


class JobSpec(Model):
    """How many pods have to end well, how many run at once, and what becomes of failures."""

    protobuf: ClassVar[str] = "1-3 11 16 7 12 13 4-6 8-10 14 15"

    parallelism: Int32 | None = None  # pods that may run at once; 0 pauses the Job
    # pods that have to succeed; unset: one success is enough for all
    completions: Int32 | None = None
    active_deadline_seconds: int | None = None  # so long after its start the Job fails
    pod_failure_policy: PodFailurePolicy | None = None  # what to do about failed pods, before backoffLimit counts them
    success_policy: SuccessPolicy | None = None  # when it is done early; for indexed Jobs
    # failures after which the Job fails; by default 6, without bound where backoffLimitPerIndex is set
    backoff_limit: Int32 | None = None
    backoff_limit_per_index: Int32 | None = None  # failures after which an index fails; for indexed Jobs
    max_failed_indexes: Int32 | None = None  # failed indexes after which the Job fails; unset: it runs them all
    # which pods are its own; the server makes one, unless manualSelector is true
    selector: LabelSelector | None = None
    manual_selector: bool | None = None  # true: the selector is the user's, who sees to it that it is unique
    # what a pod looks like; its restartPolicy must be Never or OnFailure
    template: Annotated[PodTemplateSpec, REQUIRED] = Field(default_factory=PodTemplateSpec)
    ttl_seconds_after_finished: Int32 | None = None  # so long after its end the Job is deleted; unset: never
    # NonIndexed, or Indexed: each pod has a number of its own, from 0 to completions - 1
    completion_mode: str | None = None
    suspend: bool | None = None  # true: no pods run, and those that do are ended
    # TerminatingOrFailed: a pod is replaced as soon as it is being deleted; Failed: when it has ended
    pod_replacement_policy: str | None = None
    managed_by: str | None = None  # controller that runs the Job; unset: the built-in one. It never changes


class JobCondition(Model):
    """One aspect of a Job's state."""

    # Complete, Failed, Suspended; FailureTarget and SuccessCriteriaMet: decided, but pods still run
    type: Annotated[str, REQUIRED] = ""
    status: Annotated[str, REQUIRED] = ""  # True, False or Unknown
    last_probe_time: OptionalTime = None  # when it was last looked at
    last_transition_time: OptionalTime = None  # when status last changed
    reason: str = ""  # why, in one CamelCase word for programs
    message: str = ""  # why, in a sentence for people


class UncountedTerminatedPods(Model):
    """Uids of pods that have ended and are not yet in the counters."""

    succeeded: Annotated[tuple[str, ...], SET] = ()  # of those that succeeded
    failed: Annotated[tuple[str, ...], SET] = ()  # of those that failed


class JobStatus(Model):
    """The pods as last counted."""

    protobuf: ClassVar[str] = "1-6 11 7 10 8 9"

    conditions: Annotated[tuple[JobCondition, ...], MergeKey("type")] = ()  # how it ended, or that it is suspended
    start_time: OptionalTime = None  # when it was started, or resumed last
    completion_time: OptionalTime = None  # when it succeeded; never set for one that failed
    active: Int32 = 0  # pods that are pending or running, and not being deleted
    succeeded: Int32 = 0  # pods that succeeded
    failed: Int32 = 0  # pods that failed
    terminating: Int32 | None = None  # pods that are being deleted and have not ended
    completed_indexes: str = ""  # indexes that succeeded, such as 1,3-5; for indexed Jobs
    failed_indexes: str | None = None  # indexes that failed for good; where backoffLimitPerIndex is set
    uncounted_terminated_pods: UncountedTerminatedPods | None = None  # bookkeeping of the Job controller
    ready: Int32 | None = None  # active pods that are ready


class Job(KubeObject):
    """Pods that run until enough of them have succeeded."""

    kind: str = "Job"
    api_version: str = "batch/v1"
    spec: JobSpec = Field(default_factory=JobSpec)  # what is wanted
    # what is there; written by the Job controller
    status: JobStatus = JobStatus()


class JobTemplateSpec(Model):
    """The Jobs that a CronJob makes: their labels and their spec."""

    metadata: ObjectMeta = Field(default_factory=ObjectMeta)  # labels and annotations of the Jobs
    spec: JobSpec = Field(default_factory=JobSpec)  # spec of the Jobs


class CronJobSpec(Model):
    """When Jobs are made, and of which kind."""

    protobuf: ClassVar[str] = "1 8 2-7"

    schedule: Annotated[str, REQUIRED] = ""  # minute, hour, day, month and weekday, as cron has them
    time_zone: str | None = None  # zone that the schedule is meant in, such as Asia/Seoul; unset: the controller's
    starting_deadline_seconds: int | None = None  # a Job that is late by more than this is left out
    # while the Job before still runs: Allow another, Forbid it, or Replace the one that runs
    concurrency_policy: str = "Allow"
    suspend: Annotated[bool, ALWAYS, POINTER] = False  # true: no more Jobs are made
    # what the Jobs look like
    job_template: Annotated[JobTemplateSpec, REQUIRED] = Field(default_factory=JobTemplateSpec)
    successful_jobs_history_limit: Annotated[Int32, ALWAYS, POINTER] = 3  # how many Jobs that succeeded are kept
    failed_jobs_history_limit: Annotated[Int32, ALWAYS, POINTER] = 1  # how many Jobs that failed are kept


class CronJobStatus(Model):
    """The Jobs that run, and when the last ones were made."""

    protobuf: ClassVar[str] = "1 4 5"

    active: tuple[ObjectReference, ...] = ()  # Jobs that have not ended
    last_schedule_time: OptionalTime = None  # when a Job was last made
    last_successful_time: OptionalTime = None  # when a Job last succeeded


class CronJob(KubeObject):
    """Makes Jobs by the calendar."""

    kind: str = "CronJob"
    api_version: str = "batch/v1"
    spec: CronJobSpec = Field(default_factory=CronJobSpec)  # when, and which Jobs
    # what has been done; written by the CronJob controller
    status: CronJobStatus = CronJobStatus()
