"""What is sent and read of one utterance on a connection to the Realtime API. See openai_realtime.py."""

import base64
import json

from server.errors import EngineError
from server.media.frame import HEARD_RATE
from server.media.resample import Resampler
from server.speech.languages import tag_of
from server.speech.web_socket import LOST, Line

STAGE = "speech-to-text"

SENT_RATE = 24_000
"""Sample rate in Hz of "audio/pcm", the only one that the API takes."""
_SHORTEST_COMMIT_BYTES = 2 * HEARD_RATE // 10
"""The API refuses to commit less than 100 ms; what is shorter is filled up with silence."""
_PARTIAL_CHARACTERS = 20_000
"""How long partial words may become. Nobody says so much in half a minute."""
_ANSWER = "conversation.item.input_audio_transcription"


class Exchange:
    """One utterance on one connection: what was sent there, and what is still to be answered."""

    def __init__(self, line: Line, opening: str, begin: int) -> None:
        """`begin` is the byte of the utterance with which the sound begins here."""
        self._line, self._opening = line, opening
        self._resampler = Resampler(HEARD_RATE, SENT_RATE)
        self.sent = self.committed = begin
        """Up to which byte of the utterance the sound was sent, and committed."""
        self.pending: int | None = None
        """Where the piece ends that is committed, and whose words have not come yet. There is one at a time, because
        the API does not promise to answer in order."""
        self._partials: dict[str, str] = {}
        self._failed = False

    @property
    def clean(self) -> bool:
        """Nothing of this utterance can come on the connection any more."""
        return not self._failed and self.pending is None and self.sent == self.committed and not self._partials

    @property
    def partial(self) -> str:
        """The words so far of the pieces that are not over."""
        return " ".join(text.strip() for text in self._partials.values())

    async def open(self) -> None:
        if self._line.manner != self._opening:
            self._line.manner = self._opening
            await self._line.send(self._opening)

    async def append(self, pcm: bytes) -> None:
        self.sent += len(pcm)
        await self._append(self._resampler.convert(pcm))

    async def _append(self, pcm: bytes) -> None:
        audio = base64.b64encode(pcm).decode()
        await self._line.send(json.dumps({"type": "input_audio_buffer.append", "audio": audio}))

    async def commit(self) -> None:
        missing = max(0, _SHORTEST_COMMIT_BYTES - (self.sent - self.committed))
        await self._append(self._resampler.convert(bytes(missing)) + self._resampler.flush())
        self._resampler = Resampler(HEARD_RATE, SENT_RATE)
        self.committed = self.sent
        self.pending = self.sent
        await self._line.send('{"type": "input_audio_buffer.commit"}')

    async def read(self) -> tuple[int, str, str] | None:
        """Where the piece ends whose words have come, the words and their language; None when `partial` has changed.

        Raises EngineError when the server refuses, and one of LOST.
        """
        while True:
            try:
                event = await self._line.read()
                kind, item = event["type"], str(event.get("item_id", ""))
                if item in self._line.over:
                    continue
                if kind == f"{_ANSWER}.delta":
                    self._partials[item] = (self._partials.get(item, "") + event["delta"])[:_PARTIAL_CHARACTERS]
                    return None
                if kind == f"{_ANSWER}.completed" and self.pending is not None:
                    return self._over(item, event["transcript"].strip(), str(event.get("language") or ""))
                if kind in ("error", f"{_ANSWER}.failed"):
                    raise EngineError(STAGE, refusal(event.get("error")))
            except (EngineError, *LOST):
                self._failed = True
                raise

    def _over(self, item: str, text: str, language: str) -> tuple[int, str, str]:
        assert self.pending is not None, "because the caller has looked"
        end, self.pending = self.pending, None
        self._partials.pop(item, None)
        if item:
            self._line.over.append(item)
        return end, text, tag_of(language)


def refusal(error: object) -> str:
    """The sentence for an error event. Its message is left out, because it may quote the key or what was said."""
    code = str(error.get("code") or error.get("type") or "") if isinstance(error, dict) else ""
    known = code if code.replace("_", "").isalnum() and len(code) <= 60 else "an error"
    return f"The {STAGE} server refused the utterance: {known}."
