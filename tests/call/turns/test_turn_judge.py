from dataclasses import replace
from math import inf

import pytest

from server.call.events import Backchannel, Endpoint, Event, Interruption, NoWords
from server.call.turns.endpoint import EndpointSettings
from server.call.turns.judge import HeardVoice, JudgeSetup, Prepare, Verdict, View
from server.call.turns.lexicon.english import ENGLISH
from server.call.turns.overlap import AgentState, OverlapSettings
from server.call.turns.turn_judge import TurnJudge
from server.media.frame import FRAME_MS

ENDPOINT = EndpointSettings()
PAUSE = HeardVoice(voiced=False, active_ms=1_500, voiced_ms=900, silence_ms=0)


def judge(phrases: tuple[str, ...] = ()) -> TurnJudge:
    return TurnJudge(JudgeSetup(ENDPOINT, OverlapSettings(), phrases))


def view(text: str, voice: HeardVoice, settled: bool = True) -> View:
    return View(utterance=7, text=text, lexicon=ENGLISH, settled=settled, voice=voice)


def pausing(judge: TurnJudge, text: str, until_ms: int = 5_000) -> list[tuple[int, Verdict]]:
    """The verdicts of a silence, frame by frame, up to the first with an event."""
    verdicts = []
    for silence_ms in range(FRAME_MS, until_ms, FRAME_MS):
        verdict = judge.hearing(view(text, replace(PAUSE, silence_ms=silence_ms)))
        verdicts.append((silence_ms, verdict))
        if verdict.event is not None:
            break
    return verdicts


@pytest.mark.parametrize(
    ("text", "wait_ms"),
    [
        ("my order has not arrived", ENDPOINT.complete_ms),
        ("where is my order?", ENDPOINT.complete_ms),
        ("i want to ask about", ENDPOINT.open_ms),
        ("yes", ENDPOINT.single_ms),
        ("", ENDPOINT.nothing_ms),
    ],
)
def test_the_endpoint_comes_when_the_silence_is_enough(text: str, wait_ms: int) -> None:
    """The verdict has the endpoint as soon as the silence is as long as these words need, and not before."""
    silence_ms, verdict = pausing(judge(), text)[-1]
    assert silence_ms == -(-wait_ms // FRAME_MS) * FRAME_MS
    assert verdict.event == Endpoint(7)


def test_words_first_then_the_answer() -> None:
    """In a short silence nothing is prepared, then the words, and at most `ahead_ms` before the end the answer."""
    prepared = {silence_ms: verdict.prepare for silence_ms, verdict in pausing(judge(), "i want to ask about")}
    first = {what: min(ms for ms, each in prepared.items() if each is what) for what in set(prepared.values())}
    assert first[Prepare.NOTHING] < first[Prepare.WORDS] == ENDPOINT.prepare_ms
    assert first[Prepare.ANSWER] == ENDPOINT.open_ms - ENDPOINT.ahead_ms


def test_a_voice_drops_what_was_prepared() -> None:
    """While there is a voice, nothing that was prepared is wanted."""
    assert judge().hearing(view("where", replace(PAUSE, voiced=True))) == Verdict(Prepare.CANCEL)


def test_the_agents_echo_has_no_words() -> None:
    """An utterance that turns out to be the agent's own voice is withdrawn."""
    assert judge().hearing(view("hello", replace(PAUSE, echoed=True))) == Verdict(event=NoWords(7))


def test_a_caller_who_begins_an_expected_sentence_gets_more_time() -> None:
    """Words that begin one of the agent's phrases may go on, so the silence has to be longer."""
    waits = [pausing(judge(phrases), "can i order")[-1][0] for phrases in ((), ("can i order a book please",))]
    assert waits == [-(-ENDPOINT.complete_ms // FRAME_MS) * FRAME_MS, ENDPOINT.begun_ms]


def overlapping(text: str, voice: HeardVoice, agent: AgentState = AgentState.SPEAKING) -> Event | None:
    """The verdict when the words have been there for long enough."""
    judging = judge()
    seen = replace(view(text, voice), agent=agent, reply_left_ms=inf)
    verdicts = [judging.overlap(seen) for _ in range(10)]
    return next((verdict.event for verdict in verdicts if verdict.event is not None), None)


TALKING = HeardVoice(voiced=True, active_ms=900, voiced_ms=900, silence_ms=0)


@pytest.mark.parametrize(
    ("text", "voice", "agent", "event"),
    [
        ("stop", TALKING, AgentState.SPEAKING, Interruption(7)),
        ("what about tomorrow", TALKING, AgentState.SPEAKING, Interruption(7)),
        ("mm-hm", replace(TALKING, voiced=False, voiced_ms=300, silence_ms=400), AgentState.SPEAKING, Backchannel(7)),
        ("", replace(TALKING, voiced=False, voiced_ms=200, silence_ms=400), AgentState.SPEAKING, Backchannel(7)),
        ("tomorrow then", replace(TALKING, voiced_ms=700), AgentState.TOOL, None),
        ("monday", replace(TALKING, voiced_ms=300), AgentState.THINKING, Interruption(7)),
    ],
)
def test_a_sound_over_the_agent(text: str, voice: HeardVoice, agent: AgentState, event: Event | None) -> None:
    """A command or enough words interrupt, a backchannel and a cough do not, and a running tool needs more."""
    assert overlapping(text, voice, agent) == event


@pytest.mark.parametrize(
    ("voice", "prepare"),
    [
        (TALKING, Prepare.CANCEL),
        (replace(TALKING, voiced=False, silence_ms=40), Prepare.NOTHING),
        (replace(TALKING, voiced=False, silence_ms=ENDPOINT.prepare_ms), Prepare.WORDS),
    ],
)
def test_over_the_agent_no_answer_is_prepared(voice: HeardVoice, prepare: Prepare) -> None:
    """While the agent has its turn, at most the words are asked for: they are needed to judge."""
    assert judge().overlap(view("hm", voice)).prepare is prepare


def test_the_words_of_an_ended_overlap_are_forgotten() -> None:
    """Words of an overlap do not count as steady words of the next one, whatever became of it."""
    judging = judge()
    for _ in range(OverlapSettings().steady_ms // FRAME_MS + 1):  # the reply ends before these words are judged
        assert judging.overlap(view("what about", replace(TALKING, voiced_ms=500))).event is None
    assert judging.overlap(replace(view("what about tomorrow", TALKING), utterance=8)).event is None


@pytest.mark.parametrize(("echoes", "event"), [(True, Backchannel(7)), (False, Interruption(7))])
def test_the_agents_words_are_echo_only_where_its_voice_may_come_back(echoes: bool, event: Event) -> None:
    """The agent's own word, said at its end, is echo where there is a way for it, and otherwise an answer."""
    voice = replace(TALKING, voiced=False, voiced_ms=300, silence_ms=400)
    seen = replace(view("medium", voice), reply_heard="Small or medium", reply_left_ms=300, echoes=echoes)
    assert judge().overlap(seen).event == event


def test_a_caller_who_is_cut_off_is_waited_for_longer() -> None:
    """A caller who goes on before an answer is heard, or over its first words, gets more time at the next pause."""
    judging, text = judge(), "my order has not arrived"
    before_ms = pausing(judging, text)[-1][0]
    spoken_on = replace(view("and i want it", TALKING), agent=AgentState.THINKING)
    assert judging.overlap(spoken_on).event is None  # the words have to be steady
    for _ in range(OverlapSettings().steady_ms // FRAME_MS):
        verdict = judging.overlap(spoken_on)
    assert verdict.event == Interruption(7)
    assert pausing(judging, text)[-1][0] > before_ms


def test_voices_that_do_not_listen_are_not_waited_for() -> None:
    """In company no wait is longer than the settings say: who does not listen was not cut off."""
    judging, text = judge(), "my order has not arrived"
    pausing(judging, text)
    spoken_on = replace(view("and i want it", TALKING), agent=AgentState.THINKING)
    for _ in range(OverlapSettings().steady_ms // FRAME_MS + 1):
        judging.overlap(spoken_on)
    waited = replace(view(text, replace(PAUSE, silence_ms=360)), company=True)
    assert judging.hearing(replace(waited, company=False)).event is None
    assert judging.hearing(waited).event == Endpoint(7)


def test_an_interruption_after_the_first_words_is_no_cut_off() -> None:
    """A caller who has heard a part of the answer was done before it."""
    judging, text = judge(), "my order has not arrived"
    before_ms = pausing(judging, text)[-1][0]
    spoken_over = replace(view("stop", TALKING), reply_heard="We are open from nine to six")
    for _ in range(OverlapSettings().steady_ms // FRAME_MS + 1):
        verdict = judging.overlap(spoken_over)
    assert verdict.event == Interruption(7)
    assert pausing(judging, text)[-1][0] == before_ms
