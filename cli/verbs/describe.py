"""`naru describe`: an object, what it is made of, and what happened to it lately, for people to read.

Flow: targets -> GET the object and its events -> *lines* (pure, one function a kind) -> stdout.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from cli.durations import short_duration
from cli.session import Session
from cli.tables import plain_table
from cli.verbs.names import Target
from cli.verbs.output import render

Json = Mapping[str, Any]
_HIDDEN_ANNOTATIONS: Final = ("kubectl.kubernetes.io/last-applied-configuration",)


async def describe(session: Session, targets: Sequence[Target], *, all_namespaces: bool, label_selector: str) -> int:
    """Describe each object; a kind without a name stands for all of them."""
    namespace = "" if all_namespaces else session.namespace
    first = True
    for target in targets:
        path = target.resource.path(namespace, target.name)
        params = {"labelSelector": label_selector} if label_selector and not target.name else {}
        body = await session.client.raw("GET", path, params=params)
        for item in [body] if target.name else body.get("items") or ():
            obj = {"apiVersion": target.resource.api_version, "kind": target.resource.kind} | item
            print(("" if first else "\n\n") + "\n".join(describe_lines(obj, await _events(session, obj))))
            first = False
    return 0


def describe_lines(obj: Json, events: Sequence[Json], now: datetime | None = None) -> list[str]:
    """Return the description of an object."""
    describe_kind = _KINDS.get(str(obj["kind"]), _other)
    return [*_identity(obj), *describe_kind(obj), *_event_lines(events, now or datetime.now(UTC))]


async def _events(session: Session, obj: Json) -> list[Json]:
    metadata = obj["metadata"]
    namespace = metadata.get("namespace") or "default"
    # a Node's agent names the node itself as the uid of its events, so the kind and name have to do
    fields = f"involvedObject.kind={obj['kind']},involvedObject.name={metadata['name']}"
    body = await session.client.raw("GET", f"/api/v1/namespaces/{namespace}/events", params={"fieldSelector": fields})
    return sorted(body.get("items") or (), key=_event_time)


def _identity(obj: Json) -> list[str]:
    metadata = obj["metadata"]
    lines = [_line("Name", metadata["name"])]
    if metadata.get("namespace"):
        lines.append(_line("Namespace", metadata["namespace"]))
    annotations = {
        name: value for name, value in (metadata.get("annotations") or {}).items() if name not in _HIDDEN_ANNOTATIONS
    }
    lines += _map("Labels", metadata.get("labels") or {}) + _map("Annotations", annotations)
    lines.append(_line("Created", metadata.get("creationTimestamp", "")))
    if metadata.get("deletionTimestamp"):
        grace = metadata.get("deletionGracePeriodSeconds", 0)
        lines.append(_line("Terminating", f"since {metadata['deletionTimestamp']}, grace {grace} s"))
    owner = next((owner for owner in metadata.get("ownerReferences") or () if owner.get("controller")), None)
    return [*lines, _line("Controlled By", f"{owner['kind']}/{owner['name']}")] if owner else lines


def _pod(pod: Json) -> list[str]:
    spec, status = pod["spec"], pod.get("status", {})
    lines = [
        _line("Service Account", spec.get("serviceAccountName", "")),
        _line("Node", f"{spec.get('nodeName') or '<none>'}/{status.get('hostIP', '')}".rstrip("/")),
        _line("Start Time", status.get("startTime", "")),
        _line("Status", status.get("phase", "Unknown")),
        *([_line("Reason", status["reason"])] if status.get("reason") else []),
        *([_line("Message", status["message"])] if status.get("message") else []),
        _line("IP", status.get("podIP", "")),
        _line("QoS Class", status.get("qosClass", "")),
    ]
    for title, field in (("Init Containers", "initContainers"), ("Containers", "containers")):
        lines += _containers(title, spec.get(field) or (), status.get(f"{field[:-1]}Statuses") or ())
    return [*lines, *_conditions(status), *_volumes(spec), *_tolerations(spec)]


def _containers(title: str, containers: Sequence[Json], statuses: Sequence[Json]) -> list[str]:
    lines = [f"{title}:"] if containers else []
    by_name = {status["name"]: status for status in statuses}
    for container in containers:
        status = by_name.get(container["name"], {})
        lines.append(f"  {container['name']}:")
        lines += [f"    {line}" for line in _container(container, status)]
    return lines


def _container(container: Json, status: Json) -> list[str]:
    lines = [
        _line("Container ID", status.get("containerID", "")),
        _line("Image", container.get("image", "")),
        _line("Image ID", status.get("imageID", "")),
    ]
    ports = [f"{port['containerPort']}/{port.get('protocol', 'TCP')}" for port in container.get("ports") or ()]
    lines.append(_line("Ports", ", ".join(ports) or "<none>"))
    for title in ("Command", "Args"):
        if words := container.get(title.lower()):
            lines += _list(title, " ".join(map(str, words)).splitlines())
    lines += _state("State", status.get("state") or {}) + _state("Last State", status.get("lastState") or {})
    lines.append(_line("Ready", status.get("ready", False)))
    lines.append(_line("Restart Count", status.get("restartCount", 0)))
    for title in ("Limits", "Requests"):
        lines += _map(title, (container.get("resources") or {}).get(title.lower()) or {}, hide_empty=True)
    lines += _environment(container)
    mounts = [
        f"{mount['mountPath']} from {mount['name']} ({'ro' if mount.get('readOnly') else 'rw'})"
        for mount in container.get("volumeMounts") or ()
    ]
    return lines + _list("Mounts", mounts)


def _state(title: str, state: Json) -> list[str]:
    """Write one of waiting, running, terminated with the facts that it has."""
    if not state:
        return []
    name, facts = next(iter(state.items()))
    shown = {"reason": "Reason", "message": "Message", "exitCode": "Exit Code", "startedAt": "Started"}
    shown |= {"finishedAt": "Finished"}
    lines = [f"  {_line(label, facts[field])}" for field, label in shown.items() if field in facts]
    return [_line(title, name.capitalize()), *lines]


def _environment(container: Json) -> list[str]:
    entries = []
    for variable in container.get("env") or ():
        source = variable.get("valueFrom")
        entries.append(f"{variable['name']}: {_source(source) if source else variable.get('value', '')}")
    for origin in container.get("envFrom") or ():
        kind, reference = next((key, value) for key, value in origin.items() if key.endswith("Ref"))
        entries.append(f"all of {kind.removesuffix('Ref')} {reference.get('name', '')}")
    return _list("Environment", entries)


def _source(source: Json) -> str:
    kind, reference = next(iter(source.items()))
    if "key" in reference:
        return f"<key {reference['key']} of {kind.removesuffix('KeyRef')} {reference.get('name', '')}>"
    return f"<{kind.removesuffix('Ref')} {reference.get('fieldPath') or reference.get('resource', '')}>"


def _volumes(spec: Json) -> list[str]:
    entries = []
    for volume in spec.get("volumes") or ():
        kind = next((key for key in volume if key != "name"), "emptyDir")
        facts = volume.get(kind) or {}
        what = facts.get("name") or facts.get("secretName") or facts.get("path") or facts.get("medium") or ""
        entries.append(f"{volume['name']}: {kind} {what}".rstrip())
    return _list("Volumes", entries)


def _tolerations(spec: Json) -> list[str]:
    entries = []
    for toleration in spec.get("tolerations") or ():
        key = toleration.get("key", "") + (f"={toleration['value']}" if toleration.get("value") else "")
        seconds = toleration.get("tolerationSeconds")
        limit = f" for {seconds}s" if seconds is not None else ""
        entries.append(f"{key}:{toleration.get('effect', '')} op={toleration.get('operator', 'Equal')}{limit}")
    selector = [f"{name}={value}" for name, value in (spec.get("nodeSelector") or {}).items()]
    return _list("Node-Selectors", selector) + _list("Tolerations", entries)


def _node(node: Json) -> list[str]:
    spec, status = node.get("spec", {}), node.get("status", {})
    taints = [f"{taint['key']}:{taint['effect']}" for taint in spec.get("taints") or ()]
    addresses = [f"{address['type']}: {address['address']}" for address in status.get("addresses") or ()]
    info = status.get("nodeInfo") or {}
    facts = {
        name: info[name] for name in ("kubeletVersion", "containerRuntimeVersion", "kernelVersion") if name in info
    }
    return [
        *_list("Taints", taints),
        _line("Unschedulable", bool(spec.get("unschedulable"))),
        _line("PodCIDR", spec.get("podCIDR", "")),
        *_list("Addresses", addresses),
        *_map("Capacity", status.get("capacity") or {}),
        *_map("Allocatable", status.get("allocatable") or {}),
        *_map("System Info", facts),
        *_conditions(status),
    ]


def _deployment(deployment: Json) -> list[str]:
    spec, status = deployment["spec"], deployment.get("status", {})
    counts = (
        f"{spec.get('replicas', 1)} desired | {status.get('updatedReplicas', 0)} updated | "
        f"{status.get('replicas', 0)} total | {status.get('availableReplicas', 0)} available | "
        f"{status.get('unavailableReplicas', 0)} unavailable"
    )
    strategy = spec.get("strategy") or {}
    rolling = strategy.get("rollingUpdate") or {}
    limits = f"{rolling.get('maxUnavailable')} max unavailable, {rolling.get('maxSurge')} max surge" if rolling else ""
    return [
        _line("Selector", _selector(spec.get("selector") or {})),
        _line("Replicas", counts),
        _line("Strategy", f"{strategy.get('type', '')} {limits}".strip()),
        *([_line("Paused", True)] if spec.get("paused") else []),
        *_template(spec),
        *_conditions(status),
    ]


def _replica_set(replica_set: Json) -> list[str]:
    spec, status = replica_set["spec"], replica_set.get("status", {})
    return [
        _line("Selector", _selector(spec.get("selector") or {})),
        _line("Replicas", f"{status.get('replicas', 0)} current / {spec.get('replicas', 1)} desired"),
        _line("Ready Replicas", status.get("readyReplicas", 0)),
        *_template(spec),
        *_conditions(status),
    ]


def _template(spec: Json) -> list[str]:
    template = spec.get("template") or {}
    inner = template.get("spec") or {}
    lines = _map("Labels", (template.get("metadata") or {}).get("labels") or {})
    lines += _containers("Init Containers", inner.get("initContainers") or (), ())
    lines += _containers("Containers", inner.get("containers") or (), ()) + _volumes(inner)
    dynamic = ("Container ID", "Image ID", "Ready", "Restart Count")
    return ["Pod Template:", *(f"  {line}" for line in lines if line.strip().partition(":")[0] not in dynamic)]


def _secret(secret: Json) -> list[str]:
    sizes = {name: f"{len(value) * 3 // 4} bytes" for name, value in (secret.get("data") or {}).items()}
    return [_line("Type", secret.get("type", "")), *_map("Data", sizes)]


def _config_map(config_map: Json) -> list[str]:
    lines = ["Data:"]
    for name, value in (config_map.get("data") or {}).items():
        lines += [f"  {name}:", *(f"    {line}" for line in value.splitlines())]
    return lines


def _other(obj: Json) -> list[str]:
    """Show what is left of an object as YAML."""
    rest = {name: value for name, value in obj.items() if name not in ("apiVersion", "kind", "metadata")}
    text = render([rest], "yaml", as_list=False) if rest else ""
    return [line for line in text.splitlines() if line != "metadata: {}"]


_KINDS: Final[dict[str, Callable[[Json], list[str]]]] = {
    "Pod": _pod,
    "Node": _node,
    "Deployment": _deployment,
    "ReplicaSet": _replica_set,
    "Secret": _secret,
    "ConfigMap": _config_map,
}


def _conditions(status: Json) -> list[str]:
    rows = [
        [condition["type"], condition["status"], condition.get("reason", ""), condition.get("message", "")]
        for condition in status.get("conditions") or ()
    ]
    if not rows:
        return []
    return ["Conditions:", *plain_table(("Type", "Status", "Reason", "Message"), rows, indent="  ").splitlines()]


def _event_lines(events: Sequence[Json], now: datetime) -> list[str]:
    if not events:
        return [_line("Events", "<none>")]
    rows = []
    for event in events:
        count = event.get("count") or (event.get("series") or {}).get("count") or 1
        age = short_duration((now - _parse(_event_time(event))).total_seconds()) if _event_time(event) else ""
        source = (event.get("source") or {}).get("component") or event.get("reportingComponent", "")
        times = f"{age} (x{count})" if count > 1 else age
        rows.append([event.get("type", ""), event.get("reason", ""), times, source, event.get("message", "")])
    return ["Events:", *plain_table(("Type", "Reason", "Age", "From", "Message"), rows, indent="  ").splitlines()]


def _event_time(event: Json) -> str:
    for field in ("lastTimestamp", "eventTime", "firstTimestamp"):
        if event.get(field):
            return str(event[field])
    return str(event["metadata"].get("creationTimestamp") or "")


def _parse(moment: str) -> datetime:
    return datetime.fromisoformat(moment)


def _selector(selector: Json) -> str:
    parts = [f"{name}={value}" for name, value in (selector.get("matchLabels") or {}).items()]
    for expression in selector.get("matchExpressions") or ():
        values = f" ({','.join(expression['values'])})" if expression.get("values") else ""
        parts.append(f"{expression['key']} {expression['operator']}{values}")
    return ",".join(parts) or "<none>"


def _line(title: str, value: object) -> str:
    return f"{title + ':':<18} {value if value not in ('', None) else '<none>'}"


def _map(title: str, values: Mapping[str, Any], *, hide_empty: bool = False) -> list[str]:
    return [] if hide_empty and not values else _list(title, [f"{name}={value}" for name, value in values.items()])


def _list(title: str, entries: Sequence[str]) -> list[str]:
    if not entries:
        return [_line(title, "<none>")]
    return [_line(title, entries[0]), *(f"{'':<18} {entry}" for entry in entries[1:])]
