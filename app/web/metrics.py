"""Prometheus metrics: read from the database when they are asked for, at most once a second."""

import threading
import time
from collections.abc import Iterator

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector

from app.services import metering
from app.storage.session import Database
from app.web.rendering import VERSION

FRESH_SECONDS = 1.0
__all__ = ["CONTENT_TYPE_LATEST", "Scrapes"]


class _Stored(Collector):
    """What the database says, as families of samples."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def collect(self) -> Iterator[Family]:
        info = GaugeMetricFamily("agon_info", "The version that serves", labels=["version"])
        info.add_metric([VERSION], 1)
        yield info
        with self._database.read() as session:
            found = list(metering.metrics(session))
        for metric in found:
            family = CounterMetricFamily if metric.counter else GaugeMetricFamily
            made = family(metric.name, metric.about, labels=list(metric.labels))
            for sample in metric.samples:
                made.add_metric(list(sample.labels), sample.value)
            yield made


class Scrapes:
    """The text of the metrics, kept for a second; a registry of its own, so that nothing of the process leaks in."""

    def __init__(self, database: Database) -> None:
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(_Stored(database))
        self._lock, self._text, self._at = threading.Lock(), b"", -FRESH_SECONDS

    def text(self) -> bytes:
        with self._lock:
            if time.monotonic() - self._at >= FRESH_SECONDS:
                self._text, self._at = generate_latest(self._registry), time.monotonic()
            return self._text
