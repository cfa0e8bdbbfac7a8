"""Our side of what a client and we agree on: the names and numbers in our offer and our answers, which go on from one
to the next."""

import secrets
import uuid
from typing import Any

from server.errors import Conflict, TooMany
from server.media.answer import Ours, write_answer
from server.media.bundle import Bundle
from server.media.channel import MAX_MESSAGE_BYTES
from server.media.codecs import Codec
from server.media.offer import Offer
from server.media.own_offer import write_offer
from server.media.rtp_session import Negotiated
from server.pace import Pace

OFFERS_PER_S, OFFERS_AT_ONCE = 1.0, 10
"""How often a client may offer again on the same connection. A person presses a button for most of these offers."""
WAIT_S = 2
"""When a client that offers too often should try again."""


class Negotiation:
    """The offer and the answers of one connection."""

    def __init__(self) -> None:
        self._offers = Pace(OFFERS_PER_S, OFFERS_AT_ONCE)
        self._session, self._version = secrets.randbits(62), 0
        self._cname, self._stream, self._track = (str(uuid.uuid4()) for _ in range(3))
        self._ssrc = _ssrc()
        self._used_for: tuple[str, int, Codec] | None = None
        """The client's section, and how we speak in it. Another one gets another SSRC."""

    def agree(self, offer: Offer) -> Negotiated | None:
        """What holds for the sound from this offer on. None if the client has closed its sound."""
        if offer.voice is None or offer.audio is None:
            return None
        wanted = (offer.audio.mid, *offer.voice)
        if self._used_for not in (None, wanted):
            self._ssrc, self._track = _ssrc(), str(uuid.uuid4())
        self._used_for = wanted
        codecs = {number: named.codec for number, named in offer.codecs.items()}
        copies = any(named.uses_copies for named in offer.codecs.values() if named.codec.name == "opus")
        return Negotiated(codecs, self._ssrc, self._cname, offer.level_id, copies, ticks_apart=self._ssrc % 50)

    def admit(self, offer: Offer, before: Offer, now_s: float) -> None:
        """Raises Conflict for an offer that is older than the one `before`, and TooMany if offers come too fast."""
        if offer.origin == before.origin and offer.version < before.version:
            raise Conflict("This offer is older than the last one that was answered.")
        if not self._offers.admits(now_s):
            raise TooMany("This call is changed too often. Please wait a moment.", WAIT_S)

    def offer(self, bundle: Bundle) -> str:
        """Our own first offer, with all candidates of the bundle."""
        return write_offer(self._ours(bundle, "actpass"))

    def answer(self, offer: Offer, bundle: Bundle) -> str:
        """The answer to an offer, with all candidates of the bundle."""
        return write_answer(offer, self._ours(bundle, bundle.setup))

    def _ours(self, bundle: Bundle, setup: str) -> Ours:
        self._version += 1
        agent: Any = bundle.agent
        found = agent.local_candidates
        return Ours(
            ufrag=agent.local_username,
            password=agent.local_password,
            fingerprints=bundle.fingerprints,
            setup=setup,
            candidates=tuple(candidate.to_sdp() for candidate in found),
            host=found[0].host,
            port=found[0].port,
            session=self._session,
            version=self._version,
            stream=self._stream,
            track=self._track,
            ssrc=self._ssrc,
            cname=self._cname,
            max_message_bytes=MAX_MESSAGE_BYTES,
        )


def _ssrc() -> int:
    return secrets.randbelow(2**32 - 1) + 1
