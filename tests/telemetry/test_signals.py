"""Which signals are sent, and how, by OpenTelemetry's variables."""

import pytest

from server.errors import ConfigError
from server.telemetry.signals import signals

ENDPOINT = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}


@pytest.mark.parametrize(
    ("variables", "on"),
    [
        ({}, ""),
        ({"OTEL_SERVICE_NAME": "books"}, ""),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": " "}, ""),
        (ENDPOINT, "traces metrics logs"),
        (ENDPOINT | {"OTEL_SDK_DISABLED": "TRUE"}, ""),
        (ENDPOINT | {"OTEL_LOGS_EXPORTER": "none", "OTEL_METRICS_EXPORTER": "prometheus"}, "traces"),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1/v1/traces"}, "traces"),
        ({"OTEL_METRICS_EXPORTER": "prometheus,otlp"}, "metrics"),
        (ENDPOINT | {"OTEL_LOGS_EXPORTER": "None", "OTEL_EXPORTER_OTLP_PROTOCOL": "HTTP/Protobuf"}, "traces metrics"),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": " https://[::1]:4318/otlp "}, "traces metrics logs"),
    ],
)
def test_the_standard_variables_switch_each_signal_on(variables: dict[str, str], on: str) -> None:
    """An endpoint switches on all three, its own switches on one, and OTEL_…_EXPORTER chooses otherwise."""
    found = signals(variables)
    assert " ".join(name for name in ("traces", "metrics", "logs") if getattr(found, name)) == on


@pytest.mark.parametrize(
    ("variables", "named"),
    [
        (ENDPOINT | {"OTEL_TRACES_EXPORTER": "zipkin"}, "OTEL_TRACES_EXPORTER"),
        (ENDPOINT | {"OTEL_EXPORTER_OTLP_PROTOCOL": "http/json"}, "OTEL_EXPORTER_OTLP_PROTOCOL"),
        (ENDPOINT | {"OTEL_EXPORTER_OTLP_LOGS_PROTOCOL": "http/json"}, "OTEL_EXPORTER_OTLP_LOGS_PROTOCOL"),
        (ENDPOINT | {"OTEL_METRIC_EXPORT_INTERVAL": "soon"}, "OTEL_METRIC_EXPORT_INTERVAL"),
        (ENDPOINT | {"OTEL_METRIC_EXPORT_INTERVAL": "1"}, "OTEL_METRIC_EXPORT_INTERVAL"),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "localhost:4318"}, "OTEL_EXPORTER_OTLP_ENDPOINT: 'localhost:4318'"),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://:4318"}, "OTEL_EXPORTER_OTLP_ENDPOINT"),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:99999"}, "OTEL_EXPORTER_OTLP_ENDPOINT"),
        (ENDPOINT | {"OTEL_EXPORTER_OTLP_LOGS_ENDPOINT": "grpc://c:4317"}, "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT"),
        (ENDPOINT | {"OTEL_EXPORTER_OTLP_TIMEOUT": "soon"}, "OTEL_EXPORTER_OTLP_TIMEOUT"),
        (ENDPOINT | {"OTEL_EXPORTER_OTLP_TRACES_TIMEOUT": "0"}, "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT"),
        (ENDPOINT | {"OTEL_EXPORTER_OTLP_TIMEOUT": "nan"}, "OTEL_EXPORTER_OTLP_TIMEOUT"),
    ],
)
def test_what_is_not_possible_is_said(variables: dict[str, str], named: str) -> None:
    """The error names the variable."""
    with pytest.raises(ConfigError, match=named):
        signals(variables)


def test_an_interval_is_read() -> None:
    """In milliseconds, as the specification has it."""
    assert signals(ENDPOINT | {"OTEL_METRIC_EXPORT_INTERVAL": "2500"}).interval_s == 2.5


def test_a_limit_of_time_is_read() -> None:
    """In milliseconds, as the specification has it, or in seconds, as the SDK has it. A signal may have its own."""
    both = {"OTEL_EXPORTER_OTLP_TIMEOUT": "2500", "OTEL_EXPORTER_OTLP_LOGS_TIMEOUT": "5"}
    assert signals(ENDPOINT | both).timeouts_s == {"traces": 2.5, "metrics": 2.5, "logs": 5.0}
    assert signals(ENDPOINT).timeouts_s == {}
