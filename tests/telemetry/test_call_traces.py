"""The spans of calls, exchange by exchange."""

import asyncio

import pytest
from opentelemetry import trace as otel
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from server.call import messages
from server.call.caller import Caller
from server.call.mouth.stopwatch import Stopwatch
from server.errors import EngineError
from server.record.conversation import Conversation
from server.telemetry.call_traces import CallSpan, CallTraces

RECORD = Conversation("abc", "Books", 0, 0)


class House:
    """Traces of which the spans are kept in this process."""

    def __init__(self, content: bool = False) -> None:
        self.kept = InMemorySpanExporter()
        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(SimpleSpanProcessor(self.kept))
        self.tracer = provider.get_tracer("test")
        self.traces = CallTraces(self.tracer, content)

    def begin(self, record: Conversation = RECORD, **headers: str) -> CallSpan:
        return self.traces.begin(record, Caller(headers=headers))

    def spans(self, name: str) -> list[ReadableSpan]:
        return [span for span in self.kept.get_finished_spans() if span.name == name]


def parent_of(span: ReadableSpan) -> int | None:
    return span.parent.span_id if span.parent else None


def id_of(span: ReadableSpan) -> int:
    assert span.context is not None
    return span.context.span_id


def test_an_exchange_has_its_parts() -> None:
    """The utterance lasts until the caller is done, the playout from the first packet to the end."""
    house = House()
    call = house.begin()
    exchange = call.begin(1, spoken=True)
    stopwatch = Stopwatch(lambda: 0.0, exchange)
    for stage in ("transcript", "endpoint", "endpoint", "first_token", "first_packet"):
        stopwatch.mark(stage)  # type: ignore[arg-type]
    assert len(house.spans("utterance")) == 1
    exchange.answer(2)
    exchange.end("heard")
    exchange.end("interrupted")
    call.end("caller")
    (span,), (whole,) = house.spans("exchange"), house.spans("call")
    assert parent_of(span) == id_of(whole)
    assert [parent_of(part) for part in (*house.spans("utterance"), *house.spans("playout"))] == [id_of(span)] * 2
    assert [event.name for event in span.events] == ["transcript", "endpoint", "first_token", "first_packet"]
    assert span.attributes is not None
    assert dict(span.attributes) == {
        "gen_ai.conversation.id": "abc",
        "antiphon.spoken": True,
        "antiphon.utterance": 1,
        "antiphon.reply": 2,
        "antiphon.exchange.end": "heard",
    }


def test_what_comes_after_the_end_changes_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """A stage of an exchange that was cut off, and a second end of a call. The library has nothing to complain of."""
    house = House()
    call = house.begin()
    exchange = call.begin(None, spoken=False)
    exchange.end("interrupted")
    for stage in ("first_clause", "first_packet"):
        exchange.mark(stage)
    exchange.answer(1)
    call.end("caller")
    call.end("not_connected")
    assert [(span.attributes or {}).get("antiphon.call.end") for span in house.spans("call")] == ["caller"]
    assert not house.spans("exchange")[0].events
    assert caplog.text == ""


def test_the_span_of_a_call_tells_how_it_ended() -> None:
    """It is an error if the caller was never connected, or if the server has ended it."""
    house = House()
    for how in ("caller", "not_connected", "server", ""):
        house.begin().end(how)
    ends = [((span.attributes or {}).get("antiphon.call.end"), span.status.is_ok) for span in house.spans("call")]
    assert ends == [("caller", True), ("not_connected", False), ("server", False), (None, True)]


def test_a_call_ends_all_that_is_open() -> None:
    """An exchange that the end of the call cuts off is dropped, with its parts."""
    house = House()
    call = house.begin()
    call.begin(1, spoken=True)
    call.begin(None, spoken=False).mark("first_packet")
    call.end("caller")
    ends = [span.attributes["antiphon.exchange.end"] for span in house.spans("exchange") if span.attributes]
    assert ends == ["dropped", "dropped"]
    assert len(house.spans("utterance")) == len(house.spans("playout")) == 1


def test_what_the_client_heard_is_noted() -> None:
    """The gap belongs to the reply that it names. What comes for no reply, or too late, changes nothing."""
    house = House()
    call = house.begin()
    exchange = call.begin(1, spoken=True)
    exchange.answer(2)
    call.observe(messages.Heard(reply=9, gap_ms=100))
    call.observe(messages.Heard(reply=2, gap_ms=250))
    exchange.end("heard")
    call.observe(messages.Heard(reply=2, gap_ms=999))
    call.observe(EngineError("model", "my card is four two"))
    call.end("caller")
    (span,), (whole,) = house.spans("exchange"), house.spans("call")
    assert span.attributes is not None
    assert span.attributes["antiphon.exchange.gap"] == 0.25
    assert [(event.name, dict(event.attributes or {})) for event in whole.events] == [
        ("failure", {"antiphon.stage": "model"})
    ]


@pytest.mark.parametrize("content", [False, True])
def test_words_are_noted_only_if_asked_for(content: bool) -> None:
    """Those of the caller and of the agent."""
    house = House(content)
    call = house.begin()
    exchange = call.begin(1, spoken=True)
    exchange.answer(2)
    call.observe(messages.Transcription(utterance=1, text="my card is four two", final=True))
    call.observe(messages.Response(reply=2, text="your card is four two", final=True))
    exchange.end("heard")
    call.end("caller")
    text = "".join(span.to_json() for span in house.kept.get_finished_spans())
    assert ("my card is four two" in text, "your card is four two" in text) == (content, content)


def test_what_a_client_says_of_its_trace_is_bounded(caplog: pytest.LogCaptureFixture) -> None:
    """Each span repeats the `tracestate`, so one that is too long is left out. One that is wrong fills no log."""
    house = House()
    for state in ("shop=1", "shop=" + "1" * 600, *["wrong " * 20] * 20):
        house.begin(traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", tracestate=state).end("")
    contexts = [span.context for span in house.spans("call")]
    assert [dict(each.trace_state) for each in contexts if each][:3] == [{"shop": "1"}, {}, {}]
    assert {format(each.trace_id, "032x") for each in contexts if each} == {"0af7651916cd43dd8448eb211c80319c"}
    assert len(caplog.records) < 5


def test_a_conversation_that_goes_on_stays_in_its_trace() -> None:
    """At another server, or after a restart, its record is the parent, whatever the request says."""
    first, second = House(), House()
    begun = first.begin(traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
    begun.end("")
    record = Conversation("abc", "Books", 0, 0, traceparent=begun.traceparent)
    second.begin(record, traceparent="00-1af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01").end("")
    (before,), (after,) = first.spans("call"), second.spans("call")
    assert before.context is not None
    assert after.context is not None
    assert format(before.context.trace_id, "032x") == "0af7651916cd43dd8448eb211c80319c"
    assert after.context.trace_id == before.context.trace_id
    assert parent_of(after) == id_of(before)


async def test_what_an_exchange_starts_belongs_to_it() -> None:
    """The present span of its work, and of the tasks that this starts, is the exchange. Others see none of it."""
    house, seen = House(), dict[str, int]()

    async def child() -> None:
        seen["child"] = otel.get_current_span().get_span_context().span_id

    async def work() -> None:
        seen["work"] = otel.get_current_span().get_span_context().span_id
        await asyncio.create_task(child())

    call = house.begin()
    exchange = call.begin(1, spoken=True)
    await asyncio.create_task(exchange.within(work)())
    exchange.end("heard")
    (span,) = house.spans("exchange")
    assert seen == {"work": id_of(span), "child": id_of(span)}
    assert not otel.get_current_span().get_span_context().is_valid
