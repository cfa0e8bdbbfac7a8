"""A collector: receives OTLP over HTTP on 127.0.0.1 and keeps what has come, parsed. It has a thread of its own."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

PATIENCE_S = 15


@dataclass(frozen=True)
class Seen:
    """A span, as it came."""

    name: str
    trace: str
    id: str
    parent: str
    start_ns: int
    end_ns: int
    attributes: dict[str, Any]
    events: tuple[str, ...]
    failed: bool


@dataclass
class Collector:
    """What has come so far. `status` is what it answers, after `delay_s`."""

    status: int = 200
    delay_s: float = 0.0
    refused: int = 0
    """Of each request, it says, it has not taken so many."""
    url: str = ""
    requests: int = 0
    traces: list[ExportTraceServiceRequest] = field(default_factory=list)
    metrics: list[ExportMetricsServiceRequest] = field(default_factory=list)
    logs: list[ExportLogsServiceRequest] = field(default_factory=list)

    @property
    def spans(self) -> list[Seen]:
        """All spans, as they came."""
        return [
            Seen(
                span.name, span.trace_id.hex(), span.span_id.hex(), span.parent_span_id.hex(),
                span.start_time_unix_nano, span.end_time_unix_nano, _values(span.attributes),
                tuple(event.name for event in span.events), span.status.code == 2,
            )
            for request in list(self.traces)
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]  # fmt: skip

    def all(self, name: str, **attributes: Any) -> list[Seen]:
        """All spans with this name and these attributes, with `_` for their dots."""
        return [span for span in self.spans if span.name == name and _matches(span, attributes)]

    def one(self, name: str, **attributes: Any) -> Seen:
        """The only one of them."""
        found = self.all(name, **attributes)
        assert len(found) == 1, (name, attributes, [span.name for span in self.spans])
        return found[0]

    def under(self, parent: Seen) -> list[Seen]:
        """The children of a span."""
        return [span for span in self.spans if span.parent == parent.id]

    @property
    def lines(self) -> list[tuple[str, str, dict[str, Any]]]:
        """The text, the trace and the attributes of each line of the log."""
        return [
            (record.body.string_value, record.trace_id.hex(), _values(record.attributes))
            for request in list(self.logs)
            for resource in request.resource_logs
            for scope in resource.scope_logs
            for record in scope.log_records
        ]

    def lines_of(self, trace: str) -> list[tuple[str, str, dict[str, Any]]]:
        """The lines of one trace."""
        return [line for line in self.lines if line[1] == trace]

    @property
    def figures(self) -> set[str]:
        """The names of all metrics that have come."""
        return {
            metric.name
            for request in list(self.metrics)
            for resource in request.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
        }

    @property
    def words(self) -> str:
        """Everything that has come, as text."""
        return "\n".join(map(str, [*self.traces, *self.metrics, *self.logs]))

    def until(self, come: Callable[[], object]) -> None:
        """Wait until this has come. Not called on the loop of a test."""
        end_s = time.monotonic() + PATIENCE_S
        while not come():
            assert time.monotonic() < end_s, [span.name for span in self.spans]
            time.sleep(0.02)

    async def _receive(self, request: web.Request) -> web.Response:
        self.requests += 1
        await asyncio.sleep(self.delay_s)
        if self.status != 200:
            return web.Response(status=self.status)
        body = await request.read()  # aiohttp has taken it out of gzip, if it came so
        match request.path:
            case "/v1/traces":
                self.traces.append(ExportTraceServiceRequest.FromString(body))
            case "/v1/metrics":
                self.metrics.append(ExportMetricsServiceRequest.FromString(body))
            case "/v1/logs":
                self.logs.append(ExportLogsServiceRequest.FromString(body))
        return web.Response(body=_partial(self.refused) if self.refused else b"")


def _partial(refused: int) -> bytes:
    """The answer that so many were refused. The three messages have it in the same fields."""
    answer = ExportTraceServiceResponse()
    answer.partial_success.rejected_spans = refused
    return answer.SerializeToString()


def _values(attributes: Any) -> dict[str, Any]:
    return {each.key: getattr(each.value, each.value.WhichOneof("value") or "string_value") for each in attributes}


def _matches(span: Seen, attributes: dict[str, Any]) -> bool:
    found = {name.replace(".", "_"): value for name, value in span.attributes.items()}
    return all(found.get(name) == value for name, value in attributes.items())


@contextmanager
def collecting(**how: Any) -> Iterator[Collector]:
    """A collector that listens."""
    collector, ready = Collector(**how), threading.Event()
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()

    async def serve() -> None:
        app = web.Application(client_max_size=64 * 2**20)
        app.router.add_post("/v1/{signal}", collector._receive)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        collector.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        ready.set()
        await stop.wait()
        await runner.cleanup()

    def run() -> None:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(serve())

    thread = threading.Thread(target=run)
    thread.start()
    try:
        assert ready.wait(PATIENCE_S)
        yield collector
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
