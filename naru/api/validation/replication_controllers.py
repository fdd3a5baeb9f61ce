"""Validation of ReplicationControllers and PodTemplates.

Source: Kubernetes API reference, core/v1; the texts are those of upstream's validation.
"""

from typing import Final

from naru.api.errors import FieldError
from naru.api.field_errors import required
from naru.api.meta import LabelSelector
from naru.api.names import check_dns_subdomain
from naru.api.replication_controller_v1 import PodTemplate, ReplicationController, ReplicationControllerSpec
from naru.api.validation.apps import validate_replicas_status
from naru.api.validation.meta import not_negative, validate_meta, validate_meta_update
from naru.api.validation.rules import Rules
from naru.api.validation.templates import (
    validate_lasting,
    validate_selected,
    validate_template,
)


def validate_controller(controller: ReplicationController) -> list[FieldError]:
    """Return the faults of a ReplicationController."""
    errors = validate_meta(controller.metadata, namespaced=True, check_name=check_dns_subdomain)
    return errors + _validate_spec(controller.spec)


def _validate_spec(spec: ReplicationControllerSpec) -> list[FieldError]:
    errors = not_negative("spec.minReadySeconds", spec.min_ready_seconds)
    errors += [] if spec.selector else [required("spec.selector")]
    errors += not_negative("spec.replicas", spec.replicas)
    if spec.template is None:
        return [*errors, required("spec.template")]
    if spec.selector:
        errors += validate_selected(LabelSelector(match_labels=spec.selector), spec.template, "spec.template")
    errors += validate_template(spec.template, "spec.template")
    return errors + validate_lasting(spec.template, "ReplicationController", "spec.template")


def validate_controller_update(new: ReplicationController, old: ReplicationController) -> list[FieldError]:
    """Return the faults of changing a ReplicationController; even its selector may change."""
    return validate_controller(new) + validate_meta_update(new.metadata, old.metadata) + _validate_spec(new.spec)


def validate_pod_template(template: PodTemplate) -> list[FieldError]:
    """Return the faults of a PodTemplate."""
    errors = validate_meta(template.metadata, namespaced=True, check_name=check_dns_subdomain)
    return errors + validate_template(template.template, "template")


RULES: Final = {
    PodTemplate: Rules(validate_pod_template),
    ReplicationController: Rules(validate_controller, validate_controller_update, validate_replicas_status),
}
