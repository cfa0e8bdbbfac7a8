"""MediaMeters: measures the connections of all calls: what they carry, what is lost, and how long it takes."""

from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

from opentelemetry.metrics import CallbackOptions, Histogram, Meter, Observation

from server.media.counters import MediaCounters
from server.media.frame import FRAME_MS

SAMPLE_TICKS = 5_000 // FRAME_MS
"""How often the latest report of each client is measured: every 5 s, about as often as clients report."""
_WAY_S = (0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.15, 0.2, 0.3, 0.4, 0.6, 1.0, 2.0)
_LOSS = (0.0, 0.001, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0)


class Traffic(Protocol):
    """The connections of one kind (`server.call.line.traffic.Traffic`)."""

    @property
    def ends(self) -> Mapping[str, int]: ...

    @property
    def totals(self) -> Mapping[str, int]: ...

    @property
    def live(self) -> Iterable[MediaCounters]: ...

    @property
    def states(self) -> Mapping[str, int]: ...


class MediaMeters:
    """Measures the connections of all kinds. `tick` must join the pacer."""

    def __init__(self, meter: Meter) -> None:
        self._traffic: dict[str, Traffic] = {}
        """By the kind of connection."""
        self._ticks = 0
        self._reports: dict[int, int] = {}
        """How many reports each client had sent when it was measured last, by the identity of its counters."""

        self._meter = meter

        def seconds(name: str, description: str) -> Histogram:
            return meter.create_histogram(
                name,
                unit="s",
                description=description,
                explicit_bucket_boundaries_advisory=_WAY_S,
            )

        self._loss = meter.create_histogram(
            "antiphon.media.loss",
            unit="1",
            description="The share of our packets that a client has lost lately, every 5 s",
            explicit_bucket_boundaries_advisory=_LOSS,
        )
        self._round_trip = seconds(
            "antiphon.media.round_trip", "How long a packet takes to a client and back, every 5 s"
        )
        self._jitter = seconds("antiphon.media.jitter", "How unevenly our packets come to a client, every 5 s")
        self._count("antiphon.media.packets", "", "Packets of sound, or messages with sound", received="in", sent="out")
        self._count("antiphon.media.bytes", "By", "The sound in them", received_bytes="in", sent_bytes="out")
        self._count("antiphon.media.lost", "", "Packets of callers that did not come in time", lost="in")
        self._count(
            "antiphon.media.recovered", "", "Lost packets whose sound came in the next one (FEC)", recovered="in"
        )
        self._count("antiphon.media.concealed", "s", "Sound that was made up for lost packets", concealed_ms="in")
        meter.create_observable_gauge(
            "antiphon.connection.live",
            [lambda options: self._each("state", lambda traffic: traffic.states)],
            description="Connections at present",
        )
        meter.create_observable_counter(
            "antiphon.connection.ends",
            [lambda options: self._each("end", lambda traffic: traffic.ends)],
            description="Connections that are over, by how they ended",
        )

    def watch(self, transport: str, traffic: Traffic) -> None:
        """Measure the connections of this kind: webrtc, websocket or telephone."""
        self._traffic[transport] = traffic

    def tick(self, number: int) -> None:
        """Measure what clients have reported. The pacer calls it."""
        self._ticks += 1
        if self._ticks % SAMPLE_TICKS:
            return
        reports = {}
        for counters in (each for traffic in self._traffic.values() for each in traffic.live):
            reports[id(counters)] = counters.reports
            if counters.reports and counters.reports != self._reports.get(id(counters)):
                self._measure(counters)
        self._reports = reports

    def _measure(self, counters: MediaCounters) -> None:
        self._loss.record(counters.lost_percent / 100)
        self._jitter.record(counters.jitter_ms / 1000)
        if counters.round_trip_ms is not None:
            self._round_trip.record(counters.round_trip_ms / 1000)

    def _count(self, name: str, unit: str, description: str, **counters: str) -> None:
        """Export these counters, each with its direction as the server sees it."""

        def read(options: CallbackOptions) -> Iterable[Observation]:
            for transport, traffic in self._traffic.items():
                totals = traffic.totals
                for counter, direction in counters.items():
                    count = totals.get(counter, 0) / (1000 if counter.endswith("_ms") else 1)
                    yield Observation(count, {"transport": transport, "direction": direction})

        self._meter.create_observable_counter(name, [read], unit=unit, description=description)

    def _each(self, label: str, of: Callable[[Traffic], Mapping[str, int]]) -> Iterable[Observation]:
        for transport, traffic in self._traffic.items():
            for value, count in of(traffic).items():
                yield Observation(count, {"transport": transport, label: value})
