"""Defaults of ReplicationControllers and PodTemplates."""

from typing import Any, Final

from naru.api.defaults.pods import default_template
from naru.api.replication_controller_v1 import PodTemplate, ReplicationController


def default_replication_controller(controller: ReplicationController) -> ReplicationController:
    """Fill in the template, whose labels are the selector's and the controller's own unless they have others."""
    spec = controller.spec
    if spec.template is None:
        return controller
    labels = spec.template.metadata.labels
    update: dict[str, Any] = {"template": default_template(spec.template), "selector": spec.selector or labels}
    meta = controller.metadata.model_copy(update={"labels": controller.metadata.labels or labels})
    return controller.model_copy(update={"metadata": meta, "spec": spec.model_copy(update=update)})


def default_pod_template(template: PodTemplate) -> PodTemplate:
    """Fill in the template."""
    return template.model_copy(update={"template": default_template(template.template)})


DEFAULTS: Final = {PodTemplate: default_pod_template, ReplicationController: default_replication_controller}
