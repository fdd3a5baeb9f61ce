"""What names, labels and keys may look like, with the texts by which Kubernetes refuses them.

Each function returns the complaints about one value; none means that the value is fine. The texts are part of the
API in practice: people search for them, and programs match them.

Source: Kubernetes, "Object Names and IDs" and "Labels and Selectors"; RFC 1123 and RFC 1035.
"""

import re
from typing import Final

LABEL_MAX: Final = 63  # RFC 1035, section 2.3.4
SUBDOMAIN_MAX: Final = 253  # a name of 255 octets on the wire, less its first length and its last, empty label
PORT_NAME_MAX: Final = 15  # RFC 6335, section 5.1
MAX_ID: Final = 2**31 - 1

_DNS_LABEL: Final = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN: Final = rf"{_DNS_LABEL}(\.{_DNS_LABEL})*"
_LABEL_NAME: Final = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_LABEL_VALUE: Final = f"({_LABEL_NAME})?"
_CONFIG_KEY: Final = "[-._a-zA-Z0-9]+"

_RFC_1035_LABEL: Final = "[a-z]([-a-z0-9]*[a-z0-9])?"
_WILDCARD: Final = rf"\*\.{_SUBDOMAIN}"
_HTTP_PATH: Final = r"[A-Za-z0-9/\-._~%!$&'()*+,;=:]+"

_DNS_LABEL_RE: Final = re.compile(_DNS_LABEL)
_SUBDOMAIN_RE: Final = re.compile(_SUBDOMAIN)
_LABEL_NAME_RE: Final = re.compile(_LABEL_NAME)
_LABEL_VALUE_RE: Final = re.compile(_LABEL_VALUE)
_CONFIG_KEY_RE: Final = re.compile(_CONFIG_KEY)
_SYSCTL_PART: Final = "[a-z0-9]([-_a-z0-9]*[a-z0-9])?"
_SYSCTL: Final = rf"({_SYSCTL_PART}[\./])*{_SYSCTL_PART}"
_SYSCTL_RE: Final = re.compile(_SYSCTL)

_ALPHANUMERIC_ENDS: Final = "must start and end with an alphanumeric character"
_LABEL_NAME_TEXT: Final = f"must consist of alphanumeric characters, '-', '_' or '.', and {_ALPHANUMERIC_ENDS}"


def too_long(length: int) -> str:
    """Say how long a value may be."""
    return f"must be no more than {length} characters"


def not_in_range(low: int, high: int) -> str:
    """Say between which numbers a value has to be."""
    return f"must be between {low} and {high}, inclusive"


def _no_match(text: str, pattern: str, *examples: str) -> str:
    quoted = " or ".join(f"'{example}', " for example in examples)
    return f"{text} (e.g. {quoted}regex used for validation is '{pattern}')"


def check_dns_label(value: str) -> list[str]:
    """Check a name that becomes one label of a host name: a namespace, a container, a volume."""
    complaints = [too_long(LABEL_MAX)] if len(value) > LABEL_MAX else []
    if not _DNS_LABEL_RE.fullmatch(value):
        if _SUBDOMAIN_RE.fullmatch(value):
            return [*complaints, "must not contain dots"]
        text = (
            "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', "
            f"and {_ALPHANUMERIC_ENDS}"
        )
        complaints.append(_no_match(text, _DNS_LABEL, "my-name", "123-abc"))
    return complaints


def check_dns_subdomain(value: str) -> list[str]:
    """Check a name made of labels with dots between them: the name of most objects."""
    complaints = [too_long(SUBDOMAIN_MAX)] if len(value) > SUBDOMAIN_MAX else []
    if not _SUBDOMAIN_RE.fullmatch(value):
        text = (
            "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', "
            f"and {_ALPHANUMERIC_ENDS}"
        )
        complaints.append(_no_match(text, _SUBDOMAIN, "example.com"))
    return complaints


def check_label_key(value: str) -> list[str]:
    """Check the key of a label or annotation, the name of a finalizer or resource: ``[PREFIX/]NAME``."""
    prefix, slash, name = value.rpartition("/")
    if "/" in prefix:
        text = _no_match(f"a valid label key {_LABEL_NAME_TEXT}", _LABEL_NAME, "MyName", "my.name", "123-abc")
        return [f"{text} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"]
    complaints = []
    if slash and not prefix:
        complaints.append("prefix part must be non-empty")
    elif slash:
        complaints += [f"prefix part {complaint}" for complaint in check_dns_subdomain(prefix)]
    if not name:
        complaints.append("name part must be non-empty")
    elif len(name) > LABEL_MAX:
        complaints.append(f"name part {too_long(LABEL_MAX)}")
    if not _LABEL_NAME_RE.fullmatch(name):
        complaints.append(f"name part {_no_match(_LABEL_NAME_TEXT, _LABEL_NAME, 'MyName', 'my.name', '123-abc')}")
    return complaints


def check_label_value(value: str) -> list[str]:
    """Check the value of a label."""
    complaints = [too_long(LABEL_MAX)] if len(value) > LABEL_MAX else []
    if not _LABEL_VALUE_RE.fullmatch(value):
        text = (
            "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', "
            f"and {_ALPHANUMERIC_ENDS}"
        )
        complaints.append(_no_match(text, _LABEL_VALUE, "MyValue", "my_value", "12345"))
    return complaints


def check_config_key(value: str) -> list[str]:
    """Check a key of a ConfigMap or Secret, which is to serve as a file name."""
    complaints = [too_long(SUBDOMAIN_MAX)] if len(value) > SUBDOMAIN_MAX else []
    if not _CONFIG_KEY_RE.fullmatch(value):
        text = "a valid config key must consist of alphanumeric characters, '-', '_' or '.'"
        complaints.append(_no_match(text, _CONFIG_KEY, "key.name", "KEY_NAME", "key-name"))
    if value in (".", ".."):
        complaints.append(f"must not be '{value}'")
    elif value.startswith(".."):
        complaints.append("must not start with '..'")
    return complaints


def check_env_name(value: str) -> list[str]:
    """Check the name of an environment variable."""
    if not value:
        return ["environment variable name must be non-empty"]
    if all(" " <= character <= "~" and character != "=" for character in value):
        return []
    return ["a valid environment variable name must consist only of printable ASCII characters other than '='"]


def check_port_name(value: str) -> list[str]:
    """Check the name of a port (a service name of RFC 6335)."""
    checks = (
        (len(value) <= PORT_NAME_MAX, too_long(PORT_NAME_MAX)),
        (
            re.fullmatch("[-a-z0-9]+", value),
            "must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)",
        ),
        (re.search("[a-z]", value), "must contain at least one letter (a-z)"),
        ("--" not in value, "must not contain consecutive hyphens"),
        (value.strip("-") == value, "must not begin or end with a hyphen"),
    )
    return [complaint for passed, complaint in checks if not passed]


def check_port(number: int) -> list[str]:
    """Check the number of a port."""
    return [] if 1 <= number <= 65535 else [not_in_range(1, 65535)]


def check_id(number: int) -> list[str]:
    """Check the number of a user or group."""
    return [] if 0 <= number <= MAX_ID else [not_in_range(0, MAX_ID)]


def check_sysctl_name(value: str) -> list[str]:
    """Check the name of a kernel parameter: no part of it may lead out of /proc/sys."""
    if len(value) <= SUBDOMAIN_MAX and _SYSCTL_RE.fullmatch(value):
        return []
    return [f"must have at most {SUBDOMAIN_MAX} characters and match regex ^{_SYSCTL}$"]


def check_rfc_1035_label(value: str) -> list[str]:
    """Check the name of a Service, which begins with a letter."""
    complaints = [too_long(LABEL_MAX)] if len(value) > LABEL_MAX else []
    if not re.fullmatch(_RFC_1035_LABEL, value):
        text = (
            "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic "
            "character, and end with an alphanumeric character"
        )
        complaints.append(_no_match(text, _RFC_1035_LABEL, "my-name", "abc-123"))
    return complaints


def check_wildcard_subdomain(value: str) -> list[str]:
    """Check a name whose first label is ``*``."""
    complaints = [too_long(SUBDOMAIN_MAX)] if len(value) > SUBDOMAIN_MAX else []
    if not re.fullmatch(_WILDCARD, value):
        text = (
            "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist "
            "of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character"
        )
        complaints.append(_no_match(text, _WILDCARD, "*.example.com"))
    return complaints


def check_http_path(value: str) -> list[str]:
    """Check what may follow the host in a URL."""
    if re.fullmatch(_HTTP_PATH, value):
        return []
    return [f"Invalid path (regex used for validation is '{_HTTP_PATH}')"]


def check_path_segment(value: str) -> list[str]:
    """Check a name that has to fit between two slashes of a URL, and no more than that."""
    if value in (".", ".."):
        return [f"may not be '{value}'"]
    return [f"may not contain '{sign}'" for sign in "/%" if sign in value]
