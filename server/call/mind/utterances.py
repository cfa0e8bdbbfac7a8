"""Utterances: what the caller says, from its first sound until its answer is ready to be heard."""

import asyncio
from collections.abc import Callable
from typing import Protocol

from server.call import messages
from server.call.agent_messages import MAX_NOTE_CHARS, Note
from server.call.ears.ears import Ears
from server.call.host import Host
from server.call.mind.answers import Answers
from server.call.mind.owed import Happening, Owed
from server.call.mind.preparation import Preparation
from server.call.mind.utterance import Utterance
from server.call.mouth.reply import Reply
from server.call.mouth.stopwatch import Stopwatch
from server.call.setup import CallSetup
from server.call.turns.judge import Prepare
from server.call.turns.lexicon.lexicon import Kind
from server.errors import EngineError


class Outcomes(Protocol):
    """What utterances report to: what becomes of them."""

    def on_answer(self, utterance: Utterance, prompt: str, reply: Reply) -> None:
        """`reply` answers `prompt`: the words of the utterance, after all that was still owed an answer."""

    def on_no_words(self, utterance: int) -> None:
        """The utterance gets no answer of its own: it has no words, or the caller's next answer includes them."""

    def on_no_transcript(self, utterance: int, failure: EngineError) -> None:
        """The words of the utterance will never be known."""


class Utterances:
    """All utterances of one call."""

    def __init__(
        self, outcomes: Outcomes, host: Host, setup: CallSetup, ears: Ears, answers: Answers, owed: Owed
    ) -> None:
        self.newest = 0
        """The number of the newest utterance."""
        self.present: Utterance | None = None
        """The utterance that the ears listen to."""
        self.answering: Utterance | None = None
        """The utterance that the floor has committed to, until its answer is handed on."""
        self._outcomes = outcomes
        self._host = host
        self._stt = setup.engines.speech_to_text
        self._trace = setup.trace
        self._ears = ears
        self._answers = answers
        self._owed = owed
        self._now = asyncio.get_running_loop().time
        self._preparation = Preparation(host.start, self._prepare, answers.stop, self._on_settled, self._on_failed)
        self.on_set_aside: Callable[[Note], None] = lambda note: None
        """Puts the words that nobody answers into the history, where the agent speaks only when it is asked."""
        self._committed = False
        """The client has said that the caller is done with the present utterance."""
        self._open: dict[int, Utterance] = {}
        """By number: the utterances that are being heard, or whose words are not known yet."""

    def number(self) -> int:
        """Take the next number, for a new utterance."""
        self.newest += 1
        return self.newest

    # From the first sound to the end

    def open(self, number: int) -> None:
        """The caller begins to speak."""

        def on_partial(text: str) -> None:
            if not utterance.settled:
                utterance.text = text
                self._tell(utterance, final=False)

        language = self._answers.language
        transcription = self._stt.listen(self._answers.expected, on_partial, language.likely, language.others)
        stopwatch = Stopwatch(self._now, self._trace.begin(number, spoken=True))
        utterance = self._open[number] = self.present = Utterance(number, transcription, stopwatch)
        utterance.sound = self._answers.listen(lambda: utterance.text)
        self._ears.listen(utterance)

    def type(self, text: str) -> int:
        """Open an utterance of typed words, which is complete at once. Returns its number."""
        number = self.number()
        stopwatch = Stopwatch(self._now, self._trace.begin(number, spoken=False))
        self._open[number] = Utterance(number, None, stopwatch, text)
        return number

    def put_off_typed(self, text: str) -> None:
        """Typed words are answered later, together with those that follow."""
        number = self.number()
        self._owed.owe_answer(number, text)
        self._host.send(messages.Transcription(utterance=number, text=text, final=True))

    def repeat(self) -> int:
        """Open an utterance of all words that are owed an answer. Returns its number.

        The client knows these words already, and is not told them again.
        """
        number = self.type(self._owed.take_words())
        self._open[number].told = True
        return number

    def prepare(self, utterance: Utterance, what: Prepare) -> None:
        """Make ready what the judge wants, in case the caller is done."""
        match what:
            case Prepare.CANCEL:
                self._preparation.cancel(utterance)
            case Prepare.WORDS:
                self._preparation.ask(utterance)
            case Prepare.ANSWER if self._answers.brought.speaks_when_asked:
                self._preparation.ask(utterance)
            case Prepare.ANSWER:
                self._preparation.pause(utterance, self._ears.voicing.voiced_ms)

    def drop(self, number: int) -> None:
        """Drop the utterance without an answer, unless it was put off. The client forgets its words."""
        utterance = self._open.get(number)
        if utterance is not None and not self._owed.expects_words(number):
            self._preparation.cancel(utterance)
            self._answers.forget(utterance.sound)
            self._release(utterance)
            self._host.send(messages.Transcription(utterance=number, text="", final=True))

    def answer(self, number: int) -> None:
        """The caller is done. The prepared answer is taken, or one is made as soon as the words are known."""
        utterance = self.answering = self._open[number]
        self._stop_listening(utterance)
        utterance.stopwatch.mark("endpoint")
        self._committed = False
        if self._waits_to_be_asked(utterance):
            self._preparation.ask(utterance)
            if utterance.settled:
                self._answer_words(utterance)
            return
        if utterance.prepared is None:
            self._preparation.finish(utterance)
        if utterance.prepared is not None:
            self._hand_on(utterance)

    # What the client says of them

    def commit(self) -> bool:
        """The caller is done with the present utterance. False: there is none."""
        self._committed = self.present is not None
        return self._committed

    @property
    def client_ends(self) -> bool:
        """Only the client says when the caller is done, and has not said it."""
        return self._answers.brought.client_ends_turns and not self._committed

    @property
    def ended(self) -> bool:
        """The client has said that the caller is done with the present utterance."""
        return self._committed and self.present is not None

    def want(self) -> bool:
        """The client wants an answer to the utterance that is being settled, or else heard. False: there is none."""
        if (utterance := self.answering or self.present) is not None:
            utterance.wanted = True
        return utterance is not None

    # Words that are answered together with later ones

    def overtake(self) -> None:
        """The caller goes on before the answer is ready: both utterances get one answer together."""
        if self.answering is not None:
            self._owed.expect_words(self.answering.number)
            self._preparation.overtake(self.answering)
            self.answering = None

    def put_off(self) -> None:
        """The words of the present utterance are answered later, together with those that follow."""
        utterance = self.present
        assert utterance is not None, "because only what is being heard is put off"
        self._stop_listening(utterance)
        self._owed.expect_words(utterance.number)
        self._preparation.ask(utterance)
        self._preparation.overtake(utterance)
        if utterance.settled:
            self._add_to_owed(utterance)

    def keep(self, half: str = "") -> None:
        """Wait for no more words. All words that are known, also those of a `half` sentence, are owed an answer."""
        for utterance in list(self._open.values()):
            if self._owed.expects_words(utterance.number):
                self._add_to_owed(utterance)
        if half:
            self._owed.owe_answer(self.newest, half)

    def owe(self, typed: str) -> None:
        """These `typed` words, if there are any, are owed an answer."""
        if typed:
            self._owed.owe_answer(self.number(), typed)

    def forget(self, why: Happening) -> None:
        """Answer nothing of what the caller has said so far, also not together with the caller's next words."""
        self.keep()
        self._owed.settle(why)

    def _add_to_owed(self, utterance: Utterance) -> None:
        waits = self._waits_to_be_asked(utterance)
        self._owed.owe_answer(utterance.number, "" if waits else utterance.text)
        self._put_away(utterance, noted=waits)

    # What the preparation reports

    def _prepare(self, utterance: Utterance) -> Reply:
        self._answers.language.hear(utterance.language, utterance.text)
        return self._answers.begin(self._owed.prompt(utterance.text), utterance.stopwatch)

    def _on_settled(self, utterance: Utterance) -> None:
        if utterance.text:
            self._tell(utterance, final=False)
        if self._owed.expects_words(utterance.number):
            self._add_to_owed(utterance)
            self._outcomes.on_no_words(utterance.number)
        elif utterance is self.answering:
            self._answer_words(utterance)

    def _answer_words(self, utterance: Utterance) -> None:
        """The words of the utterance that is to be answered are known."""
        if not utterance.text:
            self._outcomes.on_no_words(utterance.number)
            return
        if self._waits_to_be_asked(utterance):
            self._put_away(utterance, noted=True)
            self._outcomes.on_no_words(utterance.number)
            return
        if utterance.prepared is None:
            self._preparation.finish(utterance)
        self._hand_on(utterance)

    def _waits_to_be_asked(self, utterance: Utterance) -> bool:
        """The client has to ask for the answer, and has not. What it types asks for one."""
        return utterance.spoken and not utterance.wanted and self._answers.brought.speaks_when_asked

    def _put_away(self, utterance: Utterance, noted: bool) -> None:
        """The words are not answered now. They may be `noted`: put into the history."""
        self._preparation.cancel(utterance)
        self._tell(utterance, final=True)
        self._release(utterance)
        if noted and utterance.text:
            self._answers.forget(utterance.sound)  # the history has the words
            self.on_set_aside(Note(text=utterance.text[:MAX_NOTE_CHARS]))

    def _on_failed(self, utterance: Utterance, failure: EngineError) -> None:
        if self._owed.expects_words(utterance.number):
            self._add_to_owed(utterance)
        self._outcomes.on_no_transcript(utterance.number, failure)

    def _hand_on(self, utterance: Utterance) -> None:
        reply, prompt = utterance.prepared, self._owed.prompt(utterance.text)
        assert reply is not None, "because an answer is handed on when it is being made"
        encouraging = self._encourages(utterance, prompt)
        if not self._host.answered(encouraging, utterance.spoken):
            if not encouraging:
                self._put_away(utterance, noted=True)
            self._outcomes.on_no_words(utterance.number)
            return
        self._tell(utterance, final=True)
        utterance.prepared = None
        self._owed.settle(Happening.REPLY_BEGINS)
        self._close(utterance)
        self._ears.nearness.answered()
        self._outcomes.on_answer(utterance, prompt, reply)

    def _encourages(self, utterance: Utterance, prompt: str) -> bool:
        """The caller has said nothing but words such as "okay". What is typed is meant."""
        lexicon = self._answers.language.lexicon
        return utterance.spoken and lexicon.remark(lexicon.words(prompt)).kind is Kind.BACKCHANNEL

    def _tell(self, utterance: Utterance, final: bool) -> None:
        if not utterance.told:
            number, text, pause_ms = utterance.number, utterance.text, utterance.pause_ms if final else None
            self._host.send(messages.Transcription(utterance=number, text=text, final=final, pause_ms=pause_ms))

    def _stop_listening(self, utterance: Utterance) -> None:
        if utterance is self.present:
            self.present = None
            self._ears.rest()

    def _release(self, utterance: Utterance) -> None:
        """Close the utterance, which gets no answer of its own."""
        self._close(utterance)
        utterance.stopwatch.trace.end("dropped")

    def _close(self, utterance: Utterance) -> None:
        """Close the utterance, which is not needed any more."""
        self._open.pop(utterance.number, None)
        if utterance is self.answering:
            self.answering = None
        self._stop_listening(utterance)
        self._host.start(utterance.close, f"close-{utterance.number}")
