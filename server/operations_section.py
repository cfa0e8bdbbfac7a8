"""The settings of operations: how the server stops, and what it tells its operator."""

from typing import ClassVar, Literal

from pydantic import Field, field_validator

from server.settings_group import SettingsGroup


class Operations(SettingsGroup):
    """How the server stops, and what it tells its operator."""

    title: ClassVar[str] = "Operations"

    operations_host: str = "127.0.0.1"
    """Address on which the server listens for operators, if ANTIPHON_OPERATIONS_PORT is set."""
    operations_port: int = Field(0, ge=0, le=65535)
    """Port for operators: health, metrics, and everything that needs the admin token are there, and no longer on
    ANTIPHON_PORT. Only the addresses of OpenAI's API (/v1) still take that token on ANTIPHON_PORT, because the
    backends of pages call them. Do not let the Internet reach the port for operators. 0: there is no such port, and
    ANTIPHON_PORT has everything, which is meant for a server that only its own machine can reach."""
    drain_s: float = Field(10.0, ge=0)
    """Seconds for which running calls may go on after SIGTERM. Then the server tells the clients that are left to
    connect again and resume, at this server after its restart or at another one."""
    metrics: bool = True
    """Whether GET /metrics gives measurements as Prometheus text. They are numbers only: no names of calls, nothing
    that callers said."""
    log_format: Literal["text", "json"] = "text"
    """How log lines are written: text for people, or json, one object a line, for programs. Both name the call and its
    trace."""
    trace_content: bool = False
    """Whether the spans of traces have what was said, and what tools were given and returned. Whoever reads the traces
    then reads the calls. Traces are sent only where OTEL_EXPORTER_OTLP_ENDPOINT is set; see docs/operations.md."""
    trace_url: str = ""
    """Address of a trace in your tracing system, with {trace_id} in it, such as
    https://jaeger.example.org/trace/{trace_id}. The console links to it. Empty: there is no link."""
    log_level: str = "info"
    """Lowest level of log lines that are written: debug, info, warning or error. debug adds tracebacks, which may
    repeat what callers said."""

    @field_validator("trace_url")
    @classmethod
    def _names_the_trace(cls, value: str) -> str:
        if value and not (value.startswith(("http://", "https://")) and "{trace_id}" in value):
            raise ValueError("must be an http or https address with {trace_id} in it")
        return value

    @field_validator("log_level")
    @classmethod
    def _known_level(cls, value: str) -> str:
        if value.lower() not in ("debug", "info", "warning", "error"):
            raise ValueError("must be debug, info, warning or error")
        return value.lower()
