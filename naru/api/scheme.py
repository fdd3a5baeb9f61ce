"""The table of resources: which kind is served where, under which names.

Flow: one ``Resource`` a row -> discovery, routing, the client, the informers, the CLI's names.
Owns: the mapping between a kind's class, its group/version/kind and its group/version/resource.
The classes are imported when first asked for, so a program pays only for the groups that it uses.
"""

import importlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from naru.api.meta import KubeObject

ALL_VERBS: Final = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")


@dataclass(frozen=True)
class Resource:
    """One resource of the API: ``/apis/GROUP/VERSION/[namespaces/NS/]PLURAL``; the core group is ``""``."""

    group: str
    version: str
    kind: str
    plural: str
    namespaced: bool
    module: str  # where the class named ``kind`` lives
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    subresources: tuple[str, ...] = ()
    verbs: tuple[str, ...] = ALL_VERBS
    stored_only: bool = False  # kept and served, but nothing in naru acts on objects of this kind yet
    stored_as: str = ""  # apiVersion in which objects are stored; empty: in this one

    @property
    def is_virtual(self) -> bool:
        """Tell whether objects of the kind are answered and not stored: reviews, which can only be created."""
        return "get" not in self.verbs

    @property
    def singular(self) -> str:
        """The name for one object, in lower case."""
        return self.kind.lower()

    @property
    def api_version(self) -> str:
        """``v1`` or ``apps/v1``, as objects write it."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def group_resource(self) -> str:
        """``pods`` or ``deployments.apps``, as messages write it."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @cached_property
    def model(self) -> type[KubeObject]:
        """The class of the kind."""
        model: type[KubeObject] = getattr(importlib.import_module(self.module), self.kind)
        return model

    @cached_property
    def storage(self) -> "Resource":
        """The resource as which objects are stored: this one, or the same kind in another version."""
        return _BY_KIND[self.stored_as, self.kind] if self.stored_as else self

    def path(self, namespace: str = "", name: str = "", subresource: str = "") -> str:
        """Return the URL path of the resource, of one object, or of a subresource of it."""
        parts = ["/api" if not self.group else f"/apis/{self.group}", self.version]
        if namespace and self.namespaced:
            parts += ["namespaces", namespace]
        parts += [part for part in (self.plural, name, subresource) if part]
        return "/".join(parts)


_TABLE: Final = """
v1 in namespace_v1
  Namespace namespaces cluster    short:ns sub:status,finalize
v1 in node_v1
  Node nodes cluster    short:no sub:status
v1 in pod_v1
  Pod     pods     namespaced short:po in:all \
      sub:status,binding,log,exec,attach,eviction,ephemeralcontainers,resize
  Binding bindings namespaced verbs:create
v1 in config_v1
  ConfigMap configmaps namespaced short:cm
  Secret    secrets    namespaced
v1 in service_account_v1
  ServiceAccount serviceaccounts namespaced short:sa sub:token
v1 in event_v1
  Event events namespaced short:ev
v1 in endpoints_v1
  Endpoints endpoints namespaced short:ep stored
v1 in quota_v1
  LimitRange    limitranges    namespaced short:limits stored
  ResourceQuota resourcequotas namespaced short:quota sub:status stored
v1 in persistent_volume_v1
  PersistentVolume persistentvolumes cluster    short:pv sub:status stored
v1 in persistent_volume_claim_v1
  PersistentVolumeClaim persistentvolumeclaims namespaced short:pvc sub:status stored
v1 in replication_controller_v1
  PodTemplate           podtemplates           namespaced stored
  ReplicationController replicationcontrollers namespaced short:rc in:all sub:status,scale stored
v1 in service_v1
  Service services namespaced short:svc in:all sub:status stored
apps/v1 in apps_v1
  ControllerRevision controllerrevisions namespaced stored
  DaemonSet          daemonsets          namespaced short:ds in:all sub:status stored
  Deployment         deployments         namespaced short:deploy in:all sub:status,scale
  ReplicaSet         replicasets         namespaced short:rs in:all sub:status,scale
  StatefulSet        statefulsets        namespaced short:sts in:all sub:status,scale stored
authentication.k8s.io/v1 in authentication_v1
  SelfSubjectReview selfsubjectreviews cluster    verbs:create
  TokenReview       tokenreviews       cluster    verbs:create
authorization.k8s.io/v1 in authorization_v1
  LocalSubjectAccessReview localsubjectaccessreviews namespaced verbs:create
  SelfSubjectAccessReview  selfsubjectaccessreviews  cluster    verbs:create
  SelfSubjectRulesReview   selfsubjectrulesreviews   cluster    verbs:create
  SubjectAccessReview      subjectaccessreviews      cluster    verbs:create
autoscaling/v2 in autoscaling_v2
  HorizontalPodAutoscaler horizontalpodautoscalers namespaced short:hpa in:all sub:status stored
autoscaling/v1 in autoscaling_v1
  HorizontalPodAutoscaler horizontalpodautoscalers namespaced short:hpa in:all sub:status stored as:autoscaling/v2
batch/v1 in batch_v1
  CronJob cronjobs namespaced short:cj in:all sub:status stored
  Job     jobs     namespaced in:all sub:status stored
certificates.k8s.io/v1 in certificates_v1
  CertificateSigningRequest certificatesigningrequests cluster    short:csr sub:status,approval stored
coordination.k8s.io/v1 in coordination_v1
  Lease leases namespaced
discovery.k8s.io/v1 in discovery_v1
  EndpointSlice endpointslices namespaced stored
events.k8s.io/v1 in events_v1
  Event events namespaced short:ev as:v1
flowcontrol.apiserver.k8s.io/v1 in flowcontrol_v1
  FlowSchema                 flowschemas                 cluster    sub:status stored
  PriorityLevelConfiguration prioritylevelconfigurations cluster    sub:status stored
networking.k8s.io/v1 in networking_v1
  IngressClass  ingressclasses  cluster    stored
  Ingress       ingresses       namespaced short:ing sub:status stored
  IPAddress     ipaddresses     cluster    short:ip
  NetworkPolicy networkpolicies namespaced short:netpol stored
  ServiceCIDR   servicecidrs    cluster    sub:status
node.k8s.io/v1 in runtime_class_v1
  RuntimeClass runtimeclasses cluster    stored
policy/v1 in policy_v1
  PodDisruptionBudget poddisruptionbudgets namespaced short:pdb sub:status stored
rbac.authorization.k8s.io/v1 in rbac_v1
  ClusterRoleBinding clusterrolebindings cluster    stored
  ClusterRole        clusterroles        cluster    stored
  RoleBinding        rolebindings        namespaced stored
  Role               roles               namespaced stored
resource.k8s.io/v1 in resource_v1
  DeviceClass           deviceclasses          cluster    stored
  ResourceClaim         resourceclaims         namespaced sub:status stored
  ResourceClaimTemplate resourceclaimtemplates namespaced stored
  ResourceSlice         resourceslices         cluster    stored
scheduling.k8s.io/v1 in scheduling_v1
  PriorityClass priorityclasses cluster    short:pc
storage.k8s.io/v1 in storage_v1
  CSIDriver             csidrivers              cluster    stored
  CSINode               csinodes                cluster    stored
  CSIStorageCapacity    csistoragecapacities    namespaced stored
  StorageClass          storageclasses          cluster    short:sc stored
  VolumeAttachment      volumeattachments       cluster    sub:status stored
  VolumeAttributesClass volumeattributesclasses cluster    short:vac stored
admissionregistration.k8s.io/v1 in admissionregistration_v1
  MutatingAdmissionPolicy          mutatingadmissionpolicies         cluster    in:api-extensions stored
  MutatingAdmissionPolicyBinding   mutatingadmissionpolicybindings   cluster    in:api-extensions stored
  MutatingWebhookConfiguration     mutatingwebhookconfigurations     cluster    in:api-extensions stored
  ValidatingAdmissionPolicy        validatingadmissionpolicies       cluster    in:api-extensions sub:status stored
  ValidatingAdmissionPolicyBinding validatingadmissionpolicybindings cluster    in:api-extensions stored
  ValidatingWebhookConfiguration   validatingwebhookconfigurations   cluster    in:api-extensions stored
apiextensions.k8s.io/v1 in apiextensions_v1
  CustomResourceDefinition customresourcedefinitions cluster    short:crd,crds in:api-extensions sub:status stored
apiregistration.k8s.io/v1 in apiregistration_v1
  APIService apiservices cluster    in:api-extensions sub:status stored
"""
# A line is a kind: its plural, its scope, then what it has of short names, categories and subresources, and its verbs
# where they are not all; "stored": it is kept and served, but nothing in naru acts on it yet; "as": the version that
# its objects are stored in, if it is another one. The line above says its group and the module that declares it.


def _read_table(table: str) -> Iterator[Resource]:
    group = version = module = ""
    for line in table.strip().splitlines():
        if not line.startswith(" "):
            api_version, _, module = line.split()
            group, _, version = api_version.rpartition("/")
            continue
        kind, plural, scope, *others = line.split()
        more = {name: tuple(value.split(",")) for name, _, value in (other.partition(":") for other in others)}
        yield Resource(
            group,
            version,
            kind,
            plural,
            scope == "namespaced",
            f"naru.api.{module}",
            more.get("short", ()),
            more.get("in", ()),
            more.get("sub", ()),
            more.get("verbs", ALL_VERBS),
            stored_only="stored" in more,
            stored_as="".join(more.get("as", ())),
        )


RESOURCES: Final = tuple(_read_table(_TABLE))

_BY_PLURAL: Final = {(r.group, r.version, r.plural): r for r in RESOURCES}
_BY_KIND: Final = {(r.api_version, r.kind): r for r in RESOURCES}


def by_plural(group: str, version: str, plural: str) -> Resource | None:
    """Find the resource of a URL path."""
    return _BY_PLURAL.get((group, version, plural))


def by_kind(api_version: str, kind: str) -> Resource | None:
    """Find the resource of an object."""
    return _BY_KIND.get((api_version, kind))


def resource_of(model: type[KubeObject]) -> Resource:
    """Find the resource of a class.

    Raises:
        LookupError: the class is registered nowhere.
    """
    fields = model.model_fields
    key = (fields["api_version"].default, fields["kind"].default)
    try:
        return _BY_KIND[key]
    except KeyError:
        raise LookupError(f"no resource is registered for {model.__name__}") from None


def by_any_name(name: str) -> Resource | None:
    """Find a resource as people name it: ``deploy``, ``deployment``, ``deployments``, ``deployments.apps``."""
    wanted = name.lower()
    for resource in RESOURCES:
        names = (resource.plural, resource.singular, resource.group_resource, *resource.short_names)
        if wanted in names:
            return resource
    return None
