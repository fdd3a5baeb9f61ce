"""Build the validators of all kinds, once: what the supervisor has built, its forks need not.

The models of naru.api build theirs at first use, 50 ms for a Pod. The supervisor imports this module before it forks
the node agents, the controllers and the scheduler, which all read pods.
"""

from naru.api.scheme import RESOURCES

for resource in RESOURCES:
    resource.model.model_rebuild()
