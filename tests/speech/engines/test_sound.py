import numpy as np

from server.speech.engines.sound import LEVEL, Edges, Floats, gain_for, pcm

RATE = 8_000


def tone(seconds: float, size: float = 0.5) -> Floats:
    return (size * np.sin(np.arange(int(seconds * RATE)) * 0.7)).astype(np.float32)


def silence(seconds: float) -> Floats:
    return np.zeros(int(seconds * RATE), np.float32)


def received(edges: Edges, sound: Floats, chunk: int) -> Floats:
    return np.concatenate([edges.receive(sound[at : at + chunk]) for at in range(0, len(sound), chunk)])


def test_a_voice_is_brought_to_one_level() -> None:
    """The gain depends on the speech, not on the pauses in it. Silence has a gain of 1."""
    loud, quiet = tone(0.5), np.concatenate((tone(0.5, 0.05), silence(1), tone(0.5, 0.05)))
    for voice in (loud, quiet):
        level = np.sqrt(np.mean(tone(0.5, np.abs(voice).max()) ** 2))
        assert abs(gain_for(voice, RATE) * level - LEVEL) < 0.005
    assert gain_for(silence(1), RATE) == gain_for(silence(0), RATE) == 1


def test_what_is_too_loud_is_compressed() -> None:
    """Soft samples stay as they are. Loud ones keep their order and never reach full scale."""
    samples = np.frombuffer(pcm(np.array([0, 0.5, -0.7, 0.9, -1.2, 1.6], np.float32)), "<i2").astype(int)
    assert list(samples[:3]) == [0, 16_383, -22_936]
    assert 22_936 < samples[3] < -samples[4] < samples[5] < 32_767
    assert pcm(silence(0)) == b""


def test_silence_at_the_edges_is_left_out() -> None:
    """What is before the voice is left out, what is after it up to a limit, and a pause in it stays, in all chunks."""
    pause = np.concatenate((tone(0.1), silence(0.3), tone(0.1)))
    sound = np.concatenate((silence(0.2), pause, silence(0.5)))
    for chunk in (7, 100, 10_000):
        spoken = received(Edges(RATE, 0.1), sound, chunk)
        assert abs(len(spoken) - len(pause) - 0.1 * RATE) <= 0.004 * RATE
        assert len(received(Edges(RATE), sound, chunk)) >= len(pause) + 0.5 * RATE
        assert abs(spoken[0]) < 0.01
    assert len(received(Edges(RATE, 0.1), silence(1), 50)) == 0
