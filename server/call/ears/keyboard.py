"""Keyboard: makes prompts of what the caller types.

Each prompt cancels the answer that is being made, and so costs a request to the model. A client that types in a loop
would cost one for each message. So prompts come at a pace, and what is typed meanwhile is put together.
"""

from server.call.messages import MAX_TEXT_CHARS
from server.pace import Pace

PROMPTS_A_SECOND = 0.5
"""Nobody types sentences faster for long."""
PROMPTS_AT_ONCE = 4
"""How many prompts may follow each other at once: a sentence that is sent in pieces, or a few taps on examples."""
MAX_CHARS = MAX_TEXT_CHARS
"""How much waits for the next prompt: as much as one message may have."""


class Keyboard:
    """What the caller of one call has typed and the agent has not been asked yet. Times are seconds of any steady
    clock."""

    def __init__(self) -> None:
        self.words = ""
        """All words that wait for the next prompt."""
        self._pace = Pace(PROMPTS_A_SECOND, PROMPTS_AT_ONCE)

    def type(self, text: str) -> bool:
        """Add `text` to the next prompt. Returns False, and takes nothing, if there is no room for it."""
        words = f"{self.words} {text}".strip()
        if len(words) > MAX_CHARS:
            return False
        self.words = words
        return True

    def prompt(self, now_s: float) -> str:
        """Take what the agent is to be asked now; "" if nothing was typed, or if it is too soon."""
        if not self.words or not self._pace.admits(now_s):
            return ""
        words, self.words = self.words, ""
        return words

    def clear(self) -> None:
        """Forget what waits."""
        self.words = ""
