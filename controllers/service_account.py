"""Give every Namespace what its pods count on: ServiceAccount ``default`` and ConfigMap ``kube-root-ca.crt``.

Watches: Namespaces, ServiceAccounts, ConfigMaps. Decides: :func:`plan_account`, :func:`plan_root_ca`.
Writes: those two objects, again whenever they are missing or the certificate in the ConfigMap was changed.
Source: Kubernetes documentation, "Managing Service Accounts", "Certificates" (root CA distribution).
"""

from typing import ClassVar, Final

from naru.api.config_v1 import ConfigMap
from naru.api.errors import AlreadyExists, Forbidden, NotFound
from naru.api.keys import ObjectKey
from naru.api.meta import KubeObject, ObjectMeta
from naru.api.namespace_v1 import Namespace
from naru.api.service_account_v1 import ServiceAccount
from naru.client.client import Client
from naru.client.errors import namespace_terminates
from naru.controller.controller import Controller, Result
from naru.controller.informer import InformerFactory
from naru.telemetry.trail import Cause

ACCOUNT: Final = "default"
ROOT_CA: Final = "kube-root-ca.crt"
_CA_KEY: Final = "ca.crt"


def is_active(namespace: Namespace) -> bool:
    """Whether a namespace takes new objects."""
    return namespace.metadata.deletion_timestamp is None and namespace.status.phase != "Terminating"


def plan_account(namespace: Namespace, existing: ServiceAccount | None) -> ServiceAccount | None:
    """Return the account to create, None when it is there."""
    if existing is not None or not is_active(namespace):
        return None
    return ServiceAccount(metadata=ObjectMeta(name=ACCOUNT, namespace=namespace.metadata.name))


def plan_root_ca(namespace: Namespace, existing: ConfigMap | None, ca_pem: str) -> ConfigMap | None:
    """Return the ConfigMap to create or to write over, None when it is as it should be."""
    wanted = {_CA_KEY: ca_pem}
    if not is_active(namespace) or (existing is not None and existing.data == wanted):
        return None
    if existing is not None:
        return existing.model_copy(update={"data": wanted})
    return ConfigMap(metadata=ObjectMeta(name=ROOT_CA, namespace=namespace.metadata.name), data=wanted)


class ServiceAccountController(Controller):
    """Keeps both objects in every namespace; a key is a namespace."""

    name: ClassVar[str] = "service-account-controller"

    def __init__(self, client: Client, factory: InformerFactory, *, ca_pem: str) -> None:
        super().__init__()
        self._client = client.named(self.name)
        self._ca_pem = ca_pem
        self._namespaces = self.watch(factory.informer(Namespace)).store
        accounts = factory.informer(ServiceAccount)
        self._accounts = self.watch(accounts, lambda obj: _keys_of(obj, ACCOUNT)).store
        config_maps = factory.informer(ConfigMap)
        self._config_maps = self.watch(config_maps, lambda obj: _keys_of(obj, ROOT_CA)).store

    async def reconcile(self, key: ObjectKey) -> Result:
        """Create what a namespace lacks."""
        namespace = self._namespaces.get(key)
        if namespace is None:
            return Result()
        account = plan_account(namespace, self._accounts.get(ObjectKey(key.name, ACCOUNT)))
        if account is not None:
            await self._create(namespace, account)
        root_ca = plan_root_ca(namespace, self._config_maps.get(ObjectKey(key.name, ROOT_CA)), self._ca_pem)
        if root_ca is not None and root_ca.metadata.resource_version:
            cause = Cause.of(namespace, "root certificates had been changed")
            await self._client.update(root_ca, cause=cause)
        elif root_ca is not None:
            await self._create(namespace, root_ca)
        return Result()

    async def _create(self, namespace: Namespace, obj: KubeObject) -> None:
        cause = Cause.of(namespace, f"{obj.kind} {obj.metadata.name} was missing")
        try:
            await self._client.create(obj, cause=cause)
        except (AlreadyExists, NotFound):  # our cache is late: it is there already, or the namespace is gone
            return
        except Forbidden as error:
            if not namespace_terminates(error):
                raise


def _keys_of(obj: KubeObject, name: str) -> list[ObjectKey]:
    return [ObjectKey("", obj.metadata.namespace)] if obj.metadata.name == name else []
