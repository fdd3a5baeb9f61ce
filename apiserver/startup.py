"""Start-up: what has to exist before a cluster can be used, made by whichever server comes first.

The namespaces that naru itself lives in, and the Service by which clients in the cluster find it. Safe to repeat, and
safe with several servers at once: the one that comes second finds them there.
"""

import asyncio
import logging
from typing import Final

from apiserver.registry import strategy_for
from apiserver.registry.strategy import Context
from apiserver.services.kubernetes import KubernetesService
from apiserver.state import ServerState
from naru.api.core_v1 import Namespace
from naru.api.errors import AlreadyExists, ServiceUnavailable
from naru.api.meta import ObjectMeta
from naru.api.model import now
from naru.api.scheme import resource_of

logger = logging.getLogger(__name__)

NAMESPACES: Final = ("default", "kube-system", "kube-public", "kube-node-lease")
RETRY_S: Final = 0.1


async def prepare_cluster(state: ServerState) -> None:
    """Make what is missing, as soon as etcd can be reached, and say that the server is ready."""
    while True:
        try:
            await state.caches.catch_up()
            for name in NAMESPACES:
                await ensure_namespace(state, name)
        except ServiceUnavailable as error:
            logger.warning("waiting for etcd", extra={"error": error.message})
            await asyncio.sleep(RETRY_S)
        else:
            state.started.set()
            break
    await KubernetesService(state).keep()


async def ensure_namespace(state: ServerState, name: str) -> None:
    """Make a namespace unless it exists."""
    resource = resource_of(Namespace)
    if state.reader.cached(resource, "", name) is not None:
        return
    namespace = strategy_for(resource).prepare_for_create(Namespace(metadata=ObjectMeta(name=name)), Context(now()))
    try:
        await state.store.create(resource, namespace)
    except AlreadyExists:
        logger.debug("another server was faster", extra={"namespace": name})
