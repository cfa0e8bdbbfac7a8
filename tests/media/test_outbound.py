import numpy as np
import pytest

from server.media.counters import MediaCounters
from server.media.frame import HEARD_BYTES, SPOKEN_BYTES, SPOKEN_RATE, SPOKEN_SAMPLES
from server.media.opus import SILENCE_PACKET, OpusDecoder
from server.media.outbound import HANGOVER_FRAMES, KEEP_ALIVE_TICKS, G711Voice, OpusVoice, Outbound
from server.media.rtp import RtpPacket, parse
from server.media.tones import tone
from tests.voices import speak

VOICE = (8_000 * np.sin(2 * np.pi * 400 * np.arange(SPOKEN_SAMPLES) / 24_000)).astype(np.int16).tobytes()


def spoken(frames: list[bytes | None], voice: OpusVoice | G711Voice | None = None) -> list[tuple[int, bytes]]:
    """Send these frames, one per tick. Returns the packets, each with its tick."""
    outbound = Outbound(voice or OpusVoice(), 111, 9, MediaCounters(), sequence=65_530)
    return [(tick, packet) for tick, pcm in enumerate(frames) for packet in outbound.next(pcm, tick)]


def read(packets: list[tuple[int, bytes]]) -> list[tuple[int, RtpPacket]]:
    return [(tick, parse(packet)) for tick, packet in packets]


def test_a_voice_is_a_packet_every_20_ms() -> None:
    """The sequence number goes on by one and the timestamp by one frame, also when they wrap."""
    packets = read(spoken([VOICE] * 10))
    assert [tick for tick, _ in packets] == list(range(10))
    assert [packet.sequence for _, packet in packets] == [*range(65_530, 65_536), 0, 1, 2, 3]
    origin = packets[0][1].timestamp
    assert [(packet.timestamp - origin) & 0xFFFFFFFF for _, packet in packets] == [960 * n for n in range(10)]
    assert {(packet.payload_type, packet.ssrc) for _, packet in packets} == {(111, 9)}


def test_silence_is_nearly_nothing() -> None:
    """When the agent falls silent, the codec fades out. Then a packet of one byte says so, and again every 400 ms."""
    packets = read(spoken([VOICE] * 5 + [None] * 100))
    silent = [(tick - 5, len(packet.payload)) for tick, packet in packets if packet.payload == SILENCE_PACKET]
    assert silent == [(HANGOVER_FRAMES + KEEP_ALIVE_TICKS * n, 1) for n in range(5)]
    assert len(packets) == 5 + HANGOVER_FRAMES + 5


def test_silence_takes_its_time() -> None:
    """The first packet after a pause has the timestamp of its tick, and the next sequence number."""
    packets = read(spoken([VOICE] * 5 + [None] * 103 + [VOICE]))
    (first_tick, first), (last_tick, last) = packets[0], packets[-1]
    assert (last_tick, (last.timestamp - first.timestamp) & 0xFFFFFFFF) == (108, 960 * 108)
    assert (last.sequence - first.sequence) & 0xFFFF == len(packets) - 1
    assert first_tick == 0


def test_the_marker_is_at_the_start_of_each_talkspurt() -> None:
    """The marker is set on the first packet after silence, however short the silence is, and on no other packet."""
    packets = spoken([VOICE] * 3 + [None] + [VOICE] * 3 + [None] * 50 + [VOICE] * 3)
    assert [tick for tick, packet in packets if packet[1] & 0x80] == [0, 4, 57]


@pytest.mark.parametrize("loss_percent", [0, 10])
def test_nothing_is_left_of_a_voice_that_is_cut(loss_percent: int) -> None:
    """When the agent's voice ends in the middle of a word, the decoded sound is silent by the end of the fade."""
    decoder, levels, voice = OpusDecoder(), [], OpusVoice()
    voice.expect_loss(loss_percent)
    for _, packet in read(spoken([VOICE] * 10 + [None] * 60, voice)):
        pcm = decoder.decode(packet.payload)
        assert len(pcm) == HEARD_BYTES
        levels.append(int(np.abs(np.frombuffer(pcm, np.int16).astype(int)).max()))
    assert max(levels[9:10]) > 1_000
    assert max(levels[10 + HANGOVER_FRAMES - 1 :]) < 50


def test_after_a_pause_a_voice_is_heard_as_meant() -> None:
    """A decoder that plays a pause decodes the sound after it like a decoder without the pause."""
    packets = [packet.payload for _, packet in read(spoken([VOICE] * 10 + [None] * 150 + [VOICE] * 10))]
    paused, unpaused, differences = OpusDecoder(), OpusDecoder(), []
    for payload in packets:
        if payload == SILENCE_PACKET:
            for _ in range(KEEP_ALIVE_TICKS):
                paused.decode(payload)
            continue
        heard, meant = (np.frombuffer(d.decode(payload), np.int16).astype(int) for d in (paused, unpaused))
        differences.append(int(np.abs(heard - meant).max()))
    assert len(differences) == 20 + HANGOVER_FRAMES
    assert max(differences) < 100


def test_on_a_bad_line_a_sentence_after_a_pause_has_its_level() -> None:
    """A decoder that plays a pause hears the next sentence from its beginning, as a decoder without the pause does."""
    pcm = speak("Good morning, what are your opening hours please?", rate_hz=SPOKEN_RATE)
    sentence: list[bytes | None] = [pcm[i : i + SPOKEN_BYTES] for i in range(0, len(pcm) - SPOKEN_BYTES, SPOKEN_BYTES)]
    voice = OpusVoice()
    voice.expect_loss(10)
    packets = [packet.payload for _, packet in read(spoken([*sentence, *[None] * 150, *sentence], voice))]
    paused, unpaused, heard, meant = OpusDecoder(), OpusDecoder(), b"", b""
    for number, payload in enumerate(packets):
        if payload == SILENCE_PACKET:
            for _ in range(KEEP_ALIVE_TICKS):
                paused.decode(payload)
            continue
        pcms = paused.decode(payload), unpaused.decode(payload)
        if number > len(sentence) + HANGOVER_FRAMES:
            heard, meant = heard + pcms[0], meant + pcms[1]
    loudness = [
        np.sqrt(np.mean(np.frombuffer(pcm[: 20 * HEARD_BYTES], np.int16).astype(float) ** 2)) for pcm in (heard, meant)
    ]
    assert abs(20 * np.log10(loudness[0] / loudness[1])) < 0.5


@pytest.mark.parametrize(("law", "code"), [("PCMU", 0xFF), ("PCMA", 0xD5)])
def test_telephones_hear_silence_all_the_time(law: str, code: int) -> None:
    """G.711 has no packet for silence, so packets of silent samples are sent all the time. They are all the same."""
    packets = read(spoken([VOICE] * 3 + [None] * 50, G711Voice(law)))  # type: ignore[arg-type]
    assert [tick for tick, _ in packets] == list(range(53))
    assert {packet.payload for _, packet in packets[10:]} == {bytes([code]) * 160}
    assert (packets[1][1].timestamp - packets[0][1].timestamp) & 0xFFFFFFFF == 160


def test_what_was_sent_is_known() -> None:
    """The numbers for the sender's report are right: packets, octets and the present RTP time."""
    counters = MediaCounters()
    outbound = Outbound(OpusVoice(), 111, 9, counters)
    packets = [parse(packet) for tick in range(40) for packet in outbound.next(VOICE if tick < 4 else None, tick)]
    sent = outbound.sent(50)
    assert (sent.ssrc, sent.packets, sent.octets) == (9, len(packets), sum(len(p.payload) for p in packets))
    assert (sent.timestamp - packets[0].timestamp) & 0xFFFFFFFF == 50 * 960
    assert (counters.sent, counters.sent_silence) == (len(packets), 2)


def test_a_call_begins_with_a_word_of_silence() -> None:
    """Before the agent has spoken, one packet of silence opens the stream."""
    [(tick, packet)] = read(spoken([None] * KEEP_ALIVE_TICKS))
    assert (tick, packet.payload) == (0, SILENCE_PACKET)


def test_an_answer_may_begin_between_two_ticks() -> None:
    """The first packet of such an answer has the time of the last tick, which sent none. The next has no marker."""
    outbound = Outbound(OpusVoice(), 111, 9, MediaCounters())
    ticks = [outbound.next(pcm, tick) for tick, pcm in enumerate([VOICE] + [None] * 50)]
    assert ticks[-1] == []
    assert outbound.may_begin
    begun, [next_] = outbound.begin(VOICE), outbound.next(VOICE, 51)
    first, second = parse(begun), parse(next_)
    assert (first.timestamp - parse(ticks[0][0]).timestamp) & 0xFFFFFFFF == 960 * 50
    assert (second.timestamp - first.timestamp) & 0xFFFFFFFF == 960
    assert (second.sequence - first.sequence) & 0xFFFF == 1
    assert (begun[1] & 0x80, next_[1] & 0x80) == (0x80, 0)


def test_no_tick_has_two_packets() -> None:
    """If a tick has sent a packet of sound, of the fade or of silence, an answer waits for the next tick."""
    opus, telephone = (Outbound(voice, 111, 9, MediaCounters()) for voice in (OpusVoice(), G711Voice("PCMU")))
    frames = [VOICE] + [None] * (HANGOVER_FRAMES + KEEP_ALIVE_TICKS + 1)
    sent = [(opus.next(pcm, tick) != [], opus.may_begin) for tick, pcm in enumerate(frames)]
    assert [may for _, may in sent] == [not was for was, _ in sent]
    assert sum(was for was, _ in sent) == 1 + HANGOVER_FRAMES + 2
    opus.next(None, len(frames))
    opus.begin(VOICE)
    assert not opus.may_begin
    assert telephone.next(None, 0) != []
    assert not telephone.may_begin


@pytest.mark.parametrize(("voice", "rate"), [(OpusVoice(), 48_000), (G711Voice("PCMA"), 8_000)])
def test_a_key_is_an_event_in_place_of_its_tone(voice: OpusVoice | G711Voice, rate: int) -> None:
    """The tone of a key is sent as an event whose packets have the time of its beginning. The voice goes on around."""
    sound = tone("7") + tone("7")
    frames = [sound[at : at + SPOKEN_BYTES] for at in range(0, len(sound), SPOKEN_BYTES)]
    outbound = Outbound(voice, 111, 9, MediaCounters(), sequence=65_530)
    outbound.key_type = 110
    sent = [(tick, packet) for tick, pcm in enumerate([*frames, *[None] * 6]) for packet in outbound.next(pcm, tick)]
    assert [(sent[0][1][2] << 8 | sent[0][1][3]) + n & 0xFFFF for n in range(len(sent))] == [
        packet[2] << 8 | packet[3] for _, packet in sent
    ]
    origin = parse(sent[0][1]).timestamp
    events = [(tick, parse(packet), packet[1] >> 7) for tick, packet in sent if packet[1] & 0x7F == 110]
    assert [tick for tick, _, _ in events] == [*range(4, 12), *range(13, 21)], "80 ms of silence are before each"
    assert [marker for _, _, marker in events] == ([1] + [0] * 7) * 2
    begun = [(packet.timestamp - origin) & 0xFFFFFFFF for _, packet, _ in events]
    assert begun == [4 * rate // 50] * 8 + [13 * rate // 50] * 8
    voiced = {tick for tick, packet in sent if packet[1] & 0x7F == 111}
    assert not voiced & {*range(4, 9), *range(13, 18)}, "no tone beside the event"
    assert voiced >= {*range(4), *range(9, 13)}


def test_without_events_a_key_is_a_tone() -> None:
    """A client that takes no events gets the sound."""
    sound = tone("7")
    frames = [sound[at : at + SPOKEN_BYTES] for at in range(0, len(sound), SPOKEN_BYTES)]
    packets = read(spoken(list(frames), G711Voice("PCMU")))
    assert [(tick, packet.payload_type) for tick, packet in packets] == [(tick, 111) for tick in range(9)]
    assert all(len(set(packet.payload)) > 20 for _, packet in packets[4:])
