"""`POST audio/turn`, which OpenAI's API does not have: sound in, the probability that the speaker is done out.

The body is a sound file, or 16 kHz mono s16le as `audio/pcm`. The model hears its last 8 s.
"""

import asyncio
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from server.cluster.speech.asked import Utterance, Words
from server.cluster.speech.asking import answer
from server.cluster.speech.names import Names
from server.cluster.speech.sound_file import decoded
from server.errors import NotFound, PeerError
from server.media.frame import HEARD_RATE

STAGE = "endpoint"
JUDGE_S = 2.0
"""How long a judgement may take, with the time in the queue. Nobody waits longer for one."""
_LAST_BYTES = 2 * HEARD_RATE * 8


class TurnEnds:
    """The route, and the model behind it."""

    def __init__(self, model: Any, names: Names) -> None:
        """`model` is a handle of Recognizer, whose engine is Smart Turn."""
        self._model, self._names = model, names

    async def post(self, request: Request) -> Response:
        """Answer a request. Raises our errors."""
        if not self._names.endpoint:
            raise NotFound("There is no model here that judges whether a speaker is done.")
        sound = await request.body()
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        pcm = sound if kind == "audio/pcm" else await asyncio.to_thread(decoded, sound)
        if not pcm or len(pcm) % 2:
            raise PeerError("The body is no 16-bit sound.")
        pcm = pcm[-_LAST_BYTES:]  # the rest may be ten minutes, and is not kept meanwhile
        judged: Words = await answer(self._model.hear.remote(Utterance(pcm)), STAGE, JUDGE_S)
        return JSONResponse({"model": self._names.endpoint, "probability": float(judged.text)})
