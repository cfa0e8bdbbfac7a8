"""Idleness: how long nobody has spoken, and what to do about it."""

from enum import Enum

from server.media.frame import FRAME_MS


class Idle(Enum):
    ASK = "ask"  # whether the person is still there
    LEAVE = "leave"  # end the call


class Idleness:
    """Counts silence on both sides in frames."""

    def __init__(self, prompt_s: float, prompts: int) -> None:
        """After each `prompt_s` of silence the person is asked, `prompts` times; then the call ends."""
        self._prompt_ms = prompt_s * 1000
        self._prompts = prompts
        self._quiet_ms = 0
        self._asked = 0

    def pass_frame(self, quiet: bool) -> Idle | None:
        """20 ms have passed, `quiet` or not; what is to be done now."""
        self._quiet_ms = self._quiet_ms + FRAME_MS if quiet else 0
        if self._quiet_ms < self._prompt_ms:
            return None
        self._quiet_ms = 0
        self._asked += 1
        return Idle.ASK if self._asked <= self._prompts else Idle.LEAVE

    def restart(self) -> None:
        """The person is there."""
        self._quiet_ms = self._asked = 0
