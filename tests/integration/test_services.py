"""Services over HTTP: what they are given, what they may not have, and what is left of them when they go."""

import asyncio
from collections import Counter
from typing import Any

import pytest

from .conftest import connected, running_apiserver, running_etcd

SLICES = "apis/discovery.k8s.io/v1"
NETWORKING = "/apis/networking.k8s.io/v1"
ADDRESSES = f"{NETWORKING}/ipaddresses"
START_S = 20.0


def service(name: str, *ports: dict[str, Any], **spec: Any) -> dict[str, Any]:
    listed = list(ports) if ports or "ports" in spec else [{"port": 80}]
    return {"metadata": {"name": name}, "spec": {"ports": listed, "selector": {"app": name}, **spec}}


def port(number: int, node_port: int, name: str = "", protocol: str = "TCP") -> dict[str, Any]:
    return {"port": number, "nodePort": node_port, "name": name, "protocol": protocol}


async def eventually(client: Any, path: str) -> Any:
    """Wait for an object that the server makes by itself."""
    async with asyncio.timeout(START_S):
        while (answer := await client.get(path)).code == 404:  # noqa: ASYNC110 - it is another process that acts
            await asyncio.sleep(0.02)
    assert answer.code == 200
    return answer.body


async def made(api: Any, body: dict[str, Any], **params: str) -> Any:
    answer = await api.post(api.path("services"), body, **params)
    assert answer.code == 201, answer.body
    return answer.body


class TestAddresses:
    async def test_a_service_gets_an_address_of_the_upper_band(self, api):
        spec = (await made(api, service("web")))["spec"]
        assert spec["clusterIPs"] == [spec["clusterIP"]]
        assert (spec["ipFamilies"], spec["ipFamilyPolicy"]) == (["IPv4"], "SingleStack")
        first, second, third, fourth = map(int, spec["clusterIP"].split("."))
        assert (first, second) == (10, 96)
        assert third * 256 + fourth > 256

    async def test_the_address_is_an_object_of_its_own_as_long_as_the_service_is_there(self, api):
        address = (await made(api, service("web")))["spec"]["clusterIP"]
        found = (await api.get(f"{ADDRESSES}/{address}")).body
        assert found["spec"] == {"parentRef": {"resource": "services", "namespace": api.namespace, "name": "web"}}
        assert found["metadata"]["labels"] == {
            "ipaddress.kubernetes.io/ip-family": "IPv4",
            "ipaddress.kubernetes.io/managed-by": "ipallocator.k8s.io",
        }
        assert (await api.delete(api.path("services", "web"))).code == 200
        assert (await api.get(f"{ADDRESSES}/{address}")).code == 404

    async def test_an_address_may_be_asked_for_and_belongs_to_one(self, api):
        assert (await made(api, service("a", clusterIP="10.96.0.77")))["spec"]["clusterIPs"] == ["10.96.0.77"]
        refused = await api.post(api.path("services"), service("b", clusterIP="10.96.0.77"))
        assert refused.code == 422
        assert refused.body["message"] == (
            'Service "b" is invalid: spec.clusterIPs: Invalid value: ["10.96.0.77"]: failed to allocate IP 10.96.0.77: '
            "provided IP is already allocated"
        )
        assert (await api.delete(api.path("services", "a"))).code == 200
        assert (await made(api, service("b", clusterIP="10.96.0.77")))["spec"]["clusterIP"] == "10.96.0.77"

    @pytest.mark.parametrize("address", ["10.97.0.1", "10.96.0.0", "10.96.255.255"])
    async def test_an_address_outside_of_the_range_is_refused(self, api, address):
        refused = await api.post(api.path("services"), service("web", clusterIP=address))
        assert refused.body["details"]["causes"] == [
            {
                "reason": "FieldValueInvalid",
                "message": f'Invalid value: ["{address}"]: failed to allocate IP {address}: '
                "the provided network does not match the current range",
                "field": "spec.clusterIPs",
            }
        ]

    async def test_a_headless_service_has_none(self, api):
        spec = (await made(api, service("web", clusterIP="None")))["spec"]
        assert (spec["clusterIP"], spec["clusterIPs"], spec["ipFamilies"]) == ("None", ["None"], ["IPv4"])
        spec = (await made(api, service("other", clusterIP="None", selector={})))["spec"]
        assert (spec["ipFamilies"], spec["ipFamilyPolicy"]) == (["IPv4", "IPv6"], "RequireDualStack")

    async def test_the_cluster_has_one_family(self, api):
        answer = await api.post(api.path("services"), service("web", ipFamilyPolicy="RequireDualStack"))
        assert answer.body["message"] == (
            'Service "web" is invalid: spec.ipFamilyPolicy: Invalid value: "RequireDualStack": '
            "this cluster is not configured for dual-stack services"
        )
        answer = await api.post(api.path("services"), service("web", ipFamilies=["IPv6"]))
        assert answer.body["message"].endswith(
            'spec.ipFamilies[0]: Invalid value: "IPv6": not configured on this cluster'
        )
        spec = (await made(api, service("web", ipFamilyPolicy="PreferDualStack")))["spec"]
        assert (spec["ipFamilies"], len(spec["clusterIPs"])) == (["IPv4"], 1)

    async def test_an_address_stays(self, api):
        before = await made(api, service("web"))
        path = api.path("services", "web")
        changed = await api.patch(path, {"spec": {"clusterIP": "10.96.9.9"}})
        assert changed.code == 422
        assert changed.body["message"] == (
            'Service "web" is invalid: spec.clusterIPs[0]: Invalid value: ["10.96.9.9"]: may not change once set'
        )
        again = await api.put(path, service("web"))
        assert again.code == 200
        assert again.body["spec"] == before["spec"]

    async def test_a_service_that_becomes_a_name_gives_its_address_back(self, api):
        address = (await made(api, service("web")))["spec"]["clusterIP"]
        path = api.path("services", "web")
        named = await api.patch(path, {"spec": {"type": "ExternalName", "externalName": "a.example.com"}})
        assert named.code == 200
        assert not {"clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"} & named.body["spec"].keys()
        assert (await api.get(f"{ADDRESSES}/{address}")).code == 404
        back = await api.patch(path, {"spec": {"type": "ClusterIP", "externalName": None}})
        assert (await api.get(f"{ADDRESSES}/{back.body['spec']['clusterIP']}")).code == 200

    async def test_a_dry_run_takes_nothing(self, api):
        before = await api.get(ADDRESSES)
        spec = (await made(api, service("web", type="NodePort"), dryRun="All"))["spec"]
        assert (spec["clusterIP"], spec["ports"][0]["nodePort"]) == ("10.96.0.0", 32769)
        assert [item["metadata"]["name"] for item in (await api.get(ADDRESSES)).body["items"]] == [
            item["metadata"]["name"] for item in before.body["items"]
        ]

    async def test_a_refused_service_leaves_nothing(self, api):
        before = await api.get(ADDRESSES)
        refused = await api.post(
            api.path("services"), service("web", port(80, 30009), type="NodePort", sessionAffinity="x")
        )
        assert refused.code == 422
        await made(api, service("other", port(80, 30009), type="NodePort"))
        await api.delete(api.path("services", "other"))
        after = await api.get(ADDRESSES)
        assert len(after.body["items"]) == len(before.body["items"])


class TestNodePorts:
    async def test_a_service_gets_ports_of_the_upper_band_and_those_of_one_number_share_them(self, api):
        ports = [{"port": 53, "name": "a"}, {"port": 53, "name": "b", "protocol": "UDP"}, {"port": 80, "name": "c"}]
        found = [p["nodePort"] for p in (await made(api, service("dns", *ports, type="NodePort")))["spec"]["ports"]]
        assert found[0] == found[1] != found[2]
        assert all(30086 <= number <= 32767 for number in found)

    async def test_a_port_may_be_asked_for_and_belongs_to_one(self, api):
        await made(api, service("a", port(80, 30007), type="NodePort"))
        refused = await api.post(api.path("services"), service("b", port(80, 30007), type="NodePort"))
        assert (refused.code, refused.body["message"]) == (
            422,
            'Service "b" is invalid: spec.ports[0].nodePort: Invalid value: 30007: provided port is already allocated',
        )
        await api.delete(api.path("services", "a"))
        await made(api, service("b", port(80, 30007), type="NodePort"))

    async def test_a_port_outside_of_the_range_is_refused(self, api):
        refused = await api.post(api.path("services"), service("web", port(80, 8080), type="NodePort"))
        assert refused.body["message"] == (
            'Service "web" is invalid: spec.ports[0].nodePort: Invalid value: 8080: provided port is not in the valid '
            "range. The range of valid ports is 30000-32767"
        )

    async def test_types_come_and_go_with_their_ports(self, api):
        path = api.path("services", "web")
        await made(api, service("web"))
        exposed = await api.patch(path, {"spec": {"type": "NodePort"}})
        number = exposed.body["spec"]["ports"][0]["nodePort"]
        assert exposed.body["spec"]["externalTrafficPolicy"] == "Cluster"
        hidden = await api.patch(path, {"spec": {"type": "ClusterIP"}})
        assert hidden.code == 200
        assert "nodePort" not in hidden.body["spec"]["ports"][0]
        assert "externalTrafficPolicy" not in hidden.body["spec"]
        await made(api, service("other", port(80, number), type="NodePort"))

    async def test_a_service_keeps_its_ports_although_a_manifest_names_none(self, api):
        body = service("web", {"port": 80, "name": "a"}, type="NodePort")
        before = (await made(api, body))["spec"]["ports"]
        more = service("web", {"port": 80, "name": "a"}, {"port": 81, "name": "b"}, type="NodePort")
        after = (await api.put(api.path("services", "web"), more)).body["spec"]["ports"]
        assert after[0] == before[0]
        assert after[1]["nodePort"] not in (0, before[0]["nodePort"])

    async def test_a_load_balancer_has_a_port_for_its_health_check(self, api):
        spec = (await made(api, service("web", type="LoadBalancer", externalTrafficPolicy="Local")))["spec"]
        assert spec["allocateLoadBalancerNodePorts"] is True
        assert spec["healthCheckNodePort"] not in (0, spec["ports"][0]["nodePort"])
        bare = service("bare", type="LoadBalancer", allocateLoadBalancerNodePorts=False)
        assert "nodePort" not in (await made(api, bare))["spec"]["ports"][0]
        asked = service("asked", type="LoadBalancer", externalTrafficPolicy="Local", healthCheckNodePort=80)
        refused = await api.post(api.path("services"), asked)
        assert (refused.code, refused.body["message"]) == (
            500,
            "Internal error occurred: failed to allocate requested HealthCheck NodePort 80: provided port is not in "
            "the valid range. The range of valid ports is 30000-32767",
        )


class TestServicesOverHttp:
    async def test_status_is_written_apart(self, api):
        await made(api, service("web", type="LoadBalancer"))
        ways = {"status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}}}
        answer = await api.patch(api.path("services", "web", "status"), ways)
        assert answer.body["status"]["loadBalancer"]["ingress"] == [{"ip": "192.0.2.1", "ipMode": "VIP"}]
        assert (await api.patch(api.path("services", "web"), {"spec": {"type": "ClusterIP"}})).body["status"] == {
            "loadBalancer": {}
        }

    async def test_columns(self, api):
        await made(api, service("web", port(80, 30010, "a"), port(81, 30011, "b"), type="NodePort"))
        table = await api.send(
            "GET", api.path("services"), headers={"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}
        )
        assert [column["name"] for column in table.body["columnDefinitions"]] == [
            "Name",
            "Type",
            "Cluster-IP",
            "External-IP",
            "Port(s)",
            "Age",
            "Selector",
        ]
        cells = table.body["rows"][0]["cells"]
        assert [*cells[:2], *cells[3:5], cells[6]] == [
            "web",
            "NodePort",
            "<none>",
            "80:30010/TCP,81:30011/TCP",
            "app=web",
        ]

    async def test_a_put_creates(self, api):
        answer = await api.put(api.path("services", "web"), service("web"))
        assert answer.code == 201
        assert answer.body["spec"]["clusterIP"]

    async def test_fields_that_can_be_selected(self, api):
        await made(api, service("a"))
        await made(api, service("b", clusterIP="None"))
        found = await api.get(api.path("services"), fieldSelector="spec.clusterIP=None,spec.type=ClusterIP")
        assert [item["metadata"]["name"] for item in found.body["items"]] == ["b"]

    async def test_its_endpoints_go_with_it(self, api):
        await made(api, service("web"))
        assert (await api.post(api.path("endpoints"), {"metadata": {"name": "web"}})).code == 201
        await api.delete(api.path("services", "web"))
        assert (await api.get(api.path("endpoints", "web"))).code == 404

    async def test_a_finalizer_holds_the_address(self, api):
        body = service("web")
        body["metadata"]["finalizers"] = ["example.com/wait"]
        address = (await made(api, body))["spec"]["clusterIP"]
        await api.delete(api.path("services", "web"))
        assert (await api.get(f"{ADDRESSES}/{address}")).code == 200
        await api.patch(api.path("services", "web"), {"metadata": {"finalizers": None}})
        assert (await api.get(f"{ADDRESSES}/{address}")).code == 404


class TestRaces:
    async def test_many_at_once_get_different_addresses_and_ports(self, api):
        bodies = [service(f"web-{number}", type="NodePort") for number in range(40)]
        specs = [body["spec"] for body in await asyncio.gather(*(made(api, body) for body in bodies))]
        assert len({spec["clusterIP"] for spec in specs}) == len(specs)
        assert len({spec["ports"][0]["nodePort"] for spec in specs}) == len(specs)

    async def test_one_of_many_gets_what_all_of_them_want(self, api):
        wanted = {"clusterIP": "10.96.0.111", "type": "NodePort"}
        bodies = [service(f"web-{number}", port(80, 30020), **wanted) for number in range(10)]
        answers = await asyncio.gather(*(api.post(api.path("services"), body) for body in bodies))
        assert Counter(answer.code for answer in answers) == {201: 1, 422: 9}


class TestTheServersOwnService:
    async def test_it_has_the_first_address(self, api):
        found = await eventually(api, "/api/v1/namespaces/default/services/kubernetes")
        assert found["metadata"]["labels"] == {"component": "apiserver", "provider": "kubernetes"}
        listens = int(api.url.rpartition(":")[2])
        assert found["spec"] == {
            "ports": [{"name": "https", "protocol": "TCP", "port": 443, "targetPort": listens}],
            "clusterIP": "10.96.0.1",
            "clusterIPs": ["10.96.0.1"],
            "type": "ClusterIP",
            "sessionAffinity": "None",
            "ipFamilies": ["IPv4"],
            "ipFamilyPolicy": "SingleStack",
            "internalTrafficPolicy": "Cluster",
        }

    async def test_its_endpoints_are_the_servers(self, api):
        listens = int(api.url.rpartition(":")[2])
        endpoints = await eventually(api, "/api/v1/namespaces/default/endpoints/kubernetes")
        assert endpoints["subsets"] == [
            {"addresses": [{"ip": "127.0.0.1"}], "ports": [{"name": "https", "port": listens, "protocol": "TCP"}]}
        ]
        endpoint_slice = await eventually(api, f"/{SLICES}/namespaces/default/endpointslices/kubernetes")
        assert endpoint_slice["endpoints"] == [{"addresses": ["127.0.0.1"], "conditions": {"ready": True}}]
        assert endpoint_slice["ports"] == [{"name": "https", "protocol": "TCP", "port": listens}]
        assert endpoint_slice["metadata"]["labels"] == {"kubernetes.io/service-name": "kubernetes"}

    async def test_the_range_is_published(self, api):
        found = await eventually(api, f"{NETWORKING}/servicecidrs/kubernetes")
        assert found["spec"] == {"cidrs": ["10.96.0.0/16"]}
        (ready,) = found["status"]["conditions"]
        assert (ready["type"], ready["status"]) == ("Ready", "True")

    async def test_another_range_can_be_added(self, api):
        await eventually(api, f"{NETWORKING}/servicecidrs/kubernetes")
        more = {"metadata": {"name": "more"}, "spec": {"cidrs": ["10.97.0.0/24"]}}
        assert (await api.post(f"{NETWORKING}/servicecidrs", more)).code == 201
        assert (await made(api, service("web", clusterIP="10.97.0.9")))["spec"]["clusterIP"] == "10.97.0.9"
        await api.delete(f"{NETWORKING}/servicecidrs/more")


class TestSeveralServers:
    async def test_two_servers_need_not_know_of_each_other(self, api, etcd, pki):
        with running_apiserver(etcd, pki) as second:
            async with connected(second) as other:
                other.namespace = api.namespace
                bodies = [service(f"web-{number}", type="NodePort") for number in range(20)]
                made_here = asyncio.gather(*(made(api, body) for body in bodies[::2]))
                made_there = asyncio.gather(*(made(other, body) for body in bodies[1::2]))
                specs = [body["spec"] for body in (*await made_here, *await made_there)]
                assert len({spec["clusterIP"] for spec in specs}) == len(specs)
                assert len({spec["ports"][0]["nodePort"] for spec in specs}) == len(specs)
                wanted = [service(f"one-{number}", port(80, 30022), type="NodePort") for number in range(10)]
                answers = await asyncio.gather(
                    *((api, other)[number % 2].post(api.path("services"), body) for number, body in enumerate(wanted))
                )
                assert Counter(answer.code for answer in answers) == {201: 1, 422: 9}
                await self._both_are_listed(other, {int(server.url.rpartition(":")[2]) for server in (api, other)})

    async def _both_are_listed(self, client: Any, expected: set[int]) -> None:
        async with client.watch("/api/v1/namespaces/default/endpoints", resourceVersion="0") as watching:
            async with asyncio.timeout(START_S):
                listed: set[int] = set()
                while not expected <= listed:
                    found = (await watching.next(START_S))["object"]
                    listed = {p["port"] for subset in found["subsets"] for p in subset["ports"]}


class TestSmallRanges:
    async def test_what_is_given_back_is_given_again(self, pki):
        flags = ["--service-cidr", "10.200.0.0/29", "--service-node-port-range", "30000-30002"]
        with running_etcd() as etcd, running_apiserver(etcd, pki, *flags) as server:
            async with connected(server) as client:
                await eventually(client, "/api/v1/namespaces/default/services/kubernetes")
                for number in range(3):
                    await made(client, service(f"open-{number}", type="NodePort"))
                refused = await client.post(client.path("services"), service("more", type="NodePort"))
                assert (refused.code, refused.body["message"]) == (
                    500,
                    "Internal error occurred: failed to allocate a nodePort: range is full",
                )
                for number in range(2):
                    await made(client, service(f"inner-{number}"))
                refused = await client.post(client.path("services"), service("more"))
                assert (refused.code, refused.body["message"]) == (
                    500,
                    "Internal error occurred: failed to allocate a serviceIP: range is full",
                )
                await client.delete(client.path("services", "open-1"))
                await made(client, service("more", type="NodePort"))
