"""Empty a Namespace that is being deleted, then let it go.

Flow: DELETE namespace -> deletionTimestamp -> *delete all that is in it, of every served kind* -> finalize -> gone.
Watches: Namespaces; Pods, whose stopping is what takes long.
Decides: what the conditions say (:func:`plan_conditions`). What is there is asked anew each round, from the API server
    and not from caches: a late cache would let a namespace go with something left in it for ever.
Writes: deletions, the namespace's status, and its spec.finalizers through ``/finalize``.
Source: Kubernetes documentation, "Namespaces"; upstream's namespace controller for conditions and their texts.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, Final

from naru.api.conditions import ConditionStatus, set_condition
from naru.api.errors import APIError, Conflict, MethodNotAllowed, NotFound
from naru.api.keys import ObjectKey
from naru.api.model import now as wall_now
from naru.api.namespace_v1 import Namespace, NamespaceCondition
from naru.api.pod_v1 import Pod
from naru.client.client import Client
from naru.client.discovery import ServedResource, served_resources
from naru.client.metadata import AS_METADATA_LIST
from naru.client.watch import EventType
from naru.controller.controller import Controller, Result
from naru.controller.informer import InformerFactory
from naru.telemetry.trail import Cause

FINALIZER: Final = "kubernetes"
_RECHECK_S: Final = 0.5


@dataclass
class Findings:
    """What a round found: by resource how many objects remain, by finalizer how many wait for it, what failed."""

    remaining: dict[str, int] = field(default_factory=dict)
    finalizers: dict[str, int] = field(default_factory=dict)
    discovery_failure: str = ""
    deletion_failures: list[str] = field(default_factory=list)

    @property
    def empty(self) -> bool:
        """Whether the namespace may go."""
        return not self.remaining and not self.discovery_failure and not self.deletion_failures

    def add(self, resource: ServedResource, items: list[dict[str, Any]]) -> None:
        """Count what remains of a resource."""
        group, _, _ = resource.api_version.rpartition("/")
        if items:
            self.remaining[f"{resource.plural}.{group}"] = len(items)  # upstream's form, dot and all: "pods."
        for item in items:
            for name in item["metadata"].get("finalizers", ()):
                self.finalizers[name] = self.finalizers.get(name, 0) + 1


def plan_conditions(
    before: tuple[NamespaceCondition, ...], findings: Findings, now: datetime
) -> tuple[NamespaceCondition, ...]:
    """Say how far the deletion got, in the five conditions that people look at when it hangs."""
    rows = (
        (
            "NamespaceDeletionDiscoveryFailure",
            findings.discovery_failure,
            ("DiscoveryFailed", "ResourcesDiscovered", "All resources successfully discovered"),
        ),
        (
            "NamespaceDeletionContentFailure",
            "; ".join(findings.deletion_failures),
            (
                "ContentDeletionFailed",
                "ContentDeleted",
                "All content successfully deleted, may be waiting on finalization",
            ),
        ),
        (
            "NamespaceContentRemaining",
            _remaining_text(findings.remaining),
            ("SomeResourcesRemain", "ContentRemoved", "All content successfully removed"),
        ),
        (
            "NamespaceFinalizersRemaining",
            _finalizers_text(findings.finalizers),
            ("SomeFinalizersRemain", "ContentHasNoFinalizers", "All content-preserving finalizers finished"),
        ),
    )
    conditions = before
    for type_, trouble, (bad, good, good_text) in rows:
        status = ConditionStatus.TRUE if trouble else ConditionStatus.FALSE
        condition = NamespaceCondition(
            type=type_, status=status, reason=bad if trouble else good, message=trouble or good_text
        )
        conditions = set_condition(conditions, condition, now)
    return conditions


def _remaining_text(remaining: Mapping[str, int]) -> str:
    parts = [f"{name} has {count} resource instances" for name, count in sorted(remaining.items())]
    return f"Some resources are remaining: {', '.join(parts)}" if parts else ""


def _finalizers_text(finalizers: Mapping[str, int]) -> str:
    parts = [f"{name} in {count} resource instances" for name, count in sorted(finalizers.items())]
    return f"Some content in the namespace has finalizers remaining: {', '.join(parts)}" if parts else ""


class NamespaceController(Controller):
    """Works on namespaces with a deletionTimestamp until they are gone."""

    name: ClassVar[str] = "namespace-controller"

    def __init__(self, client: Client, factory: InformerFactory, *, now: Callable[[], datetime] = wall_now) -> None:
        super().__init__()
        self._client = client.named(self.name)
        self._now = now
        self._namespaces = self.watch(factory.informer(Namespace)).store
        self.needs(factory.informer(Pod)).on_event(self._pod_changed)

    def _pod_changed(self, event_type: EventType, old: Pod | None, new: Pod | None) -> None:
        """Look again at once when a pod of a namespace that waits for it has gone."""
        if event_type is EventType.DELETED and old is not None:
            key = ObjectKey("", old.metadata.namespace)
            namespace = self._namespaces.get(key)
            if namespace is not None and namespace.metadata.deletion_timestamp is not None:
                self.queue.add(key)

    async def reconcile(self, key: ObjectKey) -> Result:
        """Delete what is in a namespace on its way out; when nothing is, let it go."""
        namespace = self._namespaces.get(key)
        if namespace is None or namespace.metadata.deletion_timestamp is None:
            return Result()
        if FINALIZER not in namespace.spec.finalizers:
            return Result()  # emptied; others hold it
        findings = await self._empty(namespace)
        if findings.empty:
            await self._finalize(namespace)
            return Result()
        await self._report(namespace, findings)
        return Result(requeue_after_s=_RECHECK_S)

    async def _empty(self, namespace: Namespace) -> Findings:
        findings = Findings()
        try:
            resources = await served_resources(self._client)
        except APIError as error:
            findings.discovery_failure = f"Discovery failed for some groups: {error}"
            return findings
        for resource in resources:
            if resource.namespaced and {"delete", "list"} <= resource.verbs:
                await self._empty_resource(namespace, resource, findings)
        return findings

    async def _empty_resource(self, namespace: Namespace, resource: ServedResource, findings: Findings) -> None:
        """Delete all of one resource, and count what stays: pods that stop, objects with finalizers."""
        path = resource.path(namespace.metadata.name)
        if not await self._look(path):
            return
        cause = Cause.of(namespace, f"namespace {namespace.metadata.name} is being deleted")
        try:
            await self._client.raw("DELETE", path, cause=cause)
        except (NotFound, MethodNotAllowed):
            return
        except APIError as error:
            findings.deletion_failures.append(str(error))
        findings.add(resource, await self._look(path))

    async def _look(self, path: str) -> list[dict[str, Any]]:
        """List what there is of a resource, by its metadata alone."""
        answer = await self._client.raw("GET", path, headers={"Accept": AS_METADATA_LIST})
        return list(answer["items"])

    async def _report(self, namespace: Namespace, findings: Findings) -> None:
        conditions = plan_conditions(namespace.status.conditions, findings, self._now())
        status = namespace.status.model_copy(update={"phase": "Terminating", "conditions": conditions})
        if status != namespace.status:
            cause = Cause.of(namespace, f"{sum(findings.remaining.values())} objects remain")
            await self._client.update(namespace.model_copy(update={"status": status}), "status", cause=cause)

    async def _finalize(self, namespace: Namespace) -> None:
        """Take our finalizer off; the API server removes the namespace with the last one."""
        others = tuple(name for name in namespace.spec.finalizers if name != FINALIZER)
        spec = namespace.spec.model_copy(update={"finalizers": others})
        cause = Cause.of(namespace, "nothing is left in the namespace")
        try:
            await self._client.update(namespace.model_copy(update={"spec": spec}), "finalize", cause=cause)
        except NotFound:
            return
        except Conflict:  # our own report changed it a moment ago: look again with what the watch brings
            self.queue.add_after(ObjectKey("", namespace.metadata.name), 0.05)
