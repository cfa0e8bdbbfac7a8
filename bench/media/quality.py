"""How the caller's voice sounds after a network that loses packets, as two models of listeners judge it.

    python -m pip install --group bench  # speechmos and visqol-python, with their models
    python -m bench.media.quality

The same packets of one caller, Opus with copies of the packet before (in-band FEC), go to what Antiphon receives with
and to what aiortc receives with, over the same losses. PLCMOS listens to the result alone and judges how well losses
were hidden; ViSQOL compares it with what was said. Both answer with a mean opinion score of 1 to 5. No time passes, so
other work on the machine changes nothing. JSON goes to standard output, a table to standard error.

aiortc leaves lost packets out. Here they are silence, as a player makes of them; without that, its sound would be too
short for ViSQOL.
"""

import argparse
import json
from collections.abc import Callable
from statistics import mean
from typing import Any

import av
import numpy as np
from aiortc.codecs.opus import OpusDecoder
from aiortc.jitterbuffer import JitterBuffer
from aiortc.rtp import RtpPacket as AiortcPacket
from numpy.typing import NDArray

from bench.common.figures import show
from bench.common.opus import opus_encoder, opus_packets
from server.media.codecs import Codec
from server.media.counters import MediaCounters
from server.media.e_model import mos, rating
from server.media.frame import FRAME_MS, HEARD_RATE, HEARD_SAMPLES, Frame
from server.media.inbound import Inbound
from server.media.line import Line, lost_in_percent
from server.media.rtp import RtpPacket
from tests.media.link import Impairment, Link
from tests.natural_voice import say

TEXT = (
    "Good morning, I have ordered two books from you last week, and they have not arrived yet. Could you look where "
    "they are, please? The number of the order is four two seven one."
)
LOSSES = (0.0, 0.01, 0.05, 0.1, 0.2)
RTP_FRAME, PAYLOAD_TYPE, SSRC = 960, 111, 7
NO_MODELS = "bench.media.quality needs speechmos and visqol-python: python -m pip install --group bench"

Samples = NDArray[np.int16]
Packets = list[tuple[int, bytes]]
"""Those that arrive, each with its number."""


def by_antiphon(packets: Packets, count: int) -> tuple[Samples, float]:
    """What Antiphon makes of the packets, at 16 kHz, and the losses that it could not make good, in percent."""
    sound, counters, arriving = np.zeros(count * HEARD_SAMPLES, np.int16), MediaCounters(), dict(packets)

    def hear(frame: Frame) -> None:
        place(sound, frame.start_samples, np.frombuffer(frame.pcm, np.int16))

    inbound = Inbound({PAYLOAD_TYPE: Codec("opus", 48_000)}, hear, lambda digit: None, counters)
    for number in range(count):
        now_ms = float(number * FRAME_MS)
        if number in arriving:
            packet = RtpPacket(PAYLOAD_TYPE, number, number * RTP_FRAME, SSRC, arriving[number])
            inbound.receive(packet, now_ms)
        inbound.poll(now_ms)
    return sound, lost_in_percent(Line(), Line("opus", counters)) or 0.0


def by_aiortc(packets: Packets, count: int) -> tuple[Samples, float]:
    """What aiortc's receiver makes of them, with silence for what is missing, and the losses."""
    sound, buffer, decoder = (
        np.zeros(count * HEARD_SAMPLES, np.int16),
        JitterBuffer(capacity=16, prefetch=4),
        OpusDecoder(),
    )
    to_heard = av.AudioResampler("s16", "mono", HEARD_RATE)
    for number, payload in packets:
        packet = AiortcPacket(PAYLOAD_TYPE, sequence_number=number, timestamp=number * RTP_FRAME, ssrc=SSRC)
        packet._data = payload  # type: ignore[attr-defined]
        _, whole = buffer.add(packet)
        for frame in decoder.decode(whole) if whole is not None else ():
            assert frame.pts is not None
            at = frame.pts * HEARD_RATE // 48_000
            for heard in to_heard.resample(frame):  # type: ignore[arg-type]
                place(sound, at, heard.to_ndarray()[0])
                at += heard.samples
    return sound, 100 * (1 - len(packets) / count)


def place(sound: Samples, start: int, piece: Samples) -> None:
    """Put a piece where it belongs, as far as there is room."""
    piece = piece[: max(0, len(sound) - start)]
    sound[start : start + len(piece)] = piece


RECEIVERS: dict[str, Callable[[Packets, int], tuple[Samples, float]]] = {"Antiphon": by_antiphon, "aiortc": by_aiortc}


class Listeners:
    """The two models. Raises SystemExit when they are not installed."""

    def __init__(self) -> None:
        try:
            from speechmos.plcmos import PLCMOS
            from visqol import VisqolApi
        except ImportError as missing:
            raise SystemExit(NO_MODELS) from missing
        np.random.seed(1)  # PLCMOS draws its raters from it
        self._plcmos, self._visqol = PLCMOS(), VisqolApi()
        self._visqol.create(mode="speech", use_lattice_model=False)

    def scores(self, said: Samples, heard: Samples) -> tuple[float, float]:
        """PLCMOS, and the MOS-LQO of ViSQOL."""
        plcmos = self._plcmos.get_mos(heard.astype(np.float32) / 32768)
        compared = self._visqol.measure_from_arrays(said / 32768, heard / 32768, HEARD_RATE)
        return float(plcmos), float(compared.moslqo)


def measure(seeds: int) -> dict[str, dict[str, dict[str, float]]]:
    """The mean scores of each receiver at each share of losses."""
    listeners, said = Listeners(), np.frombuffer(say(TEXT, HEARD_RATE), np.int16)
    said = said[: len(said) // HEARD_SAMPLES * HEARD_SAMPLES]
    encoder = opus_encoder(HEARD_RATE, application="voip", fec="1", packet_loss="20")
    packets = [bytes(packet) for packet in opus_packets(encoder, said)]
    found: dict[str, dict[str, dict[str, float]]] = {}
    for loss in LOSSES:
        runs: dict[str, list[tuple[float, ...]]] = {name: [] for name in RECEIVERS}
        for seed in range(seeds if loss else 1):
            link = Link(Impairment(loss=loss), seed)
            arrived = [(n, packet) for n, packet in enumerate(packets) if not n or link.arrivals_ms(n * FRAME_MS)]
            for name, receive in RECEIVERS.items():
                heard, lost = receive(arrived, len(packets))
                runs[name].append((*listeners.scores(said, heard), lost, mos(rating("opus", 60, lost) or 0.0)))
        found[f"{loss:.0%}".replace("%", " % lost")] = {name: _means(each) for name, each in runs.items()}
    return found


def _means(runs: list[tuple[float, ...]]) -> dict[str, float]:
    names = ("plcmos", "visqol", "missing_percent", "e_model_mos")
    return {name: round(mean(values), 2) for name, values in zip(names, zip(*runs, strict=True), strict=True)}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.media.quality", description="How losses sound.")
    parser.add_argument("--seeds", type=int, default=5, help="how many different losses are drawn for each share")
    found: Any = measure(parser.parse_args().seeds)
    rows = [(loss, name, *each.values()) for loss, both in found.items() for name, each in both.items()]
    show("Mean opinion scores, 1 to 5", ("losses", "", "PLCMOS", "ViSQOL", "missing %", "E-model"), rows)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
