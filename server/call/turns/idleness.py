"""Idleness: how long nobody has spoken, and what the agent does about it."""

from enum import Enum

from server.media.frame import FRAME_MS


class Idle(Enum):
    ASK = "ask"  # ask whether the caller is still there
    LEAVE = "leave"  # say goodbye and end the call


class Idleness:
    """Counts the frames in which neither the caller nor the agent speaks."""

    def __init__(self, prompt_s: float, prompts: int) -> None:
        """The agent asks after each `prompt_s` of silence, `prompts` times. After `prompt_s` more the call ends."""
        self._prompt_ms = prompt_s * 1000
        self._prompts = prompts
        self._quiet_ms = 0
        self._asked = 0

    def pass_frame(self, quiet: bool) -> Idle | None:
        """20 ms have passed. `quiet`: nobody spoke in them. Returns what the agent has to do now."""
        self._quiet_ms = self._quiet_ms + FRAME_MS if quiet else 0
        if self._quiet_ms < self._prompt_ms:
            return None
        self._quiet_ms = 0
        self._asked += 1
        return Idle.ASK if self._asked <= self._prompts else Idle.LEAVE

    def restart(self) -> None:
        """The caller is there: count from the beginning again."""
        self._quiet_ms = self._asked = 0
