"""Keys: what becomes of the keys of the telephone that the caller presses.

A tool that has asked for keys gets them, and nobody else. All others are a choice, or a number that counts as typed
words.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import replace

from server.agent.tool_time import in_answer, waiting_for_the_caller
from server.call.asking import Asking
from server.call.dialogue import Present
from server.call.ears.key_entry import KeyEntry
from server.call.ears.keypad import Keypad
from server.errors import Conflict
from server.media.dtmf import DIGITS
from server.media.frame import FRAME_MS, SILENCE, Frame

END_MS = 5_000
"""So long after the last key of an entry that is over a key that would have ended it may still belong to it: callers
press # after the last digit."""
SECRET_MS = 2_000
"""So long after the last key of a secret all keys may, also where the agent has spoken again."""
TONE_MS = 1_000
"""How long the sound of a key may last, from where it is pressed. Callers hold one for 0.1 to 0.5 s, and the sound
comes later than the key by what is buffered of it."""


class Keys:
    """The keys of one call."""

    def __init__(self, present: Present) -> None:
        """`present` gives the dialogue."""
        self.menu: Mapping[str, str] = {}
        """What a key means that is pressed alone."""
        self._present = present
        self._keypad = Keypad()
        self._entry: KeyEntry | None = None
        """What a tool has asked for."""
        self._over = asyncio.Event()
        self._last = KeyEntry(terminators="")
        """The entry before."""
        self._since_ms = END_MS
        """How long ago its last key was, at most `END_MS`."""
        self._heard = 0
        """The newest reply that the caller had heard when it ended."""
        self._closed = False

    @property
    def collecting(self) -> bool:
        """A tool waits for keys."""
        return self._entry is not None

    @property
    def awaited(self) -> bool:
        """A tool waits for keys, and the caller has heard all that is said about it."""
        return self._entry is not None and not self._asking

    def takes(self, keys: str) -> bool:
        """Whether these are keys, and for a tool, or belong to what a tool has got already."""
        if not set(DIGITS).issuperset(keys):
            return False
        return self._entry is not None or all(map(self._belongs_to_last, keys))

    def press(self, key: str) -> str:
        """The caller presses a key (RFC 4733: 0-9, *, #, A-D). Returns the words that are typed with it, or ""."""
        if self._entry is not None:
            self._since_ms = 0
            self._prompts.stop(begun=True)
            self._entry.press(key)
            self._look()
            return ""
        if self._belongs_to_last(key):
            self._since_ms = 0
            return ""
        self._present().hush()
        return self._keypad.press(key, self._present().number_wanted, self.menu)

    def type(self, text: str) -> bool:
        """The caller types `text`, at a client without a keypad. Returns whether it was taken as keys for a tool."""
        keys = "".join(text.split())
        if not self.takes(keys):
            return False
        for key in keys:
            self.press(key)
        self._end()  # whoever types has seen the whole before it was sent
        return True

    def pass_frame(self) -> str:
        """20 ms have passed. Returns the number that ends now, or ""."""
        self._since_ms = min(END_MS, self._since_ms + FRAME_MS)
        if self._entry is None:
            return self._keypad.pass_frame()
        self._present().delivery.wait_in_silence()
        self._entry.pass_frame(self._asking)
        self._look()
        return ""

    def recorded(self, frame: Frame) -> Frame:
        """The caller's next 20 ms as they may be recorded: some telephones send the sound of the keys, too."""
        return replace(frame, pcm=SILENCE) if self._is_secret else frame

    def heard(self, frame: Frame) -> Frame:
        """The same 20 ms as the agent hears them. What is heard may go to other servers: they get no secret key.

        What callers say between two keys is heard.
        """
        secret = (self._entry or self._last).secret and self._since_ms < TONE_MS
        return replace(frame, pcm=SILENCE) if secret else frame

    async def collect(self, entry: KeyEntry, prompt: str) -> str:
        """Ask the caller for keys with this `prompt`, if it is not empty, and wait until the `entry` is over.

        Returns what was keyed in; "" when the call ends meanwhile. Raises Conflict if a tool waits for keys already, or
        if the call is over, and what `Announcements.add` raises.
        """
        if self._closed:
            raise Conflict("The call is over.")
        if self._entry is not None:
            raise Conflict("Another tool waits for the caller's keys already.")
        if prompt:
            self._prompts.ask(prompt, answering=in_answer())
        self._entry, self._over = entry, asyncio.Event()
        for key in self._keypad.clear():
            entry.press(key)  # the caller knew what was to come
        self._look()
        try:
            with waiting_for_the_caller():
                await self._over.wait()
            return "" if self._closed else entry.keys
        finally:
            if self._entry is entry:  # the tool was given up
                self._end()

    def on_words(self, encouraging: bool, spoken: bool) -> bool:
        """The caller has said or typed something else. The tool gets what was keyed in, and the words are answered.

        Words that are only `encouraging` change nothing where several keys are awaited: callers say "okay" while they
        look for their number. Where one key is a choice, "yes" is an answer. A secret that has been begun is not ended
        by words that are `spoken`, such as "one moment": its next keys would not be taken for it. Returns whether the
        words are answered.
        """
        if self._entry is None or self._prompts.open:
            return True
        if encouraging and self._entry.digits > 1:
            return False
        if spoken and self._entry.secret and self._entry.keys:
            return False
        self._end()
        return True

    def stop_asking(self) -> bool:
        """Say no more of the prompt, if a tool waits for keys. Returns whether one does."""
        if self._entry is not None:
            self._prompts.stop()
        return self._entry is not None

    def close(self) -> None:
        """The call ends."""
        self._closed = True
        self._end()

    # Steps of the methods above

    @property
    def _prompts(self) -> Asking:
        return self._present().unasked.asking

    @property
    def _asking(self) -> bool:
        """The agent speaks, or is about to ask for the keys."""
        return self._prompts.open or self._present().delivery.has_words

    @property
    def _is_secret(self) -> bool:
        """Keys that are pressed now may belong to a secret."""
        if self._entry is not None:
            return self._entry.secret
        return self._last.secret and (self._since_ms < SECRET_MS or self._heard == self._newest_heard)

    @property
    def _newest_heard(self) -> int:
        return self._present().delivery.newest_heard

    def _belongs_to_last(self, key: str) -> bool:
        return self._is_secret or (key in self._last.terminators and self._since_ms < END_MS)

    def _look(self) -> None:
        if self._entry is not None and self._entry.over:
            self._end()

    def _end(self) -> None:
        if self._entry is None:
            return
        self._last, self._entry = self._entry, None
        self._heard = self._newest_heard
        self._over.set()
        self._prompts.stop()
