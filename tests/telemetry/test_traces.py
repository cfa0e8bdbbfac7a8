"""The traces of calls, as a collector gets them from a started server with speech workers."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from aiohttp import ClientSession

from tests.collector import Collector, Seen, collecting
from tests.socket_phone import RATE, SocketPhone
from tests.started import Started, started
from tests.voices import speak

AT_ONCE = {"OTEL_BSP_SCHEDULE_DELAY": "50", "OTEL_BLRP_SCHEDULE_DELAY": "50", "OTEL_METRIC_EXPORT_INTERVAL": "500"}
"""Everything is sent soon, so that tests need not wait for it."""
QUESTION = "Where is my order four two seven one?"
WORDS = ("order four", "four two seven", '"4271"', "shipped", "look.")
"""Of the caller, of a tool's arguments and result, and of the agent."""
TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


def to(collector: Collector) -> dict[str, str]:
    """The variables that make a server send to this collector."""
    return {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, **AT_ONCE}


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    with collecting() as running:
        yield running


@pytest.fixture(scope="module")
def server(collector: Collector) -> Iterator[Started]:
    about = {"OTEL_SERVICE_NAME": "books", "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=test"}
    with started(**to(collector), **about) as running:
        yield running


@pytest.fixture(scope="module")
def call_id(server: Started) -> str:
    """A call with a spoken question, which is over."""
    return asyncio.run(ask(server.url))


async def ask(url: str, spoken: bool = True, headers: Any = None) -> str:
    """Make a call, ask something, and hear the answer. Returns the id of the conversation."""
    async with asyncio.timeout(40), ClientSession(headers=headers) as http:
        phone = SocketPhone(url, http)
        await phone.dial()
        hello = await phone.until(type="session")
        if spoken:
            await phone.until(type="response", final=True)
            phone.say(speak(QUESTION, rate_hz=RATE))
        else:
            phone.send(type="text", text=QUESTION)
        await phone.until(type="metrics")
        phone.send(type="heard", reply=2, gap_ms=250)
        phone.send(type="ping", t=1)
        await phone.until(type="pong")
        while not any("shipped" in told.get("text", "") for told in phone.told if told["type"] == "clause"):  # noqa: ASYNC110
            await asyncio.sleep(0.02)  # the tool has returned, and the model has told of its result
        phone.send(type="interrupt")
        await phone.until(type="response", reply=2, final=True)
        phone.send(type="hangup")
        await phone.closed.wait()
        await phone.hang_up()
    return str(hello["session_id"])


async def traced(collector: Collector, call_id: str) -> Seen:
    """The span of the call, when it has come: it is the last one."""
    await asyncio.to_thread(collector.until, lambda: collector.all("call", gen_ai_conversation_id=call_id))
    return collector.one("call", gen_ai_conversation_id=call_id)


async def test_one_exchange_is_one_tree(collector: Collector, call_id: str) -> None:
    """A spoken question and its answer are one span, with all stages beneath it; those of the workers, too."""
    call = await traced(collector, call_id)
    exchange = collector.one("exchange", gen_ai_conversation_id=call_id, antiphon_utterance=1)
    assert exchange.parent == call.id
    assert call.parent == ""
    assert call.attributes["antiphon.call.end"] == "caller"
    assert {span.trace for span in collector.spans if span.attributes.get("gen_ai.conversation.id") == call_id} == {
        call.trace
    }
    parts = collector.under(exchange)
    names = [part.name.partition(" ")[0] for part in parts]
    assert {"utterance", "speech-to-text", "invoke_agent", "text-to-speech", "playout"} == set(names)
    for stage in ("utterance", "invoke_agent", "playout"):
        assert names.count(stage) == 1
    assert exchange.attributes["antiphon.exchange.end"] == "interrupted"
    assert exchange.attributes["antiphon.exchange.gap"] == 0.25
    assert {"endpoint", "transcript", "first_token", "first_clause", "first_packet"} <= set(exchange.events)
    run = next(part for part in parts if part.name.startswith("invoke_agent"))
    beneath = [span.name.partition(" ")[0] for span in collector.under(run)]
    assert beneath.count("chat") == 2
    assert beneath.count("execute_tool") == 1


async def test_a_worker_tells_its_times(collector: Collector, call_id: str) -> None:
    """What a worker does in another process is beneath the request to it, and within its time."""
    await traced(collector, call_id)
    exchange = collector.one("exchange", gen_ai_conversation_id=call_id, antiphon_utterance=1)
    for request, engine in (("speech-to-text", "pocketsphinx"), ("text-to-speech", "espeak")):
        asked = [part for part in collector.under(exchange) if part.name == request]
        served = [(part, worker) for part in asked for worker in collector.under(part)]
        assert served
        for part, worker in served:
            assert worker.name == f"worker {engine}"
            assert part.start_ns <= worker.start_ns <= worker.end_ns <= part.end_ns
            took_s = (worker.end_ns - worker.start_ns) / 1e9
            parts_s = worker.attributes["antiphon.worker.queue"] + worker.attributes["antiphon.worker.engine"]
            assert 0 < parts_s <= took_s + 0.001


async def test_a_trace_of_the_client_goes_on(collector: Collector, server: Started) -> None:
    """The `traceparent` of the request is the parent of the call."""
    headers = {"traceparent": f"00-{TRACE}-{PARENT}-01"}
    call = await traced(collector, await ask(server.url, spoken=False, headers=headers))
    assert (call.trace, call.parent) == (TRACE, PARENT)


async def test_a_bad_trace_of_the_client_begins_another(collector: Collector, server: Started) -> None:
    """What is no `traceparent` counts as none."""
    call = await traced(collector, await ask(server.url, spoken=False, headers={"traceparent": "00-you-wish-01"}))
    assert call.parent == ""


async def test_words_are_not_sent(collector: Collector, call_id: str) -> None:
    """No word of the caller, the agent or a tool is in a span, a metric or a line of the log."""
    await traced(collector, call_id)
    await asyncio.to_thread(collector.until, lambda: collector.metrics and collector.logs)
    assert [words for words in WORDS if words in collector.words] == []


async def test_metrics_and_logs_come_too(collector: Collector, server: Started) -> None:
    """The metrics of the page are sent, and each line of a call has its trace and its id."""
    call = await traced(collector, await ask(server.url, spoken=False))
    wanted = {"antiphon.tool.duration", "gen_ai.client.token.usage", "antiphon.media.bytes", "antiphon.exchange.stage"}
    await asyncio.to_thread(collector.until, lambda: wanted <= collector.figures)
    call_id, over = call.attributes["gen_ai.conversation.id"], lambda line: line[0].endswith("is over")
    await asyncio.to_thread(collector.until, lambda: list(filter(over, collector.lines_of(call.trace))))
    lines = collector.lines_of(call.trace)
    assert {line[2]["gen_ai.conversation.id"] for line in lines} == {call_id}
    assert [line[0] for line in lines if " answers: " in line[0]]
    assert await asyncio.to_thread(server.logs, call_id, f"trace={call.trace}")
    about = {each.key: each.value.string_value for each in collector.traces[0].resource_spans[0].resource.attributes}
    assert (about["service.name"], about["deployment.environment.name"]) == ("books", "test")


async def test_words_are_sent_if_the_operator_asks_for_it() -> None:
    """With ANTIPHON_TRACE_CONTENT the spans have what was said, and what the tool was given and returned."""
    with collecting() as own:
        with started(
            **to(own), ANTIPHON_TRACE_CONTENT="true", OTEL_METRICS_EXPORTER="none", OTEL_LOGS_EXPORTER="none"
        ) as server:
            await traced(own, await ask(server.url, spoken=False))
        assert own.one("execute_tool order_status").attributes["gen_ai.tool.call.arguments"]
        assert "four two seven one" in own.words
        assert not own.metrics
        assert not own.logs
