"""Build the validators of all kinds, once: what the supervisor has built, its forks need not.

The models of naru.api build theirs at first use, a Pod's and all that is in it in some 30 ms. Nearly every process of
a cluster would do that for nearly every kind; the supervisor imports this module before it forks the first of them.
"""

from collections.abc import Iterator

from naru.api.model import Model
from naru.api.scheme import RESOURCES
from naru.client.client import ObjectList


def subclasses(base: type[Model]) -> Iterator[type[Model]]:
    """Yield every model that has been declared so far."""
    for model in base.__subclasses__():
        yield model
        yield from subclasses(model)


for resource in RESOURCES:
    resource.model.model_rebuild()
    ObjectList[resource.model].model_rebuild()  # type: ignore[name-defined]  # a parameter known at run time only
for declared in list(subclasses(Model)):  # the parts of kinds that are used on their own, such as a NodeStatus
    declared.model_rebuild()
