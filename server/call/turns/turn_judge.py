"""TurnJudge: the judge of calls whose agent brings none of its own. It brings endpoint and overlap together."""

from collections import deque

from server.call.events import Backchannel, Endpoint, Interruption, NoWords
from server.call.turns.endpoint import Pause, enough_silence_ms, enough_to_prepare_ms
from server.call.turns.expectation import expectation
from server.call.turns.habit import Habit
from server.call.turns.judge import JudgeSetup, Prepare, Verdict, View
from server.call.turns.overlap import AgentState, Meaning, Overlap, meaning_of
from server.media.frame import FRAME_MS

FIRST_WORDS = 2
"""A caller who speaks over the first words of an answer was not done."""


class TurnJudge:
    """The judge of one call. It learns how patient this caller wants the agent to be."""

    def __init__(self, setup: JudgeSetup) -> None:
        self._endpoint = setup.endpoint
        self._overlap = setup.overlap
        self._digits = setup.digits
        self._phrases = setup.phrases
        self._habit = Habit()
        self._texts: deque[str] = deque(maxlen=setup.overlap.steady_ms // FRAME_MS + 1)
        """The words of the present overlap at each of the last frames."""
        self._overlap_number = 0
        """The number of its utterance."""

    # The caller has the floor

    def hearing(self, view: View) -> Verdict:
        """Decide whether the caller is done."""
        if view.voice.echoed:
            return Verdict(event=NoWords(view.utterance))
        if view.voice.voiced:
            return Verdict(Prepare.CANCEL)
        if view.voice.silence_ms < self._endpoint.prepare_ms:
            return Verdict()
        wait_ms = enough_silence_ms(self._pause_of(view), self._endpoint)
        soon = view.voice.silence_ms >= enough_to_prepare_ms(wait_ms, self._endpoint)
        prepare = Prepare.ANSWER if soon else Prepare.WORDS
        if view.voice.silence_ms < wait_ms:
            return Verdict(prepare)
        self._habit.ended()
        return Verdict(prepare, Endpoint(view.utterance))

    def _pause_of(self, view: View) -> Pause:
        """What the endpoint is decided from."""
        expected = expectation(self._phrases, view.lexicon)
        return Pause(
            ending=view.lexicon.ending(view.text),
            wanted=view.lexicon.asked_for(view.last_said),
            begun=expected.begun(view.text),
            whole=expected.whole(view.text),
            digits=self._digits,
            over=view.voice.over,
            judging=view.voice.judging,
            stretch=1.0 if view.company else self._habit.stretch,  # who does not listen is not cut off either
        )

    # The caller makes a sound while it is the agent's turn

    def overlap(self, view: View) -> Verdict:
        """Decide whether the agent stops for this sound."""
        prepare = Prepare.NOTHING
        if view.voice.voiced:
            prepare = Prepare.CANCEL
        elif view.voice.silence_ms >= self._endpoint.prepare_ms:
            prepare = Prepare.WORDS
        if view.utterance != self._overlap_number:
            self._overlap_number = view.utterance
            self._texts.clear()
        self._texts.append(view.text)
        meaning = meaning_of(self._sound_over_agent(view), self._overlap, view.lexicon)
        if meaning is Meaning.UNDECIDED:
            return Verdict(prepare)
        if meaning is not Meaning.INTERRUPTION:
            return Verdict(prepare, Backchannel(view.utterance))
        if view.agent is AgentState.THINKING or len(view.lexicon.words(view.reply_heard)) <= FIRST_WORDS:
            self._habit.went_on()
        return Verdict(prepare, Interruption(view.utterance))

    def _sound_over_agent(self, view: View) -> Overlap:
        return Overlap(
            voiced_ms=view.voice.voiced_ms,
            silence_ms=view.voice.silence_ms,
            text=view.text,
            earlier_text=self._texts[0] if len(self._texts) == self._texts.maxlen else "",
            agent_text=view.reply_heard if view.echoes else "",
            left_ms=view.reply_left_ms,
            state=view.agent,
            interruptible=view.interruptible,
            company=view.company,
            echoed=view.voice.echoed,
            settled=view.settled and not view.voice.voiced,
        )
