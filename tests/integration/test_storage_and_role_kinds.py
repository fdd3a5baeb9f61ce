"""Volumes, storage, roles, runtime classes and signing requests over HTTP: defaults, statuses, rows, refusals."""

import asyncio
import base64
import subprocess
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

STORAGE = "/apis/storage.k8s.io/v1"
RBAC = "/apis/rbac.authorization.k8s.io/v1"
NODE = "/apis/node.k8s.io/v1"
CSR = "/apis/certificates.k8s.io/v1/certificatesigningrequests"
KUBECTLS = sorted((Path(__file__).parents[2] / ".tools").glob("kubectl-*"))
TABLE = {"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}


@pytest.fixture
def unique(api: Any) -> str:
    """A name for objects of the whole cluster."""
    return str(api.namespace)


async def row(api: Any, path: str) -> dict[str, Any]:
    """Return the row that ``kubectl get -o wide`` shows of an object, the age left out."""
    answer = await api.send("GET", path, headers=TABLE)
    names = [column["name"] for column in answer.body["columnDefinitions"]]
    cells = dict(zip(names, answer.body["rows"][0]["cells"], strict=True))
    return {name: cell for name, cell in cells.items() if name not in ("Name", "Age", "Created At")}


async def made(api: Any, path: str, body: Any) -> Any:
    answer = await api.post(path, body)
    assert answer.code == 201, answer.body
    return answer.body


def volume(name: str) -> dict[str, Any]:
    spec = {
        "capacity": {"storage": "1Gi"},
        "accessModes": ["ReadWriteOnce", "ReadOnlyMany"],
        "hostPath": {"path": "/d"},
    }
    return {"metadata": {"name": name}, "spec": spec}


class TestVolumes:
    async def test_a_volume(self, api: Any, unique: str) -> None:
        path = f"/api/v1/persistentvolumes/{unique}"
        body = await made(api, "/api/v1/persistentvolumes", volume(unique))
        assert body["spec"]["persistentVolumeReclaimPolicy"] == "Retain"
        assert body["status"]["phase"] == "Pending"
        assert body["status"]["lastPhaseTransitionTime"] == body["metadata"]["creationTimestamp"]
        refused = await api.patch(path, {"spec": {"hostPath": {"path": "/other"}}})
        assert refused.code == 422
        assert refused.body["details"]["causes"][0]["field"] == "spec.persistentvolumesource"
        claimed = await api.patch(
            path, {"spec": {"claimRef": {"namespace": "n", "name": "c"}}, "status": {"phase": "?"}}
        )
        assert claimed.body["status"]["phase"] == "Pending"
        bound = await api.patch(f"{path}/status", {"status": {"phase": "Bound"}, "spec": {"storageClassName": "x"}})
        assert bound.body["status"]["phase"] == "Bound"
        assert "storageClassName" not in bound.body["spec"]
        assert await row(api, path) == {
            "Capacity": "1Gi",
            "Access Modes": "RWO,ROX",
            "Reclaim Policy": "Retain",
            "Status": "Bound",
            "Claim": "n/c",
            "StorageClass": "",
            "VolumeAttributesClass": "<unset>",
            "Reason": "",
            "VolumeMode": "Filesystem",
        }

    async def test_a_claim(self, api: Any) -> None:
        spec = {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "1Gi"}},
            "dataSource": {"kind": "PersistentVolumeClaim", "name": "old"},
            "storageClassName": "fast",
        }
        path = api.path("persistentvolumeclaims", "data")
        body = await made(api, api.path("persistentvolumeclaims"), {"metadata": {"name": "data"}, "spec": spec})
        assert body["spec"]["dataSourceRef"] == spec["dataSource"]
        assert (body["spec"]["volumeMode"], body["status"]) == ("Filesystem", {"phase": "Pending"})
        refused = await api.patch(path, {"spec": {"resources": {"requests": {"storage": "2Gi"}}}})
        assert refused.code == 422
        assert (await api.patch(path, {"spec": {"volumeName": "pv"}})).code == 200
        status = {"phase": "Bound", "accessModes": ["ReadWriteOnce"], "capacity": {"storage": "1Gi"}}
        assert (await api.patch(f"{path}/status", {"status": status})).body["status"] == status
        assert (await api.patch(path, {"spec": {"resources": {"requests": {"storage": "2Gi"}}}})).code == 200
        assert await row(api, path) == {
            "Status": "Bound",
            "Volume": "pv",
            "Capacity": "1Gi",
            "Access Modes": "RWO",
            "StorageClass": "fast",
            "VolumeAttributesClass": "<unset>",
            "VolumeMode": "Filesystem",
        }


class TestStorage:
    async def test_a_class(self, api: Any, unique: str) -> None:
        note = {"storageclass.kubernetes.io/is-default-class": "true"}
        body = {"metadata": {"name": unique, "annotations": note}, "provisioner": "example.com/p"}
        await made(api, f"{STORAGE}/storageclasses", body)
        path = f"{STORAGE}/storageclasses/{unique}"
        table = await api.send("GET", path, headers=TABLE)
        assert table.body["rows"][0]["cells"][:-1] == [
            f"{unique} (default)",
            "example.com/p",
            "Delete",
            "Immediate",
            False,
        ]
        assert (await api.patch(path, {"provisioner": "other"})).code == 422
        assert (await api.patch(path, {"allowVolumeExpansion": True})).code == 200

    async def test_an_attachment(self, api: Any, unique: str) -> None:
        spec = {"attacher": "csi.example.com", "nodeName": "n", "source": {"persistentVolumeName": "pv"}}
        body = {"metadata": {"name": unique}, "spec": spec, "status": {"attached": True}}
        created = await made(api, f"{STORAGE}/volumeattachments", body)
        assert created["status"] == {"attached": False}
        path = f"{STORAGE}/volumeattachments/{unique}"
        patch = {"metadata": {"labels": {"a": "b"}}, "status": {"attached": True}}
        attached = (await api.patch(f"{path}/status", patch)).body
        assert attached["status"] == {"attached": True}
        assert "labels" not in attached["metadata"]
        assert (await api.patch(path, {"spec": {"nodeName": "m"}})).code == 422
        shown = {"Attacher": "csi.example.com", "PV": "pv", "Node": "n", "Attached": True}
        assert await row(api, path) == shown

    async def test_a_driver(self, api: Any, unique: str) -> None:
        body = {"metadata": {"name": unique}, "spec": {"tokenRequests": [{"audience": "a"}, {"audience": "b"}]}}
        created = await made(api, f"{STORAGE}/csidrivers", body)
        assert "generation" not in created["metadata"]
        path = f"{STORAGE}/csidrivers/{unique}"
        assert (await api.patch(path, {"spec": {"requiresRepublish": True}})).body["metadata"]["generation"] == 1
        assert await row(api, path) == {
            "AttachRequired": True,
            "PodInfoOnMount": False,
            "StorageCapacity": False,
            "TokenRequests": "a,b",
            "RequiresRepublish": True,
            "Modes": "Persistent",
        }
        assert (await api.put(path, body)).code == 422  # without a resourceVersion

    async def test_what_else_there_is(self, api: Any, unique: str) -> None:
        drivers = [{"name": "csi.example.com", "nodeID": "n"}]
        meta = {"name": unique}
        created = await made(api, f"{STORAGE}/csinodes", {"metadata": meta, "spec": {"drivers": drivers}})
        assert created["spec"]["drivers"] == [{**drivers[0], "topologyKeys": None}]
        assert await row(api, f"{STORAGE}/csinodes/{unique}") == {"Drivers": 1}
        empty = await api.patch(f"{STORAGE}/csinodes/{unique}", {"spec": {"drivers": []}})
        assert empty.body["spec"]["drivers"] is None
        again = await api.patch(
            f"{STORAGE}/csinodes/{unique}", {"spec": {"drivers": drivers}}, kind="strategic-merge-patch+json"
        )
        assert again.body["spec"] == created["spec"]
        room = {"metadata": meta, "storageClassName": "fast", "capacity": "1Gi"}
        path = f"{STORAGE}/namespaces/{api.namespace}/csistoragecapacities"
        await made(api, path, room)
        assert await row(api, f"{path}/{unique}") == {"StorageClassName": "fast", "Capacity": "1Gi"}
        attributes = {"metadata": meta, "driverName": "csi.example.com", "parameters": {"a": "b"}}
        await made(api, f"{STORAGE}/volumeattributesclasses", attributes)
        path = f"{STORAGE}/volumeattributesclasses/{unique}"
        assert await row(api, path) == {"DriverName": "csi.example.com"}
        assert (await api.patch(path, {"parameters": {"a": "c"}})).code == 422


class TestRoles:
    async def test_roles_are_made_by_a_put_too(self, api: Any, unique: str) -> None:
        path = f"{RBAC}/clusterroles/{unique}"
        created = await api.put(path, {"metadata": {"name": unique}})
        assert (created.code, created.body["rules"]) == (201, None)
        assert await row(api, path) == {}
        rules = [{"verbs": ["get"], "apiGroups": [""], "resources": ["pods"]}]
        applied = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": unique}}
        answer = await api.patch(
            path, {**applied, "rules": rules}, kind="apply-patch+yaml", fieldManager="me", force="1"
        )
        assert (answer.code, answer.body["rules"]) == (200, rules)
        answer = await api.patch(path, applied, kind="apply-patch+yaml", fieldManager="me")
        assert (answer.code, answer.body["rules"]) == (200, None)
        path = f"{RBAC}/namespaces/{api.namespace}/roles"
        assert (await api.post(path, {"metadata": {"name": "r"}, "rules": [{}]})).code == 422

    async def test_a_binding(self, api: Any) -> None:
        subjects = [
            {"kind": "User", "name": "ann"},
            {"kind": "Group", "name": "devs"},
            {"kind": "ServiceAccount", "name": "bob", "namespace": "n"},
        ]
        body = {"metadata": {"name": "b"}, "roleRef": {"kind": "Role", "name": "r"}, "subjects": subjects}
        path = f"{RBAC}/namespaces/{api.namespace}/rolebindings"
        created = await made(api, path, body)
        assert created["roleRef"]["apiGroup"] == "rbac.authorization.k8s.io"
        shown = {"Role": "Role/r", "Users": "ann", "Groups": "devs", "ServiceAccounts": "n/bob"}
        assert await row(api, f"{path}/b") == shown
        assert (await api.patch(f"{path}/b", {"roleRef": {"name": "other"}})).code == 422

    async def test_a_runtime_class(self, api: Any, unique: str) -> None:
        await made(api, f"{NODE}/runtimeclasses", {"metadata": {"name": unique}, "handler": "kata"})
        path = f"{NODE}/runtimeclasses/{unique}"
        assert await row(api, path) == {"Handler": "kata"}
        assert (await api.patch(path, {"handler": "runc"})).code == 422


class TestSigningRequests:
    @staticmethod
    def body(name: str) -> dict[str, Any]:
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "ann")])
        key = ec.generate_private_key(ec.SECP256R1())
        signed = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, hashes.SHA256())
        request = base64.b64encode(signed.public_bytes(serialization.Encoding.PEM)).decode()
        spec = {
            "request": request,
            "signerName": "example.com/signer",
            "usages": ["client auth"],
            "username": "somebody else",
            "expirationSeconds": 7200,
        }
        return {"metadata": {"name": name}, "spec": spec, "status": {"conditions": [{"type": "Approved"}]}}

    async def test_from_the_request_to_the_decision(self, api: Any, unique: str) -> None:
        created = await made(api, CSR, self.body(unique))
        assert created["spec"]["username"] == "admin"
        assert created["spec"]["groups"] == ["system:masters", "system:authenticated"]
        assert created["status"] == {}
        path = f"{CSR}/{unique}"
        approved = {"status": {"conditions": [{"type": "Approved", "status": "True", "reason": "Fine"}]}}
        refused = await api.patch(f"{path}/status", approved)
        assert refused.code == 422
        assert 'updates may not add a condition of type "Approved"' in refused.body["message"]
        decided = await api.patch(f"{path}/approval", approved)
        (condition,) = decided.body["status"]["conditions"]
        assert condition["lastUpdateTime"] == condition["lastTransitionTime"]
        kept = await api.patch(path, {"spec": {"username": "x"}, "metadata": {"labels": {"a": "b"}}})
        assert (kept.body["spec"]["username"], kept.body["metadata"]["labels"]) == ("admin", {"a": "b"})
        assert await row(api, path) == {
            "SignerName": "example.com/signer",
            "Requestor": "admin",
            "RequestedDuration": "120m",
            "Condition": "Approved",
        }
        listed = await api.get(CSR, fieldSelector=f"spec.signerName=example.com/signer,metadata.name={unique}")
        assert len(listed.body["items"]) == 1
        assert (await api.get(CSR, fieldSelector="spec.signerName=example.com/other")).body["items"] == []

    @pytest.mark.parametrize("binary", KUBECTLS, ids=lambda path: path.name)
    async def test_kubectl_decides(self, api: Any, apiserver: Any, unique: str, binary: Path) -> None:
        await made(api, CSR, self.body(unique))
        argv = [str(binary), "--kubeconfig", str(apiserver.kubeconfig), "certificate", "approve", unique]
        done = await asyncio.to_thread(subprocess.run, argv, capture_output=True, text=True, timeout=60, check=False)
        assert "approved" in done.stdout, done.stderr
        (condition,) = (await api.get(f"{CSR}/{unique}")).body["status"]["conditions"]
        assert (condition["type"], condition["reason"]) == ("Approved", "KubectlApprove")
