"""How the agent's voice sounds on good and bad lines, for each way in which it is encoded, and what that costs.

    python -m bench.media.codec

The voice is encoded for a good line and for a bad one, loses packets, and is decoded as a client does that uses copies
(in-band FEC) and makes up what has no copy. The distance between what was said and what is heard is that of their
spectra: 24 bands up to 7.6 kHz, in dB, over all moments with a voice. Above 6 dB a moment counts as damaged. JSON goes
to standard output, a table to standard error.
"""

import argparse
import json
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.common.figures import percent, quantile, show
from bench.media.downlink import NETWORKS, voice
from server.media.frame import HEARD_RATE, SPOKEN_BYTES, SPOKEN_RATE
from server.media.opus import OpusDecoder, OpusEncoder, has_copy
from tests.media.link import Link
from tests.voices import resample

LINES = {"as for a good line": 0, "as for a bad line": 10}
"""How many percent of loss the encoder expects."""
DAMAGED_DB = 6.0
BANDS, WINDOW, HOP = 24, 512, 160
RANGE_DB, VOICE_DB = 55, 40
"""How far below the loudest moment of a band sound is not heard, and a moment has no voice."""


def encoded(frames: list[bytes], loss_percent: int) -> tuple[list[bytes], list[float]]:
    """The packets of the frames, and the CPU time of each in µs."""
    encoder, packets, times = OpusEncoder(), [], []
    encoder.expect_loss(loss_percent)
    for frame in frames:
        start = time.thread_time_ns()
        packets.append(encoder.encode(frame))
        times.append((time.thread_time_ns() - start) / 1000)
    return packets, times


def heard(packets: list[bytes], link: Link) -> tuple[bytes, int, int]:
    """What a client hears over the link: 16 kHz PCM; how many packets were lost, and how many of them had a copy."""
    decoder, pcm, lost, recovered = OpusDecoder(), b"", 0, 0
    arrived = [bool(link.arrivals_ms(0.0)) for _ in packets]
    for number, packet in enumerate(packets):
        if arrived[number]:
            pcm += decoder.decode(packet)
            continue
        lost += 1
        if number + 1 < len(packets) and arrived[number + 1] and has_copy(packets[number + 1]):
            recovered += 1
            pcm += decoder.recover(packets[number + 1])
        else:
            pcm += decoder.conceal()
    return pcm, lost, recovered


def samples_of(pcm: bytes) -> NDArray[np.float64]:
    return np.frombuffer(pcm, np.int16).astype(np.float64)


def delay_of(said: NDArray[np.float64], sound: NDArray[np.float64]) -> int:
    """By how many samples the sound is later: where both fit best, up to 20 ms."""
    longest = HEARD_RATE // 50
    return int(
        np.argmax([np.dot(said[: len(said) - longest], sound[by : by + len(said) - longest]) for by in range(longest)])
    )


def spectrum(samples: NDArray[np.float64]) -> NDArray[np.float64]:
    """The loudness of each band in dB, at each moment (10 ms apart). The bands are equally wide on the mel scale."""
    hz = np.linspace(0, HEARD_RATE / 2, WINDOW // 2 + 1)
    edges = np.interp(np.linspace(_mel(80), _mel(7_600), BANDS + 2), _mel(hz), hz)
    low, middle, high = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    bands = np.clip(np.minimum((hz - low) / (middle - low), (high - hz) / (high - middle)), 0, None)
    starts = np.arange(0, len(samples) - WINDOW, HOP)[:, None] + np.arange(WINDOW)
    power = np.abs(np.fft.rfft(samples[starts] * np.hanning(WINDOW), axis=1)) ** 2
    return 10 * np.log10(power @ bands.T + 1e-9)  # type: ignore[no-any-return]


def _mel(hz: Any) -> Any:
    return 2_595 * np.log10(1 + hz / 700)


def distances(said: NDArray[np.float64], sound: NDArray[np.float64]) -> NDArray[np.float64]:
    """How far apart both are at each moment with a voice, in dB."""
    length = min(len(said), len(sound))
    meant, got = spectrum(said[:length]), spectrum(sound[:length])
    floor = meant.max() - RANGE_DB
    apart = np.abs(np.maximum(meant, floor) - np.maximum(got, floor)).mean(axis=1)
    return apart[meant.max(axis=1) > meant.max() - VOICE_DB]  # type: ignore[no-any-return]


def measure(seeds: int) -> dict[str, dict[str, Any]]:
    """The figures of each way to encode, over each network."""
    frames = [frame or bytes(SPOKEN_BYTES) for frame in voice()]
    said = samples_of(resample(b"".join(frames), SPOKEN_RATE, HEARD_RATE))
    found: dict[str, dict[str, Any]] = {}
    for line, loss_percent in LINES.items():
        packets, times = encoded(frames, loss_percent)
        delay = delay_of(said, samples_of(heard(packets, Link(NETWORKS["clear"]))[0]))
        for network, bad in NETWORKS.items():
            runs = [heard(packets, Link(bad, seed)) for seed in range(seeds if bad.loss else 1)]
            apart = np.concatenate([distances(said, samples_of(pcm)[delay:]) for pcm, _, _ in runs])
            found[f"{network}: {line}"] = {
                "distance_db": round(float(apart.mean()), 2),
                "damaged_percent": percent(int((apart > DAMAGED_DB).sum()), len(apart)),
                "recovered_percent": percent(sum(run[2] for run in runs), sum(run[1] for run in runs)),
                "cpu_us": round(quantile(sorted(times), 0.5)),
                "kbit_per_s": round(sum(map(len, packets)) * 8 / len(packets) / 20, 1),
                "delay_ms": round(delay * 1000 / HEARD_RATE, 1),
            }
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m bench.media.codec", description="How the agent's voice sounds on bad lines."
    )
    parser.add_argument("--seeds", type=int, default=10, help="how many times each network is tried")
    found = measure(parser.parse_args().seeds)
    header = ("network", "distance dB", "damaged %", "recovered %", "CPU µs", "kbit/s", "delay ms")
    show("The agent's voice", header, [(name, *values.values()) for name, values in found.items()])
    print(json.dumps(found))


if __name__ == "__main__":
    main()
