import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.agent.demo.phrases import front_desk_phrases
from server.call.turns.lexicon.english import ENGLISH
from server.call.turns.lexicon.english_writing import DIGITS, TEENS, TENS
from server.call.turns.lexicon.lexicon import Completeness, Kind, Wanted


def completeness(text: str) -> Completeness:
    return ENGLISH.ending(text).completeness


NOTHING = "| . | ... | — | ?!"
COMPLETE = """
    what time do you open | where is my order | what's my name | what day is it | what time is it | what can you do
    who are you | how are you | where are you | how old is she | where are they | who am i | no thank you | yes please
    that's it | come on | hold on | hang on | go on | come in | why not | of course not | no it's not | i'm not sure
    i don't have one | the blue one | this one | which one | no one | another one | do you have one
    what is it about | what's this for | who is it from | where are you from | who am i talking to
    who can i talk to | what are you looking for | what can you help me with | what's it like | if you want to
    yes it is | no it isn't | yes i do | yes i am | i think so | i hope so | i don't know why | as soon as you can
    if you can | that's all i have | that's all i need | what do i need | what do you do | what should i do
    what do you have | how many do you have | how long will it be | how have you been | how many are there
    how much is it | where is it | i need it | i'll take it | forget it | do it | i know that | what was that
    can you repeat that | i didn't catch that | i'd like that | i did it | bye then | okay then | see you then
    very well | thank you | see you | call me | can you hear me | thanks for calling | who is calling
    your opening times | i want to know where my order is | do you know what time it is | can you tell me what it is
    five p m | at nine a m | call me at nine o'clock | are you open today | goodbye then
    My name is Anna. | What is it about? | What are your opening hours? | Stop! | Is that a 4? | What’s my name?
    She said "thank you." | Where is it? | It is at 10 AM | Call me at 10 a.m. | 9am | at ten am | It's 20%
    The blue 1.
    Mm-hmm. | Mm hmm | Alright. | That's all, thank you. | Okay, I'll wait. | 7 of clubs. | It's $5. | My order, please.
    in May | the 3rd of May | Can I book for May? | My name is Will | sorry what | I do | i am | I am. | it is
    we do | I'd love to | I'd be happy to | I don't want to | that's what I came for | what I was looking for
    it won't turn on | the heating is not on | is the doctor in | can I just walk in | breathe in | I'm afraid not
    not that I know of | yes that's the one I have | this is she | can you fit me in
    I'm calling about the boots the heating doesn't come on
"""
SINGLE = "yes | Yes. | OK. | no | hello | okay | tomorrow | what | when | thanks | stop | oh"
NUMBER = """
    where is my order four two | my number is four two | my number is 555 12 | order one | twenty | at nine | one
    five five five oh | Order 42. | it's for nine thirty | what is two plus two | it is number one | five hundred
    my name is d a n | is it at one | it's d a n a | My name is K-A-I.
    My number is 4, 2 | My number is 4.2. | My number is 4-2. | My number is 42. | My number is 4 too, 2 | Twenty-one.
    at 4:30 | At 430. | 4 2 7 1 | 4271 | My name is D-A-N. | It is number 1. | Order 1.
"""
OPEN = """
    my number is | My number is. | my name is | i want to | i'd like to | i would like | i'd like a | i need
    yes i need | can you call me back at | is it open today and | can you | could you | do you | do you have | are you
    is it | is there | hello is there | is that | where is | where is my | what is the | what's the price of
    what about | how about | how many | and | um | so um | well | so | then | and then | the | my | double | two point
    two plus | I’d like
    i was wondering | i'm looking for | i'm calling about | because | it's | you're | what time do you | when do you
    when are you | what time do you open on | where can i talk to | who can i | can you tell me | please give me
    i think | i think that | if | if you | i was | i have | i'm not | i do not | yes but | no i | how does it
    when did it | can i get it with | do you know when | i'd like to know when | which | how | yes i'd like
    something like | i want to know if | i said i | Where is the... | Hello, | I want to order a — | My order is:
    I can’t come, but | And… | And... | and - | And. | Uh, | Uh. | Um... | Ummm | Hmm. | My number is 4, 2,
    Where is my? | Can you tell me? | Do you? | So the thing is... | Call me back at. | 12 +
    What's 2 plus? | I’m.
    my appointment is on | is the meeting in | what i want to | that's what i want to | this will | the doctor may
    she may | we'd love to have a | the one i | i did not | can you turn on | they made a reservation in
    I'd like to. | i know of
"""


def rows(table: str) -> list[str]:
    return [text.strip() for line in table.strip().splitlines() for text in line.split("|")]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        *((text, Completeness.NOTHING) for text in rows(NOTHING)),
        *((text, Completeness.COMPLETE) for text in rows(COMPLETE)),
        *((text, Completeness.SINGLE) for text in rows(SINGLE)),
        *((text, Completeness.NUMBER) for text in rows(NUMBER)),
        *((text, Completeness.OPEN) for text in rows(OPEN)),
    ],
)
def test_completeness(text: str, kind: Completeness) -> None:
    """Whole sentences, as callers say them, are told from the beginnings of sentences."""
    assert completeness(text) is kind


def test_what_callers_of_the_demo_say_is_whole() -> None:
    """No sentence that callers of the demo are expected to say counts as open."""
    assert [phrase for phrase in front_desk_phrases() if completeness(phrase) is Completeness.OPEN] == []


@pytest.mark.parametrize("word", ["and", "what time is it", "please do you have", "one", "a", "who what is"])
def test_a_long_story_is_judged_by_its_end(word: str) -> None:
    """An utterance of thousands of words is judged by its last words."""
    story = f"{'what can you do that you have ' * 1000}{word}"
    assert completeness(story) is completeness(story[-400:])


@pytest.mark.parametrize(
    ("agent_text", "asks"),
    [
        ("Sure. What is your order number?", True),
        ("I heard four two. An order number has four digits. What is yours?", True),
        ("I heard four two, and our order numbers have four digits. Could you say it again?", True),
        ("Please tell me your order number.", True),
        ("How can I help?", False),
        ("Order four two seven one was shipped yesterday.", False),
        ("What is your name?", False),
        ("", False),
    ],
)
def test_what_asks_for_a_number(agent_text: str, asks: bool) -> None:
    """The agent asks for a number if its last sentence is a question for one, or a request to say one."""
    assert (ENGLISH.asked_for(agent_text) is Wanted.NUMBER) is asks


FIGURES = {word: str(value) for value, word in enumerate(DIGITS + TEENS)} | {
    word: str(10 * place) for place, word in enumerate(TENS, 2)
}
PLAIN = [
    text for text in rows(f"{COMPLETE} | {SINGLE} | {NUMBER} | {OPEN}") if text == text.lower() and text[-1:].isalpha()
]


def in_figures(text: str) -> str:
    """`text` with its numbers in figures, as Whisper writes them."""
    return " ".join(FIGURES.get(word, word) for word in text.split())


@given(st.sampled_from(PLAIN), st.data())
def test_how_the_words_are_written_does_not_matter(text: str, data: st.DataObject) -> None:
    """Capitals, figures, a curly apostrophe and a full stop do not change the kind of a sentence."""
    written = data.draw(st.sampled_from((text, in_figures(text))))
    written = data.draw(st.sampled_from((written, written.capitalize(), written.title(), written.upper())))
    written = written.replace("'", "’") + data.draw(st.sampled_from(("", ".", " ")))
    assert completeness(written) is completeness(text)


@pytest.mark.parametrize(
    "text", rows("4271 | 4, 2, 7, 1. | 42-71 | 4.2.7.1 | forty-two seventy-one | My number is 4 2 7 1. | 9, oh, 4, 6")
)
def test_a_number_with_all_its_digits_is_whole(text: str) -> None:
    """The digits are counted in every writing."""
    assert ENGLISH.ending(text).digits == 4


@pytest.mark.parametrize("text", rows("at ten | at 10 | at 10:00 | What's 7 x 8 | 30 - 10 | It's 12 + 30. | at 10."))
def test_a_number_is_whole_where_few_digits_are_said(text: str) -> None:
    """After "at" and in a sum a number is whole, in every writing."""
    assert ENGLISH.ending(text).lone_figure


@pytest.mark.parametrize(
    ("agent_text", "wanted"),
    [
        ("Could you spell your last name?", Wanted.SPELLING),
        ("And what is your e-mail address?", Wanted.EMAIL),
        ("What's the address?", Wanted.ADDRESS),
        ("Where should we deliver it?", Wanted.ADDRESS),
        ("What is your phone number?", Wanted.NUMBER),
        ("May I have your name, please?", Wanted.NOTHING),
        ("We have your address. Anything else?", Wanted.NOTHING),
        ("Shall I send it to your usual address?", Wanted.NOTHING),
        ("Is this your number?", Wanted.NOTHING),
        ("Your number is 4271, right?", Wanted.NOTHING),
        ("Great. And is that address correct?", Wanted.NOTHING),
        ("Did you mean order number 4271?", Wanted.NOTHING),
        ("Do you still live at that address?", Wanted.NOTHING),
        ("Can I call you at this number?", Wanted.NOTHING),
        ("Would you like it sent to your e-mail?", Wanted.NOTHING),
        ("Should I spell that for you?", Wanted.NOTHING),
        ("What is your name?", Wanted.NOTHING),
        ("What is your date of birth?", Wanted.NUMBER),
        ("And when were you born?", Wanted.NUMBER),
        ("Could you tell me your zip code?", Wanted.NUMBER),
        ("What is your zip?", Wanted.NUMBER),
        ("Is there a number we can reach you at?", Wanted.NUMBER),
        ("May I have your number?", Wanted.NUMBER),
        ("Do you have your order number?", Wanted.NUMBER),
        ("Would you give me your number?", Wanted.NUMBER),
        ("Okay, and what's your date of birth, please?", Wanted.NUMBER),
        ("What is your postcode?", Wanted.SPELLING),
        ("Could you give me your postal code, please?", Wanted.SPELLING),
        ("And what is the address?", Wanted.ADDRESS),
    ],
)
def test_what_the_agent_asks_for(agent_text: str, wanted: Wanted) -> None:
    """The last sentence of the agent tells."""
    assert ENGLISH.asked_for(agent_text) is wanted


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        *(
            (text, Kind.BACKCHANNEL)
            for text in rows("mm-hm | okay, I'll wait. | No rush! | that's fine | the | Sure, I'll hold")
        ),
        *(
            (text, Kind.STOP)
            for text in rows("stop | Okay, stop. | no | No, don't. | but wait | cancel the booking | never mind")
        ),
        *((text, Kind.COMMAND) for text in rows("hello? | Excuse me, | um sorry | hang on a second")),
        *((text, Kind.WORDS) for text in rows("thursday | I can't wait | is there no | medium | it will not stop")),
        *((text, Kind.NOTHING) for text in rows(NOTHING)),
    ],
)
def test_what_words_mean_over_the_agent(text: str, kind: Kind) -> None:
    """Commands count where the words begin with them, and what reassures the agent is none."""
    assert ENGLISH.remark(ENGLISH.words(text)).kind is kind


@pytest.mark.parametrize(
    ("text", "may"),
    [("no", True), ("okay i'll", True), ("take your", True), ("stop", False), ("no please", True), ("stop um", False)],
)
def test_the_beginning_of_a_reassurance_is_known(text: str, may: bool) -> None:
    """Until more is heard, "no" may be the beginning of "no rush"."""
    assert ENGLISH.remark(ENGLISH.words(text)).may_go_on is may


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        *((text, Kind.BACKCHANNEL) for text in rows("""
            no that's fine | no please go ahead | don't worry | no I can wait | I don't mind waiting
            no no take your time | sorry about that | I'm not in a hurry at all | yes please | No, it's okay.
            nope, all good | no don't worry about it | Sorry, go ahead. | no that's all | no no no that's fine
            no um that's fine | okay no problem at all | No, no, please continue.
        """)),
        *((text, Kind.STOP) for text in rows("""
            no don't book it | no wait | no not Monday | no | don't | don't do that | don't book it
            do not send it | no thank you | no no | no um | no please | no I can't wait | no that's wrong | nope
            no that's fine stop | oh no | no of course not | no I'm good | no really not
        """)),
        *((text, Kind.WORDS) for text in rows("""
            don't you have Monday | don't know | I don't want Monday | I don't know | no one called me | no idea
            that's no good | no good
        """)),
    ],
)  # fmt: skip
def test_a_refusal_before_a_reassurance_stops_nothing(text: str, kind: Kind) -> None:
    """A refusal is a stop alone and before a correction, but not where the words only reassure or say something."""
    assert ENGLISH.remark(ENGLISH.words(text)).kind is kind


@pytest.mark.parametrize("asked", ["What is your order number?", "Please tell me your order number."])
def test_what_the_agent_said_long_ago_is_not_looked_at(asked: str) -> None:
    """The end of a long answer tells what is asked for, in no more time than that of a short one."""
    story = "We are open from nine to six, and the number of the house is five. " * 100
    assert ENGLISH.asked_for(story + asked) is Wanted.NUMBER
    assert ENGLISH.asked_for(asked + story) is Wanted.NOTHING
