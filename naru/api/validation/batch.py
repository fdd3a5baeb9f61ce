"""Validation of Jobs and CronJobs.

Source: Kubernetes API reference, batch/v1; the texts are those of upstream's validation.
"""

from typing import Final

from naru.api.batch_v1 import CronJob, CronJobSpec, Job, JobSpec, JobTemplateSpec
from naru.api.errors import FieldError
from naru.api.field_errors import (
    IMMUTABLE,
    in_go,
    invalid,
    not_supported,
    required,
)
from naru.api.meta import LabelSelector
from naru.api.names import check_dns_label, check_dns_subdomain
from naru.api.pod_v1 import PodTemplateSpec, RestartPolicy
from naru.api.selectors import matcher
from naru.api.validation.job_policies import validate_domain_path, validate_failure_policy, validate_success_policy
from naru.api.validation.job_status import validate_job_status_update
from naru.api.validation.meta import not_negative, validate_meta, validate_meta_update, validate_selector
from naru.api.validation.rules import Rules
from naru.api.validation.schedules import validate_schedule, validate_time_zone
from naru.api.validation.templates import is_readable, none_negative, validate_selected, validate_template

INDEXED: Final = "Indexed"
COMPLETION_MODES: Final = ("NonIndexed", INDEXED)
REPLACEMENT_POLICIES: Final = ("Failed", "TerminatingOrFailed")
CONCURRENCY_POLICIES: Final = ("Allow", "Forbid", "Replace")
CONTROLLER_UID_LABEL: Final = "batch.kubernetes.io/controller-uid"
JOB_NAME_LABEL: Final = "batch.kubernetes.io/job-name"
OLD_CONTROLLER_UID_LABEL: Final = "controller-uid"
OLD_JOB_NAME_LABEL: Final = "job-name"
MAX_CRON_JOB_NAME: Final = 52  # a Job's name is eleven characters longer, and has 63 at most
MAX_PARALLELISM: Final = 100_000  # of an indexed Job: its status tells every index
MANY_COMPLETIONS: Final = 100_000  # from here on indexed Jobs with a bound for each index are held tighter
MAX_FOR_MANY: Final = 10_000
MAX_MANAGED_BY: Final = 63
_AND_PER_INDEX: Final = f"when completions are above {MANY_COMPLETIONS} and used with backoff limit per index"
_NEEDS_INDEXES: Final = "requires indexed completion mode"


def validate_job(job: Job) -> list[FieldError]:
    """Return the faults of a Job."""
    spec, name = job.spec, job.metadata.name
    errors = validate_meta(job.metadata, namespaced=True, check_name=check_dns_subdomain)
    errors += _validate_generated(job)
    errors += _validate_selecting_spec(spec)
    if spec.completion_mode == INDEXED and spec.completions is not None and spec.completions > 0:
        longest = f"{name}-{spec.completions - 1}"
        if check_dns_label(longest):
            why = f"will not able to create pod with invalid DNS label: {longest}"
            errors.append(invalid("metadata.name", name, why))
    return errors


def _validate_generated(job: Job) -> list[FieldError]:
    """Check that nothing else has been put where the server puts labels and selector of its own."""
    meta, spec = job.metadata, job.spec
    if spec.manual_selector or spec.selector is None:
        return []
    wanted = {
        OLD_CONTROLLER_UID_LABEL: meta.uid,
        OLD_JOB_NAME_LABEL: meta.name,
        CONTROLLER_UID_LABEL: meta.uid,
        JOB_NAME_LABEL: meta.name,
    }
    errors = [] if meta.uid else [required("metadata.uid")]
    labels = spec.template.metadata.labels
    for key, value in wanted.items():
        path, why = f"spec.template.metadata.labels[{key}]", f"must be '{value}'"
        if key not in labels:
            errors.append(required(path, why))
        elif labels[key] != value:
            errors.append(invalid(path, labels, why))
    if is_readable(spec.selector) and not matcher(spec.selector).matches(wanted):
        errors.append(invalid("spec.selector", spec.selector, "`selector` not auto-generated"))
    return errors


def _validate_selecting_spec(spec: JobSpec) -> list[FieldError]:
    errors = validate_spec(spec, "spec")
    errors += (
        [required("spec.selector")] if spec.selector is None else validate_selector(spec.selector, "spec.selector")
    )
    if is_readable(spec.selector):
        errors += validate_selected(spec.selector, spec.template, "spec.template")
    return errors


def validate_spec(spec: JobSpec, path: str) -> list[FieldError]:
    """Return the faults of a Job's spec, or of that of the Jobs that a CronJob makes."""
    errors = none_negative(
        {
            "parallelism": spec.parallelism,
            "completions": spec.completions,
            "activeDeadlineSeconds": spec.active_deadline_seconds,
            "backoffLimit": spec.backoff_limit,
            "ttlSecondsAfterFinished": spec.ttl_seconds_after_finished,
            "backoffLimitPerIndex": spec.backoff_limit_per_index,
            "maxFailedIndexes": spec.max_failed_indexes,
        },
        path,
    )
    if spec.max_failed_indexes is not None and spec.backoff_limit_per_index is None:
        errors.append(required(f"{path}.backoffLimitPerIndex", "when maxFailedIndexes is specified"))
    if spec.managed_by is not None:
        errors += validate_domain_path(spec.managed_by, f"{path}.managedBy", MAX_MANAGED_BY)
    errors += _validate_mode(spec, path)
    errors += _validate_policies(spec, path)
    errors += validate_template(spec.template, f"{path}.template")
    return errors + _validate_restart_policy(spec, f"{path}.template.spec.restartPolicy")


def _validate_mode(spec: JobSpec, path: str) -> list[FieldError]:
    errors = []
    mode = spec.completion_mode
    if mode is not None and mode not in COMPLETION_MODES:
        errors.append(not_supported(f"{path}.completionMode", mode, COMPLETION_MODES))
    if mode == INDEXED:
        return _validate_indexed(spec, path)
    if mode in (None, "NonIndexed"):
        bounds = {"backoffLimitPerIndex": spec.backoff_limit_per_index, "maxFailedIndexes": spec.max_failed_indexes}
        errors += [invalid(f"{path}.{name}", n, _NEEDS_INDEXES) for name, n in bounds.items() if n is not None]
    return errors


def _validate_indexed(spec: JobSpec, path: str) -> list[FieldError]:
    errors = []
    completions, most_failed, parallelism = spec.completions, spec.max_failed_indexes, spec.parallelism or 0
    failed_path = f"{path}.maxFailedIndexes"
    if completions is None:
        errors.append(required(f"{path}.completions", "when completion mode is Indexed"))
    if parallelism > MAX_PARALLELISM:
        why = f"must be less than or equal to {MAX_PARALLELISM} when completion mode is Indexed"
        errors.append(invalid(f"{path}.parallelism", parallelism, why))
    if completions is not None and most_failed is not None and most_failed > completions:
        errors.append(invalid(failed_path, most_failed, "must be less than or equal to completions"))
    if most_failed is not None and most_failed > MAX_PARALLELISM:
        errors.append(invalid(failed_path, most_failed, f"must be less than or equal to {MAX_PARALLELISM}"))
    if completions is None or completions <= MANY_COMPLETIONS or spec.backoff_limit_per_index is None:
        return errors
    why = f"must be less than or equal to {MAX_FOR_MANY} {_AND_PER_INDEX}"
    if most_failed is None:
        errors.append(required(failed_path, f"must be specified when completions is above {MANY_COMPLETIONS}"))
    if parallelism > MAX_FOR_MANY:
        errors.append(invalid(f"{path}.parallelism", parallelism, why))
    if most_failed is not None and most_failed > MAX_FOR_MANY:
        errors.append(invalid(failed_path, most_failed, why))
    return errors


def _validate_policies(spec: JobSpec, path: str) -> list[FieldError]:
    errors = []
    if spec.pod_failure_policy is not None:
        errors += validate_failure_policy(spec, spec.pod_failure_policy, f"{path}.podFailurePolicy")
    if spec.success_policy is not None:
        at = f"{path}.successPolicy"
        if spec.completion_mode == INDEXED:
            errors += validate_success_policy(spec.success_policy, spec.completions or 0, at)
        else:
            errors.append(invalid(at, in_go(spec.success_policy), _NEEDS_INDEXES))
    policy = spec.pod_replacement_policy
    supported = REPLACEMENT_POLICIES if spec.pod_failure_policy is None else REPLACEMENT_POLICIES[:1]
    if policy is not None and policy not in supported:
        errors.append(not_supported(f"{path}.podReplacementPolicy", policy, supported))
    return errors


def _validate_restart_policy(spec: JobSpec, path: str) -> list[FieldError]:
    policy, allowed = spec.template.spec.restart_policy, (RestartPolicy.ON_FAILURE, RestartPolicy.NEVER)
    if policy in ("", RestartPolicy.ALWAYS):
        return [required(path, 'valid values: "OnFailure", "Never"')]
    if policy not in allowed:
        return [not_supported(path, policy, allowed)]
    if spec.pod_failure_policy is not None and policy != RestartPolicy.NEVER:
        return [invalid(path, policy, 'only "Never" is supported when podFailurePolicy is specified')]
    return []


def validate_job_update(new: Job, old: Job) -> list[FieldError]:
    """Return the faults of changing a Job: what its pods are counted by stays as it is."""
    errors = validate_job(new) + validate_meta_update(new.metadata, old.metadata)
    errors += _validate_selecting_spec(new.spec)
    errors += _validate_completions(new.spec, old.spec)
    errors += _same(new.spec.selector, old.spec.selector, "spec.selector")
    errors += _validate_template_update(new.spec.template, _reschedulable(new, old), "spec.template")
    fixed = ("completion_mode", "pod_failure_policy", "backoff_limit_per_index", "managed_by", "success_policy")
    names = ("completionMode", "podFailurePolicy", "backoffLimitPerIndex", "managedBy", "successPolicy")
    for attribute, name in zip(fixed, names, strict=True):
        errors += _same(getattr(new.spec, attribute), getattr(old.spec, attribute), f"spec.{name}")
    return errors


def _same(new: object, old: object, path: str) -> list[FieldError]:
    shown = new if isinstance(new, LabelSelector) else in_go(new)
    return [invalid(path, shown, IMMUTABLE)] if new != old else []


def _validate_completions(new: JobSpec, old: JobSpec) -> list[FieldError]:
    """Let an indexed Job grow and shrink, as long as all its pods may run at once."""
    path = "spec.completions"
    if new.completion_mode != INDEXED:
        return _same(new.completions, old.completions, path)
    if new.completions in (None, old.completions) or new.completions == new.parallelism:
        return []
    return [invalid(path, new.completions, "can only be modified in tandem with spec.parallelism")]


def _reschedulable(new: Job, old: Job) -> PodTemplateSpec:
    """Return the old template; where a suspended Job never ran, with the new one's word on where its pods run."""
    template, wanted = old.spec.template, new.spec.template
    if not old.spec.suspend or old.status.start_time is not None:
        return template
    kept = {"labels": wanted.metadata.labels, "annotations": wanted.metadata.annotations}
    placed = {
        "affinity": wanted.spec.affinity,
        "node_selector": wanted.spec.node_selector,
        "tolerations": wanted.spec.tolerations,
        "scheduling_gates": wanted.spec.scheduling_gates,
    }
    if _pod_affinities(template) != _pod_affinities(wanted):
        placed["affinity"] = template.spec.affinity
    meta, spec = template.metadata.model_copy(update=kept), template.spec.model_copy(update=placed)
    return template.model_copy(update={"metadata": meta, "spec": spec})


def _pod_affinities(template: PodTemplateSpec) -> tuple[object, object]:
    affinity = template.spec.affinity
    return (affinity.pod_affinity, affinity.pod_anti_affinity) if affinity is not None else (None, None)


def _validate_template_update(new: PodTemplateSpec, old: PodTemplateSpec, path: str) -> list[FieldError]:
    if new == old:
        return []
    return [invalid(path, {**new.metadata.wire(), "Spec": in_go(new.spec)}, IMMUTABLE)]


def validate_cron_job(cron_job: CronJob) -> list[FieldError]:
    """Return the faults of a CronJob."""
    name = cron_job.metadata.name
    errors = validate_meta(cron_job.metadata, namespaced=True, check_name=check_dns_subdomain)
    errors += _validate_cron_spec(cron_job.spec, None)
    if len(name) > MAX_CRON_JOB_NAME:
        errors.append(invalid("metadata.name", name, f"must be no more than {MAX_CRON_JOB_NAME} characters"))
    return errors


def validate_cron_job_update(new: CronJob, old: CronJob) -> list[FieldError]:
    """Return the faults of changing a CronJob."""
    return validate_meta_update(new.metadata, old.metadata) + _validate_cron_spec(new.spec, old.spec)


def _validate_cron_spec(spec: CronJobSpec, old: CronJobSpec | None) -> list[FieldError]:
    before = old.schedule if old is not None else None
    errors = validate_schedule(spec.schedule, before, spec.time_zone, "spec.schedule")
    errors += not_negative("spec.startingDeadlineSeconds", spec.starting_deadline_seconds)
    if old is None or old.time_zone != spec.time_zone:
        errors += validate_time_zone(spec.time_zone, "spec.timeZone")
    policy = spec.concurrency_policy
    if not policy:
        errors.append(required("spec.concurrencyPolicy"))
    elif policy not in CONCURRENCY_POLICIES:
        errors.append(not_supported("spec.concurrencyPolicy", policy, CONCURRENCY_POLICIES))
    errors += _validate_job_template(spec.job_template, "spec.jobTemplate.spec")
    limits = {
        "successfulJobsHistoryLimit": spec.successful_jobs_history_limit,
        "failedJobsHistoryLimit": spec.failed_jobs_history_limit,
    }
    return errors + none_negative(limits, "spec")


def _validate_job_template(template: JobTemplateSpec, path: str) -> list[FieldError]:
    errors = validate_spec(template.spec, path)
    if template.spec.selector is not None:
        errors.append(invalid(f"{path}.selector", template.spec.selector, "`selector` will be auto-generated"))
    if template.spec.manual_selector:
        errors.append(not_supported(f"{path}.manualSelector", True, ("nil", "false")))
    return errors


def validate_cron_job_status(new: CronJob, old: CronJob) -> list[FieldError]:
    """Return the faults of a CronJob's status; upstream looks at metadata alone."""
    return validate_meta_update(new.metadata, old.metadata)


RULES: Final = {
    CronJob: Rules(validate_cron_job, validate_cron_job_update, validate_cron_job_status),
    Job: Rules(validate_job, validate_job_update, validate_job_status_update),
}
