"""Networking, quotas and disruption budgets: defaults, and each fault with its field and upstream's text."""

from typing import Any

import pytest

from naru.api.core_v1 import LimitRange, ResourceQuota
from naru.api.defaults import with_defaults
from naru.api.errors import FieldError
from naru.api.networking_v1 import Ingress, IngressClass, IPAddress, NetworkPolicy, ServiceCIDR
from naru.api.policy_v1 import PodDisruptionBudget
from naru.api.strict import decode
from naru.api.validation import validate, validate_status_update, validate_update

META = {"name": "web", "namespace": "default"}
BACKEND = {"service": {"name": "web", "port": {"number": 80}}}


def texts(errors: list[FieldError]) -> list[str]:
    return [str(error) for error in errors]


def policy(**spec: Any) -> NetworkPolicy:
    return with_defaults(decode(NetworkPolicy, {"metadata": META, "spec": {"podSelector": {}, **spec}}))


class TestNetworkPolicies:
    """Which pods may speak with which."""

    def test_directions_follow_from_the_rules(self) -> None:
        assert policy().spec.policy_types == ("Ingress",)
        assert policy(egress=[{}]).spec.policy_types == ("Ingress", "Egress")
        assert policy(policyTypes=["Egress"]).spec.policy_types == ("Egress",)

    def test_a_port_speaks_tcp(self) -> None:
        assert policy(ingress=[{"ports": [{"port": 80}]}]).spec.ingress[0].ports[0].protocol == "TCP"

    @pytest.mark.parametrize(
        ("spec", "expected"),
        [
            ({"ingress": [{}], "egress": [{"to": [{"podSelector": {}}]}]}, []),
            (
                {"ingress": [{"from": [{}]}]},
                ["spec.ingress[0].from[0]: Required value: must specify a peer"],
            ),
            (
                {"ingress": [{"from": [{"podSelector": {}, "ipBlock": {"cidr": "10.0.0.0/8"}}]}]},
                ["spec.ingress[0].from[0]: Forbidden: may not specify both ipBlock and another peer"],
            ),
            (
                {"egress": [{"to": [{"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.0.0.0/8", "11.0.0.0/9"]}}]}]},
                [
                    'spec.egress[0].to[0].ipBlock.except[0]: Invalid value: "10.0.0.0/8": '
                    "must be a strict subset of `cidr`",
                    'spec.egress[0].to[0].ipBlock.except[1]: Invalid value: "11.0.0.0/9": '
                    "must be a strict subset of `cidr`",
                ],
            ),
            (
                {"ingress": [{"ports": [{"port": 80, "endPort": 79}, {"endPort": 1}, {"port": "web", "endPort": 1}]}]},
                [
                    "spec.ingress[0].ports[0].endPort: Invalid value: 79: must be greater than or equal to `port`",
                    "spec.ingress[0].ports[1].endPort: Invalid value: 1: "
                    "may not be specified when `port` is not specified",
                    "spec.ingress[0].ports[2].endPort: Invalid value: 1: "
                    "may not be specified when `port` is non-numeric",
                ],
            ),
            (
                {"policyTypes": ["Sideways"]},
                ['spec.policyTypes[0]: Unsupported value: "Sideways": supported values: "Ingress", "Egress"'],
            ),
        ],
    )
    def test_faults(self, spec: dict[str, Any], expected: list[str]) -> None:
        assert texts(validate(policy(**spec))) == expected


def ingress(annotations: dict[str, str] | None = None, **spec: Any) -> Ingress:
    return decode(Ingress, {"metadata": {**META, "annotations": annotations or {}}, "spec": spec})


def ruled(path: dict[str, Any], host: str = "") -> Ingress:
    return ingress(rules=[{"host": host, "http": {"paths": [{"backend": BACKEND, **path}]}}])


class TestIngresses:
    """Requests from outside."""

    @pytest.mark.parametrize(
        ("obj", "expected"),
        [
            (ingress(defaultBackend=BACKEND), []),
            (ruled({"path": "/a", "pathType": "Prefix"}, "*.example.com"), []),
            (
                ingress(),
                ["spec: Invalid value: null: either `defaultBackend` or `rules` must be specified"],
            ),
            (
                ruled({"path": "a//b", "pathType": "Exact"}, "10.0.0.1"),
                [
                    'spec.rules[0].host: Invalid value: "10.0.0.1": must be a DNS name, not an IP address',
                    'spec.rules[0].http.paths[0].path: Invalid value: "a//b": must be an absolute path',
                    "spec.rules[0].http.paths[0].path: Invalid value: \"a//b\": must not contain '//'",
                ],
            ),
            (
                ruled({"path": "/"}),
                ["spec.rules[0].http.paths[0].pathType: Required value: pathType must be specified"],
            ),
            (
                ingress(defaultBackend={}),
                ['spec.defaultBackend: Invalid value: "": resource or service backend is required'],
            ),
            (
                ingress(defaultBackend={"service": {"name": "web"}}),
                ["spec.defaultBackend: Required value: port name or number is required"],
            ),
            (
                ingress({"kubernetes.io/ingress.class": "a"}, defaultBackend=BACKEND, ingressClassName="b"),
                [
                    'annotations.kubernetes.io/ingress.class: Invalid value: "a": '
                    "must match `ingressClassName` when both are specified"
                ],
            ),
        ],
    )
    def test_faults(self, obj: Ingress, expected: list[str]) -> None:
        assert texts(validate(obj)) == expected

    def test_status(self) -> None:
        new = ingress(defaultBackend=BACKEND)
        way = {"ip": "1.2.3.400"}
        new = decode(Ingress, {**new.wire(), "status": {"loadBalancer": {"ingress": [way]}}})
        assert texts(validate_status_update(new, ingress(defaultBackend=BACKEND))) == [
            'status.loadBalancer.ingress[0].ip: Invalid value: "1.2.3.400": must be a valid IP address, '
            "(e.g. 10.9.8.7 or 2001:db8::ffff)"
        ]


def ingress_class(**spec: Any) -> IngressClass:
    return with_defaults(decode(IngressClass, {"metadata": {"name": "web"}, "spec": spec}))


class TestIngressClasses:
    """Controllers of Ingresses."""

    def test_parameters_have_no_namespace_unless_said(self) -> None:
        parameters = ingress_class(controller="a.io/b", parameters={"kind": "K", "name": "n"}).spec.parameters
        assert parameters is not None
        assert parameters.scope == "Cluster"

    @pytest.mark.parametrize(
        ("spec", "expected"),
        [
            ({"controller": "example.com/a"}, []),
            ({}, ["spec.controller: Required value"]),
            (
                {"controller": "example.com"},
                [
                    'spec.controller: Invalid value: "example.com": '
                    'must be a domain-prefixed path (such as "acme.io/foo")'
                ],
            ),
            (
                {"controller": "a.io/b", "parameters": {"kind": "K", "name": "n", "scope": "Namespace"}},
                ["spec.parameters.namespace: Required value: `parameters.scope` is set to 'Namespace'"],
            ),
            (
                {"controller": "a.io/b", "parameters": {"kind": "a/b", "name": "", "namespace": "x"}},
                [
                    "spec.parameters.kind: Invalid value: \"a/b\": may not contain '/'",
                    "spec.parameters.name: Required value",
                    "spec.parameters.namespace: Forbidden: `parameters.scope` is set to 'Cluster'",
                ],
            ),
        ],
    )
    def test_faults(self, spec: dict[str, Any], expected: list[str]) -> None:
        assert texts(validate(ingress_class(**spec))) == expected

    def test_the_controller_stays(self) -> None:
        errors = validate_update(ingress_class(controller="a.io/c"), ingress_class(controller="a.io/b"))
        assert texts(errors) == ['spec.controller: Invalid value: "a.io/c": field is immutable']


def ip_address(name: str = "10.96.0.1", parent: dict[str, str] | None = None) -> IPAddress:
    spec = {"parentRef": {"resource": "services", "namespace": "default", "name": "web"} if parent is None else parent}
    return decode(IPAddress, {"metadata": {"name": name}, "spec": spec})


def service_cidr(*cidrs: str) -> ServiceCIDR:
    return decode(ServiceCIDR, {"metadata": {"name": "more"}, "spec": {"cidrs": list(cidrs)}})


class TestAddressesOfServices:
    """IPAddresses and the ranges that they come from."""

    def test_an_address(self) -> None:
        assert validate(ip_address()) == []

    def test_faults_of_an_address(self) -> None:
        assert texts(validate(ip_address("10.96.0.01", {"resource": "a/b"}))) == [
            'metadata.name: Invalid value: "10.96.0.01": must not have leading 0s',
            "spec.parentRef.resource: Invalid value: \"a/b\": may not contain '/'",
            "spec.parentRef.name: Required value",
        ]
        assert texts(validate(decode(IPAddress, {"metadata": {"name": "1.2.3.4"}}))) == [
            "spec.parentRef: Required value"
        ]

    def test_an_address_stays_with_its_owner(self) -> None:
        (error,) = validate_update(ip_address(parent={"resource": "services", "name": "b"}), ip_address())
        assert (error.field, error.message.rpartition(": ")[2]) == ("spec.parentRef", "field is immutable")

    @pytest.mark.parametrize(
        ("cidrs", "expected"),
        [
            (["10.0.0.0/16"], []),
            (["10.0.0.0/16", "2001:db8::/112"], []),
            ([], ["spec.cidrs: Required value: at least one CIDR required"]),
            (
                ["10.0.0.1/16"],
                ['spec.cidrs[0]: Invalid value: "10.0.0.1/16": must not have bits set beyond the prefix length'],
            ),
            (
                ["10.0.0.0/16", "10.1.0.0/16"],
                [
                    'spec.cidrs: Invalid value: ["10.0.0.0/16","10.1.0.0/16"]: may specify no more than one IP for '
                    "each IP family, i.e 192.168.0.0/24 and 2001:db8::/64"
                ],
            ),
        ],
    )
    def test_ranges(self, cidrs: list[str], expected: list[str]) -> None:
        assert texts(validate(service_cidr(*cidrs))) == expected

    def test_a_range_stays_and_may_get_one_of_the_other_family(self) -> None:
        assert validate_update(service_cidr("10.0.0.0/16", "2001:db8::/112"), service_cidr("10.0.0.0/16")) == []
        assert texts(validate_update(service_cidr("10.1.0.0/16"), service_cidr("10.0.0.0/16"))) == [
            'spec.cidrs[0]: Invalid value: "10.1.0.0/16": field is immutable'
        ]


def limit_range(*limits: dict[str, Any]) -> LimitRange:
    return with_defaults(decode(LimitRange, {"metadata": META, "spec": {"limits": limits}}))


class TestLimitRanges:
    """Bounds of single objects."""

    def test_what_containers_ask_for_follows_from_the_bounds(self) -> None:
        (item,) = limit_range({"type": "Container", "max": {"cpu": "2"}, "min": {"memory": "1Mi"}}).spec.limits
        assert item.default == {"cpu": "2"}
        assert item.default_request == {"cpu": "2", "memory": "1Mi"}

    @pytest.mark.parametrize(
        ("item", "expected"),
        [
            ({"type": "Container", "max": {"cpu": "2"}, "min": {"cpu": "1"}}, []),
            (
                {"type": "Pod", "max": {"cpu": "1"}, "min": {"cpu": "2"}, "default": {"cpu": "1"}},
                [
                    "spec.limits[0].default: Forbidden: may not be specified when `type` is 'Pod'",
                    'spec.limits[0].min[cpu]: Invalid value: "2": min value 2 is greater than max value 1',
                ],
            ),
            (
                {"type": "Table"},
                ['spec.limits[0].type: Invalid value: "Table": must be a standard limit type or fully qualified'],
            ),
            (
                {"type": "PersistentVolumeClaim"},
                [
                    "spec.limits[0].limits: Required value: either minimum or maximum storage value is required, "
                    "but neither was provided"
                ],
            ),
            (
                {"type": "Pod", "max": {"gold": "1"}},
                [
                    'spec.limits[0].max[gold]: Invalid value: "gold": must be a standard resource type or fully '
                    "qualified",
                    'spec.limits[0].max[gold]: Invalid value: "gold": must be a standard resource for containers',
                ],
            ),
            (
                {
                    "type": "Pod",
                    "max": {"cpu": "2"},
                    "min": {"cpu": "1"},
                    "maxLimitRequestRatio": {"cpu": "3", "memory": "500m"},
                },
                [
                    'spec.limits[0].maxLimitRequestRatio[cpu]: Invalid value: "3": ratio 3 is greater than max/min = '
                    "2.000000",
                    'spec.limits[0].maxLimitRequestRatio[memory]: Invalid value: "500m": ratio 500m is less than 1',
                ],
            ),
        ],
    )
    def test_faults(self, item: dict[str, Any], expected: list[str]) -> None:
        assert texts(validate(limit_range(item))) == expected


def quota(**spec: Any) -> ResourceQuota:
    return decode(ResourceQuota, {"metadata": META, "spec": spec})


class TestResourceQuotas:
    """Bounds of namespaces."""

    @pytest.mark.parametrize(
        ("spec", "expected"),
        [
            ({"hard": {"pods": "10", "requests.cpu": "1", "count/deployments.apps": "3"}}, []),
            (
                {"hard": {"storage": "1Gi", "pods": "1500m", "cpu": "-1"}},
                [
                    'spec.hard[storage]: Invalid value: "storage": must be a standard resource for quota',
                    'spec.hard[pods]: Invalid value: "1500m": must be an integer',
                    'spec.hard[cpu]: Invalid value: "-1": must be greater than or equal to 0',
                ],
            ),
            (
                {"hard": {"cpu": "1"}, "scopes": ["BestEffort", "NotBestEffort"]},
                [
                    'spec.scopes: Invalid value: ["BestEffort","NotBestEffort"]: unsupported scope applied to resource',
                    'spec.scopes: Invalid value: ["BestEffort","NotBestEffort"]: conflicting scopes',
                ],
            ),
            (
                {"scopeSelector": {"matchExpressions": [{"scopeName": "PriorityClass", "operator": "In"}]}},
                [
                    "spec.scopeSelector.matchExpressions.values: Required value: must be at least one value when "
                    "`operator` is 'In' or 'NotIn' for scope selector"
                ],
            ),
        ],
    )
    def test_faults(self, spec: dict[str, Any], expected: list[str]) -> None:
        assert texts(validate(quota(**spec))) == expected

    def test_it_goes_on_to_count_the_same_pods(self) -> None:
        errors = validate_update(quota(scopes=["BestEffort"]), quota())
        assert texts(errors) == ['spec.scopes: Invalid value: ["BestEffort"]: field is immutable']


def budget(status: dict[str, Any] | None = None, **spec: Any) -> PodDisruptionBudget:
    return decode(PodDisruptionBudget, {"metadata": META, "spec": spec, "status": status or {}})


class TestDisruptionBudgets:
    """How many pods may be missing."""

    @pytest.mark.parametrize(
        ("spec", "expected"),
        [
            ({"minAvailable": 1}, []),
            ({"maxUnavailable": "50%", "selector": {}}, []),
            ({"maxUnavailable": f"{'9' * 5000}%"}, []),
            (
                {"minAvailable": 1, "maxUnavailable": "101%"},
                [
                    'spec: Invalid value: {"MinAvailable":1,"Selector":null,"MaxUnavailable":"101%",'
                    '"UnhealthyPodEvictionPolicy":null}: minAvailable and maxUnavailable cannot be both set',
                    'spec.maxUnavailable: Invalid value: "101%": must not be greater than 100%',
                ],
            ),
            (
                {"unhealthyPodEvictionPolicy": "Never"},
                [
                    'spec.unhealthyPodEvictionPolicy: Unsupported value: "Never": supported values: "AlwaysAllow", '
                    '"IfHealthyBudget"'
                ],
            ),
        ],
    )
    def test_faults(self, spec: dict[str, Any], expected: list[str]) -> None:
        assert texts(validate(budget(**spec))) == expected

    def test_status(self) -> None:
        condition = {"type": "DisruptionAllowed", "status": "Maybe", "reason": "", "lastTransitionTime": None}
        new = budget({"disruptionsAllowed": -1, "conditions": [condition]})
        assert texts(validate_status_update(new, budget())) == [
            'status.conditions[0].status: Unsupported value: "Maybe": supported values: "False", "True", "Unknown"',
            "status.conditions[0].lastTransitionTime: Required value",
            "status.conditions[0].reason: Required value",
            "status.disruptionsAllowed: Invalid value: -1: must be greater than or equal to 0",
        ]
