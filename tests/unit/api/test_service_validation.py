"""Services and their endpoints: defaults, and each fault with its field and upstream's text."""

from typing import Any

import pytest

from naru.api.core_v1 import Endpoints, Service
from naru.api.defaults import with_defaults
from naru.api.discovery_v1 import EndpointSlice
from naru.api.errors import FieldError
from naru.api.ip_addresses import check_cidr, check_ip, family_of, parse_ip
from naru.api.strict import decode
from naru.api.validation import validate, validate_status_update, validate_update

META = {"name": "web", "namespace": "default"}
ADDRESS = {
    "clusterIP": "10.96.0.7",
    "clusterIPs": ["10.96.0.7"],
    "ipFamilies": ["IPv4"],
    "ipFamilyPolicy": "SingleStack",
}
HEADLESS = {"clusterIP": "None", "clusterIPs": ["None"]}
PORT_RANGE = "must be between 1 and 65535, inclusive"


def service(meta: dict[str, Any] | None = None, status: dict[str, Any] | None = None, **spec: Any) -> Service:
    spec = {"ports": [{"port": 80}], **spec}
    document = {"metadata": {**META, **(meta or {})}, "spec": spec, "status": status or {}}
    return with_defaults(decode(Service, document))


def texts(errors: list[FieldError]) -> list[str]:
    return [str(error) for error in errors]


class TestAddresses:
    """Which spellings of addresses are taken."""

    @pytest.mark.parametrize(
        ("text", "complaints"),
        [
            ("10.0.0.1", []),
            ("2001:db8::1", []),
            ("2001:db8:0::1", ['must be in canonical form ("2001:db8::1")']),
            ("010.0.0.1", ["must not have leading 0s"]),
            ("::ffff:1.2.3.4", ["must not be an IPv4-mapped IPv6 address"]),
            ("1.2.3", ["must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"]),
            ("fe80::1%eth0", ["must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"]),
        ],
    )
    def test_canonical_addresses(self, text: str, complaints: list[str]) -> None:
        assert check_ip(text, canonical=True) == complaints

    @pytest.mark.parametrize(
        ("text", "complaints"),
        [
            ("10.0.0.0/8", []),
            ("10.0.0.1/8", ["must not have bits set beyond the prefix length"]),
            ("10.0.0.0/08", ["must not have leading 0s in IP or prefix length"]),
            ("10.0.0.0/255.0.0.0", ["must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"]),
            ("10.0.0.0", ["must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"]),
        ],
    )
    def test_ranges(self, text: str, complaints: list[str]) -> None:
        assert check_cidr(text) == complaints

    def test_what_the_object_had_before_is_kept(self) -> None:
        assert check_ip("010.0.0.1", kept=["010.0.0.1"]) == []

    def test_an_ipv4_address_stays_one_in_ipv6_clothes(self) -> None:
        assert [family_of(text) for text in ("1.2.3.4", "::ffff:1.2.3.4", "::1")] == ["IPv4", "IPv4", "IPv6"]
        assert str(parse_ip("010.001.0.1")) == "10.1.0.1"


class TestServiceDefaults:
    """What a Service has that nobody wrote."""

    def test_a_plain_service(self) -> None:
        spec = service().wire()["spec"]
        assert spec == {
            "ports": [{"protocol": "TCP", "port": 80, "targetPort": 80}],
            "type": "ClusterIP",
            "sessionAffinity": "None",
            "internalTrafficPolicy": "Cluster",
        }

    def test_a_load_balancer(self) -> None:
        spec = service(type="LoadBalancer").spec
        assert spec.external_traffic_policy == "Cluster"
        assert spec.allocate_load_balancer_node_ports is True

    def test_an_address_from_outside_brings_a_policy_for_packets_from_outside(self) -> None:
        assert service(externalIPs=["1.2.3.4"]).spec.external_traffic_policy == "Cluster"

    def test_an_external_name_has_no_policies(self) -> None:
        spec = service(type="ExternalName", externalName="example.com", ports=[]).spec
        assert (spec.internal_traffic_policy, spec.external_traffic_policy) == (None, "")

    def test_clients_are_remembered_for_three_hours(self) -> None:
        config = service(sessionAffinity="ClientIP").spec.session_affinity_config
        assert config is not None
        assert config.wire() == {"clientIP": {"timeoutSeconds": 10800}}

    def test_the_details_of_no_affinity_are_dropped(self) -> None:
        config = {"clientIP": {"timeoutSeconds": 5}}
        assert service(sessionAffinityConfig=config).spec.session_affinity_config is None

    def test_packets_come_with_the_address_of_the_load_balancer(self) -> None:
        status = {"loadBalancer": {"ingress": [{"ip": "1.2.3.4"}, {"hostname": "a.example.com"}]}}
        ways = service(status=status, type="LoadBalancer").status.load_balancer.ingress
        assert [way.ip_mode for way in ways] == ["VIP", None]


class TestServices:
    """The faults of Services."""

    @pytest.mark.parametrize(
        ("spec", "expected"),
        [
            pytest.param({}, [], id="a service without an address, which is given later"),
            pytest.param(ADDRESS, [], id="a service"),
            pytest.param({"ports": []}, ["spec.ports: Required value"], id="no ports"),
            pytest.param({**HEADLESS, "ports": []}, [], id="no ports, no address"),
            pytest.param(
                {**HEADLESS, "type": "NodePort"},
                ["spec.clusterIPs[0]: Invalid value: \"None\": may not be set to 'None' for NodePort services"],
                id="node ports without an address",
            ),
            pytest.param(
                {"ports": [{"port": 0, "targetPort": "Bad_Name"}]},
                [
                    f"spec.ports[0].port: Invalid value: 0: {PORT_RANGE}",
                    'spec.ports[0].targetPort: Invalid value: "Bad_Name": must contain only alpha-numeric characters '
                    "(a-z, 0-9), and hyphens (-)",
                ],
                id="a port that is none",
            ),
            pytest.param(
                {"ports": [{"port": 80, "name": "a"}, {"port": 80, "name": "a"}, {"port": 81, "protocol": "ICMP"}]},
                [
                    'spec.ports[1].name: Duplicate value: "a"',
                    "spec.ports[2].name: Required value",
                    'spec.ports[2].protocol: Unsupported value: "ICMP": supported values: "SCTP", "TCP", "UDP"',
                    'spec.ports[1]: Duplicate value: {"Name":"","Protocol":"TCP","AppProtocol":null,"Port":80,'
                    '"TargetPort":0,"NodePort":0}',
                ],
                id="ports that are taken",
            ),
            pytest.param(
                {"ports": [{"port": 80, "nodePort": 30080}]},
                ["spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'"],
                id="a node port without need",
            ),
            pytest.param(
                {
                    "type": "NodePort",
                    "ports": [
                        {"port": 80, "name": "a", "nodePort": 30080},
                        {"port": 81, "name": "b", "nodePort": 30080},
                    ],
                },
                ["spec.ports[1].nodePort: Duplicate value: 30080"],
                id="one node port twice",
            ),
            pytest.param(
                {"type": "Nothing", "internalTrafficPolicy": "Near"},
                [
                    'spec.type: Unsupported value: "Nothing": supported values: "ClusterIP", "ExternalName", '
                    '"LoadBalancer", "NodePort"',
                    'spec.internalTrafficPolicy: Unsupported value: "Near": supported values: "Cluster", "Local"',
                ],
                id="an unknown type",
            ),
            pytest.param(
                {"sessionAffinity": "ClientIP", "sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 0}}},
                [
                    "spec.sessionAffinityConfig.clientIP.timeoutSeconds: Invalid value: 0: "
                    "must be greater than 0 and less than 86400"
                ],
                id="no time to be remembered",
            ),
            pytest.param(
                {"clusterIP": "10.96.0.7"}, ["spec.clusterIPs: Required value"], id="an address in one place alone"
            ),
            pytest.param(
                {"clusterIP": "10.96.0.300", "clusterIPs": ["10.96.0.300"]},
                [
                    'spec.clusterIPs[0]: Invalid value: "10.96.0.300": must be a valid IP address, '
                    "(e.g. 10.9.8.7 or 2001:db8::ffff)"
                ],
                id="an address that is none",
            ),
            pytest.param(
                {**ADDRESS, "ipFamilies": ["IPv6"]},
                [
                    'spec.clusterIPs[0]: Invalid value: "10.96.0.7": expected an IPv6 value as indicated by '
                    "`ipFamilies[0]`"
                ],
                id="an address of the wrong family",
            ),
            pytest.param(
                {"ipFamilies": ["IPv4", "IPv4", "IPX"], "ipFamilyPolicy": "Any"},
                [
                    'spec.ipFamilies[1]: Duplicate value: "IPv4"',
                    'spec.ipFamilies[2]: Unsupported value: "IPX": supported values: "IPv4", "IPv6"',
                    'spec.ipFamilyPolicy: Unsupported value: "Any": supported values: "PreferDualStack", '
                    '"RequireDualStack", "SingleStack"',
                ],
                id="families that are none",
            ),
            pytest.param(
                {"externalIPs": ["127.0.0.1", "x"]},
                [
                    'spec.externalIPs[0]: Invalid value: "127.0.0.1": may not be in the loopback range '
                    "(127.0.0.0/8, ::1/128)",
                    'spec.externalIPs[1]: Invalid value: "x": must be a valid IP address, '
                    "(e.g. 10.9.8.7 or 2001:db8::ffff)",
                ],
                id="addresses from outside",
            ),
            pytest.param(
                {"type": "ExternalName", "ports": [], **ADDRESS},
                [
                    "spec.clusterIPs: Forbidden: may not be set for ExternalName services",
                    "spec.ipFamilies: Forbidden: may not be set for ExternalName services",
                    "spec.ipFamilyPolicy: Forbidden: may not be set for ExternalName services",
                    "spec.externalName: Required value",
                ],
                id="a name with an address",
            ),
            pytest.param(
                {"externalTrafficPolicy": "Local", "healthCheckNodePort": 30000, "allocateLoadBalancerNodePorts": True},
                [
                    "spec.allocateLoadBalancerNodePorts: Forbidden: may only be used when `type` is 'LoadBalancer'",
                    'spec.externalTrafficPolicy: Invalid value: "Local": may only be set for externally-accessible '
                    "services",
                    "spec.healthCheckNodePort: Invalid value: 30000: may only be set when `type` is 'LoadBalancer' and "
                    "`externalTrafficPolicy` is 'Local'",
                ],
                id="fields of a load balancer",
            ),
            pytest.param(
                {"loadBalancerSourceRanges": [" 10.0.0.0/8 ", "10.0.0.1/8"], "loadBalancerClass": "example.com/a"},
                [
                    "spec.LoadBalancerSourceRanges: Forbidden: may only be used when `type` is 'LoadBalancer'",
                    'spec.LoadBalancerSourceRanges[1]: Invalid value: "10.0.0.1/8": '
                    "must not have bits set beyond the prefix length",
                    "spec.loadBalancerClass: Forbidden: may only be used when `type` is 'LoadBalancer'",
                ],
                id="who may use a load balancer that is not asked for",
            ),
            pytest.param(
                {"trafficDistribution": "Far"},
                [
                    'spec.trafficDistribution: Unsupported value: "Far": supported values: "PreferClose", '
                    '"PreferSameZone", "PreferSameNode"'
                ],
                id="an unknown distribution",
            ),
        ],
    )
    def test_spec(self, spec: dict[str, Any], expected: list[str]) -> None:
        assert texts(validate(service(**spec))) == expected

    def test_a_name_begins_with_a_letter(self) -> None:
        (error,) = validate(service({"name": "1web"}))
        assert str(error) == (
            'metadata.name: Invalid value: "1web": a DNS-1035 label must consist of lower case alphanumeric characters '
            "or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or "
            "'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')"
        )

    @pytest.mark.parametrize(
        ("old", "new", "expected"),
        [
            pytest.param(ADDRESS, ADDRESS, [], id="nothing"),
            pytest.param(
                ADDRESS,
                {**ADDRESS, "clusterIP": "10.96.0.8", "clusterIPs": ["10.96.0.8"]},
                ['spec.clusterIPs[0]: Invalid value: ["10.96.0.8"]: may not change once set'],
                id="another address",
            ),
            pytest.param(
                ADDRESS,
                HEADLESS,
                ['spec.clusterIPs[0]: Invalid value: ["None"]: may not change once set'],
                id="no address any more",
            ),
            pytest.param(
                ADDRESS,
                {},
                [
                    "spec.clusterIPs[0]: Invalid value: null: primary clusterIP can not be unset",
                    "spec.ipFamilies[0]: Invalid value: null: primary ipFamily can not be unset",
                ],
                id="address left out",
            ),
            pytest.param(
                ADDRESS, {"type": "ExternalName", "externalName": "a.example.com", "ports": []}, [], id="a name instead"
            ),
            pytest.param(
                {"type": "LoadBalancer", "loadBalancerClass": "example.com/a"},
                {"type": "LoadBalancer", "loadBalancerClass": "example.com/b"},
                ['spec.loadBalancerClass: Invalid value: "example.com/b": may not change once set'],
                id="another class of load balancer",
            ),
        ],
    )
    def test_update(self, old: dict[str, Any], new: dict[str, Any], expected: list[str]) -> None:
        assert texts(validate_update(service(**new), service(**old))) == expected

    def test_status(self) -> None:
        ways = [{"ip": "x", "ipMode": "VIP"}, {"hostname": "10.0.0.1"}, {"ipMode": "Proxy"}]
        status = {"loadBalancer": {"ingress": ways}}
        new = service(status=status, type="LoadBalancer")
        assert texts(validate_status_update(new, service(type="LoadBalancer"))) == [
            'status.loadBalancer.ingress[0].ip: Invalid value: "x": must be a valid IP address, '
            "(e.g. 10.9.8.7 or 2001:db8::ffff)",
            'status.loadBalancer.ingress[1].hostname: Invalid value: "10.0.0.1": must be a DNS name, not an IP address',
            "status.loadBalancer.ingress[2].ipMode: Forbidden: may not be specified when `ip` is not set",
        ]
        new = service(status=status)
        assert texts(validate_status_update(new, service())) == [
            "status.loadBalancer.ingress: Forbidden: may only be used when `spec.type` is 'LoadBalancer'"
        ]


def endpoints(*subsets: dict[str, Any]) -> Endpoints:
    return with_defaults(decode(Endpoints, {"metadata": META, "subsets": subsets}))


class TestEndpoints:
    """The faults of Endpoints."""

    def test_a_port_speaks_tcp(self) -> None:
        subset = {"addresses": [{"ip": "10.0.0.1"}], "ports": [{"port": 80}]}
        assert endpoints(subset).subsets[0].ports[0].protocol == "TCP"
        assert validate(endpoints(subset)) == []

    def test_faults(self) -> None:
        subset = {"addresses": [{"ip": "127.0.0.1"}], "ports": [{"port": 0}, {"port": 1, "name": "A"}]}
        found = texts(validate(endpoints({}, subset)))
        assert found[:3] == [
            "subsets[0]: Required value: must specify `addresses` or `notReadyAddresses`",
            'subsets[1].addresses[0].ip: Invalid value: "127.0.0.1": may not be in the loopback range '
            "(127.0.0.0/8, ::1/128)",
            "subsets[1].ports[0].name: Required value",
        ]
        assert found[3] == f"subsets[1].ports[0].port: Invalid value: 0: {PORT_RANGE}"

    def test_old_faults_may_stay(self) -> None:
        assert validate_update(endpoints({}), endpoints({})) == []


def endpoint_slice(**fields: Any) -> EndpointSlice:
    document = {"metadata": META, "addressType": "IPv4", "endpoints": [], "ports": [], **fields}
    return with_defaults(decode(EndpointSlice, document))


class TestEndpointSlices:
    """Defaults and faults of EndpointSlices."""

    def test_defaults(self) -> None:
        assert endpoint_slice(ports=[{"port": 80}]).wire()["ports"] == [{"name": "", "protocol": "TCP", "port": 80}]

    @pytest.mark.parametrize(
        ("fields", "expected"),
        [
            ({"endpoints": [{"addresses": ["10.0.0.1"]}]}, []),
            ({"addressType": ""}, ["addressType: Required value"]),
            (
                {"addressType": "IP"},
                ['addressType: Unsupported value: "IP": supported values: "FQDN", "IPv4", "IPv6"'],
            ),
            (
                {"endpoints": [{"addresses": []}, {"addresses": ["::1"]}]},
                [
                    "endpoints[0].addresses: Required value: must contain at least 1 address",
                    'endpoints[1].addresses[0]: Invalid value: "::1": must be an IPv4 address',
                    'endpoints[1].addresses[0]: Invalid value: "::1": may not be in the loopback range '
                    "(127.0.0.0/8, ::1/128)",
                ],
            ),
            (
                {"addressType": "FQDN", "endpoints": [{"addresses": ["host"]}]},
                [
                    'endpoints[0].addresses[0]: Invalid value: "host": '
                    "should be a domain with at least two segments separated by dots"
                ],
            ),
            ({"ports": [{"port": 1}, {"port": 2}]}, ['ports[1].name: Duplicate value: ""']),
            (
                {"endpoints": [{"addresses": ["10.0.0.1"]}] * 1001},
                ["endpoints: Too many: 1001: must have at most 1000 items"],
            ),
            (
                {"endpoints": [{"addresses": ["10.0.0.1"], "hints": {"forZones": [{"name": "a"}, {"name": "a"}]}}]},
                ['endpoints[0].hints.forZones[1].name: Duplicate value: "a"'],
            ),
        ],
    )
    def test_faults(self, fields: dict[str, Any], expected: list[str]) -> None:
        assert texts(validate(endpoint_slice(**fields))) == expected

    def test_addresses_stay_of_one_type(self) -> None:
        errors = validate_update(endpoint_slice(addressType="IPv6"), endpoint_slice())
        assert texts(errors) == ['addressType: Invalid value: "IPv6": field is immutable']
