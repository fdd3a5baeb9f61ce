"""Validation of a Job's status: whoever runs the Job, its end is an end, and its counters add up.

A rule only counts where what it is about has changed, so that a status that broke it before does not block others.

Source: KEP 4368 (managedBy); the texts are those of upstream's validation.
"""

from typing import Final

from naru.api.batch_v1 import Job, JobStatus
from naru.api.errors import FieldError
from naru.api.field_errors import duplicate, invalid, invalid_unshown, required
from naru.api.validation.job_indexes import Unreadable, count_indexes, overlap_of
from naru.api.validation.meta import validate_meta_update
from naru.api.validation.templates import none_negative

COMPLETE: Final = "Complete"
FAILED: Final = "Failed"
FAILURE_TARGET: Final = "FailureTarget"
SUCCESS_CRITERIA_MET: Final = "SuccessCriteriaMet"


def is_true(status: JobStatus, kind: str) -> bool:
    """Tell whether a condition is there and holds."""
    return any(condition.type == kind and condition.status == "True" for condition in status.conditions)


def _is_finished(status: JobStatus) -> bool:
    return is_true(status, COMPLETE) or is_true(status, FAILED)


def validate_job_status_update(new: Job, old: Job) -> list[FieldError]:
    """Return the faults of a new status."""
    errors = validate_meta_update(new.metadata, old.metadata)
    errors += _validate_counts(new.status)
    errors += _validate_conditions(new.status, old.status)
    errors += _validate_end(new.status, old.status)
    errors += _validate_indexes(new, old)
    errors += _validate_success(new)
    return errors + _validate_transition(new, old)


def _validate_counts(status: JobStatus) -> list[FieldError]:
    counts = {"active": status.active, "succeeded": status.succeeded, "failed": status.failed}
    errors = none_negative({**counts, "ready": status.ready, "terminating": status.terminating})
    uncounted = status.uncounted_terminated_pods
    seen: set[str] = set()
    for name, uids in (("succeeded", uncounted.succeeded), ("failed", uncounted.failed)) if uncounted else ():
        for index, uid in enumerate(uids):
            path = f"status.uncountedTerminatedPods.{name}[{index}]"
            if not uid:
                errors.append(invalid(path, uid, "must not be empty"))
            elif uid in seen:
                errors.append(duplicate(path, uid))
            seen.add(uid)
    return errors


def _validate_conditions(new: JobStatus, old: JobStatus) -> list[FieldError]:
    """Hold the conditions against each other and against the time of completion."""
    path, completion = "status.conditions", "status.completionTime"
    complete, time = is_true(new, COMPLETE), new.completion_time
    completes = complete != is_true(old, COMPLETE)
    timed = time != old.completion_time
    errors = []
    for kind in (FAILED, FAILURE_TARGET):
        changed = completes or is_true(new, kind) != is_true(old, kind)
        if changed and complete and is_true(new, kind):
            errors.append(invalid_unshown(path, f"cannot set Complete=True and {kind}=true conditions"))
    if (completes or timed) and time is not None and not complete:
        why = "cannot set completionTime when there is no Complete=True condition"
        errors.append(invalid(completion, _moment(new), why))
    if (completes or timed) and time is None and complete:
        errors.append(required(completion, "completionTime is required for Complete jobs"))
    started = new.start_time
    if (timed or started != old.start_time) and started is not None and time is not None and time < started:
        errors.append(invalid(completion, _moment(new), "completionTime cannot be set before startTime"))
    return errors


def _moment(status: JobStatus) -> object:
    return status.wire().get("completionTime")


def _validate_end(new: JobStatus, old: JobStatus) -> list[FieldError]:
    """Check that nothing goes on in a Job that has ended."""
    if not _is_finished(new):
        return []
    ends, uncounted = not _is_finished(old), new.uncounted_terminated_pods
    errors = []
    if new.active > 0 and (ends or new.active != old.active):
        errors.append(invalid("status.active", new.active, "active>0 is invalid for finished job"))
    if new.start_time is None and (ends or old.start_time is not None):
        errors.append(required("status.startTime", "startTime is required for finished job"))
    has_uncounted = uncounted is not None and (uncounted.failed or uncounted.succeeded)
    if has_uncounted and (ends or uncounted != old.uncounted_terminated_pods):
        why = "uncountedTerminatedPods needs to be empty for finished job"
        errors.append(invalid("status.uncountedTerminatedPods", uncounted, why))
    return errors


def _validate_indexes(new: Job, old: Job) -> list[FieldError]:
    spec, completed, failed = new.spec, new.status.completed_indexes, new.status.failed_indexes
    completed_changed, failed_changed = completed != old.status.completed_indexes, failed != old.status.failed_indexes
    completed_path, failed_path = "status.completedIndexes", "status.failedIndexes"
    completions = spec.completions
    errors = []
    if completed_changed and completions is not None:
        errors += _validate_format(completed, completions, completed_path)
    if failed_changed and completions is not None and spec.backoff_limit_per_index is not None and failed is not None:
        errors += _validate_format(failed, completions, failed_path)
    if completed_changed and completed and spec.completion_mode != "Indexed":
        why = "cannot set non-empty completedIndexes when non-indexed completion mode"
        errors.append(invalid(completed_path, completed, why))
    if failed_changed and failed is not None and spec.backoff_limit_per_index is None:
        why = "cannot set non-null failedIndexes when backoffLimitPerIndex is null"
        errors.append(invalid(failed_path, failed, why))
    if (failed_changed or completed_changed) and completions is not None and failed is not None:
        shared = overlap_of(completed, failed, completions)
        if shared is not None:
            why = f"failedIndexes and completedIndexes overlap at index: {shared}"
            errors.append(invalid(failed_path, failed, why))
    return errors


def _validate_format(text: str, completions: int, path: str) -> list[FieldError]:
    try:
        count_indexes(text, completions)
    except Unreadable as problem:
        return [invalid(path, text, f"error parsing {path.removeprefix('status.')}: {problem}")]
    return []


def _validate_success(job: Job) -> list[FieldError]:
    path, met = "status.conditions", is_true(job.status, SUCCESS_CRITERIA_MET)
    errors = [
        invalid_unshown(path, f"cannot set SuccessCriteriaMet=True and {kind}=true conditions")
        for kind in (FAILED, FAILURE_TARGET)
        if met and is_true(job.status, kind)
    ]
    if job.spec.success_policy is not None and not met and is_true(job.status, COMPLETE):
        why = "cannot set Complete=True for Job with SuccessPolicy unless SuccessCriteriaMet=True"
        errors.append(invalid_unshown(path, why))
    return errors


def _validate_transition(new: Job, old: Job) -> list[FieldError]:
    """Check that no end is taken back, and that no counter runs backwards."""
    after, before, path = new.status, old.status, "status.conditions"
    errors = [
        invalid_unshown(path, f"cannot disable the terminal {kind}=True condition")
        for kind in (FAILED, COMPLETE, FAILURE_TARGET)
        if is_true(before, kind) and not is_true(after, kind)
    ]
    may_shrink = new.spec.completion_mode == "Indexed" and new.spec.completions == new.spec.parallelism
    if after.failed < before.failed:
        errors.append(invalid("status.failed", after.failed, "cannot decrease the failed counter"))
    if after.succeeded < before.succeeded and not may_shrink:
        errors.append(invalid("status.succeeded", after.succeeded, "cannot decrease the succeeded counter"))
    ended, ended_before = after.completion_time, before.completion_time
    if ended is not None and ended_before is not None and ended != ended_before:
        errors.append(invalid("status.completionTime", _moment(after), "completionTime cannot be mutated"))
    if before.start_time not in (None, after.start_time) and not new.spec.suspend:
        errors.append(required("status.startTime", "startTime cannot be removed for unsuspended job"))
    met, was_met = is_true(after, SUCCESS_CRITERIA_MET), is_true(before, SUCCESS_CRITERIA_MET)
    if was_met and not met:
        errors.append(invalid_unshown(path, "cannot disable the SuccessCriteriaMet=True condition"))
    if met and not was_met and is_true(before, COMPLETE):
        why = "cannot set SuccessCriteriaMet=True for Job already has Complete=true conditions"
        errors.append(invalid_unshown(path, why))
    return errors
