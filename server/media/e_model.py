"""The E-model (ITU-T G.107): how good a telephone call is, from its delay, its losses and its codec. Pure.

Its result is the rating R. With everything at its best R is 93.2; from 80 on users are satisfied, and below 60 nearly
all are dissatisfied (G.109). What we do not measure has the default values of G.107, section 7.7: the loudness of
telephones, the noise of rooms, and no echo. With these R is 93.2, less what delay and losses take from it.

R compares with a narrowband telephone, so it tells nothing of how much better a wide band sounds.
"""

import math
from dataclasses import dataclass

BEST = 93.2
"""R with all parameters at their defaults (G.107, section 7.7)."""
UNNOTICED_MS = 100.0
"""The longest delay that impairs no conversation (mT of G.107, table 1)."""


@dataclass(frozen=True, slots=True)
class Codec:
    """What a codec takes from R (G.113)."""

    impairment: float
    """Ie: without any loss."""
    robustness: float
    """Bpl: the larger it is, the less do losses take."""
    ahead_ms: float
    """How far ahead its encoder looks, which is a part of the delay."""


G711 = Codec(0.0, 25.1, 0.0)
"""G.711 with concealment of lost packets (G.113, appendix I)."""
CODECS = {
    "pcmu": G711,
    "pcma": G711,
    # G.113 has values for G.722 on the scale of wideband only (appendix IV), where it is better than G.711. Here it
    # has those of G.711.
    "g722": Codec(0.0, 25.1, 1.5),
    # ITU-T has published no values for Opus. These are provisional: at our bit rates listeners rate it better than
    # G.711, and it conceals losses at least as well. What in-band FEC recovers is not lost.
    "opus": Codec(0.0, 25.1, 6.5),
}
"""By the name in SDP, in lower case."""


def rating(codec: str, delay_ms: float, lost_percent: float) -> float | None:
    """R, from 0 to 93.2, for a `delay_ms` from mouth to ear and random losses. None for a codec without values."""
    found = CODECS.get(codec.lower())
    if found is None:
        return None
    return max(0.0, min(BEST, BEST - delay_impairment(delay_ms) - loss_impairment(found, lost_percent)))


def delay_impairment(delay_ms: float) -> float:
    """Idd: what a delay takes from R where there is no echo (G.107, equations 7-27 and 7-28)."""
    if delay_ms <= UNNOTICED_MS:
        return 0.0
    x = math.log2(delay_ms / UNNOTICED_MS)
    return 25 * (_root(1 + x**6) - 3 * _root(1 + (x / 3) ** 6) + 2)


def _root(value: float) -> float:
    """The sixth root."""
    return math.exp(math.log(value) / 6)


def loss_impairment(codec: Codec, lost_percent: float) -> float:
    """Ie-eff: what the codec takes from R with these losses, if they are random (G.107, equation 7-29)."""
    lost = max(0.0, min(100.0, lost_percent))
    return codec.impairment + (95 - codec.impairment) * lost / (lost + codec.robustness)


def mos(rating: float) -> float:
    """The mean opinion score that users would give, from 1 to 4.5 (G.107, annex B)."""
    if rating <= 0:
        return 1.0
    if rating >= 100:
        return 4.5
    return max(1.0, 1 + 0.035 * rating + rating * (rating - 60) * (100 - rating) * 7e-6)
