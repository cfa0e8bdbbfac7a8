"""What is sent by OTLP, and what becomes of it when the collector does not take it."""

import asyncio
import contextlib
import logging
import os
import subprocess
import sys
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import ClientSession
from prometheus_client.parser import text_string_to_metric_families

from server.config import Settings, otel_variables
from server.errors import ConfigError
from server.logs import CALL, OfCall
from server.media.pacer import Pacer
from server.telemetry.exporter import Exporter
from server.telemetry.otlp import Otlp, resource
from server.telemetry.signals import Signals, signals
from server.watching import watch
from signaling.health import Health
from tests.collector import Collector, collecting
from tests.socket_phone import SocketPhone
from tests.started import ROOT, started

ENDPOINT = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}
EVERYTHING = Signals("http", "http", "http")


def test_grpc_needs_another_package() -> None:
    """Without it the error says which one."""
    with pytest.raises(ConfigError, match="opentelemetry-exporter-otlp-proto-grpc"):
        Otlp(signals(ENDPOINT | {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}), resource(), content=False)


@pytest.mark.parametrize(
    "variables",
    [
        {"OTEL_BSP_MAX_QUEUE_SIZE": "10"},
        {"OTEL_BLRP_SCHEDULE_DELAY": "-1"},
        {"OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": "some"},
    ],
)
def test_what_the_sdk_cannot_use_is_said(variables: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """An error with a sentence, and not with a traceback."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError, match="OTEL_"):
        Otlp(EVERYTHING, resource(), content=False)


def test_variables_count_as_they_are_meant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of the file, too. Without the spaces around them; an empty one is left out, as the SDK expects it."""
    (tmp_path / ".env").write_text("OTEL_SERVICE_NAME=books\nOTEL_TRACES_SAMPLER=always_off\n")
    monkeypatch.setattr("server.config.ENV_FILE", tmp_path / ".env")
    monkeypatch.setattr("os.environ", {"OTEL_TRACES_SAMPLER": " always_on ", "OTEL_LOGS_EXPORTER": " ", "HOME": "/"})
    wanted = {"OTEL_SERVICE_NAME": "books", "OTEL_TRACES_SAMPLER": "always_on"}
    assert otel_variables() == wanted
    assert os.environ == {"HOME": "/"} | wanted


async def test_the_file_names_the_service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is sent and what is scraped has the name of `.env`, too."""
    (tmp_path / ".env").write_text("OTEL_RESOURCE_ATTRIBUTES=service.name=desk\n")
    monkeypatch.setattr("server.config.ENV_FILE", tmp_path / ".env")
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "")  # what the test sets here is taken back
    monkeypatch.delenv("OTEL_RESOURCE_ATTRIBUTES")
    watching = watch(Settings(), Pacer(), Health(), None, contextlib.AsyncExitStack())
    assert b'service_name="desk"' in watching.exporter.text()
    watching.exporter.close()


@pytest.mark.parametrize(
    ("variables", "name"),
    [
        ({}, "antiphon"),
        ({"OTEL_SERVICE_NAME": "books"}, "books"),
        ({"OTEL_RESOURCE_ATTRIBUTES": "service.name=desk,team=voice"}, "desk"),
    ],
)
def test_the_service_has_a_name(variables: dict[str, str], name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The operator's, or ours."""
    for variable, value in variables.items():
        monkeypatch.setenv(variable, value)
    assert resource().attributes["service.name"] == name


async def test_nothing_configured_starts_nothing() -> None:
    """No thread, no reader, no tracer."""
    before = threading.active_count()
    otlp = Otlp(signals({}), resource(), content=False)
    otlp.start()
    assert (threading.active_count(), otlp.readers, otlp.tracer, otlp.dropped()) == (before, [], None, {})
    await otlp.close()


def test_nothing_configured_loads_nothing() -> None:
    """The exporters, and the HTTP client that they bring, are imported only when they are used."""
    program = "import server.telemetry.otlp, sys; print([name for name in sys.modules if 'exporter.otlp' in name])"
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, check=True)
    assert found.stdout.strip() == "[]"


@contextlib.asynccontextmanager
async def sending(
    collector: Collector, monkeypatch: pytest.MonkeyPatch, what: Signals = EVERYTHING, **variables: str
) -> AsyncIterator[tuple[Otlp, Exporter]]:
    """An Otlp that sends to this collector, and the exporter whose metrics it reads."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    otlp = Otlp(what, resource(), content=False)
    exporter = Exporter(resource(), otlp.readers)
    otlp.start()
    try:
        yield otlp, exporter
    finally:
        await otlp.close()
        exporter.close()


async def test_all_that_waits_is_sent_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Closing sends the last spans, figures and lines."""
    with collecting() as collector:
        async with sending(collector, monkeypatch) as (otlp, exporter):
            assert otlp.tracer is not None
            exporter.meter.create_counter("calls").add(1)
            with otlp.tracer.start_as_current_span("call") as span:
                logging.getLogger("server.test").warning("= something has changed")
        call = collector.one("call")
        assert collector.figures == {"calls"}
        (line,) = collector.lines
        assert line[:2] == ("= something has changed", call.trace)
        assert format(span.get_span_context().span_id, "016x") == call.id
        assert otlp.dropped() == {"spans": 0, "metrics": 0, "logs": 0}


async def test_a_sampler_chooses(monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDK reads OTEL_TRACES_SAMPLER: a trace that is not sampled is not sent."""
    with collecting() as collector:
        async with sending(collector, monkeypatch, Signals("http"), OTEL_TRACES_SAMPLER="always_off") as (otlp, _):
            assert otlp.tracer is not None
            otlp.tracer.start_span("call").end()
        assert collector.requests == 0


async def test_no_line_keeps_the_others_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """One may have text that is no Unicode, such as bytes of a request that were no UTF-8."""
    monkeypatch.setattr(logging.getLogger(), "handlers", [])  # pytest-xdist cannot report such a line
    with collecting() as collector:
        async with sending(collector, monkeypatch, Signals(logs="http")):
            log = logging.getLogger("server.test")
            log.warning("= one")
            try:
                raise ValueError("\udcff")
            except ValueError:
                log.exception("x \udcff")
        assert [text for text, _, _ in collector.lines] == ["= one", r"x \udcff"]


async def test_a_line_without_a_span_has_the_trace_of_its_call(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines of ticks and sockets belong to the call, too."""
    trace = "0af7651916cd43dd8448eb211c80319c"
    with collecting() as collector:
        async with sending(collector, monkeypatch, Signals(logs="http")):
            CALL.set(OfCall("abc", f"00-{trace}-b7ad6b7169203331-01"))
            logging.getLogger("server.test").warning("= %s", "it goes on")
        (line,) = collector.lines
        assert line[:2] == ("= it goes on", trace)
        assert line[2]["gen_ai.conversation.id"] == "abc"


@pytest.mark.parametrize("status", [307, 400, 500, 503])
async def test_what_a_collector_refuses_is_counted(status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Spans, readings of the metrics, and lines."""
    with collecting(status=status) as collector:
        async with sending(collector, monkeypatch, OTEL_EXPORTER_OTLP_TIMEOUT="1") as (otlp, exporter):
            assert otlp.tracer is not None
            exporter.meter.create_counter("calls").add(1)
            for _ in range(3):
                otlp.tracer.start_span("call").end()
                logging.getLogger("server.test").warning("=")
        assert otlp.dropped() == {"spans": 3, "metrics": 1, "logs": 3}
        assert collector.spans == collector.lines == []
        assert collector.figures == set()


async def test_what_a_collector_takes_only_in_part_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """It answers 200, and how many it has refused. Of readings of the metrics the whole one counts."""
    with collecting(refused=2) as collector:
        async with sending(collector, monkeypatch) as (otlp, exporter):
            assert otlp.tracer is not None
            exporter.meter.create_counter("calls").add(1)
            for _ in range(3):
                otlp.tracer.start_span("call").end()
            logging.getLogger("server.test").warning("=")
        assert otlp.dropped() == {"spans": 2, "metrics": 1, "logs": 2}


async def test_what_a_slow_collector_does_not_take_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    """The queues have a size. What is more is dropped and counted, and nobody waits."""
    small = {"OTEL_BSP_MAX_QUEUE_SIZE": "20", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "10", "OTEL_BSP_SCHEDULE_DELAY": "10"}
    with collecting(delay_s=60) as collector:
        async with sending(collector, monkeypatch, Signals("http", "http"), **small) as (otlp, exporter):
            assert otlp.tracer is not None
            exporter.meter.create_counter("calls").add(1)
            for _ in range(1000):
                otlp.tracer.start_span("call").end()
            for _ in range(5):
                for reader in otlp.readers:
                    reader.collect()
            dropped = otlp.dropped()
        assert 960 <= dropped["spans"] <= 980
        assert 3 <= dropped["metrics"] <= 4
        assert collector.requests <= 4


async def call(url: str) -> tuple[str, int]:
    """A call with one typed question. Returns the whole answer, and how many bytes of sound came."""
    async with asyncio.timeout(40), ClientSession() as http:
        phone = SocketPhone(url, http)
        await phone.dial()
        phone.send(type="text", text="What time do you close on Saturday?")
        answer = await phone.until(type="response", reply=2, final=True)
        await phone.hang_up()
    assert not answer["interrupted"]
    return answer["text"], phone.received_bytes


async def test_no_call_hears_of_a_collector_that_fails() -> None:
    """It refuses, then never answers, then is down: each call has its whole answer, and what was lost is counted.

    The server stops in time, too, and its log is not full of it.
    """
    small = {"OTEL_BSP_MAX_QUEUE_SIZE": "8", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "4", "OTEL_BSP_SCHEDULE_DELAY": "20"}
    answers, lost = [], [0.0]
    with contextlib.ExitStack() as there:
        collector = there.enter_context(collecting(status=500))
        variables = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_METRIC_EXPORT_INTERVAL": "200", **small}
        with started(**variables) as server:
            for break_it in (lambda: None, lambda: setattr(collector, "delay_s", 60), there.close):
                break_it()
                answers.append(await call(server.url))
                async with ClientSession(server.url) as http:
                    lost.append(_dropped(await (await http.get("/metrics")).text(), "spans"))
            assert server.stop() == 0
    assert len({text for text, _ in answers}) == 1
    assert lost == sorted(set(lost))
    assert 0 < sum(" opentelemetry.exporter" in line for line in server.lines) <= 9
    assert not any("opentelemetry.sdk.trace" in line for line in server.lines)
    assert min(heard for _, heard in answers) > 0.9 * max(heard for _, heard in answers)


def _dropped(page: str, queue: str) -> float:
    return next(
        sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
        if sample.name == "antiphon_telemetry_dropped_total" and sample.labels["queue"] == queue
    )
