"""RunMeters: measures requests to models and tools. Names and buckets are those of the GenAI semantic conventions.

Source: https://github.com/open-telemetry/semantic-conventions-genai/blob/main/docs/gen-ai/gen-ai-metrics.md.
"""

from opentelemetry.metrics import Meter
from pydantic_ai.usage import RequestUsage

from server.agent.ran import Outcome

DURATION_S = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
TOKENS = (1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864)


class RunMeters:
    """Watches the runs of all calls."""

    def __init__(self, meter: Meter) -> None:
        self._durations = meter.create_histogram(
            "gen_ai.client.operation.duration",
            unit="s",
            description="How long a request to a model took, until its whole answer was there",
            explicit_bucket_boundaries_advisory=DURATION_S,
        )
        self._firsts = meter.create_histogram(
            "gen_ai.client.operation.time_to_first_chunk",
            unit="s",
            description="From a request to a model to its first words",
            explicit_bucket_boundaries_advisory=DURATION_S,
        )
        self._tokens = meter.create_histogram(
            "gen_ai.client.token.usage",
            unit="{token}",
            description="The tokens of one request to a model",
            explicit_bucket_boundaries_advisory=TOKENS,
        )
        self._tools = meter.create_histogram(
            "antiphon.tool.duration",
            unit="s",
            description="How long a tool ran",
            explicit_bucket_boundaries_advisory=DURATION_S,
        )

        self._runs = meter.create_counter("antiphon.tool.runs", description="Tools that have run")

    def asked(self, model: str, took_s: float, first_s: float | None, usage: RequestUsage, failed: bool) -> None:
        provider, _, name = model.partition(":") if ":" in model else ("", "", model)  # a name may have colons, too
        about = {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": provider or "unknown",
            "gen_ai.request.model": name,
        }
        self._durations.record(took_s, {**about, "error.type": "failed"} if failed else about)
        if first_s is not None:
            self._firsts.record(first_s, about)
        for kind, count in (("input", usage.input_tokens), ("output", usage.output_tokens)):
            if count:
                self._tokens.record(count, {**about, "gen_ai.token.type": kind})

    def ran(self, tool: str, took_s: float, outcome: Outcome) -> None:
        self._tools.record(took_s, {"tool": tool, "outcome": outcome})
        self._runs.add(1, {"tool": tool})
