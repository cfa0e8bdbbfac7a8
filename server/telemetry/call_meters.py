"""CallMeters: what is told in calls, counted. People's words go in and never come out."""

from opentelemetry.metrics import Meter

from server.call import messages
from server.call.session import Observed
from server.errors import EngineError
from server.telemetry.last_use import LastUse

GAP_S = (0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.7, 1.0, 1.5, 2.5, 5.0, 10.0)
"""Finest where a conversation has its pauses."""
_STAGES = ("endpoint", "transcript", "first_token", "first_clause", "first_packet")


class CallMeters:
    """Observes all calls. `model` is the state of the model's last request."""

    def __init__(self, meter: Meter) -> None:
        self.model = LastUse()
        self._stages = meter.create_histogram(
            "antiphon.exchange.stage",
            unit="s",
            description="From the person's last sound until the stage was reached",
            explicit_bucket_boundaries_advisory=GAP_S,
        )
        self._gap = meter.create_histogram(
            "antiphon.exchange.gap",
            unit="s",
            description="From the person's last sound to the first sound of the answer, by the client's own ears",
            explicit_bucket_boundaries_advisory=GAP_S,
        )
        self._attempts = meter.create_counter(
            "antiphon.exchange.attempts", description="Answers begun for what persons said, given or dropped"
        )
        self._interruptions = meter.create_counter("antiphon.exchange.interruptions", description="Answers cut into")
        self._false_starts = meter.create_counter(
            "antiphon.utterance.false_starts", description="Sounds that were taken for a voice and had no words"
        )
        self._tools = meter.create_counter("antiphon.tool.runs", description="Tools that were called")
        self._failures = meter.create_counter("antiphon.call.failures", description="Failures that a caller noticed")

    def observe(self, observed: Observed) -> None:
        match observed:
            case messages.Metrics():
                self._count_exchange(observed)
            case messages.Heard(gap_ms=gap_ms):
                self._gap.record(gap_ms / 1000)
            case messages.Transcription(text="", final=True):
                self._false_starts.add(1)
            case messages.Response(final=True, interrupted=interrupted, tools=tools):
                self._interruptions.add(int(interrupted))
                for tool in tools:
                    self._tools.add(1, {"tool": tool})
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
