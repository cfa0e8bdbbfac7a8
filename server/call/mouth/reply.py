"""Reply: one answer of the agent, from its source through clauses and text-to-speech to its Speech.

A reply is one cancel scope. It may begin before the floor has committed to it; until then nobody hears it, and no tool
with effects runs.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from math import inf
from typing import Protocol

from server.agent.spoken.sound import Sound
from server.call.mouth.keystrokes import Keystrokes, Tones
from server.call.mouth.playout import Speech
from server.call.mouth.source import Source
from server.call.mouth.stopwatch import Stage
from server.errors import EngineError
from server.media.frame import SPOKEN_RATE
from server.media.resample import Resampler
from server.speech.clauses import Clauses
from server.speech.protocols import Asker, TextToSpeech
from server.speech.spoken_form import spoken_form

PLENTY_MS = 2_000
"""With so much sound ahead of the caller's ear the next clause may wait for clauses of other calls. A worker begins a
clause within 0.1 s, unless many calls ask at once."""

log = logging.getLogger(__name__)

ROOM_CHECK_S = 0.2
"""How often a reply that is 30 s ahead of the caller's ear looks whether it may go on."""


@dataclass(frozen=True, slots=True)
class Pronunciation:
    """The voice and the language that a text is spoken with. "" leaves the choice to the engine."""

    voice: str = ""
    language: str = ""


@dataclass(frozen=True, slots=True)
class _Clause:
    """A text on its way to text-to-speech."""

    text: str
    spoken_as: Pronunciation
    aside: bool = False


class SpeaksItself(Protocol):
    """A model that gives the sound of its words with them."""

    on_sound: Callable[[Sound], None]

    @property
    def speaking(self) -> bool:
        """The words that its source gives now have sound."""


class Reply:
    """One answer.

    `spoken_as` is asked for each clause when its text is there, because a tool may change the language of the call.
    `on_stage` is told when "first_token" and "first_clause" are reached, `on_sound` when there is something to be heard
    and there was nothing before.
    """

    def __init__(
        self,
        source: Source,
        tts: TextToSpeech,
        spoken_as: Callable[[], Pronunciation],
        on_stage: Callable[[Stage], None],
        on_sound: Callable[["Reply"], None],
        interruptible: bool = True,
    ) -> None:
        self.source = source
        self.speech = Speech()
        self._word_by_word = isinstance(source, Keystrokes)
        """Each word is a clause, as keys are."""
        if isinstance(source, Keystrokes):
            source.speech, tts = self.speech, Tones()
        self.interruptible = interruptible
        self.failure: EngineError | None = None
        self.written = False
        """There is text, of which perhaps nothing can be spoken."""
        self.complete = False
        """No more text will come."""
        self.committed = asyncio.Event()
        self._tts = tts
        self._spoken_as = spoken_as
        self._on_stage = on_stage
        self._on_sound = on_sound
        self._clauses: asyncio.Queue[_Clause | Sound | None] = (
            asyncio.Queue()
        )  # the model's answer has a limit, and so has this
        self._model: SpeaksItself | None = None
        self._sounds: dict[Sound, int | None] = {}
        """What the model has said itself, each with its number in the speech."""
        self._waiting: list[str] = []
        """Clauses that text-to-speech has not begun with."""
        self._running = self._pronouncing = self._answered = False
        self._cutter = Clauses()
        self._asides = 0
        """How many clauses are asides, or were said by the model itself."""
        self._begun = 0
        """With how many clauses text-to-speech has begun, asides among them."""
        self._to_say = inf
        """How many clauses are said, asides among them."""

    def let_speak(self, model: SpeaksItself) -> None:
        """The `model` of the source speaks itself."""
        self._model = model
        model.on_sound = self._take

    @property
    def unheard(self) -> str:
        """The text that the caller has not heard yet, as far as it is known, in whole clauses."""
        return " ".join([self.speech.unheard, *self._waiting]).strip()

    @property
    def waits(self) -> bool:
        """More text is to come, and all that has come so far was spoken."""
        return self._running and not (self.complete or self._waiting or self._pronouncing or self._cutter.begun)

    def fill(self, text: str, spoken_as: Pronunciation) -> None:
        """Say `text` while the caller waits."""
        self.source.add_aside(text)
        self._asides += 1
        self._waiting.append(text)
        self._clauses.put_nowait(_Clause(text, spoken_as, aside=True))

    def give_up(self) -> None:
        """Begin no tool any more. Its task may run for another step before it is cancelled."""
        self.committed.clear()
        self.source.give_up()
        for sound, number in self._sounds.items():
            sound.cut(0 if number is None else self.speech.heard_ms(number))

    async def run(self, ready: Callable[[], Awaitable[None]]) -> None:
        """Make the answer, once it is `ready` to be made, until it is complete. When an engine fails, `failure` says
        so, and what was made stays."""
        self._running = True
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._compose(ready), name="reply-compose")
                group.create_task(self._pronounce(), name="reply-pronounce")
        except* EngineError as failures:
            self.failure = _first(failures)
        except* Exception:
            log.exception("x fault in a reply")
            self.failure = self.failure or EngineError("server", "Something went wrong in the server.")
        finally:
            self.complete = True
            self.speech.finish()

    async def _compose(self, ready: Callable[[], Awaitable[None]]) -> None:
        await ready()

        def on_text(delta: str) -> None:
            self._note_begin()
            self.written = self.written or not delta.isspace()
            if self._model is not None and self._model.speaking:
                return
            self._hand_on(delta.split() if self._word_by_word else self._cutter.receive(delta))

        await self.source.speak(on_text, self.committed)
        if self.source.cut_off:
            self._break_off()
        else:
            self._hand_on(self._cutter.finish())
        self._clauses.put_nowait(None)
        self.complete = True

    def _note_begin(self) -> None:
        if not self._answered:
            self._answered = True
            self._on_stage("first_token")

    def _break_off(self) -> None:
        """Say whole sentences only, as far as the caller has not begun to hear another one."""
        last, to_say = self._cutter.break_off()
        self._hand_on(last)
        self._to_say = to_say = self.speech.shorten(to_say + self._asides)
        del self._waiting[max(0, to_say - self._begun) :]

    def _hand_on(self, clauses: list[str]) -> None:
        self._waiting += clauses
        for text in clauses:
            self._clauses.put_nowait(_Clause(text, self._spoken_as()))

    def _take(self, sound: Sound) -> None:
        """The model speaks itself: this is played after what has come before."""
        self._sounds[sound] = None
        self._asides += 1
        self._clauses.put_nowait(sound)

    async def _pronounce(self) -> None:
        first = True
        while (clause := await self._clauses.get()) is not None:
            if self._begun >= self._to_say:
                continue
            if isinstance(clause, Sound):
                self._begun += 1
                self._pronouncing = True
                await self._play(clause, first)
                self._pronouncing = first = False
                continue
            self._begun += 1
            self._pronouncing = True
            await self._say(clause, first)
            self._pronouncing, first = False, first and clause.aside

    async def _play(self, sound: Sound, first: bool) -> None:
        self._sounds[sound] = self.speech.begin_answer()
        resampler = Resampler(sound.rate, SPOKEN_RATE)
        async for piece in sound.pieces():
            self._note_begin()
            if isinstance(piece, str):
                self.speech.extend(piece)
                continue
            if first:
                self._on_stage("first_clause")
                first = False
            self.written = True
            await self._add(resampler.convert(piece))
        self.speech.add(resampler.flush())
        if rest := self.speech.end_answer(sound.lost):
            self._waiting.insert(0, rest)
            await self._say(_Clause(rest, self._spoken_as()), first)

    async def _say(self, clause: _Clause, first: bool) -> None:
        """Have text-to-speech say the clause that waits."""
        if first and not clause.aside:
            self._on_stage("first_clause")
        del self._waiting[0]
        await self._pronounce_clause(clause)

    async def _add(self, pcm: bytes) -> None:
        silent = not self.speech.ready
        self.speech.add(pcm)
        if silent and self.speech.ready:
            self._on_sound(self)
        while not self.speech.room:  # noqa: ASYNC110  # the playout is pure and has no event to wait for
            await asyncio.sleep(ROOM_CHECK_S)

    async def _pronounce_clause(self, clause: _Clause) -> None:
        self.speech.begin(clause.text, clause.aside)
        number = self._begun
        resampler: Resampler | None = None
        how, asker = clause.spoken_as, Asker(has_sound=self.speech.ahead_ms >= PLENTY_MS)
        text = spoken_form(clause.text, how.language)
        async with aclosing(self._tts.synthesize(text, how.voice, how.language, asker)) as sound:
            async for pcm in sound:
                if number > self._to_say:
                    return
                resampler = resampler or Resampler(pcm.rate, SPOKEN_RATE)
                await self._add(resampler.convert(pcm.data))
        if number > self._to_say:
            return
        if resampler is not None:
            self.speech.add(resampler.flush())
        self.speech.end()


def _first(failures: BaseExceptionGroup[EngineError]) -> EngineError:
    found: BaseException = failures
    while isinstance(found, BaseExceptionGroup):
        found = found.exceptions[0]
    assert isinstance(found, EngineError), "because except* selected only those"
    return found
