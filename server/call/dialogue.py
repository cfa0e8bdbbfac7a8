"""Dialogue: who speaks, what was said, what is answered. Wires ears, floor, agent and mouth.

It carries out what the floor orders. It knows neither connections nor lifetimes: its host (the Session) does.
"""

import asyncio
import logging
from dataclasses import dataclass
from functools import partial
from typing import Any

from server.agent.voice_agent import EndsCalls, VoiceAgent
from server.call import events, messages
from server.call.ears.ears import Ears, Utterance
from server.call.floor import Floor, State
from server.call.host import Host
from server.call.mind.account import Account
from server.call.mind.answers import Answers
from server.call.mind.history import History
from server.call.mind.utterances import Utterances
from server.call.mouth.mouth import Mouth, Spoken
from server.call.mouth.reply import Line, Reply
from server.call.mouth.stopwatch import Stopwatch
from server.call.options import CallOptions
from server.call.settings import CallSettings
from server.call.setup import Engines
from server.call.turns.judge import Judgement
from server.errors import EngineError, origin
from server.media.frame import FRAME_MS, SILENCE, Frame
from server.record.conversation import Standing

STARVED_FRAMES = 100 // FRAME_MS
"""No frame for so long while the person speaks: the network is gone or the client sends nothing in silence."""

APOLOGY_DELAY_S = 1.0
"""Between tries to say an apology: a worker that has died is back in about so long."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Rest:
    """Of an answer that a sound has stopped: said if the sound had no words. The call `ends` with it, or not.

    `text` is "" where not all of it is known.
    """

    text: str = ""
    ends: bool = False


class Dialogue:
    """One call's talking."""

    def __init__(
        self,
        host: Host,
        name: str,
        agent: VoiceAgent,
        deps: Any,
        history: History,
        standing: Standing,
        engines: Engines,
        settings: CallSettings,
        options: CallOptions,
    ) -> None:
        """`name` is the call's, for the log; `deps` are the agent's, of this call; `standing` is where it goes on."""
        self._host = host
        self._name = name
        self.history = history
        self.leaving = False
        """The call ends when what is being said was heard."""
        self._agent = agent
        self._settings = settings
        self._deps = deps
        self._now = asyncio.get_running_loop().time
        self._floor = Floor(standing.reply)
        self.ears = Ears(
            engines.voice_activity, engines.speech_to_text, settings.voicing, self._now, engines.turn_model
        )
        self._account = Account(host, history, standing.unsaid, self._now)
        self._answers = Answers(agent, deps, history, engines, settings, options, host.start, self._hurry)
        self._utterances = Utterances(
            host, self.ears, self._answers, standing, self._now, self._on_answer, self._on_none, self._on_deaf
        )
        self._mouth = Mouth(self._on_started, self._on_caption, self._on_ended, self._now)
        preparation = self._utterances.preparation
        self._judgement = Judgement(self.ears, self._mouth, history, preparation, settings, agent)
        self._line: tuple[Line, bool] | None = None
        """What the agent says unasked, next."""
        self._rest = Rest()
        self._starved_frames = 0
        self._apologies = 0
        self._apology_due = False
        """Something failed while the person made a sound; they hear so if that was a noise."""
        self._shown_state: State | None = None

    @property
    def quiet(self) -> bool:
        """Nobody speaks, and nothing is being answered."""
        return self._floor.state is State.LISTENING

    @property
    def standing(self) -> Standing:
        """Where somebody else would have to go on. What is owed to the caller is known when the dialogue is closed."""
        asked = self._utterances
        return Standing(asked.newest, self._floor.last_reply, self._account.unsaid, asked.unanswered)

    @property
    def working(self) -> bool:
        """An answer that the floor has committed to is being made."""
        spoken = self._mouth.spoken
        return self._utterances.answering is not None or (spoken is not None and not spoken.reply.speech.finished)

    @property
    def _hanging_up(self) -> bool:
        """A tool has asked for the end of the call, when the answer in progress was heard."""
        return isinstance(self._deps, EndsCalls) and self._deps.hang_up_requested

    @property
    def speaking(self) -> int | None:
        """The number of the answer that `next_frame` gives."""
        return self._mouth.spoken.number if self._mouth.spoken is not None else None

    # Sound

    def hear(self, frame: Frame) -> None:
        """The caller's next 20 ms."""
        self._starved_frames = 0
        self._hear(frame)

    def next_frame(self) -> bytes | None:
        """The next 20 ms for the caller's ear: 24 kHz PCM, or None in silence. Called every 20 ms."""
        self._starved_frames += 1
        if self._starved_frames > STARVED_FRAMES:
            self._mouth.playout.soften(False)
            if self.ears.utterance is not None:
                self._hear(Frame(SILENCE, start_samples=0))
        return self._mouth.next_frame()

    def frame_ahead(self) -> bytes | None:
        """One more frame of what is being said, before its time; no time passes by it."""
        return self._mouth.next_frame() if self._mouth.spoken is not None else None

    def heard_by_caller(self, frame: bytes | None) -> None:
        """This is what the caller hears in these 20 ms; it may come back as echo."""
        self.ears.echo.say(frame)

    def note_played(self, reply: int, ms: float) -> None:
        """The client says how far it has played an answer."""
        self._mouth.note_played(reply, ms)

    def _hear(self, frame: Frame) -> None:
        ears = self.ears
        ears.hear(frame)
        self._soften(frame)
        if ears.utterance is None:
            if ears.voicing.active:
                self._do(events.VoiceStarted(self._utterances.number()))
            return
        event = None
        if self._floor.state is State.HEARING:
            event = self._judgement.of_hearing(ears.utterance)
        elif self._floor.state is State.OVERLAP:
            event = self._judgement.of_overlap(ears.utterance)
        if isinstance(event, events.NoWords):
            self._on_none(event.utterance)
        elif event is not None:
            self._do(event)

    def _soften(self, frame: Frame) -> None:
        """Lower the agent's voice while somebody may be about to speak over it."""
        stirs = self._floor.state is State.SPEAKING and self._judgement.stirs(frame.pcm)
        spoken = self._mouth.spoken
        self._mouth.playout.soften(stirs and spoken is not None and spoken.reply.interruptible)

    # Connections come and go

    def lose(self, unheard_ms: float) -> None:
        """What left in the last `unheard_ms` was not heard: it is said again when there is somebody to hear it."""
        unheard_ms = self._mouth.unheard_ms(unheard_ms)
        ended = self._mouth.take_back(unheard_ms)
        if ended is not None:
            self._account.amend(ended, unheard_ms)

    def resume(self) -> None:
        """The unheard rest of an answer goes on by itself; without one, the agent asks again what it asked last.

        From the record: it answers what it has not answered, or says what it has not said.
        """
        self.ears.reconnect()
        self._shown_state = None
        self.show_state()
        again = self._account.say_again()
        if not self.quiet:
            return
        if self._utterances.unanswered:
            self._take_up()
        elif again:
            self.say(again, "The connection was lost and is back.")

    def close(self) -> None:
        """The call is over, here at least: nothing more is said, heard or made."""
        spoken, utterance = self._mouth.spoken, self.ears.utterance
        half = utterance.text if utterance is not None and self._floor.state is State.HEARING else ""
        self._do(events.Closed())
        self._utterances.keep(half)
        self._answers.stop_all()
        if spoken is not None and not (self._utterances.unanswered and spoken.prompt):
            self._account.unsaid = spoken.reply.unheard
        elif not self._utterances.unanswered:
            self._account.unsaid = self._rest.text or self._account.unsaid

    def leave(self) -> None:
        """Say the agent's goodbye; the call ends when it was heard."""
        self.leaving = True
        if not self._agent.goodbye:
            self._host.end()
        if (utterance := self.ears.utterance) is not None:
            self._do(events.NoWords(utterance.number))  # the call ends: there is nobody to answer it any more
        self.say(self._agent.goodbye, "The call has to end.", interruptible=False)

    # The floor's commands

    def _do(self, event: events.Event) -> None:
        """Tell the floor, and do what it orders."""
        for command in self._floor.receive(event):
            self._obey(command)
        self.show_state()

    def _obey(self, command: events.Command) -> None:
        match command:
            case events.OpenUtterance(utterance=number):
                self._utterances.open(number)
            case events.DropUtterance(utterance=number):
                self._utterances.drop(number)
            case events.Answer(reply=number, utterance=None):
                self._answer_unasked(number)
            case events.Answer(utterance=int(number)):
                self._utterances.answer(number)
            case events.Cancel(reply=number):
                self._cancel(number)
            case events.Duck():
                if (spoken := self._mouth.spoken) is None or spoken.reply.interruptible:
                    self._mouth.playout.duck()
            case events.Restore():
                self._mouth.playout.restore()

    def _answer_unasked(self, number: int) -> None:
        line, self._line = self._line, None
        assert line is not None, "because Prompted is only sent by say"
        stopwatch = Stopwatch(self._now)
        reply = self._answers.line(line[0], stopwatch, interruptible=line[1])
        self._commit(Spoken(number, reply, "", stopwatch, self._now()))

    def _cancel(self, number: int) -> None:
        """The reply is over for good; what was heard of it is history."""
        self._utterances.overtake()
        spoken = self._mouth.spoken
        if spoken is None or spoken.number != number:
            return
        self._mouth.take_back(self._mouth.unheard_ms(self._host.unheard_ms))
        self._mouth.stop()
        self._host.send(messages.Interrupted(reply=number))
        self._answers.stop(spoken.reply)
        self._account.close(spoken, partly=True, interrupted=True)
        reply = spoken.reply
        if spoken.prompt and not reply.speech.heard and not reply.source.tools:
            self._utterances.unanswered = spoken.prompt
        else:
            self._rest = Rest(reply.unheard if reply.complete else "", self._hanging_up)
        self._hang_up_after(False)  # who cuts in on the goodbye has more to say

    # What the person says

    def type(self, text: str) -> None:
        """Typed words are an utterance that is whole at once."""
        self._do(events.Typed(self._utterances.type(text)))

    def stop(self) -> None:
        """The person wants silence: what was asked before is not part of what they say next."""
        ends = self.leaving or self._hanging_up
        self._do(events.Stopped())
        self._forget()
        if ends:
            self._host.end()

    def _forget(self) -> None:
        """Nothing of before is owed to the person any more."""
        self._utterances.forget()
        self._rest = Rest()

    def _on_answer(self, utterance: Utterance, prompt: str, reply: Reply) -> None:
        number = self._floor.reply
        assert number is not None, "because the floor has committed to the utterance"
        self._rest, self._apology_due = Rest(), False
        self._commit(Spoken(number, reply, prompt, utterance.stopwatch, utterance.began_s))

    def _on_none(self, utterance: int) -> None:
        self._do(events.NoWords(utterance))
        self._take_up()  # what it has cut off, or held back

    def _on_deaf(self, utterance: int, failure: EngineError) -> None:
        self._do(events.NoWords(utterance))
        self.fail(failure)

    def _take_up(self) -> None:
        """What is owed to the person is said now; nothing, if nothing was left open or somebody speaks."""
        if not self.quiet:
            return
        if self._apology_due:
            self.say(self._agent.apology, "Something failed.")
        elif self._utterances.unanswered:
            self._do(events.Typed(self._utterances.repeat()))
        elif (rest := self._rest).text:
            self.say(rest.text, "A sound has interrupted the agent.")
            self._hang_up_after(rest.ends)
        elif rest.ends:
            self.leave()

    def _hang_up_after(self, wanted: bool) -> None:
        if isinstance(self._deps, EndsCalls):
            self._deps.hang_up_requested = wanted

    # Replies

    def _commit(self, spoken: Spoken) -> None:
        spoken.reply.committed.set()
        self._mouth.speak(spoken)
        self._hurry(spoken.reply)

    def _hurry(self, reply: Reply) -> None:
        """What has not begun to be heard, and could, begins now and not with the next tick."""
        spoken = self._mouth.spoken
        if spoken is not None and spoken.reply is reply and reply.speech.ready and not reply.speech.begun:
            self._host.hurry()

    def _on_started(self, spoken: Spoken) -> None:
        spoken.stopwatch.mark("first_packet")
        self._do(events.SoundStarted(spoken.number))
        if spoken.prompt:
            metrics = spoken.stopwatch.metrics(spoken.number)
            self._host.send(metrics)
            log.info("> call %s answers: %s", self._name, metrics.in_words())

    def _on_caption(self, spoken: Spoken, heard: str) -> None:
        self._host.send(
            messages.Response(reply=spoken.number, text=heard, final=False, tools=spoken.reply.source.tools)
        )

    def _on_ended(self, spoken: Spoken) -> None:
        self._mouth.stop()
        failure = spoken.reply.failure
        if failure is None and not spoken.reply.speech.begun:
            failure = EngineError("model", "The agent had nothing to say.")
        self._account.close(spoken, partly=failure is not None)
        self._do(events.ReplyEnded(spoken.number))
        if self.leaving or self._hanging_up:
            self._host.end()
        elif failure is not None:
            self.fail(failure)
        else:
            self._apologies = 0
            if spoken.prompt:
                self._judgement.was_answered()

    # What the agent says unasked

    def say(self, text: str, occasion: str, interruptible: bool = True) -> None:
        """The agent says `text` unasked; "" is nothing to be said."""
        self._apology_due = False
        if not text:
            return
        self._line = (Line(text, occasion), interruptible)
        self._do(events.Prompted())
        self._forget()

    def fail(self, failure: EngineError) -> None:
        """An engine has failed: the client reads it; the caller, if nothing else is said, hears an apology."""
        traceback = failure if log.isEnabledFor(logging.DEBUG) else None  # it has messages, which may quote people
        log.warning(
            "x call %s: %s failed: %s %s", self._name, failure.stage, failure, origin(failure), exc_info=traceback
        )
        self._host.failed(failure)
        self._host.send(messages.Error(code=failure.code, message=failure.sentence))
        self._apologies += 1
        if self.leaving or self._floor.reply is not None or self._apologies > self._settings.apologies:
            return
        delay_s = APOLOGY_DELAY_S if self._apologies > 1 else 0.0
        self._host.start(partial(self._apologise, delay_s), "apologise")

    async def _apologise(self, delay_s: float) -> None:
        await asyncio.sleep(delay_s)
        if self._floor.reply is None:  # else the person has gone on meanwhile, and is answered
            self._apology_due = True
            self._take_up()

    def show_state(self) -> None:
        """Tell the client who has the floor, if that is news."""
        state = self._floor.state
        if state is not self._shown_state:
            self._shown_state = state
            self._host.send(messages.State(state=state.value))
