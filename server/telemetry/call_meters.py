"""CallMeters: counts and measures what happens in calls. What people say is never in a metric."""

from opentelemetry.metrics import Meter

from server.call import messages
from server.call.session import Observed
from server.errors import EngineError
from server.record.figures import LineFigures
from server.telemetry.last_use import LastUse

GAP_S = (0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.7, 1.0, 1.5, 2.5, 5.0, 10.0)
"""The bounds of the histogram buckets, in seconds. They are finest where the pauses of a conversation are."""
RATINGS = (50.0, 60.0, 70.0, 80.0, 85.0, 90.0, 92.0)
"""The bounds of the histogram buckets for R: the categories of ITU-T G.109, and finer ones where most calls are."""
_STAGES = ("endpoint", "transcript", "first_token", "first_clause", "first_packet")


class CallMeters:
    """Observes all calls. `model` tells whether the last request to the agent's model succeeded."""

    def __init__(self, meter: Meter) -> None:
        self.model = LastUse()
        self._stages = meter.create_histogram(
            "antiphon.exchange.stage",
            unit="s",
            description="From the caller's last sound until the stage was reached",
            explicit_bucket_boundaries_advisory=GAP_S,
        )
        self._gap = meter.create_histogram(
            "antiphon.exchange.gap",
            unit="s",
            description="From the caller's last sound to the first sound of the answer, as the client measured it",
            explicit_bucket_boundaries_advisory=GAP_S,
        )
        self._attempts = meter.create_counter(
            "antiphon.exchange.attempts", description="Answers begun for utterances, whether given or dropped"
        )
        self._interruptions = meter.create_counter(
            "antiphon.exchange.interruptions", description="Answers that the caller interrupted"
        )
        self._false_starts = meter.create_counter(
            "antiphon.utterance.false_starts", description="Sounds that were taken for a voice but had no words"
        )
        self._rating = meter.create_histogram(
            "antiphon.line.rating",
            description="The E-model's rating R of the sound during an exchange (ITU-T G.107)",
            explicit_bucket_boundaries_advisory=RATINGS,
        )
        self._failures = meter.create_counter("antiphon.call.failures", description="Failures that a caller noticed")
        self._attempts.add(0)  # so that the share that fails can be told from the first failure on

    def observe(self, observed: Observed) -> None:
        """Take a message or a failure of any call."""
        match observed:
            case messages.Metrics():
                self._count_exchange(observed)
            case messages.Heard(gap_ms=gap_ms):
                self._gap.record(gap_ms / 1000)
            case messages.Transcription(text="", final=True):
                self._false_starts.add(1)
            case messages.Response(final=True, interrupted=interrupted):
                self._interruptions.add(int(interrupted))
            case LineFigures(r_in=r_in, r_out=r_out):
                for direction, rating in (("in", r_in), ("out", r_out)):
                    if rating is not None:
                        self._rating.record(rating, {"direction": direction})
            case EngineError(stage=stage):
                self._failures.add(1, {"stage": stage})
                if stage == "model":
                    self.model.fail(observed.sentence)

    def _count_exchange(self, metrics: messages.Metrics) -> None:
        self._attempts.add(metrics.attempts)
        for stage in _STAGES:
            if (ms := getattr(metrics, f"{stage}_ms")) is not None:
                self._stages.record(ms / 1000, {"stage": stage})
        if metrics.first_token_ms is not None:
            self.model.succeed()
