"""Give every Namespace the certificates by which its pods know the API server.

Flow: the cluster's CA file -> *ConfigMap kube-root-ca.crt* -> the projected volume of a pod's service account.
Watches: Namespaces, and the ConfigMaps of that name. Decides: :func:`plan_root_ca`.
Writes: that ConfigMap, again whenever it is missing, or what it holds was changed.
Source: Kubernetes documentation, "Managing Service Accounts" (bound tokens); upstream's publisher for the annotation by
    which the ConfigMap explains itself to whoever finds it, and for its being put back only where there is none.
"""

from typing import ClassVar, Final

from controllers.service_account import create_missing, is_active, namespace_key
from naru.api.core_v1 import ConfigMap, Namespace
from naru.api.errors import NotFound
from naru.api.keys import ObjectKey
from naru.api.meta import ObjectMeta
from naru.client.client import Client
from naru.controller.controller import Controller, Result
from naru.controller.informer import InformerFactory
from naru.telemetry.trail import Cause

ROOT_CA: Final = "kube-root-ca.crt"
_CA_KEY: Final = "ca.crt"
_DESCRIPTION: Final = (
    "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the "
    "internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes "
    "clusters."
)
_EXPLAINED: Final = "kubernetes.io/description"


def plan_root_ca(namespace: Namespace, existing: ConfigMap | None, ca_pem: str) -> ConfigMap | None:
    """Return the ConfigMap to create or to write over, None when it is as it should be."""
    wanted = {_CA_KEY: ca_pem}
    if not is_active(namespace):
        return None
    if existing is None:
        meta = ObjectMeta(name=ROOT_CA, namespace=namespace.metadata.name, annotations={_EXPLAINED: _DESCRIPTION})
        return ConfigMap(metadata=meta, data=wanted)
    if existing.data == wanted and existing.metadata.annotations.get(_EXPLAINED):
        return None
    annotations = existing.metadata.annotations | {_EXPLAINED: _DESCRIPTION}
    meta = existing.metadata.model_copy(update={"annotations": annotations})
    return existing.model_copy(update={"metadata": meta, "data": wanted})


class RootCertificatePublisher(Controller):
    """Keeps the ConfigMap in every namespace; a key is a namespace."""

    name: ClassVar[str] = "root-ca-certificate-publisher"

    def __init__(self, client: Client, factory: InformerFactory, *, ca_pem: str) -> None:
        super().__init__()
        self._client = client.named(self.name)
        self._ca_pem = ca_pem
        self._namespaces = self.watch(factory.informer(Namespace)).store
        config_maps = factory.informer(ConfigMap, field_selector=f"metadata.name={ROOT_CA}")
        self._config_maps = self.watch(config_maps, namespace_key).store

    async def reconcile(self, key: ObjectKey) -> Result:
        """Create or mend the ConfigMap of a namespace."""
        namespace = self._namespaces.get(key)
        if namespace is None:
            return Result()
        root_ca = plan_root_ca(namespace, self._config_maps.get(ObjectKey(key.name, ROOT_CA)), self._ca_pem)
        if root_ca is not None and root_ca.metadata.resource_version:
            await self._mend(root_ca, Cause.of(namespace, "root certificates had been changed"))
        elif root_ca is not None:
            await create_missing(self._client, namespace, root_ca)
        return Result()

    async def _mend(self, root_ca: ConfigMap, cause: Cause) -> None:
        try:
            await self._client.update(root_ca, cause=cause)
        except NotFound:  # deleted meanwhile, of which the watch is about to tell
            return
