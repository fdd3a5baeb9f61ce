"""Jobs, which find their pods by their own uid, and CronJobs."""

from datetime import datetime
from typing import Any, ClassVar, Final

from apiserver.registry.columns import AGE, NAME, NONE, WORKLOAD, Column, workload_cells
from apiserver.registry.strategy import Context, Strategy
from naru.api.batch_v1 import CronJob, Job, JobStatus
from naru.api.durations import human_age, human_duration
from naru.api.meta import LabelSelector
from naru.api.selectors import matcher
from naru.api.validation.batch import (
    CONTROLLER_UID_LABEL,
    JOB_NAME_LABEL,
    OLD_CONTROLLER_UID_LABEL,
    OLD_JOB_NAME_LABEL,
)

_SHOWN: Final = {
    "Suspended": "Suspended",
    "FailureTarget": "FailureTarget",
    "SuccessCriteriaMet": "SuccessCriteriaMet",
}  # conditions in the order in which they are looked for, once it is clear that the Job has not ended


class JobStrategy(Strategy[Job]):
    """The rules of Jobs."""

    has_status = True
    counts_generations = True
    columns: ClassVar[tuple[Column, ...]] = (
        NAME,
        Column("Status", "How the Job stands, in a word."),
        Column("Completions", "How many pods succeeded, of how many that have to."),
        Column("Duration", "How long the Job took, or has been running."),
        AGE,
        *WORKLOAD,
    )

    def prepare_for_create(self, obj: Job, context: Context) -> Job:
        """Label the pods with the Job's identity, and select them by it, unless the user does so."""
        job = super().prepare_for_create(obj, context)
        return job if job.spec.manual_selector else with_generated_selector(job)

    def selectable_fields(self, obj: Job) -> dict[str, str]:
        """Let clients ask for a number of successes."""
        return {**super().selectable_fields(obj), "status.successful": str(obj.status.succeeded)}

    def row(self, obj: Job, now: datetime) -> list[Any]:
        """Tell how far the Job has come."""
        return [
            obj.metadata.name,
            _status(obj),
            _completions(obj),
            _duration(obj.status, now),
            human_age(obj.metadata.creation_timestamp, now),
            *workload_cells(obj.spec.template.spec.containers, str(matcher(obj.spec.selector))),
        ]


def with_generated_selector(job: Job) -> Job:
    """Return a Job whose pods carry its uid; what the user put in the same places is for validation to find."""
    meta, spec = job.metadata, job.spec
    generated = {
        OLD_JOB_NAME_LABEL: meta.name,
        JOB_NAME_LABEL: meta.name,
        OLD_CONTROLLER_UID_LABEL: meta.uid,
        CONTROLLER_UID_LABEL: meta.uid,
    }
    template = spec.template
    labelled = template.metadata.model_copy(update={"labels": {**generated, **template.metadata.labels}})
    selector = spec.selector or LabelSelector()
    chosen = selector.model_copy(update={"match_labels": {CONTROLLER_UID_LABEL: meta.uid, **selector.match_labels}})
    update = {"template": template.model_copy(update={"metadata": labelled}), "selector": chosen}
    return job.model_copy(update={"spec": spec.model_copy(update=update)})


def _status(job: Job) -> str:
    true = {condition.type for condition in job.status.conditions if condition.status == "True"}
    if "Complete" in true:
        return "Complete"
    if "Failed" in true:
        return "Failed"
    if job.metadata.deletion_timestamp is not None:
        return "Terminating"
    return next((shown for kind, shown in _SHOWN.items() if kind in true), "Running")


def _completions(job: Job) -> str:
    if job.spec.completions is not None:
        return f"{job.status.succeeded}/{job.spec.completions}"
    parallelism = job.spec.parallelism or 0
    return f"{job.status.succeeded}/1" + (f" of {parallelism}" if parallelism > 1 else "")


def _duration(status: JobStatus, now: datetime) -> str:
    if status.start_time is None:
        return ""
    return human_duration(((status.completion_time or now) - status.start_time).total_seconds())


class CronJobStrategy(Strategy[CronJob]):
    """The rules of CronJobs."""

    has_status = True
    counts_generations = True
    columns: ClassVar[tuple[Column, ...]] = (
        NAME,
        Column("Schedule", "When Jobs are made, as cron has it."),
        Column("Timezone", "Time zone of the schedule."),
        Column("Suspend", "Whether no Jobs are made at present.", type="boolean"),
        Column("Active", "How many Jobs have not ended.", type="integer"),
        Column("Last Schedule", "When a Job was last made."),
        AGE,
        *WORKLOAD,
    )

    def row(self, obj: CronJob, now: datetime) -> list[Any]:
        """Show the schedule, and what came of it."""
        spec, status, inner = obj.spec, obj.status, obj.spec.job_template.spec
        last = status.last_schedule_time
        return [
            obj.metadata.name,
            spec.schedule,
            NONE if spec.time_zone is None else spec.time_zone,
            "True" if spec.suspend else "False",
            len(status.active),
            NONE if last is None else human_age(last, now),
            human_age(obj.metadata.creation_timestamp, now),
            *workload_cells(inner.template.spec.containers, str(matcher(inner.selector)) if inner.selector else ""),
        ]


STRATEGIES: Final = {"cronjobs.batch": CronJobStrategy(), "jobs.batch": JobStrategy()}
