"""``kubectl apply --server-side`` and its kin: what people see of managers and conflicts."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
KUBECTL = next(iter(sorted(map(str, (ROOT / ".tools").glob("kubectl-1.36")))), shutil.which("kubectl") or "kubectl")
DEADLINE_S = 30


class Kubectl:
    """A kubectl in a namespace of its own, and a directory for manifests."""

    def __init__(self, apiserver: Any, home: Path, namespace: str) -> None:
        self.kubeconfig, self.home, self.namespace = apiserver.kubeconfig, home, namespace

    def run(self, *arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        result = subprocess.run(
            [KUBECTL, f"--kubeconfig={self.kubeconfig}", f"--namespace={self.namespace}", *arguments],
            env={"PATH": os.environ["PATH"], "HOME": str(self.home)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=DEADLINE_S,
            check=False,
        )
        assert result.returncode == code, result.stderr
        return result

    def file(self, document: object) -> str:
        path = self.home / "manifest.yaml"
        path.write_text(yaml.safe_dump(document))
        return str(path)

    def apply(self, document: object, *flags: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        return self.run("apply", "-f", self.file(document), *flags, code=code)

    def managers(self, *what: str) -> dict[tuple[str, str], Any]:
        shown = self.run("get", *what, "-o", "json", "--show-managed-fields").stdout
        entries = json.loads(shown)["metadata"]["managedFields"]
        return {(entry["manager"], entry["operation"]): entry["fieldsV1"] for entry in entries}


@pytest.fixture
def kubectl(apiserver: Any, tmp_path: Path, request: pytest.FixtureRequest) -> Kubectl:
    namespace = f"ssa-{abs(hash(request.node.name)) % 10**8}"
    made = Kubectl(apiserver, tmp_path, namespace)
    made.run("create", "namespace", namespace)
    return made


def deployment(replicas: int = 1, image: str = "naru.local/busybox:1") -> dict[str, Any]:
    labels = {"app": "web"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": image}]}}
    spec = {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": spec}


class TestServerSideApply:
    """kubectl as the client of an apply."""

    def test_it_says_that_the_server_applied(self, kubectl: Kubectl) -> None:
        assert kubectl.apply(deployment(), "--server-side").stdout == "deployment.apps/web serverside-applied\n"
        assert ("kubectl", "Apply") in kubectl.managers("deployment", "web")

    def test_a_conflict_names_manager_and_field(self, kubectl: Kubectl) -> None:
        kubectl.apply(deployment(), "--server-side")
        kubectl.run("scale", "deployment", "web", "--replicas=3")
        refused = kubectl.apply(deployment(), "--server-side", code=1).stderr
        scaler = Path(KUBECTL).name  # how its user agent begins
        assert refused.startswith(
            f'error: Apply failed with 1 conflict: conflict with "{scaler}" with subresource "scale" using apps/v1: '
            ".spec.replicas\nPlease review the fields above--they currently have other managers."
        )
        kubectl.apply(deployment(), "--server-side", "--force-conflicts")
        assert kubectl.run("get", "deployment", "web", "-o", "jsonpath={.spec.replicas}").stdout == "1"

    def test_several_conflicts_are_listed_by_manager(self, kubectl: Kubectl) -> None:
        kubectl.apply(deployment(), "--server-side", "--field-manager=one")
        changed = deployment(2, "naru.local/busybox:2")
        refused = kubectl.apply(changed, "--server-side", "--field-manager=two", code=1).stderr
        assert refused.startswith(
            'error: Apply failed with 2 conflicts: conflicts with "one":\n- .spec.replicas\n'
            '- .spec.template.spec.containers[name="c"].image\n'
        )

    def test_a_client_side_apply_becomes_a_server_side_one(self, kubectl: Kubectl) -> None:
        kubectl.apply(deployment())
        assert ("kubectl-client-side-apply", "Update") in kubectl.managers("deployment", "web")
        kubectl.apply(deployment(2), "--server-side")
        managers = kubectl.managers("deployment", "web")
        assert ("kubectl-client-side-apply", "Update") not in managers
        assert managers["kubectl", "Apply"]["f:spec"]["f:replicas"] == {}
        shown = kubectl.run("get", "deployment", "web", "-o", "json").stdout
        annotations = json.loads(shown)["metadata"]["annotations"]
        applied = json.loads(annotations["kubectl.kubernetes.io/last-applied-configuration"])
        assert applied["spec"]["replicas"] == 2

    def test_diff_shows_what_an_apply_would_change(self, kubectl: Kubectl) -> None:
        kubectl.apply(deployment(), "--server-side")
        same = kubectl.run("diff", "--server-side", "-f", kubectl.file(deployment()))
        assert same.stdout == ""
        changed = kubectl.run("diff", "--server-side", "-f", kubectl.file(deployment(4)), code=1)
        assert "-  replicas: 1" in changed.stdout
        assert "+  replicas: 4" in changed.stdout

    def test_a_dry_run_leaves_the_object(self, kubectl: Kubectl) -> None:
        shown = kubectl.apply(deployment(), "--server-side", "--dry-run=server").stdout
        assert shown == "deployment.apps/web serverside-applied (server dry run)\n"
        kubectl.run("get", "deployment", "web", code=1)

    def test_managers_are_shown_only_when_asked_for(self, kubectl: Kubectl) -> None:
        kubectl.apply(deployment(), "--server-side")
        plain = kubectl.run("get", "deployment", "web", "-o", "yaml").stdout
        full = kubectl.run("get", "deployment", "web", "-o", "yaml", "--show-managed-fields").stdout
        assert "managedFields" not in plain
        assert "fieldsV1" in full

    def test_an_unknown_field_is_refused(self, kubectl: Kubectl) -> None:
        document = deployment()
        document["spec"]["color"] = "red"
        refused = kubectl.apply(document, "--server-side", "--validate=false", code=1).stderr
        assert ".spec.color: field not declared in schema" in refused


class TestOtherCommands:
    """Each command is a manager by its own name."""

    def test_commands_leave_their_names(self, kubectl: Kubectl) -> None:
        kubectl.run("create", "configmap", "c", "--from-literal=a=1")
        kubectl.run("label", "configmap", "c", "x=y")
        kubectl.run("annotate", "configmap", "c", "x=y")
        kubectl.run("patch", "configmap", "c", "--type=merge", "-p", '{"data":{"b":"2"}}')
        assert kubectl.managers("configmap", "c") == {
            ("kubectl-create", "Update"): {"f:data": {".": {}, "f:a": {}}},
            ("kubectl-label", "Update"): {"f:metadata": {"f:labels": {".": {}, "f:x": {}}}},
            ("kubectl-annotate", "Update"): {"f:metadata": {"f:annotations": {".": {}, "f:x": {}}}},
            ("kubectl-patch", "Update"): {"f:data": {"f:b": {}}},
        }
