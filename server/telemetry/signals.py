"""Signals: which of traces, metrics and logs are sent by OTLP, by OpenTelemetry's standard environment variables.

The SDK itself reads all the others: headers, compression, sampler, sizes of batches and queues. It finds out only when
it sends that it cannot send to an endpoint, so endpoints are judged here.
Source: https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlsplit

from server.errors import ConfigError

Protocol = Literal["http", "grpc"]
_PROTOCOLS: dict[str, Protocol] = {"": "http", "http/protobuf": "http", "grpc": "grpc"}
_SIGNALS = ("TRACES", "METRICS", "LOGS")
_INTERVAL = "OTEL_METRIC_EXPORT_INTERVAL"
INTERVAL_MS = 60_000
"""How often metrics are sent, as the specification has it."""
SECONDS_BELOW = 100
"""The specification has limits of time in ms, but Python's SDK has that of its exporters in seconds. No collector is
given less than 100 ms, and none is waited for longer than 100 s, so the number tells which of the two is meant."""


@dataclass(frozen=True, slots=True)
class Signals:
    """The protocol by which each of them is sent; None: it is not sent."""

    traces: Protocol | None = None
    metrics: Protocol | None = None
    logs: Protocol | None = None
    interval_s: float = INTERVAL_MS / 1000
    """How often the metrics are sent."""
    timeouts_s: Mapping[str, float] = field(default_factory=dict)
    """How long a collector may take to answer, by the signal's name, where the variables say so."""

    def __bool__(self) -> bool:
        return any((self.traces, self.metrics, self.logs))


def signals(variables: Mapping[str, str]) -> Signals:
    """Read the variables. An empty one counts as one that is not there. Raises ConfigError."""
    given = {name: value.strip() for name, value in variables.items() if value.strip()}
    if given.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return Signals()
    timeouts = {signal.lower(): _of(given, signal, "TIMEOUT") for signal in _SIGNALS}
    return Signals(
        _protocol(given, "TRACES"),
        _protocol(given, "METRICS"),
        _protocol(given, "LOGS"),
        _interval_s(given),
        {signal: _timeout_s(given, name) for signal, name in timeouts.items() if name},
    )


def _of(given: Mapping[str, str], signal: str, what: str) -> str:
    """The name of the variable that counts for this signal; "" if there is none."""
    names = f"OTEL_EXPORTER_OTLP_{signal}_{what}", f"OTEL_EXPORTER_OTLP_{what}"
    return next((name for name in names if name in given), "")


def _protocol(given: Mapping[str, str], signal: str) -> Protocol | None:
    chosen = f"OTEL_{signal}_EXPORTER"
    if chosen in given:
        exporters = {each.strip() for each in given[chosen].lower().split(",")}
        if unknown := exporters - {"otlp", "none", "prometheus"}:
            raise ConfigError(f"{chosen}: there is no exporter {', '.join(sorted(unknown))} here, only otlp and none")
        if "otlp" not in exporters:
            return None
    elif not _of(given, signal, "ENDPOINT"):
        return None
    name = _of(given, signal, "PROTOCOL")
    protocol = _PROTOCOLS.get(given.get(name, "").lower())
    if protocol is None:
        raise ConfigError(f"{name}: {given[name]} is not spoken here; take http/protobuf, or grpc")
    if protocol == "http":
        _check_endpoint(given, signal)
    return protocol


def _check_endpoint(given: Mapping[str, str], signal: str) -> None:
    """Raise ConfigError if nothing can be sent there by HTTP."""
    if not (name := _of(given, signal, "ENDPOINT")):
        return
    try:
        address = urlsplit(given[name])
        usable = address.scheme in ("http", "https") and bool(address.hostname) and address.port != 0
    except ValueError:  # a port or a host that cannot be
        usable = False
    if not usable:
        raise ConfigError(f"{name}: {given[name]!r} is no address such as http://127.0.0.1:4318")


def _timeout_s(given: Mapping[str, str], name: str) -> float:
    try:
        timeout = float(given[name])
    except ValueError as exc:
        raise ConfigError(f"{name}: {given[name]!r} is no number of milliseconds") from exc
    if not 0 < timeout < 1e9:
        raise ConfigError(f"{name}: {given[name]} ms is no time in which a collector can answer")
    return timeout if timeout < SECONDS_BELOW else timeout / 1000


def _interval_s(given: Mapping[str, str]) -> float:
    try:
        interval_ms = float(given.get(_INTERVAL, INTERVAL_MS))
    except ValueError as exc:
        raise ConfigError(f"{_INTERVAL}: {given[_INTERVAL]!r} is no number of milliseconds") from exc
    if not 100 <= interval_ms < 1e9:
        raise ConfigError(f"{_INTERVAL}: must be at least 100 ms, because each time costs the media loop 10 ms")
    return interval_ms / 1000
