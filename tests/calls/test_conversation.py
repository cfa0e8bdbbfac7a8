"""Whole calls, from frames to frames, on virtual time."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import replace

import numpy as np
import pytest

from server.call import messages
from server.call.cadence import Cadence
from server.call.options import CallOptions
from server.call.reply import Manner
from server.call.settings import CallSettings
from server.call.tongue import Tongue, check_language
from server.errors import PeerError
from server.speech.protocols import Pcm
from tests.fakes.people import COUGH, Caller, LetterSpeechToText, Mind, SteadyTextToSpeech, last_said
from tests.virtual_time import run_virtual


def test_a_question_is_heard_and_answered() -> None:
    """What the person says is captioned, answered aloud and written down."""

    async def scenario() -> None:
        mind = Mind(answers={"where is my order": "It has been sent. It comes tomorrow."})
        async with Caller(mind) as caller:
            await caller.say("where is my order")
            await caller.until_silent()
        assert caller.captions == ["where is my order"]
        assert [answer.text for answer in caller.answers] == ["It has been sent. It comes tomorrow."]
        assert caller.states == ["listening", "hearing", "thinking", "speaking", "listening", "closed"]
        assert caller.session.history.last_said.strip() == "It has been sent. It comes tomorrow."
        assert caller.stt.opened == caller.stt.closed == 1

    run_virtual(scenario())


def test_the_answer_is_ready_when_the_person_is_done() -> None:
    """Speech-to-text, model and voice work inside the pause, so the gap is the endpoint and nothing more."""

    async def scenario() -> None:
        async with Caller(Mind(first_token_ms=60), LetterSpeechToText(final_ms=40)) as caller:
            await caller.say("what time is it")
            end_ms = caller.now_ms
            await caller.until_silent()
            sound_ms = caller.first_sound_ms(end_ms)
        assert sound_ms is not None
        assert 220 <= sound_ms - end_ms <= 300

    run_virtual(scenario())


@pytest.mark.parametrize("final_ms", [40, 700])
def test_an_answer_that_is_ready_need_not_wait_for_a_tick(final_ms: int) -> None:
    """The line is told once, when the endpoint finds the answer prepared, or as soon as it has its first sound."""

    async def scenario() -> None:
        async with Caller(Mind(first_token_ms=60), LetterSpeechToText(final_ms=final_ms)) as caller:
            await caller.say("what time is it")
            await caller.until_silent()
        thinking, speaking = (told.at_ms for told in caller.told if _shows(told.message, "thinking", "speaking"))
        (hurried_ms,) = caller.hurried_ms
        assert speaking - 20 <= hurried_ms <= speaking
        assert (hurried_ms == thinking) is (final_ms == 40)

    run_virtual(scenario())


def _shows(message: messages.ServerMessage, *states: str) -> bool:
    return isinstance(message, messages.State) and message.state in states


class HighCadence(Cadence):
    """That of a person whose voice never comes to rest."""

    def over(self) -> float | None:
        return 0.45


def test_who_always_ends_high_is_soon_understood() -> None:
    """Each answer that was let be said shows that the person had been done."""

    async def scenario() -> None:
        async with Caller(Mind()) as caller:
            caller.session.dialogue.ears.sound.cadence = HighCadence()
            gaps_ms = [await gap_ms(caller, f"i like {colour} books") for colour in ("red", "green", "blue")]
        assert gaps_ms == sorted(set(gaps_ms), reverse=True)

    run_virtual(scenario())


def test_who_goes_on_from_such_a_sound_is_waited_for() -> None:
    """The pauses before make the wait at the end longer than it is without them."""

    async def scenario(pauses: int) -> float:
        async with Caller(Mind()) as caller:
            caller.session.dialogue.ears.sound.cadence = HighCadence()
            for _ in range(pauses):
                await caller.say("i like books")
                await caller.wait(240)
            return await gap_ms(caller, "i like books")

    assert run_virtual(scenario(0)) < run_virtual(scenario(3))


async def gap_ms(caller: Caller, text: str) -> float:
    """From the end of what is said to the first sound of the answer."""
    await caller.say(text)
    end_ms = caller.now_ms
    await caller.until_silent(2_000)
    return (caller.first_sound_ms(end_ms) or 0) - end_ms


def test_a_pause_inside_a_sentence_leaves_no_trace() -> None:
    """Who goes on after a pause is answered once, for all that was said; what was prepared is gone."""

    async def scenario() -> None:
        mind = Mind()
        async with Caller(mind) as caller:
            await caller.say("i like books")
            await caller.wait(200)
            await caller.say("with green covers")
            await caller.until_silent()
        assert caller.captions == ["i like books with green covers"]
        assert [answer.text for answer in caller.answers] == ["You said i like books with green covers."]
        assert len(caller.session.history.messages) == 2
        assert mind.requests == 2

    run_virtual(scenario())


def test_no_answer_is_prepared_where_more_must_come() -> None:
    """A short pause after words that cannot be all costs no request."""

    async def scenario() -> None:
        mind = Mind()
        async with Caller(mind) as caller:
            await caller.say("i would like")
            await caller.wait(400)
            await caller.say("a green book")
            await caller.until_silent()
        assert [answer.text for answer in caller.answers] == ["You said i would like a green book."]
        assert mind.requests == 1

    run_virtual(scenario())


def test_a_tool_waits_for_the_commit() -> None:
    """A tool that was called for half a sentence does not run."""

    async def scenario() -> None:
        mind = Mind()
        async with Caller(mind) as caller:
            await caller.say("book a table")
            await caller.wait(200)
            await caller.say("for four")
            await caller.until_silent()
        assert mind.booked == ["a table for four"]
        assert caller.answers[-1].tools == ["book"]
        assert caller.answers[-1].text == "One moment. Done: booked a table for four."

    run_virtual(scenario())


def test_who_cuts_in_is_heard() -> None:
    """The agent falls silent, what it was heard to say is history, and the interruption is answered."""

    async def scenario() -> None:
        story = "Once upon a time there was a shop. It sold books of every kind. Nobody knew where they came from."
        mind = Mind(answers={"tell me a story": story})
        async with Caller(mind) as caller:
            await caller.say("tell me a story")
            await caller.wait(2500)
            onset_ms = caller.now_ms
            await caller.say("stop please")
            silent_ms = caller.now_ms
            await caller.until_silent()
        first, second = caller.answers
        assert first.interrupted
        assert story.startswith(first.text)
        assert 10 < len(first.text) < 60
        assert not any(caller.heard[int((onset_ms + 500) / 20) : int(silent_ms / 20)])
        assert second.text == "You said stop please."
        history = mind.seen[-1]
        assert [part.content for part in history[1].parts] == [first.text + " —"]

    run_virtual(scenario())


def test_a_cough_over_the_agent_changes_nothing() -> None:
    """A sound without words holds the agent for a moment; the same answer goes on to its end."""

    async def scenario() -> None:
        story = "Once upon a time there was a shop. It sold books of every kind."
        mind = Mind(answers={"tell me a story": story})
        async with Caller(mind) as caller:
            await caller.say("tell me a story")
            await caller.wait(2000)
            await caller.say(COUGH)
            await caller.until_silent()
        assert [answer.text for answer in caller.answers] == [story]
        assert not caller.answers[0].interrupted
        assert mind.requests == 1

    run_virtual(scenario())


def test_at_the_first_sign_of_a_voice_the_agent_is_softer() -> None:
    """For a moment, and without losing its place."""

    async def scenario() -> None:
        story = "Once upon a time there was a shop. It sold books of every kind."
        mind = Mind(answers={"tell me a story": story})
        async with Caller(mind) as caller:
            await caller.say("tell me a story")
            await caller.wait(2000)
            start = len(caller.heard)
            await caller.say(COUGH, word_ms=20)
            await caller.until_silent()
        loudest = [np.abs(np.frombuffer(frame, np.int16).astype(int)).max() for frame in caller.heard[start:] if frame]
        soft = [number for number, level in enumerate(loudest[:20]) if level < 0.6 * max(loudest)]
        assert 1 <= len(soft) <= 4
        assert soft[0] <= 1
        assert [answer.text for answer in caller.answers] == [story]
        assert caller.states[-3:] == ["speaking", "listening", "closed"]

    run_virtual(scenario())


def test_a_noise_in_silence_is_not_answered() -> None:
    """A cough while nobody speaks is withdrawn and asks the model nothing."""

    async def scenario() -> None:
        mind = Mind()
        async with Caller(mind) as caller:
            await caller.say(COUGH)
            await caller.wait(3000)
        assert mind.requests == 0
        assert not any(caller.heard)
        assert [(m.text, m.final) for m in caller.of(messages.Transcription)] == [("", True)]
        assert caller.states[-2:] == ["listening", "closed"]

    run_virtual(scenario())


def test_words_said_while_the_answer_is_made_are_answered_together() -> None:
    """Who goes on before anything was heard is answered once, for both."""

    async def scenario() -> None:
        mind = Mind(first_token_ms=900)
        async with Caller(mind) as caller:
            await caller.say("i want a book")
            await caller.wait(500)
            await caller.say("about green birds")
            await caller.until_silent()
        assert [answer.text for answer in caller.answers if answer.text] == [
            "You said i want a book about green birds."
        ]
        prompts = [last_said([message]) for message in caller.session.history.messages[::2]]
        assert prompts == ["i want a book about green birds"]

    run_virtual(scenario())


def test_typing_is_speaking() -> None:
    """A typed message is captioned and answered aloud."""

    async def scenario() -> None:
        async with Caller(Mind()) as caller:
            caller.session.receive(messages.Text(text="hello there"))
            await caller.until_silent()
        assert caller.captions == ["hello there"]
        assert caller.answers[0].text == "You said hello there."

    run_virtual(scenario())


def test_the_greeting_comes_at_once() -> None:
    """The agent speaks first, within 300 ms of the connection."""

    async def scenario() -> None:
        async with Caller(Mind(), greeting="Hello, this is the shop.") as caller:
            await caller.until_silent()
        sound_ms = caller.first_sound_ms(0)
        assert sound_ms is not None
        assert sound_ms <= 300
        assert caller.answers[0].text == "Hello, this is the shop."

    run_virtual(scenario())


@pytest.mark.parametrize("broken", ["speech-to-text", "model", "text-to-speech"])
def test_a_failing_engine_is_an_apology(broken: str) -> None:
    """Whatever fails once, the caller reads it, hears an apology, and is answered the next time."""

    async def scenario() -> None:
        mind = Mind(failures=int(broken == "model"))
        stt = LetterSpeechToText(failures=int(broken == "speech-to-text"))
        tts = SteadyTextToSpeech(failures=int(broken == "text-to-speech"))
        async with Caller(mind, stt, tts) as caller:
            await caller.say("what time is it")
            await caller.until_silent()
            assert [type(m) for m in caller.of(messages.Error)] == [messages.Error]
            assert caller.answers[-1].text.startswith("Sorry, something went wrong")
            await caller.say("and now again please")
            await caller.until_silent()
        assert "and now again please" in caller.answers[-1].text

    run_virtual(scenario())


def test_a_worker_that_is_away_for_a_while_does_not_silence_the_apology() -> None:
    """The apology is tried again when text-to-speech is what is broken."""

    async def scenario() -> None:
        async with Caller(Mind(), tts=SteadyTextToSpeech(failures=3)) as caller:
            await caller.say("what time is it")
            await caller.until_silent()
        assert caller.answers[-1].text.startswith("Sorry")

    run_virtual(scenario())


def test_a_silent_caller_is_asked_twice_and_then_bidden_goodbye() -> None:
    """Nobody there: two questions, a goodbye, and the call is over."""

    async def scenario() -> None:
        async with Caller(Mind(), settings=CallSettings(idle_prompt_s=5)) as caller:
            async with asyncio.timeout(60):
                await asyncio.shield(caller._running)
        assert caller.tts.said == ["Are you still there?", "Are you still there?", "Goodbye."]
        assert caller.states[-1] == "closed"

    run_virtual(scenario())


def test_a_client_that_stops_sending_is_answered() -> None:
    """Packets may stop with the voice; the silence is then counted by playout."""

    async def scenario() -> None:
        async with Caller(Mind()) as caller:
            await caller.say("what time is it")
            await caller.wait(40)
            caller.sending = False
            await caller.until_silent()
        assert caller.captions == ["what time is it"]

    run_virtual(scenario())


def test_stop_by_the_button() -> None:
    """The client's interrupt silences the agent and keeps what was heard."""

    async def scenario() -> None:
        mind = Mind(answers={"tell me": "One two three four five six seven eight nine ten eleven twelve."})
        async with Caller(mind) as caller:
            await caller.say("tell me")
            await caller.wait(1500)
            caller.session.receive(messages.Interrupt())
            await caller.wait(2000)
        assert not any(caller.heard[-90:])
        assert caller.answers[0].interrupted
        assert caller.states[-2:] == ["listening", "closed"]

    run_virtual(scenario())


def test_a_yes_into_the_last_syllable_is_an_answer() -> None:
    """A word that would cheer the agent on is an early reply when the agent is all but done."""

    async def scenario() -> None:
        mind = Mind(answers={"call me": "Shall I call you at ten?", "yes": "Then at ten."})
        async with Caller(mind) as caller:
            await caller.say("call me")
            await caller.wait(1500)
            await caller.say("yes")
            await caller.until_silent()
        assert [answer.text for answer in caller.answers][-1] == "Then at ten."

    run_virtual(scenario())


def test_a_yes_in_the_middle_cheers_the_agent_on() -> None:
    """The same word in the middle of a long answer stops nothing, and no word of the answer is lost."""

    async def scenario() -> None:
        story = "Once upon a time there was a shop. It sold books of every kind, and people came from far away."
        async with Caller(Mind(answers={"tell me a story": story})) as caller:
            await caller.say("tell me a story")
            await caller.wait(1500)
            await caller.say("yes")
            await caller.until_silent()
        assert [(answer.text, answer.interrupted) for answer in caller.answers] == [(story, False)]
        said = b"".join(pcm for pcm in caller.heard if pcm)
        assert len(said) >= 2 * 24_000 * len(story) / 15

    run_virtual(scenario())


def test_a_cough_while_slow_words_are_awaited_does_not_lose_the_question() -> None:
    """A second sound over the wait for the first one's transcript leaves that wait alone."""

    async def scenario() -> None:
        async with Caller(Mind(), LetterSpeechToText(final_ms=800)) as caller:
            await caller.say("what time is it")
            await caller.wait(500)
            await caller.say(COUGH)
            await caller.until_silent(limit_ms=20_000)
        assert caller.answers[-1].text == "You said what time is it."

    run_virtual(scenario())


def test_without_a_voice_a_call_still_ends() -> None:
    """With text-to-speech dead for good, a silent caller is let go all the same."""

    async def scenario() -> None:
        tts = SteadyTextToSpeech(failures=1000)
        async with Caller(Mind(), tts=tts, settings=CallSettings(idle_prompt_s=5)) as caller:
            async with asyncio.timeout(60):
                await asyncio.shield(caller._running)
        assert caller.states[-1] == "closed"

    run_virtual(scenario())


def test_broken_sound_is_an_apology() -> None:
    """An engine that breaks its protocol fails like one that says so."""

    class Odd(SteadyTextToSpeech):
        async def synthesize(self, text: str, voice: str, language: str = "") -> AsyncGenerator[Pcm, None]:
            if not text.startswith("Sorry"):
                yield Pcm(22_050, b"\0\0\0")
            async for pcm in super().synthesize(text, voice):
                yield pcm

    async def scenario() -> None:
        async with Caller(Mind(), tts=Odd()) as caller:
            await caller.say("what time is it")
            await caller.until_silent(limit_ms=20_000)
        assert caller.answers[-1].text.startswith("Sorry")

    run_virtual(scenario())


def test_what_comes_before_a_slow_tool_is_said_while_it_runs() -> None:
    """ "One moment" is heard at once, not when the tool has ended."""

    async def scenario() -> None:
        async with Caller(Mind(tool_s=6)) as caller:
            await caller.say("book a table")
            end_ms = caller.now_ms
            await caller.wait(3000)
            assert caller.tts.said == ["One moment."]
            await caller.until_silent()
        sound_ms = caller.first_sound_ms(end_ms)
        assert sound_ms is not None
        assert sound_ms - end_ms < 500
        assert caller.answers[-1].text == "One moment. Done: booked a table."

    run_virtual(scenario())


@pytest.mark.parametrize(("sound", "ends"), [("okay", False), ("monday then", False), ("stop", True)])
def test_a_murmur_does_not_cancel_a_booking(sound: str, ends: bool) -> None:
    """While a tool runs the person has to be clear, and what they murmur leaves no trace."""

    async def scenario() -> None:
        mind = Mind(tool_s=4)
        async with Caller(mind) as caller:
            await caller.say("book a table")
            await caller.wait(2500)
            await caller.say(sound)
            await caller.until_silent(ms=5_000)
        assert mind.booked == ([] if ends else ["a table"])
        assert caller.answers[0].interrupted is ends
        assert caller.captions[1:] == ([sound] if ends else [])

    run_virtual(scenario())


def test_who_talks_over_the_goodbye_does_not_hold_it_back() -> None:
    """What must be said is said without a gap."""

    async def scenario() -> None:
        async with Caller(Mind()) as caller:
            caller.session.leave()
            await caller.wait(300)
            await caller.say("but i have another question")
        assert [answer.text for answer in caller.answers] == ["Goodbye."]
        assert not caller.answers[0].interrupted
        heard = [number for number, pcm in enumerate(caller.heard) if pcm]
        assert heard == list(range(heard[0], heard[0] + len(heard)))
        loudest = [max(memoryview(caller.heard[number] or b"").cast("h")) for number in heard[:-1]]
        assert min(loudest) > 0.9 * max(loudest)

    run_virtual(scenario())


@pytest.mark.parametrize("doing", ["listening", "hearing", "speaking"])
def test_leaving_says_goodbye_whatever_goes_on(doing: str) -> None:
    """Asked to leave in any state, the agent says goodbye once and the call ends."""

    async def scenario() -> None:
        async with Caller(Mind(answers={"talk": "This is a long answer that goes on for a while."})) as caller:
            if doing == "speaking":
                await caller.say("talk")
                await caller.wait(1500)
            elif doing == "hearing":
                await caller.say("i would like to")
            caller.session.leave()
            async with asyncio.timeout(10):
                await asyncio.shield(caller._running)
        assert caller.answers[-1].text == "Goodbye."
        assert caller.tts.said.count("Goodbye.") == 1

    run_virtual(scenario())


def test_silence_asked_for_during_the_goodbye_ends_the_call() -> None:
    """Who stops the goodbye has left."""

    async def scenario() -> None:
        async with Caller(Mind()) as caller:
            caller.session.leave()
            await caller.wait(200)
            caller.session.receive(messages.Interrupt())
            async with asyncio.timeout(1):
                await asyncio.shield(caller._running)

    run_virtual(scenario())


def test_after_an_apology_the_question_is_asked_once() -> None:
    """What failed is not put in front of what the person says next."""

    async def scenario() -> None:
        mind = Mind(failures=1)
        async with Caller(mind) as caller:
            await caller.say("where is my order")
            await caller.until_silent()
            await caller.say("where is my order")
            await caller.until_silent()
        assert last_said(mind.seen[-1]) == "where is my order"

    run_virtual(scenario())


def test_an_answer_that_cannot_be_spoken_is_an_apology() -> None:
    """A model that answers with a picture leaves nobody in silence."""

    async def scenario() -> None:
        async with Caller(Mind(answers={"smile": "😀"})) as caller:
            await caller.say("smile")
            await caller.until_silent()
        assert caller.answers[-1].text.startswith("Sorry")

    run_virtual(scenario())


def test_deafness_to_a_murmur_does_not_cut_the_answer_off() -> None:
    """Speech-to-text that fails on a sound over the agent is reported; the agent goes on."""

    async def scenario() -> None:
        story = "Once upon a time there was a shop. It sold books of every kind, and people came from far away."
        stt = LetterSpeechToText(partial_ms=None)
        async with Caller(Mind(answers={"tell me a story": story}), stt) as caller:
            await caller.say("tell me a story")
            await caller.wait(1500)
            stt.failures = 1
            await caller.say("right")
            await caller.until_silent()
        assert [(answer.text, answer.interrupted) for answer in caller.answers] == [(story, False)]
        assert len(caller.of(messages.Error)) == 1

    run_virtual(scenario())


def test_two_quick_messages_are_answered_together() -> None:
    """A message typed right after another is answered with it, once."""

    async def scenario() -> None:
        async with Caller(Mind()) as caller:
            caller.session.receive(messages.Text(text="hello"))
            caller.session.receive(messages.Text(text="there"))
            await caller.until_silent()
        assert caller.answers[-1].text == "You said hello there."

    run_virtual(scenario())


def test_an_endless_utterance_is_answered_in_time() -> None:
    """Who talks without end, pauses and all, is answered before speech-to-text runs out of memory."""

    async def scenario() -> None:
        async with Caller(Mind()) as caller:
            for _ in range(20):
                await caller.say("and then and")
                await caller.wait(900)
                if caller.captions:
                    break
            assert caller.now_ms < 33_000

    run_virtual(scenario())


def test_a_call_in_another_language() -> None:
    """Heard, answered and spoken in it; the agent's own lines stay in its own language and voice."""

    async def scenario() -> None:
        caller = Caller(Mind(), greeting="Hello, this is the shop.", options=CallOptions(language="de"))
        async with caller:
            await caller.until_silent()
            await caller.say("wie spät ist es")
            await caller.until_silent()
        assert caller.stt.asked == [((), "de")]
        assert "tag de:" in caller.mind.told[-1]
        spoken = list(zip(caller.tts.said, caller.tts.manners, strict=True))
        assert spoken[0] == ("Hello, this is the shop.", ("", ""))
        assert spoken[-1] == ("You said wie spät ist es.", ("", "de"))

    run_virtual(scenario())


def test_the_agents_own_language_may_be_chosen() -> None:
    """Then its phrases and its voice stay; without a choice nobody is told of a language."""

    async def scenario() -> None:
        agent = replace(Mind().agent(), voice="amy", phrases=("what time is it",), greeting="Hello.")
        english, none = Tongue(agent, CallOptions(language="en-GB")), Tongue(agent, CallOptions())
        assert english.expected(agent.phrases) == none.expected(agent.phrases) == agent.phrases
        assert english.answers == english.of_line("Hello.") == Manner("amy", "en-GB")
        assert none.answers == none.of_line("Hello.") == Manner("amy", "")
        german = Tongue(agent, CallOptions(language="de", voice="eva"))
        assert (german.answers, german.of_line("Hello.")) == (Manner("eva", "de"), Manner("amy", ""))
        assert german.of_line("Guten Tag.") == german.answers
        async with Caller(Mind()) as caller:
            await caller.say("hello")
            await caller.until_silent()
        assert "language" not in caller.mind.told[-1]

    run_virtual(scenario())


@pytest.mark.parametrize(
    ("language", "unknown"), [("de", None), ("", None), ("fr", "text-to-speech"), ("en-GB", "the agent")]
)
def test_a_language_that_somebody_does_not_know_is_refused(language: str, unknown: str | None) -> None:
    """The sentence says who does not know it."""
    stages = {"speech-to-text": ["en", "de", "fr"], "text-to-speech": ["en_US", "de_DE"], "the agent": ["de"]}
    if unknown is None:
        check_language(language, stages)
        return
    with pytest.raises(PeerError, match=unknown):
        check_language(language, stages)
