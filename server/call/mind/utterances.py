"""Utterances: what the person says, from its first sound until its answer is ready to be heard.

Words whose answer nobody heard are not lost: they are the beginning of what the person says next.
"""

from collections.abc import Callable

from server.call import messages
from server.call.ears.ears import Ears, Utterance
from server.call.host import Host
from server.call.mind.answers import Answers
from server.call.mind.preparation import Preparation
from server.call.mouth.reply import Reply
from server.call.mouth.stopwatch import Stopwatch
from server.errors import EngineError
from server.record.conversation import Standing


class Utterances:
    """Of one call.

    `on_answer` gets an utterance that the floor has committed to, all that the person wants answered with it, and the
    answer. `on_none` is told of one that gets none: it has no words, or they belong to what was said after it;
    `on_failed` of one whose words will never be known.
    """

    def __init__(
        self,
        host: Host,
        ears: Ears,
        answers: Answers,
        standing: Standing,
        now: Callable[[], float],
        on_answer: Callable[[Utterance, str, Reply], None],
        on_none: Callable[[int], None],
        on_failed: Callable[[int, EngineError], None],
    ) -> None:
        self.newest = standing.utterance
        """The number of the newest."""
        self.unanswered = standing.unanswered
        """Words whose answer was cancelled before a word of it was heard; part of what the person says next."""
        self.answering: Utterance | None = None
        """The one that the floor has committed to, until its answer is ready to be heard."""
        self.preparation = Preparation(host.start, self._prepare, answers.stop, self._on_settled, self._on_failed)
        self._host = host
        self._ears = ears
        self._answers = answers
        self._now = now
        self._on_answer = on_answer
        self._on_none = on_none
        self._tell_failed = on_failed
        self._open: dict[int, Utterance] = {}
        """Those that are being heard or settled."""
        self._overtaken: list[Utterance] = []
        """The person went on before their words were known: these come before those that follow. Oldest first."""

    def number(self) -> int:
        """Of a new one."""
        self.newest += 1
        return self.newest

    def open(self, number: int) -> None:
        """The person begins to speak."""
        answers = self._answers
        self._open[number] = self._ears.open(number, answers.expected, answers.language, self._on_partial)

    def type(self, text: str) -> int:
        """Typed words are an utterance that is whole at once; returns its number."""
        utterance = Utterance(self.number(), None, Stopwatch(self._now), text)
        self._open[utterance.number] = utterance
        return utterance.number

    def repeat(self) -> int:
        """What has had no answer, as if it were said again: but the client, which has its words, is not told so."""
        question, self.unanswered = self.unanswered, ""
        number = self.type(question)
        self._open[number].told = True
        return number

    def drop(self, number: int) -> None:
        """Nobody wants to know what it was."""
        if (utterance := self._open.get(number)) is not None:
            self.preparation.drop(utterance)
            self._release(utterance)
            self._host.send(messages.Transcription(utterance=number, text="", final=True))

    def answer(self, number: int) -> None:
        """The person is done: the prepared answer is the one, or one is made as soon as the words are known."""
        utterance = self.answering = self._open[number]
        if utterance is self._ears.utterance:
            self._ears.rest()
        utterance.stopwatch.mark("endpoint")
        if utterance.prepared is None:
            self.preparation.finish(utterance)
        if utterance.prepared is not None:
            self._hand_on(utterance)

    def overtake(self) -> None:
        """The person goes on from what was to be answered: that is answered with what they say now."""
        if self.answering is not None:
            self._overtaken.append(self.answering)
            self.preparation.overtake(self.answering)
            self.answering = None

    def keep(self, half: str = "") -> None:
        """No more words will be known: keep all that are, those of a `half` sentence too, for what is said next."""
        self._join(*self._overtaken)
        self.unanswered = self._prompt(half)

    def forget(self) -> None:
        """What was said before is not part of what the person says next."""
        self.keep()
        self.unanswered = ""

    def _join(self, *overtaken: Utterance) -> None:
        for utterance in overtaken:
            self._overtaken.remove(utterance)
            self.preparation.drop(utterance)
            self.unanswered = self._prompt(utterance.text)
            self._tell(utterance, final=True)
            self._release(utterance)

    def _prompt(self, text: str) -> str:
        return f"{self.unanswered} {text}".strip()

    def _prepare(self, utterance: Utterance) -> Reply:
        return self._answers.begin(self._prompt(utterance.text), utterance.stopwatch)

    def _on_partial(self, utterance: Utterance) -> None:
        self._tell(utterance, final=False)

    def _tell(self, utterance: Utterance, final: bool) -> None:
        if not utterance.told:
            self._host.send(messages.Transcription(utterance=utterance.number, text=utterance.text, final=final))

    def _on_settled(self, utterance: Utterance) -> None:
        if utterance.text:
            self._on_partial(utterance)
        if utterance in self._overtaken:
            self._join(utterance)
            self._on_none(utterance.number)
        elif utterance is self.answering:
            self._go_on(utterance)

    def _go_on(self, utterance: Utterance) -> None:
        """Its words are known, and it is to be answered."""
        if not utterance.text:
            self._on_none(utterance.number)
            return
        if utterance.prepared is None:
            self.preparation.finish(utterance)
        self._hand_on(utterance)

    def _on_failed(self, utterance: Utterance, failure: EngineError) -> None:
        if utterance in self._overtaken:
            self._join(utterance)
        self._tell_failed(utterance.number, failure)

    def _hand_on(self, utterance: Utterance) -> None:
        reply, prompt = utterance.prepared, self._prompt(utterance.text)
        assert reply is not None, "because an answer is handed on when it is being made"
        self._tell(utterance, final=True)
        self.unanswered, utterance.prepared = "", None
        self._release(utterance)
        self._host.answered()
        self._on_answer(utterance, prompt, reply)

    def _release(self, utterance: Utterance) -> None:
        """Nothing more is wanted of it."""
        self._open.pop(utterance.number, None)
        if utterance is self.answering:
            self.answering = None
        if utterance is self._ears.utterance:
            self._ears.rest()
        self._host.start(utterance.close, f"close-{utterance.number}")
