"""Files that clients send: those that are read, and those that could do harm."""

import io
import wave
from pathlib import Path

import av
import numpy as np
import pytest

from server.cluster.speech.sound_file import LONGEST_S, decoded
from server.cluster.speech.sound_formats import FORMATS, RATE, Encoding
from server.errors import PeerError, TooLarge

SECOND = 32_000
"""Bytes of 16 kHz PCM."""


def flac(seconds: int, rate: int = 16_000, level: int = 0) -> bytes:
    """A small file of the same sample again and again."""
    file = io.BytesIO()
    with av.open(file, "w", format="flac") as container:
        stream = container.add_stream("flac", rate=rate, layout="mono")
        for _ in range(seconds):
            frame = av.AudioFrame.from_ndarray(np.full((1, rate), level, np.int16), "s16", "mono")
            frame.sample_rate = rate
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return file.getvalue()


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("rate", [RATE, 22_050])
def test_what_is_encoded_is_a_file_that_can_be_read(form: str, rate: int) -> None:
    """Every format has all of the sound, at its pitch, and comes in parts."""
    samples = 8_000 * np.sin(2 * np.pi * 400 * np.arange(2 * rate) / rate)
    pcm = samples.astype("<i2").tobytes()
    encoding = Encoding(FORMATS[form], rate)
    parts = [encoding.encode(pcm[at : at + rate // 5 * 2]) for at in range(0, len(pcm), rate // 5 * 2)]
    assert len(list(filter(None, parts))) > 5
    data = b"".join(parts) + encoding.finish()
    if form == "pcm":
        assert len(data) == 2 * 2 * RATE
        return
    heard = np.frombuffer(decoded(data), "<i2").astype(np.float32)
    assert len(heard) / 16_000 == pytest.approx(2.0, abs=0.1)
    middle = heard[8_000:24_000] * np.hanning(16_000)
    assert np.argmax(np.abs(np.fft.rfft(middle))) == pytest.approx(400, abs=2)


def test_a_small_file_that_becomes_large_is_refused() -> None:
    """A few KB may be hours of silence, or at 1 Hz minutes. They are refused before they are decoded."""
    whole = flac(LONGEST_S)
    assert len(decoded(whole)) == LONGEST_S * SECOND
    with pytest.raises(TooLarge, match=f"longer than {LONGEST_S} s"):
        decoded(flac(LONGEST_S + 1))
    slow = io.BytesIO()
    with wave.open(slow, "wb") as wav:
        wav.setnchannels(1)
        wav.setsampwidth(2)
        wav.setframerate(1)
        wav.writeframes(bytes(1_000))
    with pytest.raises(PeerError, match="below 4000 Hz"):
        decoded(slow.getvalue())


@pytest.mark.parametrize(
    "text",
    [
        "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n{}\n#EXT-X-ENDLIST\n",
        "ffconcat version 1.0\nfile '{}'\n",
        "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 9 RTP/AVP 0\n",
        "<?xml version='1.0'?><MPD xmlns='urn:mpeg:dash:schema:mpd:2011'><Period><BaseURL>{}</BaseURL></Period></MPD>",
    ],
    ids=["hls", "concat", "sdp", "dash"],
)
def test_a_file_that_names_others_is_refused(text: str, tmp_path: Path) -> None:
    """FFmpeg reads playlists, lists of files and descriptions of sessions, but not for clients."""
    other = tmp_path / "secret.flac"
    other.write_bytes(flac(1, level=1_000))
    assert decoded(other.read_bytes())
    with pytest.raises(PeerError, match="no sound that can be read"):
        decoded(text.format(other).encode())


def test_a_picture_has_no_sound() -> None:
    """A file that can be read, but without a track of sound, is told apart."""
    file = io.BytesIO()
    with av.open(file, "w", format="matroska") as container:
        stream = container.add_stream("mjpeg", rate=1)
        stream.width, stream.height, stream.pix_fmt = 16, 16, "yuvj420p"
        frame = av.VideoFrame.from_ndarray(np.zeros((16, 16, 3), np.uint8), "rgb24")
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    with pytest.raises(PeerError, match="no sound in the file"):
        decoded(file.getvalue())
