"""SpokenMind: a speech-to-speech model in one call. It hears the caller, and asks for answers.

The sound of an utterance goes to the provider while it is spoken. While there is no line to the provider, it waits.
"""

from collections.abc import Callable

from pydantic_ai.exceptions import ModelConnectionError
from pydantic_ai.realtime import RealtimeModel
from pydantic_ai.realtime.codec import CreateResponse, TextContext, ToolResult

from server.agent.spoken.answer import Answer
from server.agent.spoken.heard import Heard
from server.agent.spoken.keeper import Keeper, hears
from server.agent.spoken.known import letters
from server.agent.spoken.line import Line
from server.agent.spoken.request import Request
from server.agent.spoken.sound import Sound

KEPT = 4
"""So many utterances may wait for an answer as sound. More are given as words."""


class SpokenMind:
    """The speech-to-speech model of one call."""

    def __init__(self, model: RealtimeModel, keeper: Keeper) -> None:
        """`keeper` keeps the lines to its provider."""
        self.model = model
        self._keeper = keeper
        keeper.needed = self._waits_on
        self._heard: list[Heard] = []
        """The utterances that wait for an answer, oldest first."""

    def open(self) -> None:
        """Connect, so that the first answer need not wait; idempotent."""
        self._keeper.open()

    def close(self) -> None:
        """The call is over, or goes on with another agent."""
        self._keeper.close()

    # What the caller says

    def listen(self, words: Callable[[], str], convert: Callable[[bytes], bytes]) -> Heard | None:
        """An utterance begins: see `Heard`. None: this model is given its words."""
        self.open()
        if not hears(self.model):
            return None
        heard = Heard(words, convert, self._on_sound)
        self._heard = [*self._heard[1 - KEPT :], heard]
        return heard

    def drop(self, heard: Heard) -> None:
        """The utterance is no utterance."""
        if heard in self._heard:
            self._heard.remove(heard)
            line = self._keeper.line
            if line is not None and heard.where is line and not heard.committed:
                self._clear(line)

    def _on_sound(self, heard: Heard, pcm: bytes) -> None:
        line = self._keeper.line
        if line is not None and heard in self._heard and (heard.where is line or heard.begins):
            line.hear(heard, pcm)

    def _waits_on(self, line: Line) -> bool:
        """Sound of an utterance is there, and not yet a part of the conversation."""
        return any(each.where is line and not each.committed for each in self._heard)

    def _clear(self, line: Line) -> None:
        """Forget the sound that is not a part of the conversation. What is still wanted is sent again."""
        line.clear()
        for heard in self._heard:
            if heard.where is line and not heard.committed:
                heard.where = None

    # Answers

    async def ask(self, request: Request, on_sound: Callable[[Sound], None]) -> Answer:
        """Ask for an answer. Raises ModelAPIError when there is no line and none comes soon."""
        line = await self._keeper.ready(request)
        update = line.known.update(request.messages, request.instructions)
        answer = Answer(self.model.model_name, self.model.audio_output_sample_rate, on_sound, line.cut)
        for text in update.context:
            line.send(TextContext(text))
        for returned in update.returned[:-1]:
            line.send(ToolResult(returned.call, output=returned.output))
        if update.returned:
            last = update.returned[-1]
            line.ask(ToolResult(last.call, output=last.output), answer)
        elif not update.prompt or self._spoken(update.prompt, line):
            line.ask(CreateResponse(), answer)
        else:
            if self._waits_on(line):
                self._clear(line)
            line.known.asked(update.prompt)
            line.ask(update.prompt, answer)
        return answer

    def stop(self, answer: Answer) -> None:
        """The answer is not wanted any more; idempotent."""
        if (line := self._keeper.line) is not None:
            line.stop(answer)

    def give_up_line(self) -> None:
        """The provider does not answer: the next answer gets another line."""
        if (line := self._keeper.line) is not None:
            line.close(ModelConnectionError(self.model.model_name, "The provider did not answer in time."))

    def called(self, call: str) -> None:
        """The model has called a tool."""
        if (line := self._keeper.line) is not None:
            line.known.called(call)

    def _spoken(self, prompt: str, line: Line) -> bool:
        """Put the sound of what the caller has said into the conversation. False: there is none, or not all."""
        wanted = letters(prompt)
        for index in range(len(self._heard)):
            heard = self._heard[index:]
            said = "".join(letters(each.words()) for each in heard)
            if said and wanted.endswith(said) and all(each.whole for each in heard):
                break
        else:
            return False
        if before := self._words_before(prompt, said):
            line.send(TextContext(before))
        if any(each.where is line and not each.committed for each in self._heard[:index]):
            self._clear(line)
        new = [each for each in heard if not (each.where is line and each.committed)]
        for each in new:
            if each.where is not line:
                line.hear(each, each.sound)
            each.committed = True
        if new:
            line.commit(new)
        self._heard = heard
        return True

    @staticmethod
    def _words_before(prompt: str, said: str) -> str:
        """What stands in the prompt before the words whose letters are `said`."""
        rest = len(letters(prompt)) - len(said)
        for end, char in enumerate(prompt):
            if rest <= 0:
                return prompt[:end].strip()
            rest -= char.isalnum()
        return ""
