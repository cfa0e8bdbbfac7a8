"""An endpoint model behind HTTP, as the speech models of a cluster have it (`server/cluster/speech/turn_ends.py`).

`POST audio/turn` takes 16 kHz PCM, and answers with the probability that the caller is done.
"""

from collections.abc import Callable
from functools import partial

import aiohttp

from server.errors import EngineError
from server.media.frame import HEARD_RATE
from server.speech.http_api import HttpApi
from server.speech.judgements import DEADLINE_S, MAX_WAITING, Judgements

_STAGE = "endpoint"
_MOST_WAITING = 8 * MAX_WAITING
"""How many pauses may wait. Behind the address are any number of replicas, which refuse what they cannot do."""
_LAST_BYTES = 2 * HEARD_RATE * 8
"""The model hears the last 8 s."""
_MAX_ANSWER_BYTES = 4096
"""A judgement is much shorter."""


class EndpointServer:
    """An EndpointModel that asks a server."""

    def __init__(self, base_url: str, api_key: str | None = None, deadline_s: float = DEADLINE_S) -> None:
        """`base_url` ends where the paths begin, as http://10.0.0.5:8000/v1.

        Raises ConfigError when it is not HTTP.
        """
        self._api = HttpApi(base_url, api_key, aiohttp.ClientTimeout(total=deadline_s), _STAGE)
        self._judgements = Judgements(_MOST_WAITING, deadline_s)

    @property
    def waiting(self) -> int:
        """How many pauses wait for their judgement."""
        return self._judgements.waiting

    def judge(self, pcm: bytes, tell: Callable[[float | None], None]) -> Callable[[], None]:
        return self._judgements.ask(partial(self._judge, pcm[-_LAST_BYTES:]), tell)

    async def close(self) -> None:
        """Ask no more; idempotent."""
        await self._judgements.close()
        await self._api.close()

    async def _judge(self, pcm: bytes) -> float:
        headers = {"Content-Type": f"audio/pcm;rate={HEARD_RATE}"}
        answer = await self._api.ask_for_json("POST", "audio/turn", _MAX_ANSWER_BYTES, data=pcm, headers=headers)
        try:
            probability = float(answer["probability"])
        except (ValueError, KeyError, TypeError) as exc:
            raise EngineError(_STAGE, "The endpoint server's answer is no judgement.") from exc
        if not 0 <= probability <= 1:
            raise EngineError(_STAGE, "The endpoint server's answer is no probability.")
        return probability
