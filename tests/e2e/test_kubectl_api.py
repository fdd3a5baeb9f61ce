"""Every sub-command of kubectl that reads, writes, compares or explains objects, on a real cluster."""

import json
import os
import socket
import subprocess
import time
import urllib.request
from pathlib import Path

import pytest
import yaml

pytestmark = pytest.mark.root

DEPLOYMENT = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {tier: front}}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 0
      containers:
      - {name: main, image: "naru.local/busybox:1", command: [sleep, "3600"]}
"""


def a_config_map(name: str, *, app: str = "a", **data: str) -> str:
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "labels": {"app": app}}, "data": data}
    return yaml.safe_dump(body, explicit_start=True)


def managers(kubectl, *what: str) -> set[tuple[str, str]]:
    shown = json.loads(kubectl("get", *what, "-o", "json", "--show-managed-fields"))
    return {(entry["manager"], entry["operation"]) for entry in shown["metadata"]["managedFields"]}


def test_api_resources_and_versions_list_every_built_in_group(kubectl) -> None:
    resources = kubectl("api-resources", "--no-headers")
    for kind in ("Pod", "StatefulSet", "CronJob", "Ingress", "ClusterRole", "StorageClass", "PodDisruptionBudget"):
        assert f" {kind}" in resources
    short = {line.split()[1] for line in resources.splitlines() if len(line.split()) == 5}
    assert {"po", "sts", "cj", "ing", "pvc", "hpa"} <= short
    versions = kubectl("api-versions").split()
    assert {"v1", "apps/v1", "autoscaling/v2", "autoscaling/v1", "resource.k8s.io/v1"} <= set(versions)


@pytest.mark.parametrize(
    "kind", ["pod", "deployment", "job.spec", "service", "networkpolicy", "customresourcedefinition"]
)
def test_explain_knows_all_fields(kubectl, kind: str) -> None:
    told = kubectl("explain", kind, "--recursive")
    assert "FIELDS:" in told
    assert told.count("<") > 10


def test_a_server_side_dry_run_leaves_nothing(kubectl) -> None:
    shown = kubectl("create", "-f", "-", "--dry-run=server", "-o", "json", stdin=DEPLOYMENT)
    assert json.loads(shown)["spec"]["strategy"]["type"] == "RollingUpdate"
    assert kubectl("get", "deployments", "-o", "name") == ""


def test_diff_shows_what_apply_would_change(kubectl) -> None:
    kubectl("apply", "-f", "-", stdin=a_config_map("c", key="one"))
    assert kubectl.run("diff", "-f", "-", stdin=a_config_map("c", key="one")).returncode == 0
    different = kubectl.run("diff", "-f", "-", stdin=a_config_map("c", key="two"))
    assert different.returncode == 1
    assert "-  key: one" in different.stdout
    assert "+  key: two" in different.stdout
    server_side = kubectl.run("diff", "--server-side", "--force-conflicts", "-f", "-", stdin=a_config_map("c", key="3"))
    assert server_side.returncode == 1


def test_server_side_apply_names_the_manager_in_the_way(kubectl) -> None:
    kubectl("apply", "--server-side", "--field-manager=alice", "-f", "-", stdin=DEPLOYMENT)
    other = DEPLOYMENT.replace("replicas: 1", "replicas: 2")
    refused = kubectl.run("apply", "--server-side", "--field-manager=bob", "-f", "-", stdin=other)
    assert refused.returncode != 0
    assert 'conflict with "alice": .spec.replicas' in refused.stderr
    kubectl("apply", "--server-side", "--field-manager=bob", "--force-conflicts", "-f", "-", stdin=other)
    assert {("alice", "Apply"), ("bob", "Apply")} <= managers(kubectl, "deploy", "web")
    assert kubectl("get", "deploy", "web", "-o", "jsonpath={.spec.replicas}") == "2"


def test_apply_may_change_from_client_to_server_side(kubectl) -> None:
    kubectl("apply", "-f", "-", stdin=DEPLOYMENT)
    assert ("kubectl-client-side-apply", "Update") in managers(kubectl, "deploy", "web")
    kubectl("apply", "--server-side", "-f", "-", stdin=DEPLOYMENT)
    assert ("kubectl", "Apply") in managers(kubectl, "deploy", "web")
    assert ("kubectl-client-side-apply", "Update") not in managers(kubectl, "deploy", "web")


def test_apply_prunes_what_is_no_longer_in_the_manifest(kubectl) -> None:
    both = a_config_map("keep", app="pruned") + a_config_map("drop", app="pruned")
    prune = ("apply", "--prune", "-l", "app=pruned", "--prune-allowlist=core/v1/ConfigMap", "-f", "-")
    kubectl(*prune, stdin=both)
    assert "configmap/drop pruned" in kubectl(*prune, stdin=a_config_map("keep", app="pruned"))
    assert kubectl("get", "cm", "-l", "app=pruned", "-o", "name").split() == ["configmap/keep"]


def test_wait_ends_when_the_condition_holds(kubectl) -> None:
    kubectl("apply", "-f", "-", stdin=DEPLOYMENT)
    kubectl("wait", "deploy/web", "--for=condition=Available", "--timeout=30s")
    kubectl("wait", "deploy/web", "--for=jsonpath={.status.readyReplicas}=1", "--timeout=30s")
    kubectl("delete", "deploy", "web", "--wait=false")
    kubectl("wait", "deploy/web", "--for=delete", "--timeout=30s")


def test_output_by_jsonpath_columns_templates_and_names(kubectl) -> None:
    kubectl("apply", "-f", "-", stdin=a_config_map("a", x="1") + a_config_map("b", x="2"))
    ours = ("get", "cm", "-l", "app=a")
    assert kubectl(*ours, "-o", "jsonpath={.items[*].data.x}") == "1 2"
    columns = kubectl(*ours, "-o", "custom-columns=NAME:.metadata.name,X:.data.x")
    assert [line.split() for line in columns.splitlines()] == [["NAME", "X"], ["a", "1"], ["b", "2"]]
    assert kubectl(*ours, "-o", "go-template={{range .items}}{{.data.x}};{{end}}") == "1;2;"
    assert kubectl(*ours, "-o", "name", "--sort-by=.data.x").split() == ["configmap/a", "configmap/b"]
    assert "x: " in kubectl("get", "cm", "a", "-o", "yaml")


def test_lists_come_in_pages_and_in_chunks(kubectl) -> None:
    kubectl("apply", "-f", "-", stdin="".join(a_config_map(f"page-{number}", app="p") for number in range(7)))
    assert len(kubectl("get", "cm", "-l", "app=p", "--chunk-size=2", "-o", "name").split()) == 7


def test_events_are_listed_for_an_object(kubectl, eventually) -> None:
    kubectl("apply", "-f", "-", stdin=DEPLOYMENT)
    eventually(lambda: "ScalingReplicaSet" in kubectl("events", "--for", "deployment/web"), "the event of the scaling")


def test_labels_and_annotations_come_and_go(kubectl) -> None:
    kubectl("apply", "-f", "-", stdin=a_config_map("c"))
    kubectl("label", "cm", "c", "tier=front")
    kubectl("annotate", "cm", "c", "note=hello")
    assert kubectl.run("label", "cm", "c", "tier=back").returncode != 0, "an existing label needs --overwrite"
    kubectl("label", "cm", "c", "tier=back", "--overwrite")
    meta = json.loads(kubectl("get", "cm", "c", "-o", "json"))["metadata"]
    assert (meta["labels"]["tier"], meta["annotations"]["note"]) == ("back", "hello")
    kubectl("label", "cm", "c", "tier-")
    kubectl("annotate", "cm", "c", "note-")
    meta = json.loads(kubectl("get", "cm", "c", "-o", "json"))["metadata"]
    assert "tier" not in meta["labels"]
    assert "note" not in meta["annotations"]


@pytest.mark.parametrize(
    ("kind", "patch"),
    [
        ("json", '[{"op": "replace", "path": "/spec/replicas", "value": 3}]'),
        ("merge", '{"spec": {"replicas": 3}}'),
        (
            "strategic",
            '{"spec": {"replicas": 3, "template": {"spec": {"containers": [{"name": "main", "tty": true}]}}}}',
        ),
    ],
)
def test_every_type_of_patch(kubectl, kind: str, patch: str) -> None:
    kubectl("apply", "-f", "-", stdin=DEPLOYMENT.replace("replicas: 1", "replicas: 0"))
    kubectl("patch", "deploy", "web", f"--type={kind}", "-p", patch)
    shown = json.loads(kubectl("get", "deploy", "web", "-o", "json"))
    assert shown["spec"]["replicas"] == 3
    assert shown["spec"]["template"]["spec"]["containers"][0]["image"] == "naru.local/busybox:1"


def test_the_status_is_patched_through_its_subresource(kubectl) -> None:
    kubectl("create", "quota", "q", "--hard=pods=3")
    kubectl("patch", "quota", "q", "--subresource=status", "--type=merge", "-p", '{"status": {"used": {"pods": "1"}}}')
    assert kubectl("get", "quota", "q", "-o", "jsonpath={.status.used.pods}") == "1"


def test_replace_and_edit(kubectl, tmp_path: Path) -> None:
    kubectl("create", "-f", "-", stdin=a_config_map("c", key="one"))
    kubectl("replace", "-f", "-", stdin=a_config_map("c", key="two"))
    editor = tmp_path / "editor"
    editor.write_text('#!/bin/sh\nsed -i "s/key: two/key: three/" "$1"\n')
    editor.chmod(0o755)
    kubectl.environment["KUBE_EDITOR"] = str(editor)
    assert "edited" in kubectl("edit", "cm", "c")
    assert kubectl("get", "cm", "c", "-o", "jsonpath={.data.key}") == "three"
    before = kubectl("get", "cm", "c", "-o", "jsonpath={.metadata.uid}")
    kubectl("replace", "--force", "-f", "-", stdin=a_config_map("c", key="four"))
    assert kubectl("get", "cm", "c", "-o", "jsonpath={.metadata.uid}") != before


def test_proxy_passes_requests_on(kubectl) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    proxy = kubectl.popen("proxy", f"--port={port}")
    try:
        assert proxy.stdout is not None
        assert "Starting to serve" in proxy.stdout.readline()
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/namespaces/default", timeout=10) as answer:
            assert json.load(answer)["metadata"]["name"] == "default"
    finally:
        proxy.terminate()
        proxy.communicate(timeout=10)


@pytest.mark.parametrize(
    "command",
    [
        "configmap c --from-literal=a=b",
        "secret generic s --from-literal=a=b",
        "serviceaccount robot",
        "deployment d --image=naru.local/busybox:1 --replicas=0",
        "job j --image=naru.local/busybox:1 -- true",
        "cronjob cj --image=naru.local/busybox:1 --schedule=@daily -- true",
        "service clusterip svc --tcp=80:8080",
        "ingress i --rule=example.local/*=svc:80",
        "role reader --verb=get,list --resource=pods",
        "rolebinding readers --role=reader --serviceaccount=default:robot",
        "quota q --hard=pods=3",
        "poddisruptionbudget pdb --selector=app=web --min-available=1",
    ],
    ids=lambda command: command.split()[0],
)
def test_create_makes_every_kind_that_it_knows(kubectl, command: str) -> None:
    kind = command.split()[0]
    kubectl("create", *command.split())
    assert len(kubectl("get", kind, "--no-headers").splitlines()) >= 1
    assert "apiVersion: " in kubectl("get", kind, "-o", "yaml")


@pytest.mark.parametrize(
    "command",
    [
        "priorityclass {name} --value=1000",
        "clusterrole {name} --verb=get --resource=nodes",
        "clusterrolebinding {name} --clusterrole=reader --user=jane",
    ],
    ids=lambda command: command.split()[0],
)
def test_create_makes_kinds_of_the_whole_cluster(kubectl, command: str) -> None:
    name = f"naru-test-{os.getpid()}-{time.monotonic_ns() % 10**6}"
    kind = command.split()[0]
    kubectl("create", *command.format(name=name).split())
    try:
        assert name in kubectl("get", kind)
        assert "Name:" in kubectl("describe", kind, name)
    finally:
        kubectl("delete", kind, name)


def test_who_am_i_and_what_may_i_do(kubectl) -> None:
    assert "system:masters" in kubectl("auth", "whoami")
    assert kubectl("auth", "can-i", "create", "pods").strip() == "yes"


def test_a_token_for_a_service_account_opens_the_api(kubectl) -> None:
    token = kubectl("create", "token", "default").strip()
    server = kubectl("config", "view", "--minify", "--raw", "-o", "jsonpath={.clusters[0].cluster.server}")
    flags = ["--kubeconfig=/dev/null", f"--server={server}", "--insecure-skip-tls-verify", f"--token={token}"]
    bare = subprocess.run(
        [str(kubectl.binary), *flags, "auth", "whoami", "-o", "jsonpath={.status.userInfo.username}"],
        env={"HOME": kubectl.environment["HOME"], "PATH": kubectl.environment["PATH"]},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert bare.stdout.startswith("system:serviceaccount:kubectl-"), bare.stderr
