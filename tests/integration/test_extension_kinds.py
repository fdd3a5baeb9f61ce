"""What extends the API, over HTTP: webhooks, policies, APIServices, flow control."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest

ADMISSION = "/apis/admissionregistration.k8s.io/v1"
FLOW = "/apis/flowcontrol.apiserver.k8s.io/v1"
SERVICES = "/apis/apiregistration.k8s.io/v1/apiservices"
START_S = 20.0
TABLE = {"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"}
RULE = {"operations": ["CREATE"], "apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"]}
HOOK = {
    "name": "a.example.com",
    "clientConfig": {"service": {"namespace": "a", "name": "b"}},
    "rules": [RULE],
    "sideEffects": "None",
    "admissionReviewVersions": ["v1"],
}
POLICY = {"matchConstraints": {"resourceRules": [RULE]}, "validations": [{"expression": "true"}]}
MUTATION = {"patchType": "JSONPatch", "jsonPatch": {"expression": "[]"}}
REF = {"name": "limits", "parameterNotFoundAction": "Deny"}


def fresh(**more: Any) -> dict[str, Any]:
    return {"metadata": {"name": f"test-{uuid4().hex[:8]}"}, **more}


async def made(api: Any, path: str, body: dict[str, Any]) -> Any:
    """Create an object; nothing acts on it yet, which its creator is told."""
    answer = await api.post(path, body)
    assert answer.code == 201, answer.body
    assert "Warning" in answer.headers
    assert (await api.get(f"{path}/{answer.body['metadata']['name']}")).body == answer.body
    return answer.body


async def shown(api: Any, path: str, name: str) -> tuple[list[str], list[Any]]:
    table = (await api.send("GET", f"{path}/{name}", headers=TABLE)).body
    return [column["name"] for column in table["columnDefinitions"]], table["rows"][0]["cells"]


async def changed(api: Any, path: str, obj: dict[str, Any], **fields: Any) -> Any:
    answer = await api.put(f"{path}/{obj['metadata']['name']}", {**obj, **fields})
    assert answer.code == 200, answer.body
    return answer.body


CASES = [
    pytest.param(
        f"{ADMISSION}/validatingwebhookconfigurations",
        {"webhooks": [HOOK]},
        {"webhooks": []},
        {"webhooks": [{**HOOK, "name": ""}]},
        'ValidatingWebhookConfiguration.admissionregistration.k8s.io "%s" is invalid: webhooks[0].name: Required value',
        (["Name", "Webhooks", "Age"], [1, "0s"]),
        id="validating webhooks",
    ),
    pytest.param(
        f"{ADMISSION}/mutatingwebhookconfigurations",
        {"webhooks": [HOOK]},
        {"webhooks": []},
        {"webhooks": [{**HOOK, "reinvocationPolicy": "Twice"}]},
        'MutatingWebhookConfiguration.admissionregistration.k8s.io "%s" is invalid: webhooks[0].reinvocationPolicy: '
        'Unsupported value: "Twice": supported values: "IfNeeded", "Never"',
        (["Name", "Webhooks", "Age"], [1, "0s"]),
        id="mutating webhooks",
    ),
    pytest.param(
        f"{ADMISSION}/validatingadmissionpolicies",
        {"spec": POLICY},
        {"spec": {**POLICY, "failurePolicy": "Ignore"}},
        {"spec": {**POLICY, "validations": []}},
        'ValidatingAdmissionPolicy.admissionregistration.k8s.io "%s" is invalid: [spec.validations: Required value: '
        "validations or auditAnnotations must contain at least one item, spec.auditAnnotations: Required value: "
        "validations or auditAnnotations must contain at least one item]",
        (["Name", "Validations", "ParamKind", "Age"], [1, "<unset>", "0s"]),
        id="validating policies",
    ),
    pytest.param(
        f"{ADMISSION}/mutatingadmissionpolicies",
        {
            "spec": {
                "matchConstraints": POLICY["matchConstraints"],
                "mutations": [MUTATION],
                "reinvocationPolicy": "Never",
            }
        },
        {
            "spec": {
                "matchConstraints": POLICY["matchConstraints"],
                "mutations": [MUTATION],
                "reinvocationPolicy": "IfNeeded",
            }
        },
        {"spec": {"matchConstraints": POLICY["matchConstraints"], "mutations": [MUTATION]}},
        'MutatingAdmissionPolicy.admissionregistration.k8s.io "%s" is invalid: spec.reinvocationPolicy: Required value',
        (["Name", "Mutations", "ParamKind", "Age"], [1, "<unset>", "0s"]),
        id="mutating policies",
    ),
    pytest.param(
        f"{ADMISSION}/validatingadmissionpolicybindings",
        {"spec": {"policyName": "p", "paramRef": REF, "validationActions": ["Deny"]}},
        {"spec": {"policyName": "q", "paramRef": REF, "validationActions": ["Deny"]}},
        {"spec": {"policyName": "p"}},
        'ValidatingAdmissionPolicyBinding.admissionregistration.k8s.io "%s" is invalid: spec.validationActions: '
        "Required value: at least one validation action is required",
        (["Name", "PolicyName", "ParamRef", "Age"], ["p", "*/limits", "0s"]),
        id="bindings of validating policies",
    ),
    pytest.param(
        f"{ADMISSION}/mutatingadmissionpolicybindings",
        {"spec": {"policyName": "p"}},
        {"spec": {"policyName": "q"}},
        {"spec": {}},
        'MutatingAdmissionPolicyBinding.admissionregistration.k8s.io "%s" is invalid: spec.policyName: Required value',
        (["Name", "PolicyName", "ParamRef", "Age"], ["p", "<unset>", "0s"]),
        id="bindings of mutating policies",
    ),
    pytest.param(
        f"{FLOW}/flowschemas",
        {"spec": {"priorityLevelConfiguration": {"name": "low"}}},
        {"spec": {"priorityLevelConfiguration": {"name": "high"}}},
        {"spec": {}},
        'FlowSchema.flowcontrol.apiserver.k8s.io "%s" is invalid: spec.priorityLevelConfiguration.name: Required '
        "value: must reference a priority level",
        (
            ["Name", "PriorityLevel", "MatchingPrecedence", "DistinguisherMethod", "Age", "MissingPL"],
            ["low", 1000, "<none>", "0s", "?"],
        ),
        id="flow schemas",
    ),
    pytest.param(
        f"{FLOW}/prioritylevelconfigurations",
        {"spec": {"type": "Limited", "limited": {"limitResponse": {"type": "Queue", "queuing": {}}}}},
        {"spec": {"type": "Limited", "limited": {"limitResponse": {"type": "Reject"}}}},
        {"spec": {"type": "Limited"}},
        'PriorityLevelConfiguration.flowcontrol.apiserver.k8s.io "%s" is invalid: spec.limited: Required value: must '
        "not be empty when type is Limited",
        (
            ["Name", "Type", "NominalConcurrencyShares", "Queues", "HandSize", "QueueLengthLimit", "Age"],
            ["Limited", 30, 64, 8, 50, "0s"],
        ),
        id="priority levels",
    ),
]


class TestEachKind:
    """Created, read, changed, refused and shown."""

    @pytest.mark.parametrize(("path", "first", "second", "bad", "message", "table"), CASES)
    async def test_it_lives(self, api, path, first, second, bad, message, table):
        obj = await made(api, path, fresh(**first))
        name = obj["metadata"]["name"]
        assert obj["metadata"]["generation"] == 1
        columns, cells = await shown(api, path, name)
        assert (columns, [cells[0], len(cells)]) == (table[0], [name, len(table[0])])
        at = columns.index("Age") - 1
        assert [*cells[1 : at + 1], *cells[at + 2 :]] == [*table[1][:at], *table[1][at + 1 :]]
        refused = await api.put(f"{path}/{name}", {**obj, **bad})
        assert (refused.code, refused.body["message"]) == (422, message % name)
        assert (await changed(api, path, obj, **second))["metadata"]["generation"] == 2
        assert (await api.delete(f"{path}/{name}")).code == 200


class TestStatus:
    """A status has a path of its own, and nothing else goes through it."""

    async def test_of_a_policy(self, api):
        path = f"{ADMISSION}/validatingadmissionpolicies"
        obj = await made(api, path, fresh(spec=POLICY, status={"observedGeneration": 7}))
        assert obj["status"] == {}
        sent = {**obj, "status": {"observedGeneration": 1}, "spec": {}}
        sent["metadata"] = {**obj["metadata"], "labels": {"a": "b"}}
        answer = (await api.put(f"{path}/{obj['metadata']['name']}/status", sent)).body
        assert (answer["status"], answer["spec"]) == ({"observedGeneration": 1}, obj["spec"])
        assert "labels" not in answer["metadata"]

    @pytest.mark.parametrize(
        ("plural", "spec"),
        [
            ("flowschemas", {"priorityLevelConfiguration": {"name": "low"}}),
            ("prioritylevelconfigurations", {"type": "Limited", "limited": {"limitResponse": {"type": "Reject"}}}),
        ],
    )
    async def test_of_flow_control(self, api, plural, spec):
        obj = await made(api, f"{FLOW}/{plural}", fresh(spec=spec))
        path = f"{FLOW}/{plural}/{obj['metadata']['name']}"
        conditions = [{"type": "Dangling", "status": "True"}]
        assert (await api.patch(f"{path}/status", {"status": {"conditions": conditions}})).code == 200
        found = (await api.get(path)).body
        assert [condition["type"] for condition in found["status"]["conditions"]] == ["Dangling"]
        assert found["metadata"]["generation"] == 1
        refused = await api.patch(f"{path}/status", {"status": {"conditions": [{}]}})
        assert refused.code == 422


class TestAPIServices:
    """Which server answers for a version of a group."""

    SPEC = {"group": "example.com", "version": "v1", "groupPriorityMinimum": 100, "versionPriority": 10}

    async def test_what_this_server_answers_for_is_available(self, api):
        body = {"metadata": {"name": "v1.example.com"}, "spec": self.SPEC}
        obj = await made(api, SERVICES, body)
        [condition] = obj["status"]["conditions"]
        assert condition.pop("lastTransitionTime")
        assert condition == {
            "type": "Available",
            "status": "True",
            "reason": "Local",
            "message": "Local APIServices are always available",
        }
        columns, cells = await shown(api, SERVICES, "v1.example.com")
        assert columns == ["Name", "Service", "Available", "Age"]
        assert cells[:3] == ["v1.example.com", "Local", "True"]
        refused = await api.put(f"{SERVICES}/v1.example.com", {**obj, "spec": {**self.SPEC, "versionPriority": 0}})
        assert refused.body["message"] == (
            'APIService.apiregistration.k8s.io "v1.example.com" is invalid: spec.versionPriority: Invalid value: 0: '
            "must be positive and less than 1000"
        )

    async def test_each_group_of_the_server_has_one(self, api):
        groups = {group["name"]: group for group in (await api.get("/apis")).body["groups"]}
        versions = {f"{version['version']}.{name}" for name, group in groups.items() for version in group["versions"]}
        wanted = versions - {"v1.apiregistration.k8s.io"} | {"v1."}
        async with asyncio.timeout(START_S):
            while True:
                found = (await api.get(SERVICES)).body["items"]
                if wanted <= {service["metadata"]["name"] for service in found}:
                    break
                await asyncio.sleep(0.02)
        [apps] = [service for service in found if service["metadata"]["name"] == "v1.apps"]
        assert apps["metadata"]["labels"] == {"kube-aggregator.kubernetes.io/automanaged": "onstart"}
        assert apps["spec"] == {
            "group": "apps",
            "version": "v1",
            "groupPriorityMinimum": 17800,
            "versionPriority": 15,
        }
        assert apps["status"]["conditions"][0]["reason"] == "Local"

    async def test_another_server_has_to_be_asked_first(self, api):
        spec = {**self.SPEC, "version": "v2", "service": {"namespace": "a", "name": "b"}}
        obj = await made(api, SERVICES, {"metadata": {"name": "v2.example.com"}, "spec": spec})
        assert obj["spec"]["service"]["port"] == 443
        assert (await shown(api, SERVICES, "v2.example.com"))[1][1:3] == ["a/b", "Unknown"]
        failed = [{"type": "Available", "status": "False", "reason": "FailedDiscoveryCheck"}]
        path = f"{SERVICES}/v2.example.com"
        assert (await api.patch(f"{path}/status", {"status": {"conditions": failed}})).code == 200
        assert (await shown(api, SERVICES, "v2.example.com"))[1][2] == "False (FailedDiscoveryCheck)"


class TestDefinitions:
    """A kind that a user adds is kept, and remembers what it was stored as."""

    PATH = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"

    def definition(self, group: str, *versions: dict[str, Any]) -> dict[str, Any]:
        names = {"plural": "crontabs", "kind": "CronTab"}
        spec = {"group": group, "scope": "Namespaced", "names": names, "versions": list(versions)}
        return {"metadata": {"name": f"crontabs.{group}"}, "spec": spec}

    def version(self, name: str, **more: Any) -> dict[str, Any]:
        schema = {"openAPIV3Schema": {"type": "object", "properties": {"spec": {"type": "object"}}}}
        return {"name": name, "served": True, "storage": True, "schema": schema, **more}

    async def test_it_lives(self, api):
        group = f"{uuid4().hex[:8]}.example.com"
        obj = await made(api, self.PATH, self.definition(group, self.version("v1")))
        path = f"{self.PATH}/crontabs.{group}"
        assert obj["spec"]["names"] == {
            "plural": "crontabs",
            "singular": "crontab",
            "kind": "CronTab",
            "listKind": "CronTabList",
        }
        assert (obj["metadata"]["generation"], obj["status"]["storedVersions"]) == (1, ["v1"])
        assert (await shown(api, self.PATH, f"crontabs.{group}"))[0] == ["Name", "Created At"]
        versions = [self.version("v1", storage=False), self.version("v2")]
        new = await changed(api, self.PATH, obj, spec={**obj["spec"], "versions": versions})
        assert (new["metadata"]["generation"], new["status"]["storedVersions"]) == (2, ["v1", "v2"])
        refused = await api.put(path, {**new, "spec": {**new["spec"], "versions": [self.version("v2")]}})
        assert refused.body["details"]["causes"][0]["field"] == "status.storedVersions[0]"
        conditions = [{"type": "Established", "status": "True"}]
        assert (await api.patch(f"{path}/status", {"status": {"conditions": conditions}})).code == 200
        refused = await api.patch(path, {"spec": {"scope": "Cluster"}})
        assert refused.body["message"] == (
            f'CustomResourceDefinition.apiextensions.k8s.io "crontabs.{group}" is invalid: spec.scope: Invalid value: '
            '"Cluster": field is immutable'
        )
        assert (await api.delete(path)).code == 200
