"""The bench of pauses: what it finds in traces whose cuts are known."""

import pytest

from bench.pauses.corpus import PAUSES_MS, ScriptedPause, ScriptedUtterance, corpus
from bench.pauses.synthetic import curve, fixed, policy, scaled
from bench.pauses.trace import Moment, Trace, judged, point, with_true_words
from server.call.turns.endpoint import EndpointSettings
from server.media.frame import FRAME_MS


def traced(*parts: str, pause_ms: int = 500) -> Trace:
    """A trace with half a second for each part, VAD 60 ms late, words known at once, and four seconds of silence."""
    part_ms, late_ms = 500, 60
    spans = tuple((n * (part_ms + pause_ms), n * (part_ms + pause_ms) + part_ms) for n in range(len(parts)))
    moments = []
    for at_ms in range(FRAME_MS, spans[-1][1] + 4_000, FRAME_MS):
        said = [span for span in spans if span[0] + late_ms < at_ms]
        silence_ms = max(0, at_ms - said[-1][1] - late_ms) if said else 0
        moments.append(Moment(silence_ms, " ".join(parts[: len(said)])))
    pauses = tuple(ScriptedPause("open", pause_ms) for _ in parts[1:])
    return Trace(ScriptedUtterance(parts, pauses, "", "en-us", 160), spans, tuple(moments))


def test_a_wait_shorter_than_the_pause_cuts_it() -> None:
    """The pause is taken for the end, and the end of the utterance is found as well."""
    judgement = judged(traced("i would like", "a book"), fixed(400))
    assert judgement.cut == (True,)
    assert judgement.latency_ms == pytest.approx(460, abs=FRAME_MS)


def test_a_wait_longer_than_the_pause_spares_it() -> None:
    """Only the end of the utterance is taken for the end."""
    judgement = judged(traced("i would like", "a book"), fixed(600))
    assert not judgement.false
    assert judgement.latency_ms == pytest.approx(660, abs=FRAME_MS)


def test_every_pause_is_judged_for_itself() -> None:
    """The policy cuts where the words look complete, and nowhere else, whatever was cut before."""
    judgement = judged(traced("where is my order", "and", "what time is it"), policy(EndpointSettings()))
    assert judgement.cut == (True, False)
    assert judgement.text == "where is my order and what time is it"


def test_an_utterance_that_never_ends_is_missed() -> None:
    """An utterance is counted as missed when the policy waits longer than the silence after it."""
    found = point([traced("yes"), traced("no")], fixed(5_000))
    assert found.missed == 2
    assert found.p50_ms is None


def test_true_words_are_those_that_were_said_by_then() -> None:
    """A perfect transcript has at each moment the words before it, whatever speech-to-text heard."""
    trace = traced("where is my", "order")
    deaf = Trace(trace.spoken, trace.parts_ms, tuple(m and Moment(m.silence_ms, "") for m in trace.moments))
    assert [m.text for m in with_true_words(deaf).moments if m and m.silence_ms == 200] == [
        "where is my",
        "where is my order",
    ]


def test_the_curve_knows_every_policy() -> None:
    """A longer plain silence cuts less. When one setting is scaled, no other setting changes."""
    found = curve([traced("where is my order", "please"), traced("thank you")])
    assert found["plain silence 300"].cut_pauses == 100
    assert found["plain silence 600"].cut_pauses == 0
    assert scaled(["open_ms"], 2.0) == EndpointSettings(open_ms=2 * EndpointSettings().open_ms)


def test_the_corpus_has_every_length_of_pause_in_every_place() -> None:
    """There are enough utterances with pauses, all kinds of places and all lengths, and no part is empty."""
    found = corpus()
    pauses = [pause for spoken in found for pause in spoken.pauses]
    assert sum(bool(spoken.pauses) for spoken in found) >= 60
    assert {pause.place for pause in pauses} == {"and", "um", "number", "name", "open", "clause"}
    assert {pause.ms for pause in pauses} == set(PAUSES_MS)
    assert all(len(spoken.parts) == len(spoken.pauses) + 1 and all(spoken.parts) for spoken in found)
