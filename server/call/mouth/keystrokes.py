"""Keystrokes: the agent presses keys of the telephone. They are a reply whose sound is tones in place of speech.

Each key is a clause of its own. So it is known of every key whether it was pressed, and what is cut off by the loss of
a connection, or by a move to another server, goes on with the next key.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence

from pydantic_ai.messages import ModelMessage, ModelRequest

from server.agent.ran import Ran
from server.call.mouth.playout import Speech
from server.errors import PeerError
from server.media.frame import SPOKEN_RATE
from server.media.tones import SIGNS, tone
from server.speech.protocols import ANYBODY, Asker, Pcm

MAX_KEYS = 64
"""How many keys and pauses may be pressed at once. Card numbers and menus need less."""
LABEL = "Keys:"
"""Stands before the keys where people read what the agent has said."""


def read_keys(text: str) -> str:
    """The keys in `text`, one after the other, without spaces. Raises PeerError if they cannot be pressed."""
    keys = "".join(text.split())
    for sign in SIGNS - {"w"}:
        keys = keys.replace(sign.lower(), sign)
    if not keys:
        raise PeerError("There are no keys to be pressed.")
    if len(keys) > MAX_KEYS:
        raise PeerError(f"At most {MAX_KEYS} keys can be pressed at once.")
    if not SIGNS.issuperset(keys):
        raise PeerError('Keys are 0 to 9, *, # and A to D; "w" is a pause of 0.5 s and "," one of 2 s.')
    return keys


class Keystrokes:
    """The source of a reply that presses keys."""

    def __init__(self, keys: str) -> None:
        """`keys` are as `read_keys` gives them."""
        self.text = f"{LABEL} {' '.join(keys)}"
        self.interruptible = self.hang_up = False
        self.known = 0
        self.passes_on = None
        self.tools: list[str] = []
        self.tool_running = self.cut_off = False
        self.running = ()
        self.ran: Sequence[Ran] = ()
        self.model = ""
        self.speech: Speech | None = None
        """The sound of the reply, which knows what was pressed."""

    def add_aside(self, text: str) -> None:
        """Nothing is said while keys are pressed."""

    async def speak(self, on_text: Callable[[str], None], committed: asyncio.Event) -> None:
        on_text(self.text)

    def give_up(self) -> None:
        pass

    def messages(self) -> list[ModelMessage]:
        """A note with the keys that were pressed. It is no answer of the model, so that no model takes to writing it
        itself."""
        pressed = self.text if self.speech is None else self.speech.heard
        note = f"(The agent pressed these keys of the telephone: {pressed.removeprefix(LABEL).strip()})"
        return [ModelRequest.user_text_prompt(note)]


def keys_in(text: str) -> str:
    """The keys in what the caller has heard, or not heard, of keystrokes."""
    return "".join(text.removeprefix(LABEL).split())


class Tones:
    """The engine that makes their sound, in place of text-to-speech."""

    languages = ()

    async def synthesize(
        self, text: str, voice: str = "", language: str = "", asker: Asker = ANYBODY
    ) -> AsyncGenerator[Pcm, None]:
        """The tone of a key; nothing for the label."""
        if text in SIGNS:
            yield Pcm(SPOKEN_RATE, tone(text))
