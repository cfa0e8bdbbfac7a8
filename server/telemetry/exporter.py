"""Exporter: gives out OpenTelemetry's meter, and shows what was measured with it as Prometheus text.

To send the metrics elsewhere (OTLP, a vendor), let an OpenTelemetry Collector scrape this text.
"""

import asyncio
from collections.abc import Iterator

from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.resources import Resource
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from server.pace import Pace

PAGES_A_SECOND = 1
"""How often the metrics are read and written out. That takes up to 10 ms of the media loop, half of one tick. A thread
would not help: it is all Python, so the loop would wait for the interpreter instead, 5 ms at a time."""


class Exporter:
    """Owns the meter of this server. `close` it at the end."""

    def __init__(self, worker: str = "") -> None:
        """`worker` is the name of this server in a cluster. Then every value has it as a label."""
        self._registry = CollectorRegistry()
        self._shown = _Labelled(self._registry, {"worker": worker}) if worker else self._registry
        reader = PrometheusMetricReader(scope_info_enabled=False, registry=self._registry)
        resource = Resource({"service.name": "antiphon"} | ({"service.instance.id": worker} if worker else {}))
        self._provider = MeterProvider([reader], resource=resource, shutdown_on_exit=False)
        self.meter = self._provider.get_meter("antiphon")
        self._pace = Pace(PAGES_A_SECOND, burst=1)
        self._page = b""

    def text(self) -> bytes:
        """All metrics, as Prometheus reads them: text/plain; version=0.0.4."""
        return generate_latest(self._shown)

    def page(self) -> bytes:
        """The metrics as `text`, at most a second old, however often it is asked for."""
        if self._pace.admits(asyncio.get_running_loop().time()):
            self._page = self.text()
        return self._page

    def close(self) -> None:
        self._provider.shutdown()


class _Labelled(Collector):
    """What another collector gives, with more labels."""

    def __init__(self, collector: Collector, labels: dict[str, str]) -> None:
        self._collector = collector
        self._labels = labels

    def collect(self) -> Iterator[Metric]:
        for metric in self._collector.collect():
            metric.samples = [sample._replace(labels=self._labels | sample.labels) for sample in metric.samples]
            yield metric
