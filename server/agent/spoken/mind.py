"""SpokenMind: a speech-to-speech model in one call. It hears the caller, and keeps a line to its provider.

The line is opened at the start of the call, and again when it is lost or as old as the provider likes. Each time the
conversation on it begins with the history of the call. While there is none, the sound of an utterance waits.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial

from pydantic_ai.exceptions import ModelAPIError, ModelConnectionError
from pydantic_ai.realtime import RealtimeError, RealtimeModel, RealtimeModelSettings
from pydantic_ai.realtime.codec import CreateResponse, TextContext, ToolResult

from server.agent.model_failures import NotConnected
from server.agent.spoken.answer import Answer
from server.agent.spoken.heard import Heard
from server.agent.spoken.known import Known, letters, standing
from server.agent.spoken.line import Line
from server.agent.spoken.request import Request
from server.agent.spoken.settings import SpokenSettings
from server.agent.spoken.sound import Sound
from server.agent.tool_calls import Start, kind_of

CONNECT_S = 8.0
"""How long the provider may take to begin a session. The caller does not wait for it: see OPEN_S."""
OPEN_S = 2.0
"""How long an answer waits for a line that is being opened. Then another model is asked."""
AGAIN_S = (0.0, 1.0, 2.0, 5.0, 15.0, 30.0)
"""How long to wait before a line is opened again that could not be opened, or was lost soon. Answers do not wait
meanwhile: another model gives them."""
STEADY_S = 10.0
"""A line that has lasted for so long is opened again at once."""
CHECK_S = 0.5
"""How often an old line looks whether anybody needs it."""
KEPT = 4
"""So many utterances may wait for an answer as sound. More are given as words."""

log = logging.getLogger(__name__)


class SpokenMind:
    """The speech-to-speech model of one call."""

    def __init__(
        self,
        model: RealtimeModel,
        settings: SpokenSettings,
        call: str,
        start: Start,
        rehearse: Callable[[], Awaitable[Request]],
    ) -> None:
        """`call` names the call in the log. `start` starts a task that ends with the call. `rehearse` gives what the
        model would be asked now."""
        self.model = model
        self.hears = bool(model.profile.get("supports_manual_turn_control"))
        """It is given the sound of the caller. A model that decides itself whose turn it is is given the words."""
        self._settings = settings
        self._call = call
        self._rehearse = rehearse
        self._line: Line | None = None
        self._opening = True
        """A line is about to be there."""
        self._changed = asyncio.Event()
        self._failure: Exception = ModelConnectionError(model.model_name, "There is no connection yet.")
        self._heard: list[Heard] = []
        """The utterances that wait for an answer, oldest first."""
        self._start = start
        self._task: asyncio.Task[None] | None = None
        self._lines: set[asyncio.Task[None]] = set()
        """The tasks of the lines that are open, or are being closed."""

    def open(self) -> None:
        """Keep a line from now on; idempotent."""
        if self._task is None:
            self._task = self._start(self._keep, "speech-to-speech")

    def close(self) -> None:
        """The call is over, or goes on with another agent."""
        if self._task is not None:
            self._task.cancel()

    # What the caller says

    def listen(self, words: Callable[[], str], convert: Callable[[bytes], bytes]) -> Heard | None:
        """An utterance begins: see `Heard`. None: this model is given its words."""
        self.open()
        if not self.hears:
            return None
        heard = Heard(words, convert, self._on_sound)
        self._heard = [*self._heard[1 - KEPT :], heard]
        return heard

    def drop(self, heard: Heard) -> None:
        """The utterance is no utterance."""
        if heard in self._heard:
            self._heard.remove(heard)
            if self._line is not None and heard.where is self._line and not heard.committed:
                self._clear(self._line)

    def _on_sound(self, heard: Heard, pcm: bytes) -> None:
        line = self._line
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
        line = await self._ready(request)
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
        if self._line is not None:
            self._line.stop(answer)

    def give_up_line(self) -> None:
        """The provider does not answer: the next answer gets another line."""
        if self._line is not None:
            self._line.close(ModelConnectionError(self.model.model_name, "The provider did not answer in time."))

    def called(self, call: str) -> None:
        """The model has called a tool."""
        if self._line is not None:
            self._line.known.called(call)

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
            line.commit()
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

    # The line

    async def _ready(self, request: Request) -> Line:
        """The line, once it can take this request."""
        line = self._line
        if line is not None and (line.tools != request.tools or not line.known.answered(request.messages)):
            line.close(ModelConnectionError(self.model.model_name, "The conversation has to begin again."))
            self._line, self._opening = None, True
        deadline = asyncio.get_running_loop().time() + OPEN_S
        while self._line is None and self._opening:
            self._changed.clear()
            try:
                async with asyncio.timeout_at(deadline):
                    await self._changed.wait()
            except TimeoutError:
                break
        if self._line is None:
            raise NotConnected(self.model.model_name) from self._failure
        return self._line

    async def _keep(self) -> None:
        """Keep a line for as long as the call lasts. A line that has ended may take its time to close."""
        loop, failures = asyncio.get_running_loop(), 0
        try:
            while True:
                began_s = loop.time()
                self._set(None, opening=True)
                ended: asyncio.Future[None] = loop.create_future()
                task = self._start(partial(self._hold, ended), "speech-to-speech-line")
                self._lines.add(task)
                task.add_done_callback(self._lines.discard)
                try:
                    await ended
                    failures = 0
                except ModelAPIError as failure:
                    self._failure = failure
                    failures = 0 if loop.time() - began_s > STEADY_S else failures + 1
                    log.warning("x call %s: speech-to-speech line lost: %s", self._call, kind_of(failure))
                if failures and (wait_s := AGAIN_S[min(failures, len(AGAIN_S)) - 1]):
                    self._set(None, opening=False)
                    await asyncio.sleep(wait_s)
        finally:
            for task in self._lines:
                task.cancel()

    def _set(self, line: Line | None, opening: bool) -> None:
        self._line, self._opening = line, opening
        self._changed.set()

    def _failure_of(self, exc: Exception) -> ModelAPIError:
        if isinstance(exc, ModelAPIError) and type(exc) is not RealtimeError:
            return exc
        failure = ModelConnectionError(self.model.model_name, f"The connection failed: {kind_of(exc)}.")
        failure.__cause__ = exc
        return failure

    async def _hold(self, ended: "asyncio.Future[None]") -> None:
        """Open a line and keep it until it has to be renewed, or fails. `ended` is told, before the line is closed."""
        try:
            await self._hold_line(ended)
        except Exception as exc:
            if not ended.done():
                ended.set_exception(self._failure_of(exc))
        finally:
            ended.cancel()

    async def _hold_line(self, ended: "asyncio.Future[None]") -> None:
        request = await self._rehearse()
        history = standing(request.messages)
        known = Known(request.instructions)
        known.seed(history)
        async with asyncio.timeout(CONNECT_S) as limit:
            opened = self.model.connect(
                messages=history, model_settings=self._model_settings(), model_request_parameters=request.parameters
            )
            async with opened as connection:
                limit.reschedule(None)
                line = Line(connection, self.model.model_name, self.model.profile, known, request.tools)
                self._set(line, opening=False)
                log.info("- call %s: speech-to-speech line open, %d messages", self._call, len(history))
                async with asyncio.TaskGroup() as group:
                    renewal = group.create_task(self._renew(line), name="speech-to-speech-renewal")
                    try:
                        await line.serve()
                    finally:
                        renewal.cancel()
                if isinstance(line.failure, _Renewed):
                    ended.set_result(None)
                else:
                    ended.set_exception(self._failure_of(line.failure))

    async def _renew(self, line: Line) -> None:
        """Close the line in a moment in which nobody needs it, before the provider does."""
        await asyncio.sleep(self._settings.session_min * 60)
        while not line.idle or self._waits_on(line):  # noqa: ASYNC110  # it is needed in few moments
            await asyncio.sleep(CHECK_S)
        line.close(_Renewed(self.model.model_name, "The session is old."))

    def _model_settings(self) -> RealtimeModelSettings:
        chosen = RealtimeModelSettings(handshake_timeout=CONNECT_S)
        if self.hears:
            chosen["turn_detection"] = False
        if self._settings.voice:
            chosen.update({f"{self.model.system}_voice": self._settings.voice})  # type: ignore[misc]
        return chosen


class _Renewed(ModelConnectionError):
    """The line was closed because it was old."""
