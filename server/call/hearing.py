"""Hearing: what each frame of the caller means for the floor. It brings ears, utterances and judge together."""

from math import inf

from server.call import events
from server.call.ears.ears import Ears
from server.call.floor import State
from server.call.mind.history import History
from server.call.mind.language import LanguageOfCall
from server.call.mind.utterance import Utterance
from server.call.mind.utterances import Utterances
from server.call.mouth.mouth import Mouth, SpokenReply
from server.call.setup import CallSetup
from server.call.turns.judge import Judge, View
from server.call.turns.overlap import AgentState
from server.media.frame import Frame


class Hearing:
    """The hearing of one call, from frames to the events of the floor."""

    def __init__(
        self,
        setup: CallSetup,
        language: LanguageOfCall,
        ears: Ears,
        utterances: Utterances,
        mouth: Mouth,
        history: History,
    ) -> None:
        """`utterances` know the caller's words, `mouth` the present reply, and `history` what was said before."""
        agent, settings = setup.agent, setup.settings
        phrases = (*agent.phrases, *agent.number_phrases)
        self._ears = ears
        self._judge = Judge(settings.endpoint, settings.overlap, settings.max_utterance_ms, phrases, agent.digits)
        self._utterances = utterances
        self._mouth = mouth
        self._history = history
        self._language = language

    def hear(self, frame: Frame, state: State) -> events.Event | None:
        """Take the next 20 ms, while the floor is in `state`. Returns what the floor has to know, if anything."""
        self._ears.hear(frame)
        if (utterance := self._utterances.present) is None:
            return events.VoiceStarted(self._utterances.number()) if self._ears.voicing.active else None
        hearing = state is State.HEARING
        if hearing and self._ears.pausing:
            self._ears.sound.ask()
        view = self._view(utterance)
        verdict = self._judge.hearing(view) if hearing else self._judge.overlap(view)
        self._utterances.prepare(utterance, verdict.prepare)
        return verdict.event

    def _view(self, utterance: Utterance) -> View:
        """What the judge is shown at this frame."""
        voice, current = self._ears.voice, self._mouth.current
        return View(
            utterance=utterance.number,
            text=utterance.text,
            lexicon=self._language.lexicon,
            settled=utterance.settled,
            voice=voice,
            last_said=self._history.last_said if self._ears.pausing else "",
            agent=_state(current),
            reply_heard=current.reply.speech.heard if current else "",
            reply_left_ms=current.reply.speech.left_ms if current else inf,
            interruptible=current.reply.interruptible if current else True,
        )


def _state(current: SpokenReply | None) -> AgentState:
    if current is not None and current.reply.source.tool_running:
        return AgentState.TOOL
    return AgentState.SPEAKING if current is not None and current.reply.speech.begun else AgentState.THINKING
