from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.call.turns.lexicon.english import ENGLISH
from server.call.turns.overlap import AgentState, Meaning, Overlap, OverlapSettings, meaning_of

SETTINGS = OverlapSettings()
AGENT = "Your order forty two has been shipped and will be there on Friday. There is no charge for delivery."
UNDECIDED, INTERRUPTION, BACKCHANNEL = Meaning.UNDECIDED, Meaning.INTERRUPTION, Meaning.BACKCHANNEL


def verdict(
    text: str,
    voiced_ms: float = 600,
    silence_ms: float = 0,
    agent_text: str = AGENT,
    earlier_text: str | None = None,
    state: AgentState = AgentState.SPEAKING,
    interruptible: bool = True,
    settled: bool = True,
) -> Meaning:
    """The meaning of a sound whose words have not changed for a while, unless `earlier_text` differs."""
    earlier = text if earlier_text is None else earlier_text
    overlap = Overlap(
        voiced_ms, silence_ms, text, earlier, agent_text, state, interruptible=interruptible, settled=settled
    )
    return meaning_of(overlap, SETTINGS, ENGLISH)


@pytest.mark.parametrize(
    "text",
    [
        "mm-hm", "uh huh", "Yeah.", "okay okay", "right", "I see.", "got it", "of course", "no problem", "no worries",
        "that's great", "that’s right", "oh okay so", "really", "sounds good", "Mm-hmm.", "Mhm!", "Uh-huh.", "O.K.",
        "OK.", "Alright.", "Yes.", "Uh,", "Hmm...", "Ummm.", "That’s okay.", "Yeah, yeah.", "Ohh.",
    ],
)  # fmt: skip
def test_backchannels_let_the_agent_go_on(text: str) -> None:
    """Words that only encourage the agent are undecided while the sound lasts, and then let the agent go on."""
    assert verdict(text) is UNDECIDED
    assert verdict(text, silence_ms=SETTINGS.settle_ms) is BACKCHANNEL


@pytest.mark.parametrize(
    "text",
    [
        "stop",
        "wait",
        "hold on",
        "excuse me",
        "okay stop",
        "no problem but wait",
        "Sorry,",
        "hello",
        "Stop!",
        "Wait.",
        "No, no, stop.",
        "Hello?",
    ],
)
def test_commands_interrupt_at_once(text: str) -> None:
    """A command interrupts the agent without other words and without silence."""
    assert verdict(text) is INTERRUPTION


@pytest.mark.parametrize("text", ["what about monday", "i meant my other one", "can you repeat", "yeah but when"])
def test_two_new_words_interrupt_at_once(text: str) -> None:
    """Two words that are neither backchannels nor the agent's own interrupt at once."""
    assert verdict(text) is INTERRUPTION


def test_one_new_word_interrupts_when_nothing_follows() -> None:
    """A single word may be followed by others. It interrupts when nothing follows."""
    assert verdict("thursday") is UNDECIDED
    assert verdict("thursday", silence_ms=SETTINGS.settle_ms) is INTERRUPTION


@pytest.mark.parametrize(
    "text", ["order forty two", "will be there on friday", "There is no charge", "delivery", "no charge"]
)
def test_echo_does_not_interrupt(text: str) -> None:
    """The agent's own words in their order are taken for echo, and let the agent go on."""
    assert verdict(text, voiced_ms=900) is UNDECIDED
    assert verdict(text, voiced_ms=900, silence_ms=SETTINGS.settle_ms) is BACKCHANNEL


@pytest.mark.parametrize(
    ("text", "agent_text"),
    [
        ("Order 4271 was shipped.", "Order four two seven one was shipped yesterday."),
        ("4271", "Order four two seven one was shipped yesterday."),
        ("at 10:30 in the morning.", "We will call you back tomorrow at ten thirty in the morning."),
        ("12 plus 30 is 42.", "Twelve plus thirty is forty two."),
        ("Four two seven one", "Your order is 4271."),
        ("it costs $12.50", "All in all it costs $12.50 now."),
        ("From 9 in the morning to 6", "We are open today from nine in the morning to six in the afternoon."),
    ],
)
def test_echo_may_be_written_in_figures(text: str, agent_text: str) -> None:
    """Engines write the agent's own words in another way than the agent does. They are still its echo."""
    assert verdict(text, voiced_ms=900, silence_ms=SETTINGS.settle_ms, agent_text=agent_text) is BACKCHANNEL


def test_a_number_in_figures_has_as_many_words_as_it_was_said_with() -> None:
    """Four digits that are said over the agent are four words, also if they are written as one."""
    assert verdict("4271") is verdict("four two seven one") is INTERRUPTION
    assert verdict("10") is verdict("ten") is UNDECIDED


@pytest.mark.parametrize("text", ["no", "No."])
def test_a_command_that_the_agent_has_said_too_interrupts(text: str) -> None:
    """A command alone is the caller's. "No" may also be the beginning of "no rush", so it counts when it is over."""
    assert verdict(text) is UNDECIDED
    assert verdict(text, silence_ms=SETTINGS.settle_ms) is INTERRUPTION


@pytest.mark.parametrize("state", AgentState)
@pytest.mark.parametrize("text", ["Okay, I'll wait.", "no rush", "that's fine", "sure i'll hold", "take your time"])
def test_reassurance_cancels_nothing(text: str, state: AgentState) -> None:
    """What a caller says to a busy agent out of politeness lets it go on, however long it takes to say."""
    assert verdict(text, 1_000, state=state) is UNDECIDED
    assert verdict(text, 1_000, silence_ms=SETTINGS.settle_ms, state=state) is BACKCHANNEL


@pytest.mark.parametrize("text", ["stop", "no wait", "cancel that", "No, don't book it!", "hold on"])
def test_a_clear_command_stops_a_tool(text: str) -> None:
    """However short it is."""
    assert verdict(text, 500, silence_ms=SETTINGS.settle_ms, state=AgentState.TOOL) is INTERRUPTION


def test_the_agents_words_in_another_order_are_the_callers() -> None:
    """A question that is made of the agent's words is not taken for echo."""
    assert verdict("friday will it be there", silence_ms=SETTINGS.settle_ms) is INTERRUPTION


def test_words_that_the_agent_said_long_ago_are_the_callers() -> None:
    """Only the agent's last words can be echo."""
    lately = "and " + "so it goes on for a while with other words in every line of it " * 3
    assert verdict("order forty two", agent_text=f"{AGENT} {lately}") is INTERRUPTION


def test_a_cough_is_nothing() -> None:
    """A short sound without words lets the agent go on when the sound is over."""
    assert verdict("", voiced_ms=300, silence_ms=200) is UNDECIDED
    assert verdict("", voiced_ms=300, silence_ms=250) is BACKCHANNEL


def test_long_voice_without_words_interrupts() -> None:
    """A long voice interrupts without words, because speech-to-text lags behind."""
    assert verdict("", voiced_ms=880) is UNDECIDED
    assert verdict("", voiced_ms=900) is INTERRUPTION


def test_voice_that_its_words_do_not_explain_interrupts() -> None:
    """A voice that is much longer than its words interrupts, even if the transcript has stopped growing."""
    assert verdict("yeah", voiced_ms=1_280) is UNDECIDED
    assert verdict("yeah", voiced_ms=1_300) is INTERRUPTION


def test_words_on_their_way_are_waited_for() -> None:
    """While speech-to-text still works, a short sound stays undecided, for one second at most."""
    assert verdict("", silence_ms=980, settled=False) is UNDECIDED
    assert verdict("", silence_ms=1_000, settled=False) is BACKCHANNEL
    assert verdict("stop", silence_ms=300, settled=False) is INTERRUPTION


@given(st.text(max_size=50), st.floats(0, 5_000), st.floats(0, 5_000), st.booleans())
def test_an_uninterruptible_answer_goes_on(text: str, voiced_ms: float, silence_ms: float, settled: bool) -> None:
    """No words stop an uninterruptible reply. Those that ask for something stay open until it is over."""
    found = verdict(text, voiced_ms, silence_ms, interruptible=False, settled=settled)
    assert found is not INTERRUPTION
    over = settled and silence_ms >= SETTINGS.settle_ms
    assert found is UNDECIDED or over
    assert over or found is UNDECIDED


@pytest.mark.parametrize(("text", "found"), [("mhm", BACKCHANNEL), ("", BACKCHANNEL), ("where is it", UNDECIDED)])
def test_what_is_asked_over_an_uninterruptible_reply_is_kept(text: str, found: Meaning) -> None:
    """A murmur is dropped, and a question is not, however long the caller has been silent."""
    assert verdict(text, 700, 5_000, interruptible=False) is found


@given(st.text(max_size=50), st.text(max_size=50), st.floats(0, 5_000), st.booleans())
def test_silence_ends_every_doubt(text: str, agent_text: str, voiced_ms: float, settled: bool) -> None:
    """After a second of silence there is always a decision."""
    assert verdict(text, voiced_ms, SETTINGS.patience_ms, agent_text, settled=settled) is not UNDECIDED


def test_words_of_a_short_sound_are_not_trusted() -> None:
    """Words of a short sound let the agent go on, because they are often wrong. A command may be short."""
    assert verdict("three eight", voiced_ms=580, silence_ms=250) is BACKCHANNEL
    assert verdict("three eight", voiced_ms=580) is UNDECIDED
    assert verdict("stop", voiced_ms=200) is INTERRUPTION


@pytest.mark.parametrize(
    ("text", "earlier"), [("hold on", "all"), ("hold on", ""), ("two two", "two"), ("stop", "wait")]
)
def test_the_newest_words_are_a_guess(text: str, earlier: str) -> None:
    """While the sound lasts, only words that have not changed for a while count. At its end all words count."""
    assert verdict(text, earlier_text=earlier) is UNDECIDED
    assert verdict(text, earlier_text=earlier, silence_ms=SETTINGS.settle_ms) is INTERRUPTION


def test_while_nothing_is_heard_any_new_word_counts() -> None:
    """Before the reply is heard, one new word in a short sound interrupts: the caller was not done."""
    assert verdict("monday", voiced_ms=200, state=AgentState.THINKING) is INTERRUPTION
    assert verdict("monday", voiced_ms=180, state=AgentState.THINKING) is UNDECIDED
    assert verdict("monday", voiced_ms=200) is UNDECIDED


@pytest.mark.parametrize("text", ["mm-hm", "okay great", "monday", "hello", "sorry", "", "two of them"])
@pytest.mark.parametrize("silence_ms", [0, 250])
def test_a_murmur_does_not_end_a_tool(text: str, silence_ms: float) -> None:
    """While a tool runs, almost a second of unclear words lets the agent go on: they must not cancel a booking."""
    found = verdict(text, voiced_ms=880, silence_ms=silence_ms, state=AgentState.TOOL)
    assert found is (BACKCHANNEL if silence_ms else UNDECIDED)


def test_a_clear_interruption_ends_a_tool() -> None:
    """While a tool runs, a word that means stop or a sentence interrupts, and no voice without its words."""
    for text in ("stop", "no not on monday", "wait"):
        assert verdict(text, voiced_ms=300, state=AgentState.TOOL) is INTERRUPTION
    assert verdict("i meant the other one", voiced_ms=900, state=AgentState.TOOL) is INTERRUPTION
    assert verdict("", voiced_ms=5_000, state=AgentState.TOOL) is UNDECIDED


@given(st.text(max_size=50), st.floats(0, 5_000), st.floats(0, 5_000), st.sampled_from(AgentState))
def test_what_sounds_as_the_agent_did_is_its_echo(
    text: str, voiced_ms: float, silence_ms: float, state: AgentState
) -> None:
    """A sound that is the agent's own voice lets the agent go on at once, whatever its words are."""
    overlap = Overlap(voiced_ms, silence_ms, text, text, "", state, echoed=True)
    assert meaning_of(overlap, SETTINGS, ENGLISH) is BACKCHANNEL


def test_an_answer_to_the_agent_may_come_before_its_last_syllable() -> None:
    """Near the end of the reply "yes" is an answer to it, and interrupts. The agent's own word is still echo."""
    late = Overlap(200, 250, text="yes", earlier_text="yes", agent_text="Shall I call you at ten", left_ms=300)
    assert meaning_of(late, SETTINGS, ENGLISH) is Meaning.INTERRUPTION
    assert meaning_of(replace(late, text="ten"), SETTINGS, ENGLISH) is Meaning.BACKCHANNEL
