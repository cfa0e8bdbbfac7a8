"""Judgement: what the present sound of the person means for the floor: nothing yet, or one event.

Brings together what ears, mouth and history know for the pure judges of endpoint and overlap, and lets the answer be
prepared while it waits.
"""

from collections import deque
from math import inf

from server.agent.voice_agent import VoiceAgent
from server.call import events
from server.call.ears.ears import Ears, Utterance
from server.call.ears.stirring import Stirring
from server.call.mind.history import History
from server.call.mind.preparation import Preparation
from server.call.mouth.mouth import Mouth, Spoken
from server.call.settings import CallSettings
from server.call.turns.endpoint import Pause, enough_silence_ms, enough_to_prepare_ms
from server.call.turns.expectation import expectation
from server.call.turns.habit import REST_MS, Habit, Rest
from server.call.turns.overlap import AgentState, Overlap, Verdict, judge
from server.media.frame import FRAME_MS


class Judgement:
    """Looks at the present utterance after every frame."""

    def __init__(
        self,
        ears: Ears,
        mouth: Mouth,
        history: History,
        preparation: Preparation,
        settings: CallSettings,
        agent: VoiceAgent,
    ) -> None:
        self._ears = ears
        self._mouth = mouth
        self._history = history
        self._preparation = preparation
        self._settings = settings
        self._digits = agent.digits
        self._texts: deque[str] = deque(maxlen=settings.overlap.steady_ms // FRAME_MS + 1)
        """The words of the present overlap, frame by frame."""
        self._stirring = Stirring()
        self._habit = Habit()
        self._rest: Rest | None = None
        """Of the present pause."""
        self._rested_ms = 0
        self._end: Rest | None = None
        """Of the utterance that was judged to be over last, until the answer was heard."""
        self._expectation = expectation((*agent.phrases, *agent.number_phrases))

    def of_hearing(self, utterance: Utterance) -> events.Event | None:
        """The person has the floor: are they done?"""
        settings, voicing = self._settings, self._ears.voicing
        if self._ears.echoed:
            return events.NoWords(utterance.number)
        if voicing.voiced:
            self._go_on()
            self._preparation.drop(utterance)
            endless = voicing.active_ms > settings.max_utterance_ms
            return events.Endpoint(utterance.number) if endless else None
        if voicing.silence_ms < settings.endpoint.prepare_ms:
            return None
        self._rest, self._rested_ms = self._resting(utterance), voicing.silence_ms
        self._ears.sound.ask()
        wait_ms = enough_silence_ms(self.pause(utterance), settings.endpoint)
        if voicing.silence_ms >= enough_to_prepare_ms(wait_ms, settings.endpoint):
            self._preparation.pause(utterance, voicing.voiced_ms)
        else:
            self._preparation.ask(utterance)
        if voicing.silence_ms < wait_ms:
            return None
        self._end, self._rest = self._rest, None
        return events.Endpoint(utterance.number)

    def was_answered(self) -> None:
        """The answer was heard to its end: the person was done indeed."""
        if self._end is not None:
            self._habit.was_done(self._end)
        self._end = None

    def _go_on(self) -> None:
        if self._rest is not None and self._rested_ms >= REST_MS:
            self._habit.went_on(self._rest)
        self._rest = None

    def _resting(self, utterance: Utterance) -> Rest | None:
        """How the voice rests, as far as its cadence tells and is what counts."""
        sound = self._ears.sound
        over = sound.over() if sound.by_cadence else None
        return None if over is None else Rest(utterance.text, over)

    def pause(self, utterance: Utterance) -> Pause:
        """What the endpoint is decided from."""
        return Pause(
            text=utterance.text,
            agent_text=self._history.last_said,
            begun=self._expectation.begun(utterance.text),
            whole=self._expectation.whole(utterance.text),
            digits=self._digits,
            usual_pause_ms=self._ears.usual_pause_ms,
            over=self._ears.sound.over() if self._rest is None else self._habit.over(self._rest),
            falls=self._habit.falls,
        )

    def stirs(self, pcm: bytes) -> bool:
        """Whether somebody may be about to speak over the agent, by 20 ms that the ears have heard."""
        return self._stirring.hear(pcm, self._ears.voicing.voiced, echoes=self._ears.echo.path is not None)

    def of_overlap(self, utterance: Utterance) -> events.Event | None:
        """The person makes a sound while it is the agent's turn: shall it stop?"""
        self._texts.append(utterance.text)
        verdict = judge(self._overlap(utterance), self._settings.overlap)
        if verdict is not Verdict.UNDECIDED:
            self._texts.clear()
        if verdict is Verdict.INTERRUPTION:
            self._end = None  # perhaps they were not done
            return events.Interruption(utterance.number)
        if verdict is Verdict.BACKCHANNEL:
            return events.Backchannel(utterance.number)
        return None

    def _overlap(self, utterance: Utterance) -> Overlap:
        voicing, spoken = self._ears.voicing, self._mouth.spoken
        if voicing.voiced:
            self._preparation.drop(utterance)
        elif voicing.silence_ms >= self._settings.endpoint.prepare_ms:
            self._preparation.ask(utterance)
        return Overlap(
            voiced_ms=voicing.voiced_ms,
            silence_ms=voicing.silence_ms,
            text=utterance.text,
            earlier_text=self._texts[0] if len(self._texts) == self._texts.maxlen else "",
            agent_text=spoken.reply.speech.heard if spoken else "",
            left_ms=spoken.reply.speech.left_ms if spoken else inf,
            state=_state(spoken),
            interruptible=spoken.reply.interruptible if spoken else True,
            echoed=self._ears.echoed,
            settled=utterance.settled,
        )


def _state(spoken: Spoken | None) -> AgentState:
    if spoken is not None and spoken.reply.source.tool_running:
        return AgentState.TOOL
    return AgentState.SPEAKING if spoken is not None and spoken.reply.speech.begun else AgentState.THINKING
