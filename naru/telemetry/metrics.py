"""Prometheus metrics of one component: its own registry, and the page that a scraper reads.

prometheus-client keeps one registry a process; a component makes its own instead, so that tests and components
forked from one process do not share counters. Importing the library costs some 80 ms: import this module where a
component starts, not in the toolkit.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

LATENCY_BUCKETS_S: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Metrics:
    """The metrics of one component, each named ``naru_<component>_<name>``."""

    def __init__(self, component: str) -> None:
        self._prefix = f"naru_{component.replace('-', '_')}_"
        self._registry = CollectorRegistry()

    def counter(self, name: str, help_text: str, labels: Sequence[str] = ()) -> Counter:
        """Make a number that only grows."""
        return Counter(self._prefix + name, help_text, labels, registry=self._registry)

    def gauge(self, name: str, help_text: str, labels: Sequence[str] = ()) -> Gauge:
        """Make a number that goes up and down."""
        return Gauge(self._prefix + name, help_text, labels, registry=self._registry)

    def histogram(self, name: str, help_text: str, labels: Sequence[str] = ()) -> Histogram:
        """Make a distribution of durations in seconds."""
        return Histogram(self._prefix + name, help_text, labels, registry=self._registry, buckets=LATENCY_BUCKETS_S)

    def observe(self, name: str, help_text: str, label: str, read: Callable[[], Mapping[str, float]]) -> None:
        """Add a gauge whose values are read, by label, only when somebody looks."""
        self._registry.register(_Observed(self._prefix + name, help_text, label, read))

    def page(self) -> tuple[str, bytes]:
        """Return the content type and the text of ``/metrics``."""
        return CONTENT_TYPE_LATEST, generate_latest(self._registry)


class _Observed(Collector):
    def __init__(self, name: str, help_text: str, label: str, read: Callable[[], Mapping[str, float]]) -> None:
        self._name = name
        self._help_text = help_text
        self._label = label
        self._read = read

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """Read the values."""
        family = GaugeMetricFamily(self._name, self._help_text, labels=[self._label])
        for label, value in self._read().items():
            family.add_metric([label], value)
        return [family]
