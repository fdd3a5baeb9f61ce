"""Build the validators of the kinds that a cluster itself lives on, once: what the supervisor has, its forks need not.

The models of naru.api build theirs at first use, a Pod's and all that is in it in some 30 ms. Nearly every process of
a cluster would do that for each of these kinds; the supervisor imports this module before it forks the first of them.
All other kinds, many more, would delay each start: they are built by whoever comes to use them.
"""

from collections.abc import Iterator
from typing import Any, Final, get_args

from naru.api.apps_v1 import Deployment, ReplicaSet
from naru.api.config_v1 import ConfigMap, Secret
from naru.api.coordination_v1 import Lease
from naru.api.event_v1 import Event
from naru.api.model import Model
from naru.api.namespace_v1 import Namespace
from naru.api.node_v1 import Node
from naru.api.pod_v1 import Pod
from naru.api.service_account_v1 import ServiceAccount
from naru.client.client import ObjectList

KINDS: Final = (Namespace, Node, Pod, ReplicaSet, Deployment, ConfigMap, Secret, Event, Lease, ServiceAccount)


def parts(annotation: Any) -> Iterator[type[Model]]:
    """Yield the models in a field's type, and all that are in those."""
    if isinstance(annotation, type) and issubclass(annotation, Model):
        yield annotation
        for field in annotation.model_fields.values():
            yield from parts(field.annotation)
    for argument in get_args(annotation):
        yield from parts(argument)


for kind in KINDS:
    kind.model_rebuild()
    ObjectList[kind].model_rebuild()  # type: ignore[valid-type]  # a parameter known at run time only
    for part in set(parts(kind)):  # some are used on their own, such as a NodeStatus
        part.model_rebuild()
