"""What Services are given, as far as it is decided without asking anybody."""

from ipaddress import IPv4Address, IPv4Network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apiserver.services.claims import claims_of, node_ports
from apiserver.services.families import with_families
from apiserver.services.previous import in_step, keep_given, without_stale
from apiserver.services.ranges import Band, address_bands, is_usable, port_bands
from naru.api.core_v1 import Service
from naru.api.errors import Invalid
from naru.api.networking_v1 import IPAddress
from naru.api.service_v1 import ServiceSpec
from naru.api.strict import decode

ADDRESS = {
    "clusterIP": "10.96.0.7",
    "clusterIPs": ["10.96.0.7"],
    "ipFamilies": ["IPv4"],
    "ipFamilyPolicy": "SingleStack",
}
DUAL = {
    "clusterIP": "10.96.0.7",
    "clusterIPs": ["10.96.0.7", "fd00::7"],
    "ipFamilies": ["IPv4", "IPv6"],
    "ipFamilyPolicy": "PreferDualStack",
}


def spec(**fields: Any) -> ServiceSpec:
    return decode(ServiceSpec, {"ports": [{"port": 80}], "selector": {"app": "web"}, **fields})


class TestRanges:
    """Those who choose for themselves find room in the lower band."""

    @pytest.mark.parametrize(
        ("network", "upper", "lower"),
        [
            ("10.96.0.0/16", ("10.96.1.1", "10.96.255.254"), ("10.96.0.1", "10.96.1.0")),
            ("10.0.0.0/24", ("10.0.0.17", "10.0.0.254"), ("10.0.0.1", "10.0.0.16")),
            ("10.0.0.0/28", ("10.0.0.1", "10.0.0.14"), ("10.0.0.1", "10.0.0.0")),
        ],
    )
    def test_addresses(self, network: str, upper: tuple[str, str], lower: tuple[str, str]) -> None:
        expected = tuple(Band(*(int(IPv4Address(text)) for text in band)) for band in (upper, lower))
        assert address_bands(IPv4Network(network)) == expected

    def test_ports(self) -> None:
        assert port_bands(30000, 32767) == (Band(30086, 32767), Band(30000, 30085))

    @given(st.integers(0, 1000), st.integers(-1, 50))
    def test_a_band_is_searched_once_from_anywhere(self, first: int, size: int) -> None:
        band = Band(first, first + size)
        assert sorted(band.from_anywhere()) == list(range(first, first + size + 1))

    def test_the_ends_of_a_range_are_nobodys(self) -> None:
        network = IPv4Network("10.0.0.0/24")
        usable = [is_usable(IPv4Address(text), network) for text in ("10.0.0.0", "10.0.0.1", "10.0.0.255", "10.0.1.1")]
        assert usable == [False, True, False, False]


class TestFamilies:
    """A cluster of one family."""

    @pytest.mark.parametrize(
        ("fields", "policy", "families"),
        [
            ({}, "SingleStack", ("IPv4",)),
            ({"ipFamilyPolicy": "PreferDualStack"}, "PreferDualStack", ("IPv4",)),
            ({"clusterIP": "None", "clusterIPs": ["None"]}, "SingleStack", ("IPv4",)),
            ({"clusterIP": "None", "clusterIPs": ["None"], "selector": {}}, "RequireDualStack", ("IPv4", "IPv6")),
            (
                {"clusterIP": "None", "clusterIPs": ["None"], "selector": {}, "ipFamilies": ["IPv6"]},
                "RequireDualStack",
                ("IPv6", "IPv4"),
            ),
            ({"type": "ExternalName"}, None, ()),
        ],
    )
    def test_new(self, fields: dict[str, Any], policy: str | None, families: tuple[str, ...]) -> None:
        found = with_families(spec(**fields), None, "web")
        assert (found.ip_family_policy, found.ip_families) == (policy, families)

    @pytest.mark.parametrize(
        ("fields", "complaint"),
        [
            ({"ipFamilyPolicy": "RequireDualStack"}, "this cluster is not configured for dual-stack services"),
            ({"ipFamilies": ["IPv4", "IPv6"]}, "when multiple IP families are specified"),
            ({"clusterIP": "fd00::1", "clusterIPs": ["fd00::1"]}, "IPv6 is not configured on this cluster"),
            ({"clusterIPs": ["10.96.0.7"]}, "must be empty when `clusterIP` is not specified"),
        ],
    )
    def test_refused(self, fields: dict[str, Any], complaint: str) -> None:
        with pytest.raises(Invalid, match=complaint):
            with_families(spec(**fields), None, "web")

    def test_the_second_one_is_given_up_by_policy_alone(self) -> None:
        single = with_families(spec(**{**DUAL, "ipFamilyPolicy": "SingleStack"}), spec(**DUAL), "web")
        assert (single.cluster_ips, single.ip_families) == (("10.96.0.7",), ("IPv4",))
        with pytest.raises(Invalid, match="must be 'SingleStack' to release the secondary cluster IP"):
            with_families(spec(**{**DUAL, "clusterIPs": ["10.96.0.7"]}), spec(**DUAL), "web")

    def test_who_prefers_two_keeps_what_there_was(self) -> None:
        assert with_families(spec(**DUAL), spec(**DUAL), "web") == spec(**DUAL)


class TestWhatIsKept:
    """The same manifest may be sent again."""

    def test_addresses_and_ports_are_kept(self) -> None:
        old = spec(**ADDRESS, type="NodePort", ports=[{"port": 80, "name": "a", "nodePort": 30001}])
        new = keep_given(spec(type="NodePort", ports=[{"port": 8080, "name": "a"}, {"port": 81, "name": "b"}]), old)
        assert (new.cluster_ip, new.cluster_ips) == (old.cluster_ip, old.cluster_ips)
        assert [port.node_port for port in new.ports] == [30001, 0]

    def test_a_port_that_another_one_took_is_not_given_back(self) -> None:
        old = spec(type="NodePort", ports=[{"port": 80, "name": "a", "nodePort": 30001}])
        ports = [{"port": 80, "name": "a"}, {"port": 81, "name": "b", "nodePort": 30001}]
        assert [port.node_port for port in keep_given(spec(type="NodePort", ports=ports), old).ports] == [0, 30001]

    @pytest.mark.parametrize(
        ("sent", "expected"),
        [
            ({"clusterIP": "10.96.0.8", "clusterIPs": ["10.96.0.7"]}, ("10.96.0.8",)),
            ({"clusterIP": "", "clusterIPs": ["10.96.0.7"]}, ()),
            ({"clusterIP": "10.96.0.7"}, ("10.96.0.7",)),
        ],
    )
    def test_old_clients_know_one_address(self, sent: dict[str, Any], expected: tuple[str, ...]) -> None:
        assert in_step(spec(**sent), spec(**ADDRESS)).cluster_ips == expected

    def test_a_new_service_with_one_address(self) -> None:
        assert in_step(spec(clusterIP="10.96.0.7"), None).cluster_ips == ("10.96.0.7",)


class TestWhatIsDropped:
    """A Service of another type has no use for what the old type gave it."""

    def test_a_name_has_no_address(self) -> None:
        new = without_stale(spec(**ADDRESS, type="ExternalName"), spec(**ADDRESS))
        assert (new.cluster_ip, new.cluster_ips, new.ip_families, new.ip_family_policy) == ("", (), (), None)

    def test_what_the_sender_changed_is_left_for_validation_to_refuse(self) -> None:
        changed = {**ADDRESS, "clusterIP": "10.96.0.8", "clusterIPs": ["10.96.0.8"], "type": "ExternalName"}
        assert without_stale(spec(**changed), spec(**ADDRESS)).cluster_ip == "10.96.0.8"

    def test_an_inner_service_has_no_node_ports(self) -> None:
        balancer = {
            "type": "LoadBalancer",
            "ports": [{"port": 80, "nodePort": 30001}],
            "externalTrafficPolicy": "Local",
            "healthCheckNodePort": 30002,
            "allocateLoadBalancerNodePorts": True,
            "loadBalancerClass": "example.com/a",
        }
        new = without_stale(spec(**{**balancer, "type": "ClusterIP"}), spec(**balancer))
        assert new == spec()


class TestClaims:
    """What a Service holds for itself."""

    def test_addresses_and_ports(self) -> None:
        fields = {"type": "LoadBalancer", "ports": [{"port": 80, "nodePort": 30001}], "healthCheckNodePort": 30002}
        service = decode(Service, {"metadata": {"name": "web", "namespace": "default"}, "spec": {**ADDRESS, **fields}})
        claims = claims_of(service)
        assert set(claims) == {
            b"/registry/networking.k8s.io/ipaddresses/10.96.0.7",
            b"/naru/nodeports/30001",
            b"/naru/nodeports/30002",
        }
        assert claims[b"/naru/nodeports/30001"] == b"default/web"
        address = IPAddress.model_validate_json(claims[b"/registry/networking.k8s.io/ipaddresses/10.96.0.7"])
        assert address.spec.parent_ref is not None
        assert address.spec.parent_ref.wire() == {"resource": "services", "namespace": "default", "name": "web"}
        assert address.metadata.managed_fields[0].manager == "kube-apiserver"

    def test_a_headless_service_holds_nothing(self) -> None:
        service = decode(Service, {"metadata": {"name": "web"}, "spec": {"clusterIP": "None", "clusterIPs": ["None"]}})
        assert (claims_of(service), node_ports(service)) == ({}, set())
