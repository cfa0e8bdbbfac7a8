"""Exporter: gives out OpenTelemetry's meter, and shows what was measured with it as Prometheus text.

To send the metrics elsewhere (OTLP, a vendor), let an OpenTelemetry Collector scrape this text.
"""

from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.resources import Resource
from prometheus_client import CollectorRegistry, generate_latest


class Exporter:
    """Owns the meter of this server. `close` it at the end."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        reader = PrometheusMetricReader(scope_info_enabled=False, registry=self._registry)
        resource = Resource({"service.name": "antiphon"})
        self._provider = MeterProvider([reader], resource=resource, shutdown_on_exit=False)
        self.meter = self._provider.get_meter("antiphon")

    def text(self) -> bytes:
        """All metrics, as Prometheus reads them: text/plain; version=0.0.4."""
        return generate_latest(self._registry)

    def close(self) -> None:
        self._provider.shutdown()
