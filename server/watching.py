"""What watches the calls of a server: its metrics, and the traces and logs that it sends, as the settings choose."""

from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass

from server.config import Settings, otel_variables
from server.logs import Lines
from server.openings import Onlookers
from server.telemetry.call_traces import CallTraces
from server.telemetry.exporter import Exporter
from server.telemetry.loop_watch import Clock
from server.telemetry.monitor import Monitor, Parts
from server.telemetry.otlp import Otlp, resource, usable
from server.telemetry.signals import signals


@dataclass(frozen=True, slots=True)
class Watching:
    """It lives as long as the server."""

    exporter: Exporter
    monitor: Monitor
    onlookers: Onlookers


def watch(settings: Settings, pacer: Clock, parts: Parts, lines: Lines | None, stack: AsyncExitStack) -> Watching:
    """Begin to watch, and to send what OpenTelemetry's variables say. The stack ends it. Raises ConfigError."""
    sent = signals(otel_variables())
    about = resource(settings.worker)
    otlp = Otlp(sent, about, settings.trace_content)
    with usable():
        exporter = Exporter(about, otlp.readers, settings.worker)
    stack.callback(exporter.close)
    stack.push_async_callback(otlp.close)
    monitor = Monitor(exporter.meter, pacer, parts, otlp.tracer)
    otlp.start()

    def dropped() -> Mapping[str, int]:
        return {**otlp.dropped(), **({} if lines is None else {"log_lines": lines.dropped})}

    monitor.watch_drops("antiphon.telemetry.dropped", dropped)
    traces = None if otlp.tracer is None else CallTraces(otlp.tracer, settings.trace_content).begin
    return Watching(exporter, monitor, Onlookers(monitor.calls.observe, traces))
