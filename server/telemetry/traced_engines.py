"""Wraps the speech engines of one call, so that each request is a span of the exchange that makes it.

A request to a worker carries its trace there. The worker tells in its answer how long the request waited and how long
the engine worked, and that becomes a span beneath the request's own: nothing is exported by workers.
"""

import time
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import aclosing, contextmanager

from opentelemetry import trace as otel
from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from server.errors import EngineError
from server.speech.following import FOLLOWER, Follower, Served
from server.speech.protocols import ANYBODY, Asker, Pcm, SpeechStream, SpeechToText, TextToSpeech

_W3C = TraceContextTextMapPropagator()
_NS = 1_000_000_000


class TracedSpeechToText:
    """A SpeechToText whose requests for words are spans."""

    def __init__(self, engine: SpeechToText, tracer: Tracer) -> None:
        self._engine = engine
        self._tracer = tracer

    @property
    def languages(self) -> Sequence[str]:
        return self._engine.languages

    def listen(
        self,
        phrases: Sequence[str],
        on_partial: Callable[[str], None],
        language: str = "",
        others: Sequence[str] = (),
        asker: Asker = ANYBODY,
    ) -> SpeechStream:
        return _TracedSpeechStream(self._engine.listen(phrases, on_partial, language, others, asker), self._tracer)


class _TracedSpeechStream:
    def __init__(self, stream: SpeechStream, tracer: Tracer) -> None:
        self.feed = stream.feed
        self.close = stream.close
        self._stream = stream
        self._tracer = tracer

    @property
    def language(self) -> str:
        return self._stream.language

    async def transcript(self) -> str:
        with _request(self._tracer, "speech-to-text") as span:
            with _followed_by(_follower(self._tracer, span)):
                text = await self._stream.transcript()
            span.set_attribute("antiphon.characters", len(text))
        return text


class TracedTextToSpeech:
    """A TextToSpeech whose requests for sound are spans."""

    def __init__(self, engine: TextToSpeech, tracer: Tracer) -> None:
        self._engine = engine
        self._tracer = tracer

    @property
    def languages(self) -> Sequence[str]:
        return self._engine.languages

    async def synthesize(
        self, text: str, voice: str, language: str = "", asker: Asker = ANYBODY
    ) -> AsyncGenerator[Pcm, None]:
        with _request(self._tracer, "text-to-speech") as span:
            span.set_attribute("antiphon.characters", len(text))
            follower, begun = _follower(self._tracer, span), False
            sound = self._engine.synthesize(text, voice, language, asker)
            async with aclosing(sound):
                while True:
                    with _followed_by(follower):  # not while this waits for whoever takes the sound
                        pcm = await anext(sound, None)
                    if pcm is None:
                        return
                    if not begun:
                        begun = True
                        span.add_event("first_sound")
                    yield pcm


@contextmanager
def _request(tracer: Tracer, name: str) -> Iterator[Span]:
    """The span of one request. It is a child of the present one, and does not take its place: a generator may end in
    another task than it began in."""
    span = tracer.start_span(name, kind=SpanKind.CLIENT)
    try:
        yield span
    except EngineError as error:
        span.set_status(Status(StatusCode.ERROR, error.stage))
        raise
    finally:
        span.end()


def _follower(tracer: Tracer, span: Span) -> Follower | None:
    """Makes a span of a worker's part in the request that `span` is. None: the request is in no trace."""
    if not span.is_recording():
        return None
    carrier: dict[str, str] = {}
    _W3C.inject(carrier, otel.set_span_in_context(span, Context()))
    return Follower(carrier["traceparent"], lambda served: _tell_of_worker(tracer, served))


@contextmanager
def _followed_by(follower: Follower | None) -> Iterator[None]:
    """It follows the requests to workers that are made in this block."""
    before = FOLLOWER.get()
    FOLLOWER.set(follower)
    try:
        yield
    finally:
        FOLLOWER.set(before)


def _tell_of_worker(tracer: Tracer, served: Served) -> None:
    """Make the span of a worker that has just answered: beneath the one of which it was told, by the times it tells."""
    parent = _W3C.extract({"traceparent": served.traceparent}, Context())
    end_ns = time.time_ns()
    start_ns = end_ns - round(served.total_s * _NS)
    figures = {"antiphon.worker.queue": served.queue_s, "antiphon.worker.engine": served.engine_s}
    span = tracer.start_span(f"worker {served.engine}", parent, SpanKind.SERVER, figures, start_time=start_ns)
    span.add_event("engine begins", timestamp=start_ns + round(served.queue_s * _NS))
    span.end(end_ns)
