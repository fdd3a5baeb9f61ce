"""Give every Namespace the ServiceAccount that its pods run as by default.

Watches: Namespaces, ServiceAccounts. Decides: :func:`plan_account`.
Writes: ServiceAccount ``default``, again whenever it is missing.
Source: Kubernetes documentation, "Managing Service Accounts".
"""

from typing import ClassVar, Final

from naru.api.core_v1 import Namespace, ServiceAccount
from naru.api.errors import AlreadyExists, Forbidden, NotFound
from naru.api.keys import ObjectKey
from naru.api.meta import KubeObject, ObjectMeta
from naru.client.client import Client
from naru.client.errors import namespace_terminates
from naru.controller.controller import Controller, Result
from naru.controller.informer import InformerFactory
from naru.telemetry.trail import Cause

ACCOUNT: Final = "default"


def is_active(namespace: Namespace) -> bool:
    """Whether a namespace takes new objects."""
    return namespace.metadata.deletion_timestamp is None and namespace.status.phase != "Terminating"


def plan_account(namespace: Namespace, existing: ServiceAccount | None) -> ServiceAccount | None:
    """Return the account to create, None when it is there."""
    if existing is not None or not is_active(namespace):
        return None
    return ServiceAccount(metadata=ObjectMeta(name=ACCOUNT, namespace=namespace.metadata.name))


class ServiceAccountController(Controller):
    """Keeps the account in every namespace; a key is a namespace."""

    name: ClassVar[str] = "service-account-controller"

    def __init__(self, client: Client, factory: InformerFactory) -> None:
        super().__init__()
        self._client = client.named(self.name)
        self._namespaces = self.watch(factory.informer(Namespace)).store
        accounts = factory.informer(ServiceAccount, field_selector=f"metadata.name={ACCOUNT}")
        self._accounts = self.watch(accounts, namespace_key).store

    async def reconcile(self, key: ObjectKey) -> Result:
        """Create the account that a namespace lacks."""
        namespace = self._namespaces.get(key)
        if namespace is None:
            return Result()
        account = plan_account(namespace, self._accounts.get(ObjectKey(key.name, ACCOUNT)))
        if account is not None:
            await create_missing(self._client, namespace, account)
        return Result()


def namespace_key(obj: KubeObject) -> list[ObjectKey]:
    """Return the key of an object's namespace."""
    return [ObjectKey("", obj.metadata.namespace)]


async def create_missing(client: Client, namespace: Namespace, obj: KubeObject) -> None:
    """Create what every namespace has, unless it is there already, or the namespace is on its way out."""
    cause = Cause.of(namespace, f"{obj.kind} {obj.metadata.name} was missing")
    try:
        await client.create(obj, cause=cause)
    except (AlreadyExists, NotFound):  # our cache is late
        return
    except Forbidden as error:
        if not namespace_terminates(error):
            raise
