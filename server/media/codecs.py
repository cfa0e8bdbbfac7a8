"""Which codecs an audio section of an offer names that we speak, under the client's own payload types. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from server.errors import NotAcceptable, TooLarge
from server.media.sections import Section

MAX_CODECS = 32
"""How many audio codecs an offer may have. Chromium offers nine."""
TELEPHONE_EVENT = "telephone-event"
"""The codec name of pressed keys in SDP (RFC 4733)."""
COMFORT_NOISE = "cn"
"""The codec name of comfort noise in SDP (RFC 3389)."""
VOICES = {"opus": 48_000, "g722": 8_000, "pcmu": 8_000, "pcma": 8_000}
"""The codecs of voices that we speak, each with the rate of its RTP clock in Hz."""
_CHANNELS = {"opus": ("2", ""), "g722": ("1", ""), "pcmu": ("1", ""), "pcma": ("1", "")}
_STATIC = {"0": "PCMU/8000", "8": "PCMA/8000", "9": "G722/8000", "13": "CN/8000"}
"""The payload types that need no `a=rtpmap` line (RFC 3551, section 6)."""
NO_CODEC = "The offer has no audio codec that the server speaks: Opus, G.722, PCMU or PCMA is needed."
_RTCP_TYPES = range(64, 96)
"""The payload types that are mistaken for RTCP on the same port (RFC 5761, section 4)."""


@dataclass(frozen=True, slots=True)
class Codec:
    """A codec: its SDP name in lower case, and the rate of its RTP clock in Hz."""

    name: str
    clock_rate: int

    @property
    def speaks(self) -> bool:
        """Whether it carries a voice, and not only keys or noise."""
        return self.name in VOICES


@dataclass(frozen=True, slots=True)
class Named:
    """A codec as the offer names it."""

    codec: Codec
    spelling: str
    """The value of its `a=rtpmap` line, behind the payload type."""
    parameters: str
    """The value of its `a=fmtp` line, behind the payload type. Empty if it has none."""

    @property
    def uses_copies(self) -> bool:
        """Whether the client's Opus decoder uses copies of lost sound (in-band FEC; RFC 7587, section 6.1)."""
        return "useinbandfec=1" in [each.strip() for each in self.parameters.lower().split(";")]


def common(audio: Section) -> Mapping[int, Named]:
    """The codecs of the section that we speak too, by payload type, in the client's order.

    Raises NotAcceptable if there is none for a voice, and TooLarge if there are too many to look at.
    """
    formats = audio.formats.split()
    spellings = _STATIC | dict(_by_type(audio, "rtpmap"))
    if len(formats) > MAX_CODECS or len(list(audio.values("rtpmap"))) > MAX_CODECS:
        raise TooLarge(f"An offer may have at most {MAX_CODECS} audio codecs.")
    parameters = dict(_by_type(audio, "fmtp"))
    found = {}
    for number in formats:
        codec = _codec(spellings.get(number, ""))
        if codec is not None and number.isascii() and number.isdigit() and _fits(int(number)):
            found[int(number)] = Named(codec, spellings[number], parameters.get(number, ""))
    if not any(named.codec.speaks for named in found.values()):
        raise NotAcceptable(NO_CODEC)
    return found


def _by_type(audio: Section, attribute: str) -> Iterator[tuple[str, str]]:
    """The payload type and the value of each line with this attribute. A line without a value is passed over."""
    for value in audio.values(attribute):
        number, _, rest = value.partition(" ")
        if rest.strip():
            yield number, rest.strip()


def _codec(spelling: str) -> Codec | None:
    """The codec of an `a=rtpmap` value such as `opus/48000/2`. None if we do not speak it."""
    name, _, rest = spelling.lower().partition("/")
    rate, _, channels = rest.partition("/")
    if not (rate.isascii() and rate.isdigit()):
        return None
    if name in VOICES:
        return Codec(name, VOICES[name]) if int(rate) == VOICES[name] and channels in _CHANNELS[name] else None
    if name == TELEPHONE_EVENT or (name == COMFORT_NOISE and int(rate) == 8_000):
        return Codec(name, int(rate)) if 0 < int(rate) <= 48_000 else None
    return None


def _fits(payload_type: int) -> bool:
    return payload_type < 128 and payload_type not in _RTCP_TYPES
