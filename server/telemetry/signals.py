"""Signals: which of traces, metrics and logs are sent by OTLP, by OpenTelemetry's standard environment variables.

The SDK itself reads all the others: endpoints, headers, limits of time, sampler, sizes of batches and queues.
Source: https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from server.errors import ConfigError

Protocol = Literal["http", "grpc"]
_PROTOCOLS: dict[str, Protocol] = {"": "http", "http/protobuf": "http", "grpc": "grpc"}
_INTERVAL = "OTEL_METRIC_EXPORT_INTERVAL"
INTERVAL_MS = 60_000
"""How often metrics are sent, as the specification has it."""


@dataclass(frozen=True, slots=True)
class Signals:
    """The protocol by which each of them is sent; None: it is not sent."""

    traces: Protocol | None = None
    metrics: Protocol | None = None
    logs: Protocol | None = None
    interval_s: float = INTERVAL_MS / 1000
    """How often the metrics are sent."""

    def __bool__(self) -> bool:
        return any((self.traces, self.metrics, self.logs))


def signals(variables: Mapping[str, str]) -> Signals:
    """Read the variables. An empty one counts as one that is not there. Raises ConfigError."""
    given = {name: value.strip() for name, value in variables.items() if value.strip()}
    if given.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return Signals()
    return Signals(
        _protocol(given, "TRACES"), _protocol(given, "METRICS"), _protocol(given, "LOGS"), _interval_s(given)
    )


def _protocol(given: Mapping[str, str], signal: str) -> Protocol | None:
    chosen = f"OTEL_{signal}_EXPORTER"
    if chosen in given:
        exporters = {each.strip() for each in given[chosen].split(",")}
        if unknown := exporters - {"otlp", "none", "prometheus"}:
            raise ConfigError(f"{chosen}: there is no exporter {', '.join(sorted(unknown))} here, only otlp and none")
        if "otlp" not in exporters:
            return None
    elif not {"OTEL_EXPORTER_OTLP_ENDPOINT", f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT"} & given.keys():
        return None
    name = f"OTEL_EXPORTER_OTLP_{signal}_PROTOCOL"
    name = name if name in given else "OTEL_EXPORTER_OTLP_PROTOCOL"
    protocol = _PROTOCOLS.get(given.get(name, ""))
    if protocol is None:
        raise ConfigError(f"{name}: {given[name]} is not spoken here; take http/protobuf, or grpc")
    return protocol


def _interval_s(given: Mapping[str, str]) -> float:
    try:
        interval_ms = float(given.get(_INTERVAL, INTERVAL_MS))
    except ValueError as exc:
        raise ConfigError(f"{_INTERVAL}: {given[_INTERVAL]!r} is no number of milliseconds") from exc
    if not 100 <= interval_ms < 1e9:
        raise ConfigError(f"{_INTERVAL}: must be at least 100 ms, because each time costs the media loop 10 ms")
    return interval_ms / 1000
