"""Validation of probes and lifecycle hooks, which ask and act in the same ways.

Source: Kubernetes API reference, core/v1 Probe and Lifecycle; the texts are those of upstream's validation.
"""

import re
import signal
from typing import Final

from naru.api.container_v1 import Container
from naru.api.errors import FieldError
from naru.api.field_errors import each_invalid, forbidden, invalid, not_supported, required
from naru.api.model import IntOrString
from naru.api.names import check_port, check_port_name
from naru.api.probes_v1 import HTTPGetAction, Lifecycle, LifecycleHandler, Probe, ProbeHandler
from naru.api.validation.meta import not_negative
from naru.api.validation.volumes import given_fields

SCHEMES: Final = ("HTTP", "HTTPS")
_HANDLERS: Final = ("exec", "httpGet", "tcpSocket", "grpc", "sleep")
_REAL_TIME: Final = tuple(f"SIGRTMIN+{n}" for n in range(1, 16)) + tuple(f"SIGRTMAX-{n}" for n in range(1, 15))
_OLD_NAMES: Final = ("SIGCLD", "SIGIOT", "SIGPOLL", "SIGSTKFLT")
SIGNALS: Final = {
    "linux": tuple(sorted({s.name for s in signal.Signals} | {*_REAL_TIME, *_OLD_NAMES})),
    "windows": ("SIGKILL", "SIGTERM"),
}
_HEADER: Final = (
    "a valid HTTP header must consist of alphanumeric characters or '-' "
    "(e.g. 'X-Header-Name', regex used for validation is '[-A-Za-z0-9]+')"
)


def validate_probes(container: Container, grace_s: int, path: str) -> list[FieldError]:
    """Return the faults of a container's probes."""
    probes = {
        "livenessProbe": container.liveness_probe,
        "readinessProbe": container.readiness_probe,
        "startupProbe": container.startup_probe,
    }
    errors = []
    for name, probe in probes.items():
        if probe is None:
            continue
        at = f"{path}.{name}"
        errors += _validate_probe(probe, grace_s, at)
        if name == "readinessProbe" and probe.termination_grace_period_seconds is not None:
            seconds = probe.termination_grace_period_seconds
            why = "must not be set for readinessProbes"
            errors.append(invalid(f"{at}.terminationGracePeriodSeconds", seconds, why))
        if name != "readinessProbe" and probe.success_threshold != 1:
            errors.append(invalid(f"{at}.successThreshold", probe.success_threshold, "must be 1"))
    return errors


def _validate_probe(probe: Probe, grace_s: int, path: str) -> list[FieldError]:
    numbers = {
        "initialDelaySeconds": probe.initial_delay_seconds,
        "timeoutSeconds": probe.timeout_seconds,
        "periodSeconds": probe.period_seconds,
        "successThreshold": probe.success_threshold,
        "failureThreshold": probe.failure_threshold,
    }
    errors = validate_handler(probe, grace_s, path)
    errors += [error for name, number in numbers.items() for error in not_negative(f"{path}.{name}", number)]
    seconds = probe.termination_grace_period_seconds
    if seconds is not None and seconds <= 0:
        errors.append(invalid(f"{path}.terminationGracePeriodSeconds", seconds, "must be greater than 0"))
    return errors


def validate_handler(handler: ProbeHandler | LifecycleHandler, grace_s: int, path: str) -> list[FieldError]:
    """Return the faults of what is done: exactly one thing must be."""
    given = [name for name in given_fields(handler) if name in _HANDLERS]
    if not given:
        return [required(path, "must specify a handler type")]
    at = f"{path}.{given[0]}"
    errors = _validate_first(handler, grace_s, at)
    return errors + [forbidden(f"{path}.{name}", "may not specify more than 1 handler type") for name in given[1:]]


def _validate_first(handler: ProbeHandler | LifecycleHandler, grace_s: int, path: str) -> list[FieldError]:
    if handler.exec is not None:
        return [] if handler.exec.command else [required(f"{path}.command")]
    if handler.http_get is not None:
        return _validate_http(handler.http_get, path)
    if handler.tcp_socket is not None:
        return _validate_port(handler.tcp_socket.port, f"{path}.port")
    if isinstance(handler, ProbeHandler):
        return _validate_port(handler.grpc.port, f"{path}.port") if handler.grpc is not None else []
    seconds = handler.sleep.seconds if handler.sleep is not None else 0
    if 0 <= seconds <= grace_s:
        return []
    return [invalid(path, seconds, f"must be non-negative and less than terminationGracePeriodSeconds ({grace_s})")]


def _validate_http(action: HTTPGetAction, path: str) -> list[FieldError]:
    errors = [] if action.path else [required(f"{path}.path")]
    errors += _validate_port(action.port, f"{path}.port")
    if action.scheme not in SCHEMES:
        errors.append(not_supported(f"{path}.scheme", action.scheme, SCHEMES))
    wrong = [header.name for header in action.http_headers if not re.fullmatch("[-A-Za-z0-9]+", header.name)]
    return errors + [invalid(f"{path}.httpHeaders", name, _HEADER) for name in wrong]


def _validate_port(port: IntOrString, path: str) -> list[FieldError]:
    return each_invalid(path, port, check_port_name(port) if isinstance(port, str) else check_port(port))


def validate_lifecycle(lifecycle: Lifecycle, grace_s: int, system: str, path: str) -> list[FieldError]:
    """Return the faults of hooks; a stop signal is one of the operating system that the pod names."""
    errors = []
    for name, hook in (("postStart", lifecycle.post_start), ("preStop", lifecycle.pre_stop)):
        errors += validate_handler(hook, grace_s, f"{path}.{name}") if hook is not None else []
    stop = lifecycle.stop_signal
    if stop is None:
        return errors
    if not system:
        why = "may not be set for containers with empty `spec.os.name`"
        return [*errors, forbidden(f"{path}.stopSignal", why)]
    known = SIGNALS.get(system, (stop,))
    return errors if stop in known else [*errors, not_supported(f"{path}.stopSignal", stop, known)]
