"""Drops: counts what was to be sent to a collector and never came there."""

from collections.abc import Callable, Sequence
from typing import Any

from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk._logs.export import LogRecordExporter, LogRecordExportResult
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult


class Drops:
    """Of one queue. It takes the place of the counters that a batch processor of the SDK has."""

    def __init__(self) -> None:
        self._refused = 0
        """Dropped because the queue was full: by the thread that fills it."""
        self._lost = 0
        """Dropped because the collector did not take them: by the thread that sends."""

    @property
    def count(self) -> int:
        return self._refused + self._lost

    def lose(self, count: int) -> None:
        """So many were not taken by the collector."""
        self._lost += count

    def drop_items(self, count: int, error_type: str = "queue_full") -> None:
        """For a batch processor: so many were refused."""
        self._refused += count

    def finish_items(self, count: int) -> None:
        """For a batch processor: so many are handed to the exporter."""

    def register_queue_size(self, get_queue_size: Callable[[], int]) -> None:
        """For a batch processor: how many wait."""


class CountedSpans(SpanExporter):
    """An exporter of spans whose failures are counted."""

    def __init__(self, exporter: SpanExporter, drops: Drops) -> None:
        self._exporter, self._drops = exporter, drops

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = SpanExportResult.FAILURE
        try:
            result = self._exporter.export(spans)
        finally:
            if result is not SpanExportResult.SUCCESS:
                self._drops.lose(len(spans))
        return result

    def shutdown(self) -> None:
        self._exporter.shutdown()


class CountedLogs(LogRecordExporter):
    """An exporter of logs whose failures are counted."""

    def __init__(self, exporter: LogRecordExporter, drops: Drops) -> None:
        self._exporter, self._drops = exporter, drops

    def export(self, batch: Sequence[ReadableLogRecord]) -> LogRecordExportResult:
        result = LogRecordExportResult.FAILURE
        try:
            result = self._exporter.export(batch)
        finally:
            if result is not LogRecordExportResult.SUCCESS:
                self._drops.lose(len(batch))
        return result

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return True  # an exporter keeps nothing

    def shutdown(self) -> None:
        self._exporter.shutdown()  # type: ignore[no-untyped-call]


def counted(processor: Any, drops: Drops) -> Any:
    """A batch processor of the SDK, which tells `drops` what it refuses. This is the only private name of the SDK that
    is used; the tests of a collector that is down fail without it."""
    processor._batch_processor._metrics = drops
    return processor
