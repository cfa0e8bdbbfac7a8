"""Reads what a collector answers by HTTP. The SDK takes every status below 400 for a success, and reads no further.

A redirect has taken nothing: the exporters do not follow it. And a collector may say that it has taken only a part.
"""

import importlib
import logging
from typing import Any, Literal

from server.telemetry.drops import Drops
from server.telemetry.seldom import quieten_logger

Signal = Literal["trace", "metrics", "logs"]
_ANSWERS: dict[Signal, tuple[str, str]] = {
    "trace": ("ExportTraceServiceResponse", "rejected_spans"),
    "metrics": ("ExportMetricsServiceResponse", "rejected_data_points"),
    "logs": ("ExportLogsServiceResponse", "rejected_log_records"),
}
"""The message of each signal in opentelemetry-proto, and its field with the number of what was refused."""

log = logging.getLogger(__name__)


def session(signal: Signal, drops: Drops) -> Any:
    """The `requests.Session` of an exporter. It raises for a redirect, and tells `drops` of what was refused."""
    import requests  # the exporter has it, and nobody else needs it

    quieten_logger(__name__)
    name, field = _ANSWERS[signal]
    module = importlib.import_module(f"opentelemetry.proto.collector.{signal}.v1.{signal}_service_pb2")

    def read(response: Any, *given: Any, **named: Any) -> None:
        if 300 <= response.status_code < 400:
            response.close()
            raise requests.RequestException(f"{response.status_code}, which sends us elsewhere")
        if response.status_code == 200 and response.content:
            lose(response.content)

    def lose(answer: bytes) -> None:
        try:
            part = getattr(module, name).FromString(answer).partial_success
        except Exception:  # whatever it is, it is no word about a part
            return
        if refused := getattr(part, field):
            drops.lose(1 if signal == "metrics" else refused)
            log.warning("x the collector has refused %d of its %s", refused, signal)

    made = requests.Session()
    made.hooks["response"].append(read)
    return made
