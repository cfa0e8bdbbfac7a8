"""Measured: what is measured in one call, collected until an exchange is written down with it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from server.agent.call_info import Transport
from server.call import messages
from server.call.mouth.keystrokes import Keystrokes
from server.call.mouth.mouth import SpokenReply
from server.errors import EngineError
from server.media.line import Line, lost_in_percent, rating_in, rating_out
from server.record.figures import STAGES, Failure, Figures, LineFigures, ToolRun

MOST_FAILURES = 10
"""How many failures are kept for one exchange. An engine that is down fails at every word, and says the same."""


class Way(Protocol):
    """The connection of the call."""

    @property
    def transport(self) -> Transport | None:
        """What carries the call; None without a connection."""

    @property
    def line(self) -> Line | None:
        """How it carries sound; None where that is not measured."""


@dataclass(frozen=True, slots=True)
class Since:
    """What has happened since the exchange before."""

    transport: str = ""
    false_starts: int = 0
    failures: tuple[Failure, ...] = ()
    line: LineFigures | None = None


class Measured:
    """What is measured in one call. `see` is shown all that an observer of the call sees."""

    def __init__(self, way: Way) -> None:
        self.on_late: Callable[[], None] = lambda: None
        """Is told when something was measured that may belong to the exchange before."""
        self._observe: Callable[[Any], object] = lambda observed: None
        self._way = way
        self._transport = ""
        self._line = Line()
        """As it was at the exchange before."""
        self._false_starts = 0
        self._failures: list[Failure] = []
        self._told: EngineError | None = None
        """The failure that is known to belong to the exchange before."""
        self._served: dict[str, str] = {}
        """By stage: the engine that served last."""
        self._gap: tuple[int, float] = (-1, 0.0)
        """The newest reply of which the client has reported the gap, and the gap."""

    def before(self, observe: Callable[[Any], object]) -> Callable[[Any], None]:
        """An observer that sees all before `observe` does. That one is shown the line of each exchange, too."""
        self._observe = observe

        def see(observed: Any) -> None:
            self.see(observed)
            observe(observed)

        return see

    def see(self, observed: object) -> None:
        match observed:
            case messages.Transcription(text="", final=True):
                self._false_starts += 1
            case messages.Heard(reply=reply, gap_ms=gap_ms):
                self._gap = reply, round(gap_ms, 1)
                self.on_late()
            case EngineError() if observed is not self._told and len(self._failures) < MOST_FAILURES:
                self._failures.append(_failure(observed))

    def serve(self, stage: str, engine: str) -> None:
        """An engine has served."""
        self._served[stage] = engine

    def take(self, failure: EngineError | None = None) -> Since:
        """An exchange is over, perhaps by this failure: what belongs to it."""
        self._transport = self._way.transport or self._transport
        own = [] if failure is None else [_failure(failure)]
        since = Since(self._transport, self._false_starts, (*self._failures, *own), self._take_line())
        self._false_starts, self._failures, self._told = 0, [], failure
        return since

    def figures(self, spoken: SpokenReply, since: Since, interrupted: bool) -> Figures:
        """The figures of an exchange, as far as they are known by now. Some come later: of a tool that has not
        returned, and of the client."""
        metrics, source, reply = spoken.stopwatch.metrics(spoken.number), spoken.reply.source, spoken.number
        asked = spoken.asked is not None
        spoken_to = asked and metrics.transcript_ms is not None
        by_engine = spoken.reply.speech.pronounced and not isinstance(source, Keystrokes)
        stages = {f"{stage}_ms": getattr(metrics, f"{stage}_ms") for stage in STAGES} if asked else {}
        return Figures(
            reply=reply,
            transport=since.transport,
            speech_to_text=self._served.get("speech-to-text", "") if spoken_to else "",
            model=source.model,
            text_to_speech=self._served.get("text-to-speech", "") if by_engine else "",
            attempts=metrics.attempts if asked else 0,
            gap_ms=self._gap[1] if self._gap[0] == reply and asked else None,
            interrupted=interrupted,
            resumed=len(spoken.resumed_s),
            false_starts=since.false_starts,
            tools=tuple(ToolRun(ran.name, ran.ms, ran.outcome) for ran in source.ran),
            failures=since.failures,
            line=since.line,
            **stages,
        )

    def _take_line(self) -> LineFigures | None:
        now = self._way.line
        if now is None:
            return None
        before, self._line = self._line, now.kept
        if now.counters.received < before.counters.received or now.counters.sent < before.counters.sent:
            before = Line()  # it is another connection
        counters, reports = now.counters, now.counters.reports > 0
        figures = LineFigures(
            now.codec,
            _rounded(lost_in_percent(before, now)),
            _rounded(counters.lost_percent) if reports else None,
            _rounded(counters.jitter_ms) if reports else None,
            _rounded(counters.round_trip_ms),
            counters.concealed_ms - before.counters.concealed_ms,
            counters.recovered - before.counters.recovered,
            _rounded(rating_in(before, now)),
            _rounded(rating_out(now)),
        )
        self._observe(figures)
        return figures


def _failure(error: EngineError) -> Failure:
    return Failure(error.stage, error.sentence)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)
