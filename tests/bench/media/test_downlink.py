"""The bench of how much of the agent's voice callers lose."""

from types import SimpleNamespace

from bench.media.downlink import figures, voice
from server.media.counters import MediaCounters


def test_a_caller_is_summed_up_between_two_times() -> None:
    """What the browser counted before the measurement does not count. Silent sound that was made up is no damage."""
    names = "packetsReceived packetsLost totalSamplesReceived concealedSamples silentConcealedSamples bytesReceived"
    before = {
        **dict.fromkeys(names.split(), 1_000),
        "timestamp": 0,
        "jitterBufferEmittedCount": 0,
        "jitterBufferDelay": 0,
    }
    grown = {
        "packetsReceived": 90, "packetsLost": 10, "totalSamplesReceived": 96_000, "concealedSamples": 5_000,
        "silentConcealedSamples": 200, "bytesReceived": 8_000, "timestamp": 2_000, "jitterBufferEmittedCount": 96_000,
        "jitterBufferDelay": 96_000 * 0.04,
    }  # fmt: skip
    after = {name: value + before[name] for name, value in grown.items()}
    after |= {"fecPacketsReceived": 70, "fecPacketsDiscarded": 62}
    counters = MediaCounters(lost_percent=9.04, round_trip_ms=1.26)
    call = SimpleNamespace(peer=SimpleNamespace(counters=counters))
    assert figures(before, after, call) == {  # type: ignore[arg-type]
        "lost_percent": 10.0,
        "concealed_percent": 5.0,
        "copies_used": 8,
        "buffer_ms": 40.0,
        "kbit_per_s": 32.0,
        "reported_percent": 9.0,
        "round_trip_ms": 1.3,
    }


def test_the_agent_pauses_between_sentences() -> None:
    """The voice has sentences and pauses, so that both are measured."""
    frames = voice()
    assert 0.1 < sum(frame is None for frame in frames) / len(frames) < 0.4
