"""What Services are given by the API server: addresses, node ports, and the Service of the API server itself.

No list of what is free is kept anywhere. A Service claims its addresses and ports by keys of etcd that are written in
one transaction with it, if nobody else has them (``claims.py``), so several servers need not know of each other. An
address is chosen where none is known to be taken (``allocation.py``); if the transaction finds it taken after all,
another one is chosen.
"""

from apiserver.state import ServerState
from naru.api.meta import KubeObject


async def complete(state: ServerState, obj: KubeObject, old: KubeObject | None, *, dry_run: bool) -> KubeObject:
    """Return an object of a kind that claims something with everything that it is given (see ``allocation``)."""
    from apiserver.services import allocation  # loaded with the first Service: no start waits for it

    return await allocation.complete(state, obj, old, dry_run=dry_run)
