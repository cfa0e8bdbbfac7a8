"""Line: one connection to the provider of a speech-to-speech model, from its begin to its end.

Everything that goes to the provider waits in one queue, so it arrives in the order in which it was given. What comes
back is sorted by the answers that were asked for. It belongs to pydantic-ai's lower layer, its connections: their
session would run tools by itself, and decide whose turn it is.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from pydantic_ai.exceptions import ModelConnectionError, ModelServerError
from pydantic_ai.messages import BinaryAudio, RealtimeSessionErrorEvent
from pydantic_ai.realtime import RealtimeModelProfile
from pydantic_ai.realtime.codec import (
    CancelResponse,
    ClearAudio,
    CommitAudio,
    InputRejected,
    RealtimeCodecEvent,
    RealtimeConnection,
    RealtimeInput,
    TruncateOutput,
)
from pydantic_ai.realtime.lifecycle import (
    InputLost,
    LifecycleEvent,
    RealtimeFrame,
    ResponseEnded,
    ResponseRequestRefused,
    ResponseStarted,
    StaleEvent,
)

from server.agent.spoken.answer import Answer, failure_of
from server.agent.spoken.heard import Heard
from server.agent.spoken.known import Known
from server.agent.spoken.sound import Sound

REFUSALS = ("rate_limit_exceeded", "insufficient_quota")
"""Codes of errors after which no answer comes, although they name none: not every server says what it refuses."""
MAX_WAITING = 3_000
"""How much may wait to be sent: a minute of sound. A provider that takes in less has died, and the line with it."""


class Line:
    """One connection to the provider, which `serve` carries."""

    def __init__(
        self, connection: RealtimeConnection, model_name: str, profile: RealtimeModelProfile, known: Known, tools: str
    ) -> None:
        """`known` is what the conversation has at its begin, and `tools` the tools that it was opened with."""
        self.known = known
        self.tools = tools
        self.closed = asyncio.Event()
        self.failure: Exception = ModelConnectionError(model_name, "The provider has closed the connection.")
        """Why it is closed."""
        self._connection = connection
        self._model_name = model_name
        self._truncates = bool(profile.get("supports_output_truncation"))
        self._cancels = bool(profile.get("supports_interruption"))
        self._to_send: asyncio.Queue[RealtimeInput] = asyncio.Queue(MAX_WAITING)
        self._inputs = 0
        """How many were given so far: pydantic-ai names each by its number."""
        self._committed: Sequence[Heard] = ()
        """The utterances that were committed last."""
        self._asked: dict[int, Answer] = {}
        """By the number of the input that asked: the answers that have not begun."""
        self._coming: dict[str, Answer] = {}
        """By the provider's name: the answers that have begun."""

    @property
    def idle(self) -> bool:
        """No answer is asked for."""
        return not (self._asked or self._coming)

    # To the provider

    def send(self, what: RealtimeInput) -> int:
        """Send this after everything before. Returns its number."""
        try:
            self._to_send.put_nowait(what)
        except asyncio.QueueFull:
            self.close(ModelConnectionError(self._model_name, "The provider takes nothing in."))
        self._inputs += 1
        return self._inputs - 1

    def hear(self, heard: Heard, pcm: bytes) -> None:
        """Send sound of the caller, which the conversation gets only by `commit`."""
        heard.where = self
        self.send(BinaryAudio(data=pcm, media_type="audio/pcm"))

    def commit(self, heard: Sequence[Heard]) -> None:
        """The sound since the last time is what the caller has said: these utterances."""
        self._committed = heard
        self.send(CommitAudio())

    def clear(self) -> None:
        """Forget the sound since the last time."""
        self.send(ClearAudio())

    def ask(self, what: RealtimeInput, answer: Answer) -> None:
        """Send what asks for this answer."""
        answer.number = self.send(what)
        self._asked[answer.number] = answer
        if self.closed.is_set():
            answer.fail(self.failure)

    def stop(self, answer: Answer) -> None:
        """The answer is not wanted any more; idempotent."""
        if not answer.over:
            answer.close()
            self.known.said(answer.words)
            if answer.response_id in self._coming:
                self._cancel()

    def cut(self, sound: Sound, heard_ms: int) -> None:
        """The caller has heard no more than this of `sound`."""
        for answer in list(self._coming.values()):
            self.stop(answer)
        if self._truncates and sound.item and heard_ms * sound.rate < sound.samples * 1000:
            self.send(TruncateOutput(heard_ms, item_id=sound.item))

    def close(self, failure: Exception | None = None) -> None:
        """End the connection; idempotent."""
        if not self.closed.is_set():
            self.failure = failure or self.failure
            self.closed.set()
            for answer in [*self._asked.values(), *self._coming.values()]:
                if not answer.over:
                    answer.fail(self.failure)
            self._asked.clear()
            self._coming.clear()

    # Its life

    async def serve(self) -> None:
        """Carry everything to and fro, until the line is closed by either side."""
        works = (self._send_all, self._receive_all)
        tasks = [asyncio.create_task(self._guarded(work), name="speech-to-speech-line") for work in works]
        try:
            await self.closed.wait()
        finally:
            self.close()
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)

    async def _guarded(self, work: Callable[[], Awaitable[None]]) -> None:
        """`work` ends with the line, and the line with it."""
        try:
            await work()
        except Exception as exc:
            failure = ModelConnectionError(self._model_name, f"The connection failed: {type(exc).__name__}.")
            failure.__cause__ = exc
            self.close(failure)
        else:
            self.close()

    async def _send_all(self) -> None:
        while True:
            for event in await self._connection.send(await self._to_send.get()) or ():
                self._take(event)

    async def _receive_all(self) -> None:
        async for frame in self._connection.frames():
            if (error := self._refusal(frame)) is not None:  # pydantic-ai would wait for it before it asks again
                self.close(failure_of(self._model_name, error))
                return
            for event in frame:
                if not isinstance(event, StaleEvent):
                    self._take(event)

    def _take(self, event: RealtimeCodecEvent | LifecycleEvent) -> None:
        match event:
            case ResponseStarted():
                self._begin(event)
            case ResponseEnded():
                if (answer := self._coming.pop(event.response_id, None)) is not None:
                    self._end(answer, event)
            case ResponseRequestRefused() | InputLost():
                for number in event.input_ids:
                    if isinstance(number, int) and (refused := self._asked.pop(number, None)) is not None:
                        refused.fail(failure_of(self._model_name, None))
            case LifecycleEvent():
                pass
            case InputRejected(input_index=number, refused="content") if number in self._asked:
                self.known.asked("")
                self._asked[number].refuse(failure_of(self._model_name, None))
            case RealtimeSessionErrorEvent(recoverable=False):
                self.close(ModelConnectionError(self._model_name, "The provider has ended the session."))
            case RealtimeSessionErrorEvent(code="input_audio_buffer_commit_empty"):  # it has heard nothing
                for each in self._committed:
                    each.forget()
                for answer in self._asked.values():  # if one comes all the same, it is cancelled
                    answer.refuse(failure_of(self._model_name, event))
            case _:
                for answer in list(self._coming.values()):
                    answer.receive(event)
                    if answer.endless:
                        self.close(ModelServerError(self._model_name, "The answer of the provider has no end."))

    def _refusal(self, frame: RealtimeFrame) -> RealtimeSessionErrorEvent | None:
        """The error after which no answer comes, although the provider does not say that it is about one."""
        if self._coming or not self._asked or any(isinstance(event, ResponseRequestRefused) for event in frame):
            return None
        errors = (event for event in frame if isinstance(event, RealtimeSessionErrorEvent))
        return next((error for error in errors if error.code in REFUSALS), None)

    def _begin(self, event: ResponseStarted) -> None:
        """An answer begins: the newest one of those that were asked for together."""
        numbers = [number for number in self._asked if number in event.answers] or list(self._asked)[:1]
        answers = [self._asked.pop(number) for number in numbers]
        if not answers:
            self._cancel()  # nobody has asked for it
            return
        *before, answer = answers
        for each in before:
            each.close()
        answer.response_id = event.response_id
        self._coming[event.response_id] = answer
        if answer.over:
            self._cancel()

    def _end(self, answer: Answer, event: ResponseEnded) -> None:
        """An answer has ended. A provider may give up what it had begun by itself, such as a greeting, when it is asked
        for something; pydantic-ai may have taken that for the answer, which is then still to come. It has no words yet,
        and at most a few ms of sound."""
        if event.status == "cancelled" and not (answer.words or answer.over):
            self._asked[answer.number] = answer
            return
        self.known.said(answer.words)
        answer.receive(event)

    def _cancel(self) -> None:
        """Have the provider stop. One that cannot be told goes on, and nobody listens."""
        if self._cancels:
            self.send(CancelResponse())
