"""Hearing: what each frame of the caller means for the floor. It brings ears, utterances and judge together."""

import logging
from collections.abc import Callable
from math import inf

from server.call import events
from server.call.ears.ears import Ears
from server.call.floor import State
from server.call.mind.history import History
from server.call.mind.language import LanguageOfCall
from server.call.mind.utterance import Utterance
from server.call.mind.utterances import Utterances
from server.call.mouth.mouth import Mouth, SpokenReply
from server.call.settings import CallSettings
from server.call.setup import CallSetup
from server.call.turns.company import Company
from server.call.turns.judge import Judge, JudgeSetup, Verdict, View
from server.call.turns.overlap import AgentState
from server.call.turns.turn_judge import TurnJudge
from server.media.frame import Frame

log = logging.getLogger(__name__)

WORDLESS_MS = 5_000
"""A sound that is known to have no words is dropped after so much silence, if its judge leaves it open. The usual judge
does so much sooner."""

OF_HEARING = events.Endpoint | events.NoWords | None
OF_OVERLAP = events.Interruption | events.Backchannel | events.NoWords | None
"""What a judge may tell the floor."""


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
        self.company = Company()
        """Knows whether other voices keep the agent from speaking."""
        self._agent = setup.agent
        self._ears = ears
        self._longest_ms = setup.settings.max_utterance_ms
        self.judge_by(setup.settings)
        self._utterances = utterances
        self._mouth = mouth
        self._history = history
        self._language = language

    def judge_by(self, settings: CallSettings) -> None:
        """From now on judge with these thresholds, by a judge that knows nothing of the call so far."""
        agent = self._agent
        phrases = (*agent.phrases, *agent.number_phrases)
        known = JudgeSetup(settings.endpoint, settings.overlap, phrases, agent.digits)
        self._usual = TurnJudge(known)
        self._judge = self._usual if agent.judge is None else _own(agent.judge, known) or self._usual

    def hear(self, frame: Frame, state: State) -> events.Event | None:
        """Take the next 20 ms, while the floor is in `state`. Returns what the floor has to know, if anything."""
        self._ears.hear(frame, agents_turn=state in (State.THINKING, State.SPEAKING, State.OVERLAP))
        self.company.pass_frame(state, self._ears.voicing.voiced)
        if (utterance := self._utterances.present) is None:
            return events.VoiceStarted(self._utterances.number()) if self._ears.voicing.active else None
        hearing = state is State.HEARING
        if hearing and self._ears.pausing:
            self._ears.sound.ask()
        view = self._view(utterance)
        verdict = self._verdict(view, hearing)
        if isinstance(verdict.event, events.Interruption) and not view.interruptible:
            verdict = Verdict(verdict.prepare)  # an agent's own judge may not cut off what has to be heard
        if self._utterances.client_ends and not isinstance(verdict.event, events.NoWords):
            verdict = Verdict(verdict.prepare)  # the client says when the caller is done
        if isinstance(verdict.event, events.Interruption) and self._mouth.current and self._mouth.current.asked:
            self.company.cut_off()
        self._utterances.prepare(utterance, verdict.prepare)
        if self._utterances.ended:
            return events.Endpoint(utterance.number) if hearing else events.Interruption(utterance.number)
        return verdict.event or self._overdue(view, hearing)

    @property
    def speaks_on(self) -> bool:
        """The agent speaks on over what is heard: there is company, or the client says when the caller is done."""
        return self.company.here or self._utterances.client_ends

    def stopped(self, state: State) -> events.Event:
        """The client wants the agent to be silent. A sound is dropped with it, if the client does not decide on it."""
        utterance = self._utterances.present
        if state is State.OVERLAP and utterance is not None and self._utterances.client_ends:
            return events.Interruption(utterance.number)
        return events.Stopped()

    def _overdue(self, view: View, hearing: bool) -> events.Event | None:
        """What ends an utterance that its judge leaves open for too long; None: it may last."""
        if view.settled and not view.text and view.voice.silence_ms >= WORDLESS_MS:
            return events.NoWords(view.utterance)
        if view.voice.active_ms <= self._longest_ms:
            return None
        if hearing:
            return events.Endpoint(view.utterance)
        self._utterances.put_off()
        return events.Backchannel(view.utterance)

    def _verdict(self, view: View, hearing: bool) -> Verdict:
        """What the judge says. Where an agent's own judge fails, the usual one judges the rest of the call."""
        try:
            return _asked(self._judge, view, hearing)
        except Exception:
            if self._judge is self._usual:
                raise
            log.exception("x the judge of an agent fails, and the usual one goes on")
            self._judge = self._usual
            return _asked(self._judge, view, hearing)

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
            echoes=self._ears.echo.possible,
            reply_left_ms=current.reply.speech.left_ms if current else inf,
            interruptible=current.reply.interruptible if current else True,
            company=self.company.here,
        )


def _state(current: SpokenReply | None) -> AgentState:
    if current is not None and current.reply.source.tool_running:
        return AgentState.TOOL
    if current is None or not current.reply.speech.begun:
        return AgentState.THINKING
    speech = current.reply.speech
    return AgentState.SPEAKING if speech.ready or speech.finished else AgentState.THINKING


def _own(make: Callable[[JudgeSetup], Judge], known: JudgeSetup) -> Judge | None:
    """The judge that an agent makes for a call; None when it cannot, which is logged."""
    try:
        return make(known)
    except Exception:  # the agent's own fault
        log.exception("x the judge of an agent cannot be made, and the usual one is used")
        return None


def _asked(judge: Judge, view: View, hearing: bool) -> Verdict:
    """The verdict of the judge. Raises TypeError if its event is not one for this moment."""
    verdict = judge.hearing(view) if hearing else judge.overlap(view)
    if not isinstance(verdict.event, OF_HEARING if hearing else OF_OVERLAP):
        raise TypeError(f"a judge gave {verdict.event} in its method {'hearing' if hearing else 'overlap'}")
    return verdict
