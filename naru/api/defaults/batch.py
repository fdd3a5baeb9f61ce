"""Defaults of Jobs and CronJobs."""

from typing import Any, Final

from naru.api.batch_v1 import CronJob, Job, JobSpec
from naru.api.defaults.pods import default_template

BACKOFF_LIMIT: Final = 6
UNBOUNDED: Final = 2**31 - 1  # failures of a Job whose indexes have a bound of their own


def default_job(job: Job) -> Job:
    """Fill in a Job; one without labels gets those of its pods."""
    labels = job.metadata.labels or job.spec.template.metadata.labels
    meta = job.metadata.model_copy(update={"labels": labels})
    return job.model_copy(update={"metadata": meta, "spec": _default_spec(job.spec)})


def _default_spec(spec: JobSpec) -> JobSpec:
    bounded = spec.backoff_limit_per_index is not None
    usual: dict[str, Any] = {
        "parallelism": 1,
        "completions": 1 if spec.parallelism is None else None,
        "backoff_limit": UNBOUNDED if bounded else BACKOFF_LIMIT,
        "manual_selector": False,
        "completion_mode": "NonIndexed",
        "suspend": False,
        "pod_replacement_policy": "TerminatingOrFailed" if spec.pod_failure_policy is None else "Failed",
    }
    update = {name: value for name, value in usual.items() if getattr(spec, name) is None}
    return spec.model_copy(update={**update, "template": default_template(spec.template)})


def default_cron_job(cron_job: CronJob) -> CronJob:
    """Fill in the pods' template alone: the rest of a Job gets its defaults when it is made."""
    spec = cron_job.spec
    inner = spec.job_template.spec
    filled = inner.model_copy(update={"template": default_template(inner.template)})
    template = spec.job_template.model_copy(update={"spec": filled})
    return cron_job.model_copy(update={"spec": spec.model_copy(update={"job_template": template})})


DEFAULTS: Final = {CronJob: default_cron_job, Job: default_job}
