"""MetricPush: sends the metrics to a collector from time to time.

They are read on the media loop, because what they read belongs to it: a thread would read dictionaries that change
under it. That takes up to 10 ms, once a minute. A thread of its own writes them out and waits for the collector.
"""

import asyncio
import logging
import queue
import threading

from opentelemetry.sdk.metrics.export import MetricExporter, MetricExportResult, MetricReader, MetricsData

from server.telemetry.drops import Drops

log = logging.getLogger(__name__)


class MetricPush(MetricReader):
    """A reader of all metrics, for one collector."""

    def __init__(self, exporter: MetricExporter, interval_s: float, drops: Drops) -> None:
        super().__init__(
            preferred_temporality=exporter._preferred_temporality, preferred_aggregation=exporter._preferred_aggregation
        )
        self._exporter = exporter
        self._interval_s = interval_s
        self._drops = drops
        self._waiting: queue.Queue[MetricsData | None] = queue.Queue(1)
        """The newest figures contain all that older ones did, so one is enough: while the collector is slow, the ones
        that come meanwhile are dropped."""
        self._timer: asyncio.TimerHandle | None = None
        self._thread = threading.Thread(target=self._send, name="metrics", daemon=True)

    def start(self) -> None:
        """Begin to send. Needs a running loop."""
        self._thread.start()
        self._timer = asyncio.get_running_loop().call_later(self._interval_s, self._push)

    def stop(self) -> None:
        """Read the last figures; `finish` waits until they are sent. Called on the loop."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
            self.collect()

    def _push(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(self._interval_s, self._push)
        try:
            self.collect()
        except Exception:  # figures that cannot be read must not end the sending of all others
            log.exception("x the metrics cannot be read")

    def _receive_metrics(self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: object) -> None:
        try:
            self._waiting.put_nowait(metrics_data)
        except queue.Full:
            self._drops.drop_items(1)

    def _send(self) -> None:
        while (figures := self._waiting.get()) is not None:
            result = MetricExportResult.FAILURE
            try:
                result = self._exporter.export(figures)
            except Exception:  # whatever a library raises, the next figures may go
                log.exception("x the metrics cannot be sent")
            if result is not MetricExportResult.SUCCESS:
                self._drops.lose(1)

    def finish(self) -> None:
        """Wait until the last figures are sent, and end the thread. Not called on the loop."""
        self._waiting.put(None)
        self._thread.join()
        self._exporter.shutdown()

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: object) -> None:
        """Do nothing: the meter's provider calls this on the loop, when `finish` was called already."""
