"""The analysers of `bench/`, with tapes and traces whose figures are known. Nothing here is timed."""

import asyncio
import json
import os
import threading
import time
from collections import Counter
from dataclasses import replace
from functools import partial
from types import SimpleNamespace

import aiohttp
import numpy as np
import pytest
from aiohttp.test_utils import TestClient, TestServer

from bench import bad_neighbours, media, neighbours, noises, plain_aiortc, tape
from bench.acquaintance import in_calls
from bench.capacity import Row, painful, report, row, slope
from bench.corpus import PAUSES_MS, Inside, Spoken, corpus, risen
from bench.crowd import cycle, gather, talk
from bench.crowd import judged as judged_crowd
from bench.cutting_in import first_change, last_sound_ms, lost_ms
from bench.figures import percent, quantile, spread
from bench.loudspeaker import Loudspeaker
from bench.microphone import FRAME, FRAME_S, script, trimmed
from bench.overlap import outcome, play
from bench.pauses import curve, fixed, policy, scaled
from bench.processes import Usage, tree_usage, usage
from bench.provider import ANSWER, Delays, application
from bench.rehearsal import Stage
from bench.scenes import Scene, scenes
from bench.tape import Heard, Said
from bench.trace import Moment, Trace, judged, point, with_true_words
from server.call.endpoint import EndpointSettings
from server.media.frame import FRAME_MS, SPOKEN_BYTES
from tests.exchange import Exchange, exchange
from tests.loopback import keep_to_loopback
from tests.voices import silence, speak

PACKET_MS = FRAME_S * 1000
LOUD = b"\x00\x20" * (SPOKEN_BYTES // 2)
SOFT = b"\x00\x10" * (SPOKEN_BYTES // 2)


def taped(*loud_s: tuple[float, float], until_s: float = 10.0, late_s: float = 0.0) -> list[Heard]:
    """A packet every 20 ms, loud within the spans; every second one `late_s` late."""
    times = [number * FRAME_S for number in range(round(until_s / FRAME_S))]
    return [
        Heard(at_s + late_s * (number % 2), number * 960, any(start <= at_s < end for start, end in loud_s))
        for number, at_s in enumerate(times)
    ]


# What the caller hears


def test_the_gap_is_from_the_end_of_speech_to_the_first_audible_packet() -> None:
    """Each utterance has its own; what comes before its end, or after the next begins, is not its answer."""
    said = [Said(0.5, 1.0), Said(4.0, 5.0), Said(7.0, 8.0)]
    gaps = tape.gaps_ms(taped((0.0, 0.4), (1.4, 3.0), (5.3, 6.0)), said)
    assert gaps[:2] == pytest.approx([400, 300], abs=PACKET_MS)
    assert gaps[2] is None


def test_an_answer_to_the_next_utterance_is_not_one_to_this() -> None:
    assert tape.gaps_ms(taped((5.3, 6.0)), [Said(0.5, 1.0), Said(4.0, 5.0)])[0] is None


def test_a_cut_in_is_timed_to_the_last_audible_packet() -> None:
    """Short silences between words are not the end; a new answer later is not the old one."""
    heard = taped((1.0, 2.0), (2.1, 2.3), (4.0, 5.0))
    assert tape.stop_ms(heard, 1.5) == pytest.approx(800, abs=PACKET_MS)


def test_who_cuts_into_silence_stops_nothing() -> None:
    assert tape.stop_ms(taped((1.0, 2.0)), 3.0) is None


def test_lateness_is_what_arrival_differs_from_the_rtp_clock() -> None:
    assert tape.lateness_ms(taped((0.0, 1.0))) == pytest.approx([0.0] * 49)
    assert {round(late) for late in tape.lateness_ms(taped((0.0, 1.0), late_s=0.005))} == {5, -5}


def test_how_far_behind_is_counted_from_the_earliest_packet() -> None:
    """A packet that is late does not make the next one early, and RTP time may wrap."""
    heard = taped((0.0, 1.0), until_s=1.0, late_s=0.005)
    wrapped = [Heard(each.at_s, (each.rtp_time + 2**32 - 9_600) % 2**32, each.loud) for each in heard]
    assert tape.behind_ms(heard) == pytest.approx([0, 5] * 25)
    assert tape.behind_ms(wrapped) == pytest.approx([0, 5] * 25)
    assert tape.behind_ms([]) == []


def test_an_answer_that_begins_between_ticks_is_not_late() -> None:
    """Its first packet comes when it is ready; all others count."""
    heard = taped((0.0, 1.0), until_s=1.0)
    begun = heard[:20] + [replace(each, at_s=each.at_s + 0.015 * (n == 0)) for n, each in enumerate(heard[30:])]
    assert tape.behind_ms(begun) == pytest.approx([0] * (len(begun) - 1), abs=1e-6)


def test_the_microphone_knows_where_speech_begins_and_ends() -> None:
    """Silence around a recording is not speech, and every piece is whole packets."""
    tone = b"\x00\x10" * (FRAME * 10)
    made = script([1.0, bytes(4_000) + tone + bytes(4_000), 0.5])
    assert made.spoken == [(50, 60)]
    assert len(made.packets) == 85
    assert trimmed(bytes(100)) == b""


def test_a_sample_is_summed_up() -> None:
    found = spread([4.0, 1.0, 3.0, 2.0, 5.0])
    assert found is not None
    assert (found.count, found.p50, found.p95, found.min, found.max) == (5, 3.0, 4.8, 1.0, 5.0)
    assert spread([]) is None
    assert quantile([7.0], 0.95) == 7.0
    assert percent(1, 4) == 25.0
    assert percent(0, 0) == 0.0


def test_a_process_is_told_with_its_children() -> None:
    """Or without them, with its threads."""
    own, tree = usage(os.getpid()), tree_usage(os.getpid())
    assert 1 < own.memory_mb <= tree.memory_mb
    assert own.threads >= threading.active_count()
    for ask in (usage, tree_usage):
        with pytest.raises(ProcessLookupError):
            ask(2**30)


# Capacity


def measured(calls: int, cpu: float = 10.0, gap_p95: float | None = 300.0, caller_late: float = 1.0) -> Row:
    found: dict[str, list[float | None]] = {
        "gaps_ms": [None, gap_p95, gap_p95],
        "lateness_ms": [float(ms) for ms in range(101)],
        "caller_late_ms": [caller_late],
    }
    return row("antiphon", "brisk", calls, [cpu, 0.0], Usage(1, 100, 4), Usage(9, 100 + 2 * calls, 4 + calls), found)


def test_a_row_is_what_one_call_costs_and_hears() -> None:
    """Memory and threads are above those of the empty server; an unanswered question is counted and has no gap."""
    found = measured(5)
    assert (found.memory_mb, found.threads, found.unanswered) == (2, 1, 1)
    assert (found.late_p50, found.late_p99, found.gap_p95) == (50, 99, 300)


def test_late_callers_measure_nothing() -> None:
    """What they find does not count."""
    assert measured(5).valid
    assert not measured(5, caller_late=6.0).valid
    summary = report([measured(1), measured(5, cpu=99, gap_p95=900, caller_late=6), measured(9)])
    assert summary == {"antiphon, brisk": {"cpu_slope": 10.0, "calls_at_pain": None}}


def test_the_slope_leaves_out_what_an_empty_server_costs() -> None:
    assert slope([measured(calls, cpu=7 + 20 / calls) for calls in (1, 5, 10)]) == 7
    assert slope([measured(1)]) is None
    assert slope([]) is None


def test_the_count_that_hurts_lies_between_two_that_were_measured() -> None:
    """Or is the first of all; if none hurts, it is not known."""
    assert painful([measured(10), measured(20, gap_p95=700)]) == 15
    assert painful([measured(1, gap_p95=501)]) == 1
    assert painful([measured(1), measured(40)]) is None


async def test_the_plain_server_answers_the_crowd() -> None:
    """Two callers ask it a question each, and hear a tone; both ends are this process."""
    keep_to_loopback()
    async with TestServer(plain_aiortc.application(), host="127.0.0.1") as server, aiohttp.ClientSession() as http:
        made = talk(cycle("Hello?", 1.0), 0.2, 1.0)
        crowd = await gather(str(server.make_url("/")), [made, made], http)
        begun_s = time.perf_counter()
        async with asyncio.timeout(60):
            for microphone in crowd.microphones:
                await microphone.finished.wait()
        await asyncio.gather(*(pc.close() for pc in crowd.pcs))
    found = judged_crowd(crowd, begun_s - 1, time.perf_counter() + 1)
    assert len(found["gaps_ms"]) == 2
    assert None not in found["gaps_ms"]


# Neighbours


def a_part(beside: bool, *gaps_ms: float | None, caller_late: float = 1.0) -> neighbours.Part:
    found: dict[str, list[float | None]] = {
        "gaps_ms": list(gaps_ms),
        "lateness_ms": [0.0, 1.0],
        "caller_late_ms": [caller_late],
    }
    return neighbours.part(beside, found, cpu=12.34)


def test_parts_are_summed_up_by_who_else_was_there() -> None:
    """A gap that is more than a tenth longer is not unchanged; an unanswered question has none, and is counted."""
    alone, beside = a_part(False, 300, None, 300), a_part(True, 329)
    assert (alone.unanswered, alone.cpu, alone.late_p99) == (1, 12.3, 0.99)
    summary = neighbours.summary([alone, beside])
    assert (summary["ratio"], summary["unchanged"]) == (1.097, True)
    assert summary["alone"] == {"count": 2, "p50": 300.0, "p95": 300.0}
    assert neighbours.summary([alone, beside, a_part(True, 330)])["unchanged"] is True
    assert neighbours.summary([alone, a_part(True, 331)])["unchanged"] is False


def test_a_part_with_late_callers_says_nothing() -> None:
    """Nor does a summary without the other half."""
    late = a_part(True, 900, caller_late=6)
    assert neighbours.summary([a_part(False, 300), a_part(True, 300), late])["unchanged"] is True
    assert neighbours.summary([a_part(False, 300), late]) == {"ratio": None, "unchanged": None}


def answered(running: Exchange) -> bool:
    return any(record.exchanges for record in running.notebook.records.values())


async def test_bad_neighbours_are_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that does not read is answered all the same, and one that floods is heard no faster than it may be."""
    monkeypatch.setattr(bad_neighbours, "ASK_EVERY_S", 1.0)
    counts = Counter[str]()
    async with asyncio.timeout(30), exchange(limit=2) as running, aiohttp.ClientSession() as http:
        url = f"{running.home}/api/voice/conversation/new"
        tasks = [
            asyncio.create_task(bad_neighbours.never_read(url, counts)),
            asyncio.create_task(bad_neighbours.flood(url, counts, http)),
        ]
        while running.directory.opened < 2 or not answered(running):  # noqa: ASYNC110  # sockets have no event for it
            await asyncio.sleep(0.01)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    assert (counts["readers begun"], counts["writers begun"]) == (1, 1)
    assert counts["flood bytes"] > 0


# The provider


async def test_the_provider_hears_answers_and_speaks() -> None:
    """As an OpenAI-compatible client expects it, in streams."""
    async with TestClient(TestServer(application(Delays(0, 0, 0, 0), speech_s=0.5))) as client:
        form = aiohttp.FormData({"model": "m"})
        form.add_field("file", b"RIFF", filename="speech.wav")
        heard = await (await client.post("/v1/audio/transcriptions", data=form)).json()
        lines = (await (await client.post("/v1/chat/completions", json={"stream": True})).text()).split("\n\n")
        sound = await (await client.post("/v1/audio/speech", json={"input": "hello"})).read()
        asked = await (await client.get("/count")).json()
    deltas = [json.loads(line.removeprefix("data: ")) for line in lines if "chunk" in line]
    assert heard["text"]
    assert "".join(delta["choices"][0]["delta"].get("content", "") for delta in deltas).strip() == ANSWER
    assert deltas[-1]["choices"][0]["finish_reason"] == "stop"
    assert len(sound) == 24_000
    assert asked == {"stt": 1, "llm": 1, "tts": 1}


# Pauses


def traced(*parts: str, pause_ms: int = 500) -> Trace:
    """Half a second for each part, VAD 60 ms late, words known at once; four seconds of silence at the end."""
    part_ms, late_ms = 500, 60
    spans = tuple((n * (part_ms + pause_ms), n * (part_ms + pause_ms) + part_ms) for n in range(len(parts)))
    moments = []
    for at_ms in range(FRAME_MS, spans[-1][1] + 4_000, FRAME_MS):
        said = [span for span in spans if span[0] + late_ms < at_ms]
        silence_ms = max(0, at_ms - said[-1][1] - late_ms) if said else 0
        moments.append(Moment(silence_ms, " ".join(parts[: len(said)]), 0.0))
    pauses = tuple(Inside("open", pause_ms) for _ in parts[1:])
    return Trace(Spoken(parts, pauses, "", "en-us", 160), spans, tuple(moments))


def test_a_wait_shorter_than_the_pause_cuts_it() -> None:
    outcome = judged(traced("i would like", "a book"), fixed(400))
    assert outcome.cut == (True,)
    assert outcome.latency_ms == pytest.approx(460, abs=FRAME_MS)


def test_a_wait_longer_than_the_pause_spares_it() -> None:
    outcome = judged(traced("i would like", "a book"), fixed(600))
    assert not outcome.false
    assert outcome.latency_ms == pytest.approx(660, abs=FRAME_MS)


def test_every_pause_is_judged_for_itself() -> None:
    """The policy cuts where the words look whole, and nowhere else, whatever came before."""
    outcome = judged(traced("where is my order", "and", "what time is it"), policy(EndpointSettings()))
    assert outcome.cut == (True, False)
    assert outcome.text == "where is my order and what time is it"


def test_an_utterance_that_never_ends_is_missed() -> None:
    found = point([traced("yes"), traced("no")], fixed(5_000))
    assert found.missed == 2
    assert found.p50_ms is None


def test_a_caller_is_known_better_with_each_utterance_of_a_call() -> None:
    """The same high end is waited for less in a call of ten; a call of one is as the caller's first."""
    said = traced("i like books")
    high = replace(said, moments=tuple(m and replace(m, over=0.4) for m in said.moments))
    learning = partial(policy, EndpointSettings())
    alone, together = (in_calls([high] * 10, length, learning) for length in (1, 10))
    assert alone == point([high] * 10, learning())
    assert together.p50_ms is not None
    assert alone.p50_ms is not None
    assert together.p50_ms < alone.p50_ms


def test_true_words_are_those_that_were_said_by_then() -> None:
    trace = traced("where is my", "order")
    deaf = Trace(trace.spoken, trace.parts_ms, tuple(m and Moment(m.silence_ms, "", 0.0) for m in trace.moments))
    assert [m.text for m in with_true_words(deaf).moments if m and m.silence_ms == 200] == [
        "where is my",
        "where is my order",
    ]


def test_the_curve_knows_every_policy() -> None:
    """A longer plain silence cuts less and costs more; a knob that is turned is the only one."""
    found = curve([traced("where is my order", "please"), traced("thank you")])
    assert found["plain silence 300"].cut_pauses == 100
    assert found["plain silence 600"].cut_pauses == 0
    assert scaled(["open_ms"], 2.0) == EndpointSettings(open_ms=2 * EndpointSettings().open_ms)


def test_the_corpus_has_every_length_of_pause_in_every_place() -> None:
    found = corpus()
    pauses = [pause for spoken in found for pause in spoken.pauses]
    assert sum(bool(spoken.pauses) for spoken in found) >= 60
    assert {pause.place for pause in pauses} == {"and", "um", "number", "name", "open", "clause"}
    assert {pause.ms for pause in pauses} == set(PAUSES_MS)
    assert all(len(spoken.parts) == len(spoken.pauses) + 1 and all(spoken.parts) for spoken in found)


def test_every_question_rises_when_it_shall() -> None:
    """What states or orders keeps its tune, and so do the pauses."""
    asked = Spoken(("where is it", "now"), (Inside("clause", 300),), "", "en-us", 160, marks=(",", ""))
    told = replace(asked, parts=("i have it", "now"))
    assert [each.marks for each in risen([asked, told])] == [(",", "?"), (",", "")]


# Cutting in


def test_what_changes_and_what_is_lost_is_seen_frame_by_frame() -> None:
    """A duck and a pause after the onset; the answer goes on with one frame that was never loud."""
    noise = np.random.default_rng(0).normal(0, 5_000, (50, SPOKEN_BYTES // 2))
    answer = [frame.astype(np.int16).tobytes() for frame in noise]
    softer = [(frame * np.linspace(1, 0.5, len(frame))).astype(np.int16).tobytes() for frame in noise]
    heard = [*answer[:10], SOFT, *[None] * 10, *answer[11:]]
    assert first_change(heard, answer, 5 * FRAME_MS) == 5 * FRAME_MS
    assert lost_ms(heard, answer) == FRAME_MS
    assert lost_ms([*answer[:10], SOFT, *[None] * 10, *answer[10:]], answer) == 0
    assert lost_ms([*answer[:10], softer[10], *answer[11:]], answer) == 0
    assert first_change(answer, answer, 0) is None


def test_the_last_sound_is_audible() -> None:
    heard = [LOUD, LOUD, bytes(SPOKEN_BYTES), None, LOUD]
    assert last_sound_ms(heard, 4 * FRAME_MS) == 2 * FRAME_MS
    assert last_sound_ms(heard, 1_000) == 5 * FRAME_MS
    assert last_sound_ms([None], 1_000) == 0


def test_noises_are_always_the_same_and_as_loud_as_a_voice() -> None:
    for make in (noises.hum, noises.cough, noises.door, noises.keys):
        assert make(1) == make(1) != make(2)
        assert 0.2 < len(make(1)) / 32_000 < 2
        assert max(memoryview(make(1)).cast("h")) > 1_000


def test_scenes_are_of_every_kind() -> None:
    found = scenes()
    kinds = {"interruption", "backchannel", "hum", "cough", "door", "keys", "echo", "echo, all at once"}
    assert {scene.kind for scene in found} == kinds | {"interruption in echo", "backchannel in echo"}
    assert sum(scene.interrupts for scene in found) >= 80
    assert sum(not scene.interrupts for scene in found) >= 100
    assert all(scene.pcm or scene.echo_db is not None for scene in found)
    assert Scene("cough", "", 1_000, bytes(32_000)).end_ms == 2_000
    assert len(trimmed(silence(1) + speak("hello") + silence(1))) < len(speak("hello")) + 1


def test_the_loudspeaker_gives_back_what_was_said_later_and_softer() -> None:
    """100 ms after a tone of 2 kHz has begun it is in the microphone, 20 dB softer; the room goes on for a little."""
    tone = (8_000 * np.sin(np.arange(4_800) * 2 * np.pi / 12)).astype("<i2").tobytes()
    said = [tone[start : start + SPOKEN_BYTES] for start in range(0, len(tone), SPOKEN_BYTES)]
    path, levels = Loudspeaker(-20, 100, seconds=2), []
    for frame in [*said, *[None] * 40]:
        levels.append(float(np.abs(np.frombuffer(path.hear(), "<i2").astype(float)).max()))
        path.say(frame)
    assert max(levels[:4]) < 40 < levels[5]
    assert 400 < max(levels) < 1_600
    assert 0 < levels[16] < max(levels) / 2
    assert max(levels[-10:]) == 0


def test_a_loudspeaker_that_is_heard_at_once_is_refused() -> None:
    with pytest.raises(ValueError, match="40 ms late"):
        Loudspeaker(-20, 20, seconds=1)


def test_the_agents_own_voice_does_not_stop_it() -> None:
    """Through the real session, VAD and speech-to-text: it says all it has to, and is not even held back by an echo
    that was there from the beginning."""
    stage = Stage()
    undisturbed = play(None, stage).heard
    always = Scene("echo", "", 0, echo_db=-20.0, echo_delay_ms=230)
    found = outcome(always, play(always, stage), undisturbed)
    assert (found.stopped, found.held_ms, found.lost_ms, found.answered) == (False, 0, 0, False)
    later = replace(always, echo_from_ms=3_000)
    found = outcome(later, play(later, stage), undisturbed)
    assert (found.stopped, found.answered) == (False, False)


# Sound inwards


class _Used:
    """An answerer that used all but one."""

    def used(self, arrived: int) -> int:
        return arrived - 1


def test_the_age_of_sound_is_from_its_packet_to_the_application() -> None:
    """Of ten packets, the first unheard for want of keys, each is 5 ms old, but one that came 40 ms late."""
    ear, speaker = media.Ear(lambda: 0.0), SimpleNamespace(sent_s=[0.02 * n for n in range(10)])
    ear.arrived, ear.first = list(range(10)), 1
    ear.heard = [(0.02 * (n + 1) + (0.045 if n == 5 else 0.005), n) for n in range(9)]
    found = media.figures(ear, speaker, _Used())  # type: ignore[arg-type]
    assert (found["age_p50_ms"], found["age_at_the_end_ms"]) == (5.0, 5.0)
    assert found["age_p99_ms"] == pytest.approx(42.2, abs=1)
    assert found["longest_gap_ms"] == 60.0
    assert found["used_percent"] == 100.0


def test_sound_that_was_put_in_makes_what_follows_no_younger() -> None:
    """When an application has got more than was sent, its sound is older by that than its count says."""
    ear, speaker = media.Ear(lambda: 0.0), SimpleNamespace(sent_s=[0.02 * n for n in range(10)])
    ear.arrived, ear.first = list(range(10)), 0
    ear.heard = [(0.02 * n, n + 2) for n in range(10)]
    assert media.figures(ear, speaker, _Used())["age_p50_ms"] == 0.0  # type: ignore[arg-type]
