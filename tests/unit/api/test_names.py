"""Names: what Kubernetes accepts, and the texts by which it refuses the rest."""

from collections.abc import Callable

import pytest

from naru.api import names

LABEL_TEXT = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with "
    "an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
)


@pytest.mark.parametrize(
    ("check", "value"),
    [
        (names.check_dns_label, "web-1"),
        (names.check_dns_label, "a" * 63),
        (names.check_dns_subdomain, "a.b-c.1"),
        (names.check_label_key, "app.kubernetes.io/name"),
        (names.check_label_key, "My_Label.x"),
        (names.check_label_value, ""),
        (names.check_label_value, "V_1.x"),
        (names.check_config_key, "...".replace("...", ".bashrc")),
        (names.check_sysctl_name, "net/ipv4/conf/eth0.1/arp_filter"),
        (names.check_env_name, "1-any thing"),
        (names.check_port_name, "http-alt"),
    ],
)
def test_accepted(check: Callable[[str], list[str]], value: str) -> None:
    assert check(value) == []


@pytest.mark.parametrize(
    ("check", "value", "complaint"),
    [
        (names.check_dns_label, "Web", LABEL_TEXT),
        (names.check_dns_label, "-a", LABEL_TEXT),
        (names.check_dns_label, "a.b", "must not contain dots"),
        (names.check_dns_label, "a" * 64, "must be no more than 63 characters"),
        (names.check_dns_subdomain, "a" * 254, "must be no more than 253 characters"),
        (names.check_label_key, "/a", "prefix part must be non-empty"),
        (names.check_label_key, "example.com/", "name part must be non-empty"),
        (names.check_label_value, "x" * 64, "must be no more than 63 characters"),
        (
            names.check_sysctl_name,
            "../../etc/passwd",
            r"must have at most 253 characters and match regex "
            r"^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$",
        ),
        (names.check_config_key, "..", "must not be '..'"),
        (names.check_config_key, "..data", "must not start with '..'"),
        (names.check_env_name, "", "environment variable name must be non-empty"),
        (
            names.check_env_name,
            "a=b",
            "a valid environment variable name must consist only of printable ASCII characters other than '='",
        ),
        (names.check_port_name, "a" * 16, "must be no more than 15 characters"),
        (names.check_port_name, "80", "must contain at least one letter (a-z)"),
        (names.check_port_name, "a--b", "must not contain consecutive hyphens"),
        (names.check_port_name, "-a", "must not begin or end with a hyphen"),
    ],
)
def test_refused(check: Callable[[str], list[str]], value: str, complaint: str) -> None:
    assert complaint in check(value)


@pytest.mark.parametrize("port", [0, -1, 65536])
def test_ports_have_a_range(port: int) -> None:
    assert names.check_port(port) == ["must be between 1 and 65535, inclusive"]
