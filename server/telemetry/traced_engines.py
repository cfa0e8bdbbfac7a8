"""Wraps the speech engines of one call, so that each request is a span of the exchange that makes it.

A request to a worker carries its trace there. The worker tells in its answer how long the request waited and how long
the engine worked, and that becomes a span beneath the request's own: nothing is exported by workers.
"""

import time
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, contextmanager

from opentelemetry import trace as otel
from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from server.errors import EngineError
from server.speech.following import FOLLOWER, Follower, Served
from server.speech.protocols import Pcm, SpeechStream, SpeechToText, TextToSpeech
from server.speech.wrapped import WrappedSpeechStream, WrappedSpeechToText, WrappedTextToSpeech

_W3C = TraceContextTextMapPropagator()
_NS = 1_000_000_000


def traced_speech_to_text(engine: SpeechToText, tracer: Tracer) -> SpeechToText:
    """The same engine, whose requests for words are spans."""

    def change(stream: SpeechStream) -> SpeechStream:
        async def transcript() -> str:
            with _request(tracer, "speech-to-text") as span:
                with _followed_by(_follower(tracer, span)):
                    text = await stream.transcript()
                span.set_attribute("antiphon.characters", len(text))
            return text

        return WrappedSpeechStream(stream, transcript)

    return WrappedSpeechToText(engine, change)


def traced_text_to_speech(engine: TextToSpeech, tracer: Tracer) -> TextToSpeech:
    """The same engine, whose requests for sound are spans."""

    async def change(text: str, sound: AsyncGenerator[Pcm, None]) -> AsyncGenerator[Pcm, None]:
        with _request(tracer, "text-to-speech") as span:
            span.set_attribute("antiphon.characters", len(text))
            follower, begun = _follower(tracer, span), False
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

    return WrappedTextToSpeech(engine, change)


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
