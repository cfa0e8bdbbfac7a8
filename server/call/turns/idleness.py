"""Idleness: how long the caller has said nothing, and what the agent does about it."""

from enum import Enum

from server.call.floor import State
from server.media.frame import FRAME_MS

GOODBYE_MS = 1_500
"""How much silence ends the call after the goodbye to a silent caller. A caller who hears it and wants to go on begins
to speak within about a second."""


class Idle(Enum):
    ASK = "ask"  # ask whether the caller is still there
    LEAVE = "leave"  # say goodbye, which the caller may interrupt
    END = "end"  # end the call


class Idleness:
    """Counts the time in which it is not the agent's turn and the caller says nothing.

    A sound counts as silence as long as no words have come of it: a cough or a radio does not show that the caller is
    there.
    """

    def __init__(self, prompt_s: float, prompts: int) -> None:
        """The agent asks after each `prompt_s` of silence, `prompts` times. After `prompt_s` more it says goodbye."""
        self._prompt_ms = prompt_s * 1000
        self._prompts = prompts
        self._quiet_ms = 0
        self._sound_ms = 0
        """How long the present sound has lasted. It counts as silence if no words come of it."""
        self._asked = 0
        self._before = State.LISTENING
        """The state of the floor at the frame before."""
        self._bidden = False
        """The goodbye is over."""

    def pass_frame(self, state: State, company: bool = False) -> Idle | None:
        """20 ms have passed, in which the floor was in `state`. Returns what the agent has to do now.

        `company`: other voices are there, which may go on for ever. So all time counts, also that of the agent's
        answers to them, and the agent need not wait until they are silent. It speaks right after an answer that they
        have spoken over, when nobody has begun to listen to them.
        """
        over_answer = self._before is State.OVERLAP and state is State.HEARING
        self._before = state
        taking_leave = self._asked > self._prompts
        if taking_leave and not self._bidden:
            if state not in (State.HEARING, State.LISTENING):
                return None
            self._bidden = True
        if company or state in (State.HEARING, State.LISTENING):
            self._sound_ms += FRAME_MS
        if state is not State.LISTENING and not (company and (over_answer or taking_leave)):
            return None
        self._quiet_ms += self._sound_ms
        self._sound_ms = 0
        if self._quiet_ms < (GOODBYE_MS if taking_leave else self._prompt_ms):
            return None
        self._quiet_ms = 0
        self._asked += 1
        if self._asked <= self._prompts:
            return Idle.ASK
        return Idle.LEAVE if self._asked == self._prompts + 1 else Idle.END

    def restart(self) -> None:
        """The caller is there: count from the beginning again."""
        self._quiet_ms = self._sound_ms = self._asked = 0
        self._bidden = False
