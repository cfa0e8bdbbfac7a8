"""OtlpLogs: gives the lines of the log to OpenTelemetry, each with the call and the trace to which it belongs."""

import logging
import traceback

from opentelemetry import trace as otel
from opentelemetry._logs import Logger, SeverityNumber
from opentelemetry.context import Context, get_current
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from server.logs import CALL

_SEVERITIES = {
    logging.DEBUG: SeverityNumber.DEBUG,
    logging.INFO: SeverityNumber.INFO,
    logging.WARNING: SeverityNumber.WARN,
    logging.ERROR: SeverityNumber.ERROR,
    logging.CRITICAL: SeverityNumber.FATAL,
}
_OWN = ("opentelemetry", "urllib3", "requests", "grpc")
"""What they log when a collector is down must not go to the same collector."""
_W3C = TraceContextTextMapPropagator()


class OtlpLogs(logging.Handler):
    """Queues each line for `logger`. Never waits."""

    def __init__(self, logger: Logger) -> None:
        super().__init__()
        self._logger = logger
        self.addFilter(lambda record: record.name.partition(".")[0] not in _OWN)

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._emit(record)
        except Exception:
            self.handleError(record)

    def handleError(self, record: logging.LogRecord) -> None:  # logging names it so
        """A line that cannot be sent is left out: the log on standard error has it."""

    def _emit(self, record: logging.LogRecord) -> None:
        attributes: dict[str, str | int] = {
            "code.line.number": record.lineno,
            "code.file.path": record.pathname,
            "log.logger": record.name,
        }
        of_call = CALL.get()
        if of_call is not None:
            attributes["gen_ai.conversation.id"] = of_call.id
        if record.exc_info and record.exc_info[0] is not None:
            attributes["exception.type"] = record.exc_info[0].__name__
            attributes["exception.stacktrace"] = _whole("".join(traceback.format_exception(*record.exc_info)))
        self._logger.emit(
            timestamp=round(record.created * 1e9),
            context=_context("" if of_call is None else of_call.traceparent),
            severity_number=_SEVERITIES.get(record.levelno, SeverityNumber.INFO),
            severity_text=record.levelname,
            body=_whole(record.getMessage()),
            attributes=attributes,
        )


def _whole(text: str) -> str:
    """The text as the log on standard error has it: with half a surrogate pair, no line of its batch could be sent."""
    return text.encode(errors="backslashreplace").decode()


def _context(traceparent: str) -> Context:
    """That of the present span, or else of the call."""
    if otel.get_current_span().get_span_context().is_valid or not traceparent:
        return get_current()
    return _W3C.extract({"traceparent": traceparent}, Context())
