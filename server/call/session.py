"""Session: one conversation. Wires ears, floor, agent and mouth, and owns every task of the call.

What the caller says comes in through `hear`, what the agent says goes out through `next_frame`, 20 ms at a time; both
are called by the connection and never wait, so from microphone to decision is one step of the loop. While there is no
connection no time passes in the conversation: tools and the model go on, the answer waits where it was heard last.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from pydantic_ai.messages import ModelMessage
from pydantic_ai.models import Model
from pydantic_ai.settings import ModelSettings

from server.agent.run import AgentRun
from server.agent.voice_agent import EndsCalls, VoiceAgent
from server.call import events, messages
from server.call.attachment import Attachment, Connection
from server.call.completeness import asks_for_number
from server.call.ears import Ears, Utterance
from server.call.floor import Floor, State
from server.call.history import History
from server.call.idleness import Idle, Idleness
from server.call.judgement import Judgement
from server.call.keypad import Keypad
from server.call.minutes import Minutes, Spell
from server.call.mouth import Mouth, Spoken
from server.call.options import CallOptions
from server.call.preparation import Preparation
from server.call.replies import Replies
from server.call.reply import Line, Reply
from server.call.resume_token import ResumeToken
from server.call.settings import CallSettings
from server.call.stopwatch import Stopwatch
from server.errors import EngineError
from server.media.frame import FRAME_MS, SILENCE, Frame
from server.speech.protocols import SpeechToText, TextToSpeech, TurnModel, VoiceActivity

STARVED_FRAMES = 100 // FRAME_MS
"""No frame for so long while the person speaks: the network is gone or the client sends nothing in silence."""

APOLOGY_DELAY_S = 1.0
"""Between tries to say an apology: a worker that has died is back in about so long."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Engines:
    """What a call hears, thinks and speaks with."""

    speech_to_text: SpeechToText
    text_to_speech: TextToSpeech
    voice_activity: VoiceActivity
    turn_model: TurnModel | None = None
    """None leaves it to words and cadence whether the person is done."""
    model: Model | None = None
    """None leaves the agent its own."""


class Recorder(Protocol):
    """Keeps the sound of a call. Nothing here waits or raises."""

    def heard(self, frame: Frame) -> None: ...
    def spoken(self, pcm: bytes | None) -> None: ...
    def skip(self, ms: int) -> None:
        """So long there was no connection."""

    def close(self) -> None: ...


class Session:
    """One conversation with one caller."""

    def __init__(
        self,
        minutes: Minutes,
        agent: VoiceAgent,
        engines: Engines,
        settings: CallSettings,
        options: CallOptions = CallOptions(),  # noqa: B008  # frozen
        recorder: Recorder | None = None,
    ) -> None:
        """Goes on with what `minutes` has written down; a new call has an empty record."""
        record = minutes.record
        self.id = record.id
        self.history = History(record.messages)
        self.token = ResumeToken([record.token_hash] if record.token_hash else [])
        self.over = asyncio.Event()
        """Set when everything that the call started has ended."""
        self._agent = agent
        self._engines = engines
        self._settings = settings
        self._deps = agent.deps_of(record.agent_state)
        self._minutes = minutes
        self._recorder = recorder
        self._now = asyncio.get_running_loop().time
        self._floor = Floor()
        self._ears = Ears(
            engines.voice_activity, engines.speech_to_text, settings.voicing, self._now, engines.turn_model
        )
        self._model_settings = _model_settings(options)
        self._replies = Replies(self._start, engines.text_to_speech, options.voice or agent.voice)
        self._preparation = Preparation(self._start, self._prepare, self._replies.stop, self._on_settled, self._on_deaf)
        self._mouth = Mouth(self._on_started, self._on_caption, self._on_ended, self._now)
        self._judgement = Judgement(self._ears, self._mouth, self.history, self._preparation, settings, agent)
        self._attachment = Attachment(self.token)
        self.detached_s: float | None = None
        """Since when, by the loop's clock, the call waits for a connection."""
        self._waiting: asyncio.TimerHandle | None = None
        """Ends the call when none comes."""
        self._lost_words = ""
        """What the agent said into a dead connection."""
        self._group: asyncio.TaskGroup | None = None
        self._ended = asyncio.Event()
        self._utterances = 0
        self._answering: Utterance | None = None
        """The utterance that the floor has committed to, until its answer is ready to be heard."""
        self._open: dict[int, Utterance] = {}
        """Utterances that are being heard or settled."""
        self._line: tuple[Line, bool] | None = None
        """What the agent says unasked, next."""
        self._unanswered = ""
        """Words of the person whose answer was cancelled before any of it was heard; part of what they say next."""
        self._starved_frames = 0
        self._keypad = Keypad()
        self._idleness = Idleness(settings.idle_prompt_s, settings.idle_prompts)
        self._apologies = 0
        self._moved = False
        """The conversation does not end with this session."""
        self._leaving = False
        """The call ends when what is being said was heard."""
        self._shown_state: State | None = None

    async def run(self) -> None:
        """Hold the call until it ends; everything that it started has ended when this returns."""
        try:
            async with asyncio.TaskGroup() as group:
                self._group = group
                self._begin()
                await self._ended.wait()
                self._do(events.Closed())
                self._replies.stop_all()
        finally:
            self._group = None
            self._stop_waiting()
            self._attachment.close()
            if self._recorder is not None:
                self._recorder.close()
            if self._ended.is_set() and not self._moved:
                self._minutes.ended()
            self.over.set()

    def attach(self, connection: Connection) -> None:
        """Go on with the conversation on `connection`; the one before is told and released."""
        resumed = self._group is not None or bool(self.history.messages)
        if (before := self._attachment.connection) is not None:
            self._lose(before.unheard_ms)
        self._stop_waiting()
        token = self._attachment.take(connection)
        self._minutes.connected(self.token.hashes[-1])
        self._send(
            messages.Hello(
                session_id=self.id, agent=self._agent.name, resume=token, resumed=resumed, audio=connection.audio
            )
        )
        self._shown_state = None
        if self._group is not None:
            log.info("- call %s is resumed", self.id)
            self._resume()

    def detach(self, connection: Connection) -> None:
        """`connection` is lost: wait for another one, for a set time."""
        if connection is not self._attachment.connection:
            return
        self._lose(connection.unheard_ms)
        self._attachment.leave()
        if self._leaving or not self._settings.resume_s:
            self.end()
            return
        log.info("- call %s has lost its connection, and waits", self.id)
        self.detached_s = self._now()
        self._waiting = asyncio.get_running_loop().call_later(self._settings.resume_s, self.end)

    def move(self) -> None:
        """This server goes: the client shall resume on another, or on this one when it is back."""
        self._send(messages.Reconnect())
        self._moved = True
        self.end()

    def yield_elsewhere(self) -> None:
        """The conversation goes on at another server, or was deleted: nothing more of it is ours."""
        self._send(messages.Error(code="superseded", message="The call goes on elsewhere.", final=True))
        self._moved = True
        self.end()

    def end(self) -> None:
        """The call is over; idempotent."""
        self._ended.set()

    def leave(self) -> None:
        """Say the agent's goodbye; the call ends when it was heard."""
        self._leaving = True
        if self._attachment.connection is None:
            self.end()
            return
        if (utterance := self._ears.utterance) is not None:
            self._do(events.NoWords(utterance.number))  # the call ends: there is nobody to answer it any more
        self._say(self._agent.goodbye, "The call has to end.", interruptible=False)

    # What comes in

    def hear(self, frame: Frame) -> None:
        """The caller's next 20 ms. What comes before the call runs is not heard."""
        if self._group is None:
            return
        self._starved_frames = 0
        if self._recorder is not None:
            self._recorder.heard(frame)
        ears = self._ears
        ears.hear(frame)
        if ears.utterance is None:
            if ears.voicing.active:
                self._do(events.VoiceStarted(self._next_utterance()))
            return
        event = None
        if self._floor.state is State.HEARING:
            event = self._judgement.of_hearing(ears.utterance)
        elif self._floor.state is State.OVERLAP:
            event = self._judgement.of_overlap(ears.utterance)
        if event is not None:
            self._do(event)

    def receive(self, message: messages.ClientMessage) -> None:
        """What the client tells; nothing before the call runs."""
        if self._group is None:
            return
        self.token.confirm()
        match message:
            case messages.Text(text=text):
                self._type(text)
            case messages.Played(reply=reply, ms=ms):
                self._mouth.note_played(reply, ms)
            case messages.Heard(reply=reply, gap_ms=gap_ms):
                log.info("> call %s heard answer %d after %.0f ms", self.id, reply, gap_ms)
            case messages.Interrupt():
                self._stop()
            case messages.HangUp():
                self.end()
            case messages.Ping(t=t):
                self._send(messages.Pong(t=t))
            case messages.Pong():
                pass
            case messages.Start():
                self._send(messages.Error(code="bad_request", message="The call has begun already."))

    def digit(self, key: str) -> None:
        """The caller presses a key of the telephone: what they key in is as if they had typed it."""
        if self._group is not None and (number := self._keypad.press(key)):
            self._type(number)

    def next_frame(self) -> bytes | None:
        """The next 20 ms for the caller's ear: 24 kHz PCM, or None in silence. Called every 20 ms."""
        self._starved_frames += 1
        if self._starved_frames > STARVED_FRAMES and self._ears.utterance is not None:
            starved = self._starved_frames
            self.hear(Frame(SILENCE, start_samples=0))
            self._starved_frames = starved
        frame = self._mouth.next_frame()
        if self._recorder is not None:
            self._recorder.spoken(frame)
        self._ears.echo.say(frame)
        if number := self._keypad.pass_frame():
            self._type(number)
        self._mind_idleness()
        return frame

    def frame_ahead(self) -> bytes | None:
        """One more frame of what is being said, before its time, for a client that keeps a buffer."""
        frame = self._mouth.next_frame() if self._mouth.spoken is not None else None
        if frame is not None:
            self._ears.echo.say(frame)
            if self._recorder is not None:
                self._recorder.spoken(frame)
        return frame

    @property
    def speaking(self) -> int | None:
        """The number of the answer that `next_frame` gives."""
        return self._mouth.spoken.number if self._mouth.spoken is not None else None

    # Connections come and go

    def _begin(self) -> None:
        if self.history.messages:
            log.info("- call %s is resumed from its record", self.id)
            self._resume()
        elif self._agent.greeting:
            self._say(self._agent.greeting, "The call begins.")
        self._show_state()

    def _lose(self, unheard_ms: float) -> None:
        """What left lately was not heard: it is said again when there is somebody to hear it."""
        ended = self._mouth.take_back(self._mouth.unheard_ms(unheard_ms))
        if ended is not None:
            self.history.take_back(ended.reply.speech.heard)
            self._lost_words = ended.reply.speech.unheard

    def _resume(self) -> None:
        """The unheard rest of an answer goes on by itself; without one, the agent says what it said last."""
        lost, self._lost_words = self._lost_words, ""
        self._ears.reconnect()
        self._idleness.restart()
        self._show_state()
        if self._floor.state is State.LISTENING and (again := lost or self.history.last_question):
            self._say(again, "The connection was lost and is back.")

    def _stop_waiting(self) -> None:
        if self.detached_s is not None and self._recorder is not None:
            self._recorder.skip(round((self._now() - self.detached_s) * 1000))
        self.detached_s = None
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    # The floor's commands

    def _do(self, event: events.Event) -> None:
        """Tell the floor, and do what it orders."""
        for command in self._floor.receive(event):
            self._obey(command)
        self._show_state()

    def _obey(self, command: events.Command) -> None:
        match command:
            case events.OpenUtterance(utterance=number):
                self._open[number] = self._ears.open(number, self._expected(), self._on_partial)
            case events.DropUtterance(utterance=number):
                self._drop(number)
            case events.Answer(reply=number, utterance=None):
                self._answer_unasked(number)
            case events.Answer(utterance=int(number)):
                self._answer(number)
            case events.Cancel(reply=number):
                self._cancel(number)
            case events.Duck():
                if (spoken := self._mouth.spoken) is None or spoken.reply.interruptible:
                    self._mouth.playout.duck()
            case events.Restore():
                self._mouth.playout.restore()

    def _drop(self, number: int) -> None:
        if (utterance := self._open.get(number)) is not None:
            self._preparation.drop(utterance)
            self._release(utterance)
            self._send(messages.Transcription(utterance=number, text="", final=True))

    def _answer_unasked(self, number: int) -> None:
        line, self._line = self._line, None
        assert line is not None, "because Prompted is only sent by _say"
        stopwatch = Stopwatch(self._now)
        self._commit(Spoken(number, self._replies.make(line[0], stopwatch, line[1]), "", stopwatch, self._now()))

    def _answer(self, utterance_number: int) -> None:
        """The person is done: let the prepared answer be heard, or make one as soon as the words are known."""
        utterance = self._answering = self._open[utterance_number]
        if utterance is self._ears.utterance:
            self._ears.rest()
        utterance.stopwatch.mark("endpoint")
        if utterance.prepared is None:
            self._preparation.finish(utterance)
        if utterance.prepared is not None:
            self._commit_prepared(utterance)

    def _cancel(self, number: int) -> None:
        """The reply is over for good; what was heard of it is history."""
        if (answering := self._answering) is not None:
            self._preparation.drop(answering)
            self._unanswered = self._prompt(answering.text)
            self._release(answering)
        spoken = self._mouth.spoken
        if spoken is None or spoken.number != number:
            return
        self._mouth.take_back(self._mouth.unheard_ms(self._attachment.unheard_ms))
        self._mouth.stop()
        self._send(messages.Interrupted(reply=number))
        self._replies.stop(spoken.reply)
        self._finish(spoken, partly=True, interrupted=True)
        if not spoken.reply.speech.begun and not spoken.reply.source.tools:
            self._unanswered = spoken.prompt or self._unanswered

    # Utterances and the answers to them

    def _next_utterance(self) -> int:
        self._utterances += 1
        return self._utterances

    def _expected(self) -> Sequence[str]:
        agent = self._agent
        asked = asks_for_number(self.history.last_said)
        return agent.number_phrases if asked and agent.number_phrases else agent.phrases

    def _type(self, text: str) -> None:
        """Typed words are an utterance that is whole at once."""
        utterance = Utterance(self._next_utterance(), None, Stopwatch(self._now), text)
        self._open[utterance.number] = utterance
        self._do(events.Typed(utterance.number))

    def _on_partial(self, utterance: Utterance) -> None:
        self._send(messages.Transcription(utterance=utterance.number, text=utterance.text, final=False))

    def _on_settled(self, utterance: Utterance) -> None:
        if utterance.text:
            self._on_partial(utterance)
        if utterance is not self._answering:
            return
        if utterance.prepared is not None:
            self._commit_prepared(utterance)
        elif not utterance.text:
            self._do(events.NoWords(utterance.number))
        else:
            self._preparation.finish(utterance)
            self._commit_prepared(utterance)

    def _stop(self) -> None:
        """The person wants silence: what was asked before is not part of what they say next."""
        self._do(events.Stopped())
        self._unanswered = ""
        if self._leaving:
            self.end()

    def _on_deaf(self, utterance: Utterance, failure: EngineError) -> None:
        self._do(events.NoWords(utterance.number))
        self._fail(failure)

    def _prepare(self, utterance: Utterance) -> Reply:
        source = AgentRun(
            self._agent,
            self._engines.model,
            self._prompt(utterance.text),
            self.history.messages,
            self._deps,
            self._settings.run,
            self._model_settings,
        )
        return self._replies.make(source, utterance.stopwatch)

    def _prompt(self, text: str) -> str:
        return f"{self._unanswered} {text}".strip()

    def _commit_prepared(self, utterance: Utterance) -> None:
        reply, number = utterance.prepared, self._floor.reply
        assert reply is not None, "because only a prepared answer is committed to"
        assert number is not None, "because the floor has committed to the utterance"
        self._send(messages.Transcription(utterance=utterance.number, text=utterance.text, final=True))
        prompt, self._unanswered, utterance.prepared = self._prompt(utterance.text), "", None
        self._release(utterance)
        self._idleness.restart()
        self._commit(Spoken(number, reply, prompt, utterance.stopwatch, utterance.began_s))

    def _release(self, utterance: Utterance) -> None:
        """Nothing more is wanted of the utterance."""
        self._open.pop(utterance.number, None)
        if utterance is self._answering:
            self._answering = None
        if utterance is self._ears.utterance:
            self._ears.rest()
        self._start(utterance.close, f"close-{utterance.number}")

    # Replies

    def _commit(self, spoken: Spoken) -> None:
        spoken.reply.committed.set()
        self._mouth.speak(spoken)

    def _on_started(self, spoken: Spoken) -> None:
        spoken.stopwatch.mark("first_packet")
        self._do(events.SoundStarted(spoken.number))
        if spoken.prompt:
            metrics = spoken.stopwatch.metrics(spoken.number)
            self._send(metrics)
            log.info("> call %s answers: %s", self.id, metrics.in_words())

    def _on_caption(self, spoken: Spoken, heard: str) -> None:
        self._send(messages.Response(reply=spoken.number, text=heard, final=False, tools=spoken.reply.source.tools))

    def _on_ended(self, spoken: Spoken) -> None:
        self._mouth.stop()
        failure = spoken.reply.failure
        if failure is None and not spoken.reply.speech.begun:
            failure = EngineError("model", "The agent had nothing to say.")
        self._finish(spoken, partly=failure is not None)
        self._do(events.ReplyEnded(spoken.number))
        if self._leaving or (isinstance(self._deps, EndsCalls) and self._deps.hang_up_requested):
            self.end()
        elif failure is not None:
            self._fail(failure)
        else:
            self._apologies = 0

    def _finish(self, spoken: Spoken, partly: bool, interrupted: bool = False) -> None:
        """Write down what was heard of the reply, and tell the client."""
        heard, source = spoken.reply.speech.heard, spoken.reply.source
        if heard or source.tools:
            kept = source.messages()
            kept = self.history.add_interrupted(kept, heard) if partly else self.history.add(kept)
            self._write_down(spoken, heard, interrupted, kept)
        self._send(
            messages.Response(reply=spoken.number, text=heard, final=True, interrupted=interrupted, tools=source.tools)
        )

    def _write_down(self, spoken: Spoken, heard: str, interrupted: bool, kept: Sequence[ModelMessage]) -> None:
        asked = (spoken.prompt, Spell(spoken.asked_s, spoken.stopwatch.start_s)) if spoken.prompt else None
        answered = (heard, Spell(spoken.begun_s or self._now()))
        self._minutes.exchanged(asked, answered, interrupted, kept, self._agent.dump_deps(self._deps))

    # What the agent says unasked

    def _say(self, text: str, occasion: str, interruptible: bool = True) -> None:
        self._line = (Line(text, occasion), interruptible)
        self._do(events.Prompted())
        self._unanswered = ""

    def _mind_idleness(self) -> None:
        """A caller who says nothing is asked, then asked again, then the call ends."""
        match self._idleness.pass_frame(quiet=self._floor.state is State.LISTENING):
            case Idle.ASK:
                self._say(self._agent.still_there, "The caller has been silent for a while.")
            case Idle.LEAVE:
                self.leave()

    def _fail(self, failure: EngineError) -> None:
        """An engine has failed: the client reads it; the caller, if nothing else is said, hears an apology."""
        log.warning("%s failed: %s", failure.stage, failure)
        self._send(messages.Error(code=failure.code, message=failure.sentence))
        self._apologies += 1
        if self._leaving or self._floor.reply is not None or self._apologies > self._settings.apologies:
            return
        delay_s = APOLOGY_DELAY_S if self._apologies > 1 else 0.0
        self._start(partial(self._apologise, delay_s), "apologise")

    async def _apologise(self, delay_s: float) -> None:
        await asyncio.sleep(delay_s)
        self._say(self._agent.apology, "Something failed.")

    # Steps

    def _start(self, work: Callable[[], Coroutine[Any, Any, None]], name: str) -> asyncio.Task[None]:
        assert self._group is not None, "because nothing happens before the call runs"
        return self._group.create_task(self._guard(work), name=f"{self.id}-{name}")

    async def _guard(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """A fault of ours in one task is an apology, not the end of the call."""
        try:
            await work()
        except Exception:
            log.exception("x fault in call %s", self.id)
            self._fail(EngineError("server", "Something went wrong in the server."))

    def _send(self, message: messages.ServerMessage) -> None:
        self._attachment.send(message)

    def _show_state(self) -> None:
        state = self._floor.state
        if state is not self._shown_state:
            self._shown_state = state
            self._send(messages.State(state=state.value))


def _model_settings(options: CallOptions) -> ModelSettings:
    chosen = ModelSettings()
    if options.temperature is not None:
        chosen["temperature"] = options.temperature
    if options.max_tokens is not None:
        chosen["max_tokens"] = options.max_tokens
    return chosen
