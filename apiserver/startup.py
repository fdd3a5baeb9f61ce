"""Start-up: what has to exist before a cluster can be used, made by whichever server comes first.

The namespaces that naru itself lives in, the priority classes of system pods, and the Service by which clients in the
cluster find it, with the APIServices of what it answers for. Safe to repeat, and safe with several servers at once:
the one that comes second finds them there.
"""

import asyncio
import logging
from typing import Final

from apiserver.registry import strategy_for
from apiserver.registry.strategy import Context
from apiserver.state import ServerState
from naru.api.errors import AlreadyExists, ServiceUnavailable
from naru.api.meta import KubeObject, ObjectMeta
from naru.api.model import now
from naru.api.namespace_v1 import Namespace
from naru.api.scheduling_v1 import PriorityClass
from naru.api.scheme import resource_of
from naru.api.validation.scheduling import SYSTEM_CLASSES

logger = logging.getLogger(__name__)

NAMESPACES: Final = ("default", "kube-system", "kube-public", "kube-node-lease")
RETRY_S: Final = 0.1


async def prepare_cluster(state: ServerState) -> None:
    """Make what is missing, as soon as etcd can be reached, and say that the server is ready."""
    while True:
        try:
            await state.caches.catch_up()
            for name in NAMESPACES:
                await ensure(state, Namespace(metadata=ObjectMeta(name=name)))
            for name, (value, description) in SYSTEM_CLASSES.items():
                meta = ObjectMeta(name=name)
                await ensure(state, PriorityClass(metadata=meta, value=value, description=description))
        except ServiceUnavailable as error:
            logger.warning("waiting for etcd", extra={"error": error.message})
            await asyncio.sleep(RETRY_S)
        else:
            state.started.set()
            break
    from apiserver.local_groups import register_groups  # loaded now, when nobody waits any more
    from apiserver.services.kubernetes import KubernetesService

    await register_groups(state)
    await KubernetesService(state).keep()


async def ensure(state: ServerState, obj: KubeObject) -> None:
    """Make an object unless it exists."""
    resource, meta = resource_of(type(obj)), obj.metadata
    if state.reader.cached(resource, meta.namespace, meta.name) is not None:
        return
    try:
        await state.store.create(resource, strategy_for(resource).prepare_for_create(obj, Context(now())))
    except AlreadyExists:
        logger.debug("another server was faster", extra={"kind": obj.kind, "object": meta.name})
