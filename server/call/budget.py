"""Budget: what one call may use up, and what it has used. The agent is told before the end, and then it takes leave.

A call costs its operator a line, requests to a model that are paid for, and speech that is paid for or keeps a core
busy. Each of these is a part of the budget. Work that was in vain counts as well: an answer that was prepared in a
pause and dropped, and a request that was cancelled.
"""

from dataclasses import dataclass
from enum import StrEnum
from math import ceil, inf
from typing import ClassVar

from pydantic import NonNegativeFloat, NonNegativeInt

from server.media.frame import FRAME_MS
from server.record.used import Used
from server.settings_group import SettingsGroup

GOODBYE_MS = 30_000
"""The agent takes leave as soon as nobody speaks in the last 30 s, so that it cuts off nobody in most calls. These 30 s
are at most half of the time that a call may last."""
NOTICE_MS = 60_000
"""How long before that the agent is told that the call has to end; at most a quarter of the time of a call."""
NOTICE_SHARE = 0.1
"""Of everything but time, the agent is told when this share is left,"""
TWO_EXCHANGES = {"requests": 4, "tokens": 20_000, "speech_ms": 60_000, "transcription_ms": 60_000}
"""and no later than when this is left, which is enough for two more exchanges; but not before half is used."""

NOTICE = (
    "This call has to end {when}. Tell the caller so once, in your own words, unless you have done it already, and "
    "bring the matter to an end."
)
"""An instruction for the agent's model. It is in English, whatever the language of the call is."""


class BudgetSettings(SettingsGroup):
    """What one call may use up. Before the end the agent's model is told that the call has to end soon. At the end no
    further answer is begun; the agent says goodbye as soon as nobody speaks, and the call ends. The longest time of a
    call is `ANTIPHON_LONGEST_CALL_MIN`. A call that goes on at another server goes on with what is left. In every
    row 0 is no limit.
    """

    title: ClassVar[str] = "Budget: what one call may use up"

    requests: NonNegativeInt = 400
    """Requests to the agent's model. An exchange takes one to three: answers are prepared in pauses, some in vain, and
    each round of tools is one more. So 400 are enough for an hour of talk."""
    tokens: NonNegativeInt = 1_000_000
    """Tokens that the agent's model reads and writes, as its provider counts them. Where it does not, they are
    estimated from the length of the text. An hour of talk takes about as many. Where a million tokens cost 2 dollars,
    the model costs about 2 dollars at most."""
    speech_min: NonNegativeFloat = 30.0
    """Minutes of speech that text-to-speech makes. In an hour of talk an agent speaks for less than half of it."""
    transcription_min: NonNegativeFloat = 120.0
    """Minutes of sound that speech-to-text puts into words. It hears an utterance again at each pause in it, and each
    time counts, because a hosted engine charges for it. In an ordinary call this is about as long as the call. A caller
    who pauses after every syllable can make it thirty times as long."""


class Part(StrEnum):
    """A part of the budget. Its value is the name of its field in `Used`. Each frame of sound looks parts up, and
    strings have a fast hash."""

    TIME = "time_ms"
    REQUESTS = "requests"
    TOKENS = "tokens"
    SPEECH = "speech_ms"
    TRANSCRIPTION = "transcription_ms"

    @property
    def sentence(self) -> str:
        """What the caller may read when it is used up."""
        why = "has lasted as long as a call may" if self is Part.TIME else "has used as much as a call may"
        return f"This call {why}. It ends after the agent's goodbye."


@dataclass(frozen=True, slots=True)
class _Limit:
    """The limit of one part."""

    most: float
    notice: float
    """How much is left when the agent is told."""
    leave: float = 0.0
    """How much is left when the agent takes leave."""


class Budget:
    """The budget of one call."""

    def __init__(
        self, settings: BudgetSettings, used: Used, longest_min: float = 0.0, max_s: float | None = None
    ) -> None:
        """`used` is what the call has used before, on another server. `longest_min` is the longest time of any call,
        and `max_s` of this one; the smaller counts, and 0 and None are no limit.
        """
        self._limits = {
            Part.TIME: _time_limit(min(longest_min * 60_000 or inf, inf if max_s is None else max_s * 1000)),
            Part.REQUESTS: _limit(Part.REQUESTS, settings.requests),
            Part.TOKENS: _limit(Part.TOKENS, settings.tokens),
            Part.SPEECH: _limit(Part.SPEECH, settings.speech_min * 60_000),
            Part.TRANSCRIPTION: _limit(Part.TRANSCRIPTION, settings.transcription_min * 60_000),
        }
        self._used = {part: float(getattr(used, part.value)) for part in Part}

    # What the call uses

    def pass_frame(self) -> None:
        """20 ms have passed. Time without a connection does not count."""
        self._used[Part.TIME] += FRAME_MS

    def add_request(self) -> None:
        """A request to the model begins."""
        self._used[Part.REQUESTS] += 1

    def add_tokens(self, tokens: int) -> None:
        """The model has read and written `tokens`."""
        self._used[Part.TOKENS] += tokens

    def add_speech(self, ms: float) -> None:
        """Text-to-speech has made `ms` of speech."""
        self._used[Part.SPEECH] += ms

    def add_transcription(self, ms: float) -> None:
        """Speech-to-text is asked for the words of `ms` of sound."""
        self._used[Part.TRANSCRIPTION] += ms

    @property
    def used(self) -> Used:
        """What the call has used so far, for its record."""
        return Used(**{part.value: round(used) for part, used in self._used.items()})

    # What follows from it

    @property
    def notice(self) -> str:
        """An instruction for the model: the call has to end soon. "" when it has not."""
        if self.reached is not None:
            return NOTICE.format(when="now")
        if self._is_near(Part.TIME):
            left_ms = self._left(Part.TIME) - self._limits[Part.TIME].leave
            return NOTICE.format(when=f"in about {ceil(left_ms / 10_000) * 10} seconds")
        return NOTICE.format(when="soon, after a few more answers") if any(map(self._is_near, Part)) else ""

    @property
    def reached(self) -> Part | None:
        """The part because of which the agent has to take leave as soon as nobody speaks; None: it has not."""
        return next((part for part, limit in self._limits.items() if self._left(part) <= limit.leave), None)

    @property
    def spent(self) -> bool:
        """No further answer is begun."""
        return any(self._left(part) <= 0 for part in Part)

    @property
    def overdue(self) -> bool:
        """The time is over: the agent takes leave at once, whoever speaks."""
        return self._left(Part.TIME) <= 0

    def _left(self, part: Part) -> float:
        return self._limits[part].most - self._used[part]

    def _is_near(self, part: Part) -> bool:
        return self._left(part) <= self._limits[part].notice


def _time_limit(most_ms: float) -> _Limit:
    leave_ms = min(GOODBYE_MS, most_ms / 2)
    return _Limit(most_ms, leave_ms + min(NOTICE_MS, most_ms / 4), leave_ms)


def _limit(part: Part, most: float) -> _Limit:
    """0 is no limit."""
    most = most or inf
    return _Limit(most, min(max(most * NOTICE_SHARE, TWO_EXCHANGES[part.value]), most / 2) if most < inf else 0.0)
