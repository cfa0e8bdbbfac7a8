"""What the monitor measures, as Prometheus reads it, and what it tells about the health of the server."""

import asyncio
import gc
from collections import Counter

import pytest
from prometheus_client.parser import text_string_to_metric_families
from pydantic_ai.usage import RequestUsage

from server.agent.breakers import Breakers
from server.call import messages
from server.call.caller import Caller
from server.call.desk.admission import Admission, AdmissionSettings, Load, Refusal
from server.call.desk.limits import Stage
from server.errors import EngineError
from server.media.pacer import Pacer
from server.record.figures import LineFigures
from server.telemetry.exporter import Exporter
from server.telemetry.monitor import Monitor
from signaling.health import Health
from tests.virtual_time import run_virtual

SECRET = "my card is four two seven one"


class ThreeCalls:
    """A directory with three calls, of which one has no connection."""

    opened = 7
    detached = 1

    def __init__(self) -> None:
        self.refused = Counter({Refusal.FULL: 2})
        self.gave_way = Counter({Stage.HALF_OPEN: 3})
        self.refuses: Refusal | None = None

    def __len__(self) -> int:
        return 3

    def refusal(self) -> Refusal | None:
        return self.refuses


class Worker:
    engine = "espeak"
    restarts = 4
    ready = True


class House:
    """A monitor, with the exporter and the health that it works with."""

    def __init__(self) -> None:
        self.exporter, self.health = Exporter(), Health()
        self.monitor = Monitor(self.exporter.meter, Pacer(), self.health)

    def samples(self) -> dict[str, float]:
        """The value of each sample, by its name and labels. Histogram buckets are left out."""
        return {
            "/".join([sample.name, *sample.labels.values()]): sample.value
            for family in text_string_to_metric_families(self.exporter.text().decode())
            for sample in family.samples
            if not sample.name.endswith("_bucket")
        }


def run(scenario: object) -> None:
    async def inside() -> None:
        house = House()
        await scenario(house)  # type: ignore[operator]
        house.exporter.close()

    run_virtual(inside())


def test_answers_are_counted_from_none_on() -> None:
    """Else no rule could tell the share that fails while every answer fails."""

    async def scenario(house: House) -> None:
        assert house.samples()["antiphon_exchange_attempts_total"] == 0

    run(scenario)


@pytest.mark.parametrize(
    ("model", "provider", "name"),
    [("openai:gpt", "openai", "gpt"), ("ollama:llama3:8b", "ollama", "llama3:8b"), ("own", "unknown", "own")],
)
def test_a_request_to_a_model_is_labelled(model: str, provider: str, name: str) -> None:
    """By provider and name. A name may have colons, too."""

    async def scenario(house: House) -> None:
        house.monitor.runs.asked(model, 1.0, 0.5, RequestUsage(input_tokens=1), failed=False)
        labels = f'gen_ai_operation_name="chat",gen_ai_provider_name="{provider}",gen_ai_request_model="{name}"'
        assert f"gen_ai_client_operation_duration_seconds_count{{{labels}}} 1.0" in house.exporter.text().decode()

    run(scenario)


def test_what_is_told_in_calls_is_counted() -> None:
    """Stages and gaps of exchanges, interruptions, false starts and failures are counted. No words are shown."""

    async def scenario(house: House) -> None:
        observe = house.monitor.calls.observe
        observe(messages.Metrics(reply=2, attempts=3, endpoint_ms=250, first_token_ms=100, first_packet_ms=260))
        observe(messages.Heard(reply=2, gap_ms=320))
        observe(messages.Transcription(utterance=1, text=SECRET, final=True))
        observe(messages.Transcription(utterance=2, text="", final=True))
        observe(messages.Response(reply=2, text=SECRET, final=False, tools=["order_status"]))
        observe(messages.Response(reply=2, text=SECRET, final=True, interrupted=True, tools=["order_status"]))
        observe(messages.Text(text=SECRET))
        observe(EngineError("text-to-speech", "It is silent."))
        observe(LineFigures("opus", r_in=88.5))
        observe(LineFigures("opus", r_in=50.0, r_out=93.2))
        found = house.samples()
        assert found["antiphon_exchange_stage_seconds_sum/endpoint"] == 0.25
        assert found["antiphon_exchange_stage_seconds_sum/first_packet"] == 0.26
        assert "antiphon_exchange_stage_seconds_sum/transcript" not in found
        assert found["antiphon_exchange_attempts_total"] == 3
        assert found["antiphon_exchange_gap_seconds_sum"] == 0.32
        assert found["antiphon_exchange_interruptions_total"] == 1
        assert found["antiphon_utterance_false_starts_total"] == 1
        assert found["antiphon_call_failures_total/text-to-speech"] == 1
        assert found["antiphon_line_rating_sum/in"] == 138.5
        assert found["antiphon_line_rating_count/out"] == 1
        assert SECRET not in house.exporter.text().decode()

    run(scenario)


def test_the_rooms_counters_are_read() -> None:
    """The counters of calls, refusals, workers, drops and models are read when the metrics are read."""

    async def scenario(house: House) -> None:
        house.monitor.watch_calls(ThreeCalls())
        house.monitor.watch_worker(Worker())
        house.monitor.watch_drops("antiphon.journal.dropped", lambda: {"records": 5})
        breakers = Breakers()
        breakers.failures["openai:gpt", "quota"] = 6
        house.monitor.watch_models(breakers)
        found = house.samples()
        assert found["antiphon_call_live/connected"] == 2
        assert found["antiphon_call_live/detached"] == 1
        assert found["antiphon_call_opened_total"] == 7
        assert found["antiphon_call_refused_total/full"] == 2
        assert found["antiphon_call_gave_way_total/half_open"] == 3
        assert found["antiphon_worker_restarts_total/espeak"] == 4
        assert found["antiphon_worker_ready/espeak"] == 1
        assert found["antiphon_journal_dropped_total/records"] == 5
        assert found["antiphon_model_failures_total/quota/openai:gpt"] == 6

    run(scenario)


def test_waits_for_engines_are_measured() -> None:
    """While a request waits, the number of waiting requests and the oldest wait are shown."""

    async def scenario(house: House) -> None:
        watch = house.monitor.watch("speech-to-text")
        house.monitor.watch("text-to-speech")
        with watch.waiting() as answered:
            await asyncio.sleep(2.5)
            found = house.samples()
            assert found["antiphon_speech_waiting/speech-to-text"] == 1
            assert found["antiphon_speech_oldest_seconds/speech-to-text"] == 2.5
            assert found["antiphon_speech_waiting/text-to-speech"] == 0
            answered()
        assert house.samples()["antiphon_speech_wait_seconds_sum/speech-to-text"] == 2.5

    run(scenario)


async def ask(house: House, caller: Caller, waits_s: float, every_s: float, until_s: float) -> None:
    """One call, whose requests wait for so long, until a second of the virtual clock."""
    watch, now = house.monitor.watch_caller(caller), asyncio.get_running_loop().time
    while now() < until_s:
        with watch.waiting() as answered:
            await asyncio.sleep(waits_s)
            answered()
        await asyncio.sleep(every_s - waits_s)


@pytest.mark.parametrize(("good_s", "overloaded"), [(0.4, False), (3.0, True)])
def test_what_others_wait_for_is_load_and_not_what_attackers_wait_for(good_s: float, overloaded: bool) -> None:
    """Ten callers who keep the engines busy are no load, as long as four others get their words in time. When those
    wait, too, the server is overloaded. In both cases this is so at every moment, once all have asked."""

    async def scenario(house: House) -> None:
        async with asyncio.TaskGroup() as group:
            for number in range(10):
                group.create_task(ask(house, Caller(f"203.0.113.{number}"), 25, 25.1, 60), name=f"attacker-{number}")
            for number in range(4):
                group.create_task(ask(house, Caller(), good_s, 9, 60), name=f"caller-{number}")
            admission, judged = Admission(AdmissionSettings()), set()
            for _ in range(400):
                await asyncio.sleep(0.1)
                if asyncio.get_running_loop().time() > 20:
                    judged.add(admission.judge(house.monitor.load()))
        assert judged == {Refusal.SPEECH_LATE if overloaded else None}

    run(scenario)


def test_the_calls_of_a_caller_are_one_voice_about_the_load() -> None:
    """Four calls of one address, or of one name, do not outvote two others. A call that is over has no voice."""

    async def scenario(house: House) -> None:
        async with asyncio.TaskGroup() as group:
            for caller in [Caller("203.0.113.1")] * 4 + [Caller("203.0.113.2", name="anna"), Caller(name="anna")]:
                group.create_task(ask(house, caller, 25, 26, 20), name="attacker")
            group.create_task(ask(house, Caller(), 0.5, 5, 20), name="caller")
            await asyncio.sleep(15)
            assert house.monitor.load() == Load(lag_ms=0.0, wait_ms=pytest.approx(500))
        gc.collect()
        assert house.monitor.load().wait_ms == 0

    run(scenario)


def test_two_workers_of_one_engine_are_told_apart() -> None:
    """One Whisper for English and one for other languages: each has its own sample and its own state."""

    async def scenario(house: House) -> None:
        second = Worker()
        second.ready = False
        for worker in (Worker(), second):
            house.monitor.watch_worker(worker)
        found = house.samples()
        assert (found["antiphon_worker_ready/espeak"], found["antiphon_worker_ready/espeak 2"]) == (1, 0)
        assert house.health.reason() == "The worker of espeak 2 is being started."

    run(scenario)


def test_parts_register_themselves() -> None:
    """The model, each engine, each worker and the calls are parts. Only workers and calls decide if we are ready."""

    async def scenario(house: House) -> None:
        calls, worker = ThreeCalls(), Worker()
        house.monitor.watch_calls(calls)
        house.monitor.watch_worker(worker)
        house.monitor.watch("text-to-speech").last_use.fail("It is silent.")
        house.monitor.calls.observe(EngineError("model", "The model took too long to answer."))
        parts = house.health.parts()
        assert {name for name, part in parts.items() if part["state"] == "up"} == {"worker espeak", "calls"}
        assert parts["model"] == {"state": "degraded", "reason": "The model took too long to answer."}
        assert house.health.reason() == "", "a model that has failed once may work the next time"
        worker.ready = False
        assert "espeak" in house.health.reason()
        worker.ready, judge = True, Worker()
        house.monitor.watch_worker(judge, needed=False)
        judge.ready = False
        assert house.health.parts()["worker espeak 2"]["state"] == "degraded"
        assert house.health.reason() == "", "calls go on without it"
        calls.refuses = Refusal.DRAINING
        assert house.health.reason() == Refusal.DRAINING.sentence
        house.monitor.calls.observe(messages.Metrics(reply=3, first_token_ms=80))
        assert house.health.parts()["model"]["state"] == "up"

    run(scenario)
