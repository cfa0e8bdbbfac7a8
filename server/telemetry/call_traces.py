"""CallTraces: one trace for each conversation, with a span for each exchange and its parts.

    call                            from the beginning to the end, at one server
      exchange                      from the caller's first sound to the end of the answer
        utterance                   until the caller was done
        speech-to-text              from asking for the words to getting them; the worker's part is a child
        invoke_agent …              by pydantic-ai: the run, its requests to models, and its tools
        text-to-speech              one for each clause; the worker's part is a child
        playout                     from the first packet until the caller has heard the answer, or cut in

A conversation that comes back after a restart, or at another server, goes on in the same trace. What people say is in
no span, unless the operator asks for it.
"""

from collections.abc import Mapping

from opentelemetry import trace as otel
from opentelemetry.context import Context, attach
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from server.call import messages
from server.call.caller import Caller
from server.call.session import Observed
from server.call.trace import Work
from server.errors import EngineError
from server.record.conversation import Conversation
from server.telemetry.seldom import quieten_logger

MOST_ANSWERS = 8
"""How many answers of a call are kept whose gap the client may still tell. It tells it while it plays the answer."""
MOST_STATE = 512
"""How long a client's `tracestate` may be, which each span of the call repeats. W3C asks for at least so much."""
_FAILED = ("not_connected", "refused", "server")
"""Ends of calls that are errors."""
_W3C = TraceContextTextMapPropagator()


class CallTraces:
    """Begins the traces of all calls."""

    def __init__(self, tracer: Tracer, content: bool) -> None:
        """With `content` the spans have what was said."""
        self._tracer = tracer
        self._content = content
        quieten_logger("opentelemetry.trace.span")  # tells of each `tracestate` that is wrong, and anybody may send one

    def begin(self, record: Conversation, caller: Caller) -> "CallSpan":
        """Follow a call from now on. It goes on in the trace of its record, or in that of the request."""
        headers: Mapping[str, str] = caller.headers
        if record.traceparent:
            headers = {"traceparent": record.traceparent}
        span = self._tracer.start_span(
            "call",
            _parent(headers),
            SpanKind.SERVER,
            {
                "gen_ai.conversation.id": record.id,
                "gen_ai.agent.name": record.agent,
                "antiphon.transport": caller.transport or "webrtc",
                "antiphon.resumed": bool(record.traceparent),
            },
        )
        return CallSpan(self._tracer, span, record.id, self._content)


def _parent(headers: Mapping[str, str]) -> Context:
    """The span in which these headers were sent, if they name one."""
    named = {name: headers[name] for name in ("traceparent", "tracestate") if name in headers}
    if len(named.get("tracestate", "")) > MOST_STATE:
        del named["tracestate"]
    return _W3C.extract(named, Context())


class CallSpan:
    """Follows one call."""

    def __init__(self, tracer: Tracer, span: Span, call_id: str, content: bool) -> None:
        self._tracer, self._span, self._id = tracer, span, call_id
        self._content = content
        self._context = otel.set_span_in_context(span, Context())
        carrier: dict[str, str] = {}
        _W3C.inject(carrier, self._context)
        self.traceparent = carrier.get("traceparent", "")
        self._open: list[ExchangeSpan] = []
        """The exchanges that are not over. A call has few at a time."""
        self._over = False
        self._answers: dict[int, ExchangeSpan] = {}
        """The newest exchanges, by the number of the reply."""

    def begin(self, utterance: int | None, spoken: bool) -> "ExchangeSpan":
        attributes: dict[str, str | int | bool] = {"gen_ai.conversation.id": self._id, "antiphon.spoken": spoken}
        if utterance is not None:
            attributes["antiphon.utterance"] = utterance
        span = self._tracer.start_span("exchange", self._context, attributes=attributes)
        exchange = ExchangeSpan(self, self._tracer, span, spoken)
        self._open.append(exchange)
        return exchange

    def observe(self, observed: Observed) -> None:
        """A message, or a failure, of the call."""
        if self._over:
            return
        match observed:
            case messages.Heard(reply=reply, gap_ms=gap_ms) if reply in self._answers:
                self._answers[reply].note("antiphon.exchange.gap", gap_ms / 1000)
            case messages.Response(reply=reply, text=text, final=True) if self._content and reply in self._answers:
                self._answers[reply].note("antiphon.agent.text", text)
            case messages.Transcription(utterance=utterance, text=text, final=True) if self._content:
                self._span.add_event("transcription", {"antiphon.utterance": utterance, "antiphon.caller.text": text})
            case EngineError(stage=stage):
                self._span.add_event("failure", {"antiphon.stage": stage})

    def answer(self, reply: int, exchange: "ExchangeSpan") -> None:
        """This reply answers the exchange."""
        self._answers[reply] = exchange
        while len(self._answers) > MOST_ANSWERS:
            del self._answers[min(self._answers)]

    def over(self, exchange: "ExchangeSpan") -> None:
        """An exchange of this call is over."""
        self._open.remove(exchange)

    def end(self, how: str) -> None:
        """The call is over here. One that never had a connection, or that the server has ended, is an error."""
        if self._over:
            return
        self._over = True
        for exchange in list(self._open):
            exchange.end("dropped")
        if how:
            self._span.set_attribute("antiphon.call.end", how)
        if how in _FAILED:
            self._span.set_status(Status(StatusCode.ERROR))
        self._span.end()


class ExchangeSpan:
    """Follows one exchange."""

    def __init__(self, call: CallSpan, tracer: Tracer, span: Span, spoken: bool) -> None:
        self._call, self._tracer, self._span = call, tracer, span
        self._context = otel.set_span_in_context(span, Context())
        self._utterance = self._part("utterance") if spoken else None
        self._playout: Span | None = None
        self._over = False

    def _part(self, name: str) -> Span:
        return self._tracer.start_span(name, self._context)

    def within(self, work: Work) -> Work:
        async def within() -> None:
            attach(self._context)  # for the task that runs this, and for those that it starts
            await work()

        return within

    def mark(self, stage: str) -> None:
        if self._over:  # it was cut off before it came so far
            return
        self._span.add_event(stage)
        if stage == "endpoint" and self._utterance is not None:
            self._utterance.end()
            self._utterance = None
        elif stage == "first_packet" and self._playout is None:
            self._playout = self._part("playout")

    def answer(self, reply: int) -> None:
        self.note("antiphon.reply", reply)
        self._call.answer(reply, self)

    def note(self, name: str, value: str | float) -> None:
        """Note a figure of the exchange, or its words. After its end this changes nothing."""
        if not self._over:
            self._span.set_attribute(name, value)

    def end(self, how: str) -> None:
        if self._over:
            return
        self._over = True
        if self._utterance is not None:
            self._utterance.end()
        if self._playout is not None:
            self._playout.set_attribute("antiphon.exchange.end", how)
            self._playout.end()
        self._span.set_attribute("antiphon.exchange.end", how)
        if how == "failed":
            self._span.set_status(Status(StatusCode.ERROR))
        self._span.end()
        self._call.over(self)
