"""Otlp: sends traces, metrics and logs to a collector (OpenTelemetry Protocol), as the standard variables say.

Whatever waits for the network does so in threads of its own, with queues that have a size. A collector that is down,
slow or refuses costs what could not be sent, and it is counted. Without the variables nothing of this is there.
"""

import asyncio
import importlib
import logging
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from opentelemetry import trace as otel
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics.export import MetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Tracer
from pydantic_ai import Agent

from server.errors import ConfigError
from server.telemetry.collector_answers import Signal, session
from server.telemetry.drops import CountedLogs, CountedSpans, Drops, counted
from server.telemetry.instrumentation import instrumentation
from server.telemetry.metric_push import MetricPush
from server.telemetry.otlp_logs import OtlpLogs
from server.telemetry.seldom import quieten
from server.telemetry.signals import Signals

NAME = "antiphon"
_EXPORTERS: dict[Signal, tuple[str, str, str, str]] = {
    "trace": ("trace_exporter", "OTLPSpanExporter", "traces", "spans"),
    "metrics": ("metric_exporter", "OTLPMetricExporter", "metrics", "metrics"),
    "logs": ("_log_exporter", "OTLPLogExporter", "logs", "logs"),
}
"""Where the SDK has the exporter of a signal, the signal's name in `Signals`, and that of its queue."""
CLOSE_S = 3.0
"""How long the last spans, figures and lines may take to be sent when the server stops. What is left then is lost."""


def resource(worker: str = "") -> Resource:
    """What this server is called: as OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES say, or else "antiphon".

    `worker` is its name in a cluster.
    """
    found = Resource.create()
    if worker:
        found = found.merge(Resource({"service.instance.id": worker}))
    named = not str(found.attributes["service.name"]).startswith("unknown_service")
    return found if named else found.merge(Resource({"service.name": NAME}))


@contextmanager
def usable() -> Iterator[None]:
    """The SDK reads variables in this block. What it says of one that it cannot use becomes a ConfigError."""
    try:
        yield
    except ConfigError:
        raise
    except Exception as exc:  # the SDK raises what it likes
        raise ConfigError(f"a variable of OpenTelemetry (OTEL_…) cannot be used: {exc}") from exc


class Otlp:
    """What is sent to collectors. `close` it at the end."""

    def __init__(self, signals: Signals, about: Resource, content: bool) -> None:
        """With `content` the spans have what was said. Raises ConfigError."""
        self._drops: dict[str, Drops] = {}
        self._closing: list[Callable[[], object]] = []
        self.tracer: Tracer | None = None
        """Makes spans that are sent; None: traces are not sent."""
        self._logs: OtlpLogs | None = None
        self._push: MetricPush | None = None
        with usable():
            if signals.traces:
                self._trace(self._exporter(signals, "trace"), about, content)
            if signals.metrics:
                self._push = MetricPush(
                    self._exporter(signals, "metrics"), signals.interval_s, self._dropped("metrics")
                )
            if signals.logs:
                self._log(self._exporter(signals, "logs"), about)

    @property
    def readers(self) -> list[MetricReader]:
        """What reads the metrics in order to send them."""
        return [] if self._push is None else [self._push]

    def dropped(self) -> Mapping[str, int]:
        """How many spans, readings of the metrics and log records were not sent so far."""
        return {name: drops.count for name, drops in self._drops.items()}

    def start(self) -> None:
        """Begin to send. Needs a running loop."""
        if self._push is not None:
            self._push.start()
        if self._logs is not None:
            logging.getLogger().addHandler(self._logs)

    async def close(self) -> None:
        """Send what waits, for a limited time."""
        if self.tracer is not None:
            Agent.instrument_all(False)
        if self._logs is not None:
            logging.getLogger().removeHandler(self._logs)
        if self._push is not None:
            self._push.stop()
            self._closing.append(self._push.finish)
        loop = asyncio.get_running_loop()
        ended = [asyncio.Event() for _ in self._closing]
        for close, event in zip(self._closing, ended, strict=True):
            threading.Thread(target=_close, args=(close, loop, event), name="telemetry close", daemon=True).start()
        try:
            async with asyncio.timeout(CLOSE_S):
                for event in ended:
                    await event.wait()
        except TimeoutError:
            logging.getLogger(__name__).warning("x the collector has not taken all in time; the rest is lost")

    def _trace(self, exporter: Any, about: Resource, content: bool) -> None:
        drops = self._dropped("spans")
        provider = TracerProvider(resource=about, shutdown_on_exit=False)
        provider.add_span_processor(counted(BatchSpanProcessor(CountedSpans(exporter, drops)), drops))
        self._closing.append(provider.shutdown)
        self.tracer = provider.get_tracer(NAME)
        otel.set_tracer_provider(provider)  # for spans that an author's own tools make
        Agent.instrument_all(instrumentation(provider, content))

    def _log(self, exporter: Any, about: Resource) -> None:
        drops = self._dropped("logs")
        provider = LoggerProvider(resource=about, shutdown_on_exit=False)
        provider.add_log_record_processor(counted(BatchLogRecordProcessor(CountedLogs(exporter, drops)), drops))
        self._closing.append(provider.shutdown)
        self._logs = OtlpLogs(provider.get_logger(NAME))

    def _exporter(self, signals: Signals, signal: Signal) -> Any:
        """An exporter of the SDK, which reads all other variables itself. Raises ConfigError."""
        module, name, of, queue = _EXPORTERS[signal]
        protocol, options = getattr(signals, of), {"timeout": signals.timeouts_s.get(of)}
        try:
            found = importlib.import_module(f"opentelemetry.exporter.otlp.proto.{protocol}.{module}")
        except ImportError as exc:
            how = "pip install opentelemetry-exporter-otlp-proto-grpc, or set it to http/protobuf"
            raise ConfigError(f"OTEL_EXPORTER_OTLP_PROTOCOL: {protocol} needs another package: {how}") from exc
        if protocol == "http" and not any(name.endswith("_CREDENTIAL_PROVIDER") for name in os.environ):
            options["session"] = session(signal, self._dropped(queue))
        exporter = getattr(found, name)(**options)
        quieten(exporter)
        return exporter

    def _dropped(self, queue: str) -> Drops:
        return self._drops.setdefault(queue, Drops())


def _close(close: Callable[[], object], loop: asyncio.AbstractEventLoop, ended: asyncio.Event) -> None:
    try:
        close()
    except Exception:
        logging.getLogger(__name__).exception("x the last of it cannot be sent")
    finally:
        if not loop.is_closed():
            loop.call_soon_threadsafe(ended.set)
