from collections.abc import Iterator

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from server.call.mouth.playout import FADE, MAX_QUEUED_FRAMES, Playout, Speech
from server.media.frame import SPOKEN_BYTES, SPOKEN_SAMPLES


def loud(frames: int = 1, level: int = 10_000) -> bytes:
    return np.full(frames * SPOKEN_SAMPLES, level, np.int16).tobytes()


def speech_of(*clauses: tuple[str, int]) -> Speech:
    """A finished speech of these clauses; each has a text and a number of frames."""
    speech = Speech()
    for text, frames in clauses:
        speech.begin(text)
        speech.add(loud(frames))
        speech.end()
    speech.finish()
    return speech


def playing(speech: Speech) -> Playout:
    playout = Playout()
    playout.play(speech)
    return playout


def levels(frame: bytes | None) -> tuple[int, int]:
    """The first and the last sample of a frame."""
    assert frame is not None
    samples = np.frombuffer(frame, np.int16)
    return int(samples[0]), int(samples[-1])


def test_silence_when_there_is_nothing() -> None:
    """A playout without a speech, or whose speech has no sound yet, gives no frame."""
    assert Playout().next() is None
    assert playing(Speech()).next() is None


def test_a_word_is_heard_when_it_is_over() -> None:
    """The heard text grows word by word with the frames, and is whole at the last frame."""
    speech = speech_of(("one two three", 13), ("four", 2))
    heard = [speech.heard]
    while speech.take():
        heard.append(speech.heard)
    assert heard == [""] * 3 + ["one"] * 4 + ["one two"] * 6 + ["one two three"] * 2 + ["one two three four"]
    assert speech.over


def test_a_clause_that_is_being_made_is_not_wholly_heard() -> None:
    """While the length of a clause is unknown, its words count at an assumed pace, and its last word does not count."""
    speech = Speech()
    speech.begin("one two three")
    speech.add(loud(13))
    for _ in range(13):
        speech.take()
    assert speech.heard == "one"
    speech.add(loud(100))
    for _ in range(100):
        speech.take()
    assert speech.heard == "one two"
    speech.end()
    assert speech.heard == "one two three"


def test_what_was_heard_stays_heard() -> None:
    """When a clause turns out to be longer than it seemed, no heard word is taken back."""
    speech = Speech()
    speech.begin("one two three")
    speech.add(loud(50))
    for _ in range(45):
        speech.take()
    before = speech.heard
    speech.add(loud(400))
    assert speech.heard == before == "one two"
    speech.take()
    assert speech.heard == before


def test_the_tail_of_a_clause_is_filled_up() -> None:
    """Every frame has 20 ms. The last one of a clause is filled up with silence."""
    speech = Speech()
    speech.begin("hi")
    speech.add(loud()[:100])
    assert not speech.ready
    speech.end()
    assert speech.take() == loud()[:100] + bytes(SPOKEN_BYTES - 100)


def test_a_speech_is_over_when_it_is_finished_and_heard() -> None:
    """A speech is over only when no more sound comes and the caller has heard all of it."""
    speech = Speech()
    assert not speech.over
    speech.begin("hi")
    speech.add(loud())
    speech.end()
    speech.finish()
    assert not speech.over
    speech.take()
    assert speech.over


def test_a_speech_has_room_for_30_seconds() -> None:
    """There is no more room when 30 s of sound wait to be heard."""
    speech = Speech()
    speech.begin("hi")
    speech.add(loud(MAX_QUEUED_FRAMES - 1))
    assert speech.room
    speech.add(loud())
    assert not speech.room
    speech.take()
    assert speech.room


def test_ducking_fades_out_and_goes_on_from_the_same_place() -> None:
    """The voice fades out within 60 ms. It comes back without a click, and says again what was faded."""
    playout = playing(speech_of(("hello", 6)))
    assert levels(playout.next()) == (10_000, 10_000)
    playout.duck()
    assert [levels(playout.next()) for _ in FADE] == [(10_000, 4_000), (4_000, 1_000), (1_000, 0)]
    assert [playout.next() for _ in range(5)] == [None] * 5
    playout.restore()
    assert [levels(playout.next()) for _ in range(5)] == [(0, 10_000), *[(10_000, 10_000)] * 4]
    assert playout.next() is None


def test_softened_speech_goes_on() -> None:
    """Softened speech is 6 dB lower and loses no sound. It can be ducked from there without a click."""
    playout = playing(speech_of(("hello", 5)))
    playout.soften(True)
    assert [levels(playout.next()) for _ in range(2)] == [(10_000, 5_000), (5_000, 5_000)]
    playout.soften(False)
    assert levels(playout.next()) == (5_000, 10_000)
    playout.soften(True)
    playout.duck()
    assert levels(playout.next()) == (10_000, 4_000)
    playout.soften(False)
    playout.restore()
    assert [levels(playout.next()) for _ in range(2)] == [(4_000, 10_000), (10_000, 10_000)]
    assert playout.next() is None


def test_a_voice_that_is_restored_in_the_fade_loses_nothing() -> None:
    """After a duck of one frame, this frame is said again."""
    playout = playing(speech_of(("hello", 3)))
    playout.next()
    playout.duck()
    playout.next()
    playout.restore()
    assert levels(playout.next()) == (4_000, 10_000)
    assert levels(playout.next()) == (10_000, 10_000)
    assert playout.next() is None


def test_a_duck_while_the_fade_is_said_again_keeps_the_order() -> None:
    """Frames that were faded twice are said again once, before the frames that follow."""
    speech = Speech()
    speech.begin("hello")
    for level in range(1_000, 7_000, 1_000):
        speech.add(loud(level=level))
    speech.end()
    playout = playing(speech)
    playout.next()
    playout.duck()
    for _ in range(3):
        playout.next()
    playout.restore()
    playout.duck()
    playout.next()
    playout.restore()
    assert [levels(playout.next())[1] for _ in range(5)] == [2_000, 3_000, 4_000, 5_000, 6_000]


def test_another_speech_begins_at_full_loudness() -> None:
    """A fade of one reply does not make the next one soft."""
    playout = playing(speech_of(("hello", 9)))
    playout.next()
    playout.duck()
    playout.next()
    playout.restore()
    playout.play(speech_of(("bye", 1)))
    assert playout.next() == loud()
    assert playout.next() is None


def test_a_ducked_speech_that_has_not_begun_waits() -> None:
    """A reply does not begin while the agent is ducked, and nothing of it is lost."""
    speech = speech_of(("hello", 1))
    playout = playing(speech)
    playout.duck()
    assert playout.next() is None
    assert not speech.begun
    playout.restore()
    assert playout.next() == loud()


def test_stopped_speech_is_not_heard() -> None:
    """After a stop the rest of the speech is not heard, and another speech may follow."""
    speech = speech_of(("hello there", 10))
    playout = playing(speech)
    playout.next()
    playout.stop()
    assert playout.next() is None
    assert speech.heard == ""
    playout.play(speech_of(("bye", 1)))
    assert playout.next() == loud()


WORDS = st.lists(st.sampled_from(["a", "word", "extraordinarily", "it's"]), min_size=1, max_size=6).map(" ".join)
CLAUSES = st.lists(st.tuples(WORDS, st.lists(st.integers(0, 30 * SPOKEN_SAMPLES), min_size=1, max_size=3)), max_size=5)
ACTIONS = st.sampled_from(["make", "make", "next", "next", "next", "next", "duck", "restore"])


@given(CLAUSES, st.lists(ACTIONS, max_size=80))
def test_any_interleaving(clauses: list[tuple[str, list[int]]], actions: list[str]) -> None:
    """In any order of making, playing and ducking, all frames are heard in order, and the text grows by whole words."""
    clauses = [(text, [SPOKEN_SAMPLES, *sizes]) for text, sizes in clauses]
    text = " ".join(text for text, _ in clauses)
    speech, heard, ducked, faded = Speech(), "", False, False
    playout, made = playing(speech), _make(speech, clauses)
    numbers: list[int | None] = []  # one for each unducked frame; None where the loudness still rises
    for action in [*actions, *["make"] * 100, "restore", *["next"] * 500]:
        if action == "make":
            next(made, None)
        elif action == "next":
            held, frame = ducked and not speech.begun, playout.next()
            assert not (held and frame)
            if frame and not ducked:
                numbers.append(None if faded else _number(frame))
            if frame:
                faded = ducked
        else:
            ducked = action == "duck"
            (playout.duck if ducked else playout.restore)()
        assert speech.heard.startswith(heard)
        assert speech.heard.split() == text.split()[: len(speech.heard.split())]
        heard = speech.heard
    assert speech.over
    assert heard == text
    assert [number for i, number in enumerate(numbers) if number not in (None, i % NUMBERS)] == []
    assert len(numbers) == sum(-(-sum(sizes) // SPOKEN_SAMPLES) for _, sizes in clauses)


NUMBERS = 50


def _make(speech: Speech, clauses: list[tuple[str, list[int]]]) -> Iterator[None]:
    """Make the speech step by step. The level of each frame stands for its number modulo NUMBERS."""
    first = 0
    for text, sizes in clauses:
        speech.begin(text)
        done = 0
        for size in sizes:
            numbers = first + np.arange(done, done + size) // SPOKEN_SAMPLES
            speech.add((500 + 600 * (numbers % NUMBERS)).astype(np.int16).tobytes())
            done += size
            yield
        speech.end()
        first += -(-done // SPOKEN_SAMPLES)
        yield
    speech.finish()


def _number(frame: bytes) -> int:
    """The number of a frame modulo NUMBERS, read from its loudest sample."""
    return round((int(np.frombuffer(frame, np.int16).max()) - 500) / 600)


def test_a_speech_is_shortened_to_its_first_clauses() -> None:
    """The sound of the others is gone, except of the one that is being heard."""
    clauses = ("one.", 3), ("two,", 3), ("three", 3)
    for heard_frames, kept, text in ((0, 1, "one."), (3, 1, "one."), (4, 2, "one. two,"), (7, 3, "one. two, three")):
        speech = speech_of(*clauses)
        for _ in range(heard_frames):
            speech.take()
        assert speech.shorten(1) == kept
        while speech.take():
            pass
        assert speech.heard == text


def test_the_rest_of_a_sample_goes_with_its_clause() -> None:
    """What comes after a clause that was left out begins a new frame."""
    speech = speech_of(("one.", 3))
    speech.begin("two,")
    speech.add(loud(1)[:-2])
    speech.shorten(1)
    speech.end()
    assert speech.ahead_ms == 60


def test_the_words_of_a_model_that_speaks_itself_come_beside_its_sound() -> None:
    """What was heard is a share of the words, and what is left begins with the sentence that was cut off."""
    speech = Speech()
    number = speech.begin_answer()
    speech.extend("One two three.")
    speech.extend(" Four five six. Seven.")
    speech.add(loud(30))
    for _ in range(15):
        speech.take()
    assert speech.heard == "One"  # more sound may come: 15 characters a second are assumed
    speech.end()
    speech.finish()
    assert speech.heard == "One two three."
    assert speech.heard_ms(number) == 300
    assert speech.unheard == "Four five six. Seven."
    while speech.take():
        pass
    assert speech.heard == "One two three. Four five six. Seven."
    assert speech.unheard == ""
    speech.take_back(15)  # a dead connection has not brought it
    assert speech.unheard == "Four five six. Seven."


def test_an_answer_is_announced_sentence_by_sentence_as_its_words_come() -> None:
    """Each part once, in whole words, and none of it after it was heard."""
    speech = Speech()
    speech.begin("One moment.", aside=True)
    speech.begin_answer()
    speech.extend("It is")
    assert speech.announce() == ["One moment."]
    assert speech.pronounced
    speech.extend(" ten. And it ra")
    assert speech.announce() == ["It is ten."]
    speech.extend("ins. Bye.")
    assert speech.announce() == ["And it rains."]
    assert speech.announce() == []
    assert speech.end_answer(lost=False) == "It is ten. And it rains. Bye.", "no sound has come"


def test_words_that_come_with_their_sound_are_announced_before_they_are_heard() -> None:
    speech = Speech()
    speech.begin_answer()
    for word in "Once upon a time there was a shop".split():
        speech.extend(f"{word} ")
        speech.add(bytes(SPOKEN_BYTES * 20))
    announced = ""
    while speech.take() is not None:
        announced = " ".join([announced, *speech.announce()]).strip()
        assert announced.startswith(speech.heard.strip())
    assert announced
    assert not speech.pronounced


def test_the_words_of_a_lost_answer_whose_sound_has_not_come() -> None:
    """How much of an answer has come is guessed by the pace of speech. What was heard stays."""
    text = "Once upon a time there was a shop that sold everything."
    speech = Speech()
    speech.begin_answer()
    speech.extend(text)
    speech.add(bytes(SPOKEN_BYTES * 50))
    rest = speech.end_answer(lost=True)
    assert rest
    speech.begin(rest)
    speech.add(bytes(SPOKEN_BYTES))
    speech.end()
    speech.finish()
    while speech.take() is not None:
        pass
    assert speech.heard == text
    assert 10 <= len(text) - len(rest) <= 16


def test_words_without_spaces_are_heard_one_by_one() -> None:
    """In Chinese, Japanese and Thai an answer that is cut off in its middle was heard to there."""
    for text, half in (("从前有一家商店", "从前有"), ("むかしむかし", "むかし"), ("สวัสดีครับ", "สวัส")):
        speech = speech_of((text, 100))
        for _ in range(50):
            speech.take()
        assert speech.heard == half
