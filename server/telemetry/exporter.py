"""Exporter: OpenTelemetry's meters, and what they have measured as Prometheus text.

Who wants them elsewhere (OTLP, a vendor) lets an OpenTelemetry Collector scrape it.
"""

from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.resources import Resource
from prometheus_client import CollectorRegistry, generate_latest


class Exporter:
    """Gives the meter of this server; `close` it."""

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
