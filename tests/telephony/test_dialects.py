"""The dialects by themselves: what they understand, and that nothing else harms them."""

import json
from base64 import b64encode
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.call.line.telephone import (
    Begun,
    Dialect,
    Flush,
    HangUp,
    HungUp,
    KeepAlive,
    Key,
    Late,
    Mark,
    Marked,
    Rest,
    Say,
    Sound,
)  # fmt: skip
from server.call.messages import AudioFormat
from server.errors import PeerError
from signaling.telephony.asterisk import FORMATS, MAX_COMMAND_BYTES, Asterisk
from signaling.telephony.audiosocket import AudioSocket
from signaling.telephony.freeswitch import FreeSwitch
from signaling.telephony.jambonz import Jambonz
from signaling.telephony.media_streams import PROVIDERS, MediaStreams
from signaling.telephony.sockets import DIALECTS
from tests.telephony.media_streams_systems import (
    ExotelSystem,
    PlivoSystem,
    SignalWireSystem,
    TelnyxSystem,
    TwilioSystem,
)
from tests.telephony.system import DIALLED, NUMBER, System
from tests.telephony.systems import (
    AsteriskSystem,
    AudioSocketSystem,
    FreeSwitchSystem,
    JambonzSystem,
    PlainAsteriskSystem,
)

PCM_8K, PCM_16K = AudioFormat(sample_rate=8000), AudioFormat(sample_rate=16000)
PCMU, PCMA = AudioFormat(encoding="pcmu", sample_rate=8000), AudioFormat(encoding="pcma", sample_rate=8000)
KINDS: dict[type[System], tuple[Callable[[], Dialect], AudioFormat]] = {
    AsteriskSystem: (Asterisk, PCM_16K),
    PlainAsteriskSystem: (Asterisk, PCM_16K),
    TwilioSystem: (lambda: MediaStreams(PROVIDERS["twilio"]), PCMU),
    SignalWireSystem: (lambda: MediaStreams(PROVIDERS["signalwire"]), PCMU),
    TelnyxSystem: (lambda: MediaStreams(PROVIDERS["telnyx"]), PCMA),
    ExotelSystem: (lambda: MediaStreams(PROVIDERS["exotel"]), PCM_16K),
    PlivoSystem: (lambda: MediaStreams(PROVIDERS["plivo"]), PCMU),
    JambonzSystem: (Jambonz, PCM_16K),
    FreeSwitchSystem: (lambda: FreeSwitch("16000"), PCM_16K),
    AudioSocketSystem: (AudioSocket, PCM_16K),
}


def wire(item: Any) -> str | bytes:
    return item if isinstance(item, str | bytes) else json.dumps(item)


def heard(dialect: Dialect, *items: Any) -> list[Any]:
    return [event for item in items for event in dialect.read(wire(item))]


@pytest.mark.parametrize("kind", KINDS)
def test_a_call_as_it_is_told(kind: type[System]) -> None:
    """It begins once, with its format. Then come sound, keys and marks, and at the end the caller's hang-up."""
    (make, audio), system = KINDS[kind], kind()
    dialect, sound = make(), bytes(system.frame_bytes)
    events = heard(dialect, *system.opening(), system.sound(sound))
    assert [type(event) for event in events] == [Begun, Sound]
    assert events[0].audio == audio
    assert events[0].call_id
    assert events[1].payload == sound
    assert heard(dialect, system.key("7")) == [Key("7")]
    if system.marks:
        assert heard(dialect, system.played("2-10")) == [Marked("2-10")]
    assert heard(dialect, *system.goodbye()) == [HungUp()] * len(system.goodbye())


WORDS = st.sampled_from(
    """event start media payload dtmf digit mark name data type stop streamSid stream_sid stream_id streamId callSid
    mediaFormat media_format encoding sampleRate sample_rate customParameters format channel_variables correlation_id
    audio/x-mulaw 8000 slin16 MEDIA_START DTMF_END MEDIA_MARK_PROCESSED playedStream mixType from to call""".split()
) | st.text(max_size=4)  # fmt: skip
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda each: st.lists(each, max_size=3) | st.dictionaries(WORDS, each, max_size=4),
    max_leaves=8,
)
MESSAGES = (
    st.binary(max_size=64)
    | st.text(max_size=64)
    | st.dictionaries(WORDS, ANYTHING | WORDS, max_size=6).map(json.dumps)
    | st.lists(WORDS, max_size=5).map(" ".join)
)


@pytest.mark.parametrize("kind", KINDS)
@given(st.lists(MESSAGES, max_size=6), st.booleans())
def test_anything_may_come(kind: type[System], messages: list[str | bytes], begun: bool) -> None:
    """Whatever a telephone system sends, before the call or in it, is understood or is a PeerError."""
    make, _audio = KINDS[kind]
    system, dialect = kind(), make()
    if begun:
        heard(dialect, *system.opening())
    for message in messages:
        with suppress(PeerError):
            for event in dialect.read(message):
                assert isinstance(event, Begun | Sound | Key | Marked | Late | HungUp)
    for order in (Say(bytes(4)), Mark("1-10"), Rest(), Flush(), KeepAlive(), HangUp()):
        assert all(isinstance(item, str | bytes) for item in dialect.write(order))


@pytest.mark.parametrize("text", ["[" * 100_000, '{"event": ' + "9" * 5_000 + "}", "\ud800", "{", "null"])
def test_json_that_is_none(text: str) -> None:
    """Nesting, huge numbers and halves of characters are refused like any other text that is not a message."""
    for make, _audio in KINDS.values():
        if not isinstance(dialect := make(), FreeSwitch | Asterisk):
            with pytest.raises(PeerError):
                dialect.read(text)


@pytest.mark.parametrize(("name", "audio"), FORMATS.items())
def test_the_formats_of_asterisk(name: str, audio: AudioFormat) -> None:
    """Each format that a call can have; a channel with another one is told what to do."""
    start = {"event": "MEDIA_START", "connection_id": "c", "format": name}
    assert heard(Asterisk(), start) == [Begun("c", audio)]
    with pytest.raises(PeerError, match=r"put c\(slin16\) into the dial string"):
        heard(Asterisk(), start | {"format": "g729"})


@pytest.mark.parametrize(
    ("size", "sent"),
    [("1280", 1_280), (1920, 1_920), (320, 640), ("640", 640), ("", 640), (-1280, 640), (10**9, 640), ("x", 640)],
)
def test_asterisk_takes_whole_pieces(size: Any, sent: int) -> None:
    """A channel with packets of 40 ms drops what is no whole piece of 40 ms. A size that no channel has is ignored."""
    dialect = Asterisk()
    start = {"event": "MEDIA_START", "connection_id": "c", "format": "slin16", "optimal_frame_size": size}
    heard(dialect, start)
    said = [item for _ in range(7) for item in dialect.write(Say(b"\1" * 640))] + list(dialect.write(Rest()))
    assert {len(item) for item in said} == {sent}
    assert b"".join(map(bytes, said)).rstrip(b"\0") == b"\1" * 640 * 7  # type: ignore[arg-type]
    dialect.write(Say(b"\1" * 640))
    dialect.write(Flush())
    assert list(dialect.write(Rest())) == []


def test_asterisks_commands_are_short() -> None:
    """Asterisk ignores a text frame of more than 128 bytes."""
    dialect = Asterisk()
    for order in (Mark(f"{2**31}-{24 * 3_600 * 50}"), Flush(), HangUp()):
        for command in dialect.write(order):
            assert len(str(command)) <= MAX_COMMAND_BYTES


def test_asterisk_tells_its_variables_and_a_full_queue() -> None:
    """The channel's variables are for the agent. A full queue has old sound in it, and takes none until it has room."""
    dialect = Asterisk()
    start = {"event": "MEDIA_START", "connection_id": "c", "format": "ulaw", "channel_variables": {"VIP": "1"}}
    assert heard(dialect, start)[0].about == {"channel_variables": {"VIP": "1"}}
    assert heard(dialect, {"event": "MEDIA_XOFF"}) == [Late()]
    assert dialect.write(Say(bytes(160))) == ()
    assert dialect.write(Flush()) == ('{"command":"FLUSH_MEDIA"}',)
    assert heard(dialect, {"event": "MEDIA_XON"}, {"event": "STATUS"}) == []
    assert list(dialect.write(Say(bytes(160)))) == [bytes(160)]


def test_exotel_gets_large_pieces_and_the_end_of_a_sentence() -> None:
    """100 ms make a message, and what is left at the end is filled with silence. A flush forgets it."""
    dialect = MediaStreams(PROVIDERS["exotel"])
    heard(dialect, *ExotelSystem().opening())
    said = [item for _ in range(7) for item in dialect.write(Say(b"\1" * 640))]
    said += dialect.write(Rest())
    sounds = [json.loads(item)["media"]["payload"] for item in said]
    assert sounds == [b64encode(b"\1" * 3_200).decode(), b64encode(b"\1" * 1_280 + bytes(1_920)).decode()]
    dialect.write(Say(b"\1" * 640))
    dialect.write(Flush())
    assert list(dialect.write(Rest())) == []


@pytest.mark.parametrize(
    ("headers", "about"),
    [("userId=12345;sessionId=abc-xyz", {"userId": "12345", "sessionId": "abc-xyz"}),
     ("a=1,b=x=y", {"a": "1", "b": "x=y"}), ('{"a":"1"}', {"a": "1"}), ({"a": "1"}, {"a": "1"}),
     ("{}", {}), ("{", {}), ("", {}), ("none", {}), ("=1", {}), (7, {})],
)  # fmt: skip
def test_the_headers_that_plivo_adds(headers: Any, about: dict[str, str]) -> None:
    """Plivo writes them as one text. Each is a parameter of the call."""
    (start,) = PlivoSystem().opening()
    (begun,) = heard(MediaStreams(PROVIDERS["plivo"]), start | {"extra_headers": headers})
    assert begun.about == about


def test_a_number_may_be_written_in_any_way() -> None:
    """8000, "8000" and 8000.0 are one sample rate, and 5 is a key."""
    for rate in (8000, "8000", 8000.0, 8e3):
        assert heard(Jambonz(), {"callSid": "c", "sampleRate": rate})[0].audio == PCM_8K
    dialect = MediaStreams(PROVIDERS["twilio"])
    heard(dialect, *TwilioSystem().opening())
    assert heard(dialect, {"event": "dtmf", "dtmf": {"digit": 5}}) == [Key("5")]


def test_both_tracks_of_a_call_are_not_the_callers() -> None:
    """A stream may also carry what the caller hears, which is not what the caller says."""
    dialect = MediaStreams(PROVIDERS["twilio"])
    heard(dialect, *TwilioSystem().opening())
    assert heard(dialect, {"event": "media", "media": {"track": "outbound", "payload": "AAAA"}}) == []


def test_sound_that_no_call_can_have() -> None:
    """The sample rate of a stream is one of four, and its encoding is known."""
    with pytest.raises(PeerError, match="8000, 16000, 24000, 48000"):
        heard(Jambonz(), {"callSid": "c", "sampleRate": 64000})
    with pytest.raises(PeerError, match="mixType"):
        heard(Jambonz(), {"callSid": "c", "sampleRate": 8000, "mixType": "stereo"})
    with pytest.raises(PeerError, match="neither"):
        heard(
            MediaStreams(PROVIDERS["telnyx"]),
            {"event": "start", "stream_id": "s", "start": {"media_format": {"encoding": "OPUS", "sample_rate": 16000}}},
        )
    with pytest.raises(PeerError, match="8000"):
        heard(FreeSwitch("11025"), b"\0\0")


def test_the_metadata_of_jambonz() -> None:
    """They may be beside the attributes of the call, or in an object of their own. None of them changes a number."""
    (start,) = JambonzSystem().opening()
    for told in ({"vip": "1", "language": "de"}, {"metadata": {"vip": "1", "language": "de", "from": "+1"}}):
        (begun,) = heard(Jambonz(), start | told)
        assert begun.about.items() >= {"vip": "1", "language": "de"}.items()
        assert (begun.number, begun.dialled) == (NUMBER, DIALLED)


def test_freeswitch_may_say_nothing_or_anything_first() -> None:
    """The metadata of a stream are free: nothing, a text, or an object with the call's data."""
    assert heard(FreeSwitch(), b"\1\0") == [Begun("", PCM_8K), Sound(b"\1\0")]
    assert heard(FreeSwitch(), "room 12") == [Begun("", PCM_8K, about={"metadata": "room 12"})]
    told = heard(FreeSwitch(), {"call": "u-1", "number": "+1", "dialled": "100", "vip": True})
    assert told == [Begun("u-1", PCM_8K, "+1", "100", {"vip": True})]


@given(st.integers(min_value=1, max_value=400))
def test_audiosocket_may_be_cut_anywhere(size: int) -> None:
    """The pieces of a byte stream say nothing: messages are found wherever they are cut."""
    system = AudioSocketSystem()
    stream = system.opening()[0] + system.sound(b"\1\0" * 320) + system.key("5") + system.sound(b"\2\0" * 320)
    dialect = AudioSocket()
    events = heard(dialect, *(stream[at : at + size] for at in range(0, len(stream), size)))
    assert events[1:] == [Sound(b"\1\0" * 320), Key("5"), Sound(b"\2\0" * 320)]


@pytest.mark.parametrize(
    ("message", "wrong"),
    [(b"\x01\x00\x0f" + bytes(15), "no UUID"), (b"\x01\x00\x00", "no UUID"), (b"\x11\x00\x02\0\0", "12000 Hz"),
     (b"\x15\x00\x00", "44100 Hz")],
)  # fmt: skip
def test_audiosocket_with_another_id_or_rate(message: bytes, wrong: str) -> None:
    """The operator is told what is wrong with it. What comes in the same piece is understood."""
    system = AudioSocketSystem()
    dialect = AudioSocket()
    heard(dialect, system.opening()[0])
    with pytest.raises(PeerError, match=wrong):
        dialect.read(message)
    assert [type(event) for event in heard(dialect, message + system.sound(bytes(640)))] == [Begun, Sound]


def test_audiosocket_keeps_asterisk_from_giving_up() -> None:
    """After a second without sound comes some silence."""
    dialect, system = AudioSocket(), AudioSocketSystem()
    assert dialect.write(KeepAlive()) == ()
    heard(dialect, *system.opening(), system.sound(bytes(640)))
    assert dialect.write(KeepAlive()) == (b"\x12\x02\x80" + bytes(640),)


def test_every_dialect_has_an_address() -> None:
    """The path names the dialect."""
    assert {kind.path.rpartition("/")[2] for kind in KINDS if kind.path} == set(DIALECTS)
