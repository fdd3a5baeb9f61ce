"""The chain: every write goes through all plugins, in this order.

Flow: decode -> defaults -> *admit* -> prepare -> validate -> store. A plugin sees what the ones before it added.
"""

from dataclasses import replace
from typing import Final

from apiserver.admission.attributes import Attributes, Operation, Plugin
from apiserver.admission.default_tolerations import add_default_tolerations
from apiserver.admission.namespace_lifecycle import check_namespace
from apiserver.admission.priority import set_priority
from apiserver.admission.service_account import set_service_account
from apiserver.authn import User
from apiserver.state import ServerState
from naru.api.meta import KubeObject
from naru.api.scheme import Resource

PLUGINS: Final[tuple[Plugin, ...]] = (check_namespace, set_service_account, set_priority, add_default_tolerations)


async def admit(
    operation: str,
    resource: Resource,
    obj: KubeObject,
    old: KubeObject | None,
    user: User,
    state: ServerState,
) -> KubeObject:
    """Return the object as it may be stored.

    Raises:
        APIError: a plugin refuses the request.
    """
    seconds = state.config.default_toleration_seconds
    attributes = Attributes(Operation(operation), resource, obj, old, user, state.reader, seconds)
    for plugin in PLUGINS:
        admitted = await plugin(attributes)
        if admitted is not attributes.obj:
            attributes = replace(attributes, obj=admitted)
    return attributes.obj
