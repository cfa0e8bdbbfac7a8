"""Monitor: measures the media loop, the speech engines, the workers and the calls.

The other parts of the server do not know it. When metrics are read, it reads their counters. What happens in calls is
shown to `CallMeters`.
"""

import asyncio
import itertools
from collections.abc import Callable, Iterable, Mapping
from typing import Protocol
from weakref import WeakValueDictionary

from opentelemetry.metrics import CallbackOptions, Meter, Observation
from opentelemetry.trace import Tracer

from server.call.caller import Caller
from server.call.desk.admission import Load, Refusal
from server.call.desk.limits import Stage
from server.speech.protocols import SpeechToText, TextToSpeech
from server.telemetry.call_meters import GAP_S, CallMeters
from server.telemetry.loop_watch import Clock, LoopWatch
from server.telemetry.media_meters import MediaMeters
from server.telemetry.run_meters import RunMeters
from server.telemetry.traced_engines import traced_speech_to_text, traced_text_to_speech
from server.telemetry.waits import Waits, expected_s
from server.telemetry.watched_engines import Watch, watched_speech_to_text, watched_text_to_speech

LATE_S = (0.001, 0.002, 0.005, 0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28)
"""The bounds of the histogram buckets for how late the loop is, in seconds."""


class Parts(Protocol):
    """Keeps the state of each part of the server (`signaling.health.Health`)."""

    def add(self, name: str, check: Callable[[], str], needed: bool) -> None: ...


class Directory(Protocol):
    """The part of the directory of calls that is read here."""

    opened: int

    def __len__(self) -> int: ...

    @property
    def detached(self) -> int: ...

    @property
    def refused(self) -> Mapping[Refusal, int]: ...

    @property
    def gave_way(self) -> Mapping[Stage, int]: ...

    def refusal(self) -> Refusal | None: ...


class Breakers(Protocol):
    """The part of the breakers of all models that is read here."""

    @property
    def failures(self) -> Mapping[tuple[str, str], int]: ...


class Fallbacks(Protocol):
    """Speech engines of which the next one goes on when one fails."""

    @property
    def stage(self) -> str: ...

    @property
    def served(self) -> Mapping[tuple[str, str], int]: ...


class Webhooks(Protocol):
    """The part of the webhooks that is read here."""

    @property
    def delivered(self) -> int: ...

    @property
    def failed(self) -> int: ...

    @property
    def waiting(self) -> int: ...

    @property
    def dropped(self) -> Mapping[str, int]: ...

    @property
    def trouble(self) -> str: ...


class Worker(Protocol):
    """The part of a speech worker's supervisor that is read here."""

    engine: str
    restarts: int
    ready: bool


Read = Callable[[], Iterable[Observation]]
"""A function that reads the present values of a metric."""


class Monitor:
    """Measures with `meter`, and registers with `parts` how healthy each part is.

    Join `tick` to the pacer, and pass what happens in calls to `calls.observe`. With a `tracer` the work of the engines
    is traced, too.
    """

    def __init__(self, meter: Meter, pacer: Clock, parts: Parts, tracer: Tracer | None = None) -> None:
        self._meter = meter
        self._parts = parts
        self._tracer = tracer
        self._watches: dict[str, Watch] = {}
        self._workers: dict[str, Worker] = {}
        self._callers: WeakValueDictionary[str, Waits] = WeakValueDictionary()
        """The waits of each caller, as long as one of the caller's calls holds them."""
        self._numbers = itertools.count()
        self.calls = CallMeters(meter)
        self.runs = RunMeters(meter)
        self.media = MediaMeters(meter)
        lag = self._seconds("antiphon.loop.lag", "How late the latest tick of each 200 ms began", LATE_S)
        packet = self._seconds("antiphon.packet.lateness", "How late the latest packet of each 200 ms left", LATE_S)
        self.loop = LoopWatch(pacer, lag, packet)
        self._answers = meter.create_histogram(
            "antiphon.speech.wait",
            unit="s",
            description="From asking a speech engine to its words or first sound",
            explicit_bucket_boundaries_advisory=GAP_S,
        )
        parts.add("model", self.calls.model.check, needed=False)
        self._observe_speech()
        self._fallbacks: list[Fallbacks] = []
        asked = "Requests to each of several speech engines, and how they ended"
        self.count("antiphon.speech.engine.requests", asked, self._observe_fallbacks)
        self.count("antiphon.worker.restarts", "Workers that were replaced", lambda: self._of_workers("restarts"))
        self._gauge("antiphon.worker.ready", "Whether a worker answers", lambda: self._of_workers("ready"))
        self.count("antiphon.loop.skipped", "Ticks that were left out", lambda: [Observation(self.loop.skipped)])

    def tick(self, number: int) -> None:
        """Measure the loop, and what the clients have reported. The pacer calls it."""
        self.loop.tick(number)
        self.media.tick(number)

    def load(self) -> Load:
        """The load of this server, by which the admission of new calls decides."""
        now_s = asyncio.get_running_loop().time()
        return Load(lag_ms=self.loop.p95_ms(), wait_ms=expected_s(self._callers.values(), now_s) * 1000)

    def watch_caller(self, caller: Caller) -> Watch:
        """Make a watch on the engines of one call. All calls of a caller count as one, whatever they ask for."""
        key = f"name {caller.name}" if caller.name else caller.address or f"call {next(self._numbers)}"
        waits = self._callers.setdefault(key, Waits())
        return Watch(lambda waited_s: None, waits)

    def watched(self, caller: Caller, stt: SpeechToText, tts: TextToSpeech) -> tuple[SpeechToText, TextToSpeech]:
        """The speech engines of one call, which are watched, and traced where traces are sent."""
        watch = self.watch_caller(caller)
        stt, tts = watched_speech_to_text(stt, watch), watched_text_to_speech(tts, watch)
        if self._tracer is None:
            return stt, tts
        return traced_speech_to_text(stt, self._tracer), traced_text_to_speech(tts, self._tracer)

    def watch(self, stage: str) -> Watch:
        """Make a watch on the speech engine of this stage ("speech-to-text" or "text-to-speech")."""
        watch = self._watches[stage] = Watch(lambda waited_s: self._answers.record(waited_s, {"stage": stage}))
        self._parts.add(stage, watch.last_use.check, needed=False)
        return watch

    def watch_worker(self, worker: Worker, needed: bool = True) -> None:
        """Watch a speech worker. While one that is `needed` is not ready, the server is not ready."""
        same = sum(other.engine == worker.engine for other in self._workers.values())
        name = f"{worker.engine} {same + 1}" if same else worker.engine  # one engine may have a worker for each model
        self._workers[name] = worker
        sentence = f"The worker of {name} is being started."
        self._parts.add(f"worker {name}", lambda: "" if worker.ready else sentence, needed)

    def watch_calls(self, directory: Directory) -> None:
        """Watch the calls. While new calls are refused, the server is not ready."""

        def live() -> Iterable[Observation]:
            yield Observation(len(directory) - directory.detached, {"state": "connected"})
            yield Observation(directory.detached, {"state": "detached"})

        def refused() -> Iterable[Observation]:
            return [Observation(count, {"reason": refusal.value}) for refusal, count in directory.refused.items()]

        def gave_way() -> Iterable[Observation]:
            return [Observation(count, {"state": stage.value}) for stage, count in directory.gave_way.items()]

        def check() -> str:
            refusal = directory.refusal()
            return refusal.sentence if refusal else ""

        self._parts.add("calls", check, needed=True)
        self._gauge("antiphon.call.live", "Calls at present", live)
        self.count("antiphon.call.opened", "Calls that were admitted", lambda: [Observation(directory.opened)])
        self.count("antiphon.call.refused", "Calls that were refused", refused)
        self.count("antiphon.call.gave_way", "Calls that gave way to a newcomer", gave_way)

    def watch_models(self, breakers: Breakers) -> None:
        """Watch the models of the agent."""

        def failures() -> Iterable[Observation]:
            for (model, kind), count in breakers.failures.items():
                yield Observation(count, {"model": model, "kind": kind})

        self.count("antiphon.model.failures", "Requests to a model that failed, tried again or not", failures)

    def watch_fallbacks(self, fallbacks: Fallbacks) -> None:
        """Watch which of several speech engines serves."""
        self._fallbacks.append(fallbacks)

    def _observe_fallbacks(self) -> Iterable[Observation]:
        for each in self._fallbacks:
            for (engine, end), count in each.served.items():
                yield Observation(count, {"stage": each.stage, "engine": engine, "end": end})

    def watch_webhooks(self, webhooks: Webhooks) -> None:
        """Watch the webhooks. An endpoint that fails does not make the server less ready."""
        self._parts.add("webhooks", lambda: webhooks.trouble, needed=False)
        self.count("antiphon.webhook.delivered", "Events delivered", lambda: [Observation(webhooks.delivered)])
        self.count("antiphon.webhook.failures", "Tries that failed", lambda: [Observation(webhooks.failed)])
        self.watch_drops("antiphon.webhook.dropped", lambda: webhooks.dropped)
        waiting = "Calls with events that wait in the store, for each endpoint"
        self._gauge("antiphon.webhook.waiting", waiting, lambda: [Observation(webhooks.waiting)])

    def watch_drops(self, name: str, drops: Callable[[], Mapping[str, int]]) -> None:
        """Watch what is dropped. `drops` returns how much was dropped so far, by the queue's name or the reason."""
        self.count(
            name,
            "What was dropped, by queue or by reason",
            lambda: [Observation(count, {"queue": queue}) for queue, count in drops().items()],
        )

    def count(self, name: str, description: str, read: Read) -> None:
        """Export a counter that another part of the server keeps. `read` is called when metrics are read."""
        self._meter.create_observable_counter(name, [_callback(read)], description=description)

    def _gauge(self, name: str, description: str, read: Read, unit: str = "") -> None:
        self._meter.create_observable_gauge(name, [_callback(read)], unit=unit, description=description)

    def _seconds(self, name: str, description: str, buckets: tuple[float, ...]) -> Callable[[float], None]:
        return self._meter.create_histogram(
            name, unit="s", description=description, explicit_bucket_boundaries_advisory=buckets
        ).record

    def _observe_speech(self) -> None:
        def each(value: Callable[[Watch, float], float]) -> Read:
            now = asyncio.get_running_loop().time
            return lambda: [Observation(value(w, now()), {"stage": stage}) for stage, w in self._watches.items()]

        self._gauge("antiphon.speech.waiting", "Requests that wait for an engine", each(lambda w, _: len(w.waits)))
        self._gauge(
            "antiphon.speech.oldest",
            "How long the oldest request waits",
            each(lambda w, now: w.waits.oldest_s(now)),
            "s",
        )
        self.count("antiphon.speech.failures", "Requests that failed", each(lambda w, _: w.last_use.failures))

    def _of_workers(self, field: str) -> Iterable[Observation]:
        return [Observation(int(getattr(worker, field)), {"engine": name}) for name, worker in self._workers.items()]


def _callback(read: Read) -> Callable[[CallbackOptions], Iterable[Observation]]:
    return lambda options: read()
