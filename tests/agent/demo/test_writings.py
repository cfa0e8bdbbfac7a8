"""The demo agent understands a sentence, however a speech-to-text engine writes it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.agent.demo import numbers, rules, small_talk
from server.agent.demo.decision import Decision
from server.agent.demo.phrases import front_desk_phrases

MEANINGS = {
    "where is order four two seven one": """
        Where is order 4271? | Where’s order 4271? | Where is order #4271? | Where is order No. 4271.
        WHERE IS ORDER 4,271 | where is order 42 71
        Where is order 42-71? | Where is order 4-2-7-1? | Where is order 4, 2, 7, 1. | Where is order 427-1?
        Where is order 4.2.7.1? | Where is order 427.1?
        Where is order forty-two seventy-one? | Where is order 42 – 71?
        Um, where is, uh, order 4271? | Where is order number: 4271? | Where is order 4271? 4271.
    """,
    "it's four two seven one": """
        It's 4271. | It’s 42-71. | It's 4 2 7 1. | Oh, it's 4271. | No. 4271. | 4271! | "4271"
        42 - 71, it's my order | 427-1 | 42/71
        Four, two, seven, one. | 4, 2, 7, 1 | Uh... 4271. | Yes, it's 42, 71. | Order 4271.
    """,
    "double seven double three": "Double 7, double 3. | 77-33 | 7733. | Double-seven 33 | 7, 7, 3, 3,",
    "nine oh four six": "9046 | 9, oh, 4, 6. | 9-0-4-6. | 90-46 | 9.0, 4, 6. | Nine-oh-four-six | 9 O 4 6.",
    "what is twelve plus thirty": "What's 12 + 30? | What is 12+30? | 12 + 30 = | What’s 12 plus 30.",
    "how much is one hundred minus forty": """
        How much is 100 - 40? | 100-40 | 100 –40 | 100 - 40 | 100–40. | How much is 100-40? | How much is $100 - $40?
        One hundred minus 40 | 100 minus 40. | What's $100-$40?
    """,
    "ninety nine minus thirty three": "99-33 | 99 - 33. | 99 minus 33 | Ninety-nine minus thirty-three.",
    "what is seven times eight": "What's 7x8? | 7 x 8 | 7 × 8 = ? | Seven times 8. | What is 7 * 8",
    "what is eighty divided by four": "80 / 4 | 80/4 | 80÷4 | What's 80 divided by 4? | 80. Divided by 4.",
    "what is twenty percent of fifty": "20% of 50 | What's 20 % of $50? | 20 per cent of 50. | Twenty percent of 50?",
    "what is one thousand two hundred plus five": "1,200 + 5 | What is 1200 plus 5? | What's $1,200 + $5?",
    "what is twelve point five plus three": "12.5 + 3 | What's 12.50 plus 3? | What is $12.50 + $3.00?",
    "call me back tomorrow at ten": """
        Call me back tomorrow at 10. | Call me back tomorrow at 10 a.m. | Call me back tomorrow at 10AM.
        Call me back tomorrow, at 10:00. | Call me back tomorrow at 10 o’clock. | Call me back at 10 A.M. tomorrow.
        Call me back tomorrow at 10 am | Call me back, tomorrow, 10-ish. | Call me back tomorrow at ten a m
    """,
    "call me back on monday at four thirty": """
        Call me back on Monday at 430. | Call me back on Monday at 4:30. | Call me back on Monday at 4.30.
        Call me back on Monday at 4:30 p.m. | Call me back on Monday at 430pm | Call me back on Monday, 16:30.
        Call me back on Monday at four-thirty. | Call me back on Monday at 4 30. | Call me back Monday at half past 4
        Call me back at 4:30PM on Monday! | Call me back on Monday, the 5th, at 4:30.
    """,
    "call me back on monday at ten": "Call me back on Monday, 10-11. | Call me back on Mon. at 10 – 10:30.",
    "call me back on wednesday at nine oh five": """
        Call me back on Wednesday at 905. | Call me back on Wednesday at 9:05. | Call me back on Wednesday at 9.05.
    """,
    "call me back on friday at quarter past three": """
        Call me back on Friday at quarter past 3. | Call me back on Friday at Quarter Pass 3.
        Call me back Friday, 3:15.
        Call me back on Fri. at 3:15. | Call me back on Friday, 3-15.
        Call me back on Friday at 3.15. | Call me back on Friday at 315.
    """,
    "i would like a callback tomorrow": "I'd like a call-back tomorrow. | I’d like a call back tomorrow!",
    "yes": "Yes. | Yes! | Yeah. | Okay. | O.K. | OK | Uh, yeah. | Um... yes. | Yes, please.",
    "mm hm": "Mm-hmm. | Mhm. | Mm. | Uh-huh. | Hmm. | mmhmm",
    "no": "No. | Nope! | Uh, no. | Nah. | Uh-uh.",
    "okay goodbye": "Okay. Goodbye. | O.K., good-bye! | Bye-bye. | That’s all, thank you. | Goodbye!",
    "i am anna": """
        I'm Anna. | I’m Anna! | My name's Anna. | Um, I'm Anna. | This is Anna. | My name is Anna. Can you help me?
    """,
    "are you open on saturday": """
        Are you open on Sat.? | Are you open on Saturday? | Are you open Saturdays? | Hi, are you open on Saturday.
    """,
    "call me back on wednesday at nine": "Call me back on Wednesday at 9. | Call me back Wednesday, nine oh seventy.",
    "call me back at twelve on thursday": "Call me back at 12 1 Thursday. | Call me back at 12, on Thursday.",
    "call me back on friday at four ten": "Call me back on Friday at 4.10. | Call me back on Friday at 4:10.",
    "are you open every day": "Are you open 24/7? | Are you open 9-5? | Are you open 9 – 5?",
    "cancel my callback": "Cancel my call-back. | Please, cancel my call back! | Cancel my callback.",
    "what is today's date": "What’s today’s date? | What's the date? | What's today?",
}
OTHERS = """
    Go forward 10 meters. | 7 of clubs. | I'd like a 20-ounce mocha. | Platforms 1 and 3 are used.
    I'm in it. | 15% off! | He's 5' 11" tall.
"""


def rows(table: str) -> list[str]:
    return [text.strip() for line in table.strip().splitlines() for text in line.split("|")]


@pytest.mark.parametrize(("words", "written"), [(words, text) for words in MEANINGS for text in rows(MEANINGS[words])])
def test_a_sentence_means_the_same_in_every_writing(words: str, written: str) -> None:
    """Whisper's figures, symbols and punctuation mean what the plain words mean."""
    assert rules.decide([written]) == rules.decide([words])


@pytest.mark.parametrize("written", rows(OTHERS))
def test_figures_alone_are_no_errand(written: str) -> None:
    """A sentence with numbers that the shop knows nothing about is refused, as it is in words."""
    assert rules.decide([written]).text.startswith("Sorry, I can't help")


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ("Call me back tomorrow about order 1835.", "All right. At what time?"),
        ("Call me back tomorrow at 555-1234.", "All right. At what time?"),
        ("Call me on the 5th of May.", "Sure. Which day, and at what time?"),
        ("What is 1/2 of 80?", "Sorry, I can't help with that. " + small_talk.CAN_DO),
        ("Oh, okay.", "All right. What can I do for you?"),
        ("Oh!", "Good. What else can I do for you?"),
    ],
)
def test_a_number_is_not_taken_for_another_kind_of_number(said: str, answer: str) -> None:
    """Order numbers, phone numbers and dates are no times, and "oh" alone is no zero."""
    assert rules.decide([said]).text == answer


NUMBERS = st.integers(0, 99_999)


def in_figures(value: int) -> st.SearchStrategy[str]:
    return st.sampled_from((str(value), f"{value:,}", numbers.say(value), numbers.say(value).replace(" and ", " ")))


def in_money(value: int) -> st.SearchStrategy[str]:
    return st.sampled_from((f"${value}", f"${value:,}.00", f"{value} dollars", f"{numbers.say(value)} dollars"))


@given(NUMBERS, NUMBERS, st.data())
def test_a_sum_means_the_same_in_every_writing(left: int, right: int, data: st.DataObject) -> None:
    """Digits or words, thousands separators, currency, symbols and dashes do not change a sum."""
    sign, writings = data.draw(
        st.sampled_from(
            (
                ("+", ("plus", "+", "added to")),
                ("-", ("minus", "-", "–", "take away")),
                ("*", ("times", "x", "×", "multiplied by")),
                ("/", ("divided by", "/", "÷")),
                ("%", ("percent of", "% of", "per cent of")),
            )
        )
    )
    ask = data.draw(
        st.sampled_from(("What is {}?", "What’s {}?", "how much is {}", "Calculate {}, please.", "HOW MUCH IS {}?"))
    )
    amount = in_figures if sign == "%" else lambda value: in_figures(value) | in_money(value)
    operator = data.draw(st.sampled_from(writings))
    figures = {"-", "–", "x", "×", "/", "÷", "+"}
    first, second = data.draw(in_figures(left) if sign == "%" else amount(left)), data.draw(amount(right))
    if operator in figures and not (first[-1].isdecimal() and second.lstrip("$")[:1].isdecimal()):
        operator = writings[0]  # engines write the sign only between figures
    found = rules.decide([ask.format(f"{first} {operator} {second}")])
    assert found == Decision(tool="calculate", args=(("left", left), ("operator", sign), ("right", right)))


@given(st.text("0123456789", min_size=4, max_size=4), st.data())
def test_an_order_number_means_the_same_in_every_writing(number: str, data: st.DataObject) -> None:
    """Engines put any mark, or none, between the digits of an order number, and write some of them in words."""
    text = ""
    for place, digit in enumerate(number):
        joint = "" if place == 0 else data.draw(st.sampled_from(("", " ", ", ", "-", " - ", ".", "–")))
        word = data.draw(st.booleans()) and joint in (" ", ", ")
        after_word = text[-1:].isalpha()
        text += (" " if after_word and not joint.strip() else joint) + (numbers.say_digits(digit) if word else digit)
    ask = data.draw(
        st.sampled_from(("Where is order {}?", "My order number is {}.", "order #{}", "It's {}.", "{}", "Uh, {}."))
    )
    found = rules.decide(["Where is my order?", ask.format(text)])
    assert (found.tool, dict(found.args)) == ("order_status", {"number": number})


@given(st.integers(1, 12), st.sampled_from((0, 5, 15, 30, 45)), st.booleans(), st.data())
def test_a_time_means_the_same_in_every_writing(hour: int, minute: int, late: bool, data: st.DataObject) -> None:
    """ "4:30 p.m.", "430pm", "4.30 PM" and "four thirty p m" are one time."""
    part = data.draw(st.sampled_from((" {} m", " {}.m.", "{}m", " {}m", " {}. m."))).format("p" if late else "a")
    said_minute = "" if minute == 0 else f" {'oh ' if minute < 10 else ''}{numbers.say(minute)}"
    clocks = [f"{hour}:{minute:02d}", f"{hour}.{minute:02d}", f"{hour}{minute:02d}", f"{hour} {minute:02d}"]
    if minute == 0:
        clocks = [str(hour), f"{hour}:00"]
    words = f"{numbers.say(hour)}{said_minute}{f' {part.strip()}'}"
    said = data.draw(st.sampled_from([*(clock + part for clock in clocks), words]))
    said = data.draw(st.sampled_from((said, said.upper())))
    found = rules.decide([f"Call me back tomorrow at {said}."])
    at = f"{hour % 12 + 12 * late:02d}:{minute:02d}"
    assert (found.tool, dict(found.args)) == ("book_callback", {"day": "tomorrow", "at": at})


PIECES = """
    call me back at order number what is it how much plus minus times divided by percent of to for past half quarter
    oh o point dash hyphen slash double triple and a seventy nine hundred thousand million one two ten tomorrow
    on monday yes no 0 00 007 9 05 70 99 430 1230 2570 4271 77733 99999999999 ٤٢ ² ½ $ £ € % + - – / x × = : . , # am
    ' ’ p.m. i'm my name dollars cents um uh huh hmm
""".split()


@given(
    st.lists(st.sampled_from(PIECES), max_size=12),
    st.sampled_from(("", " ")),
    st.sampled_from(("", "Where is my order?")),
)
def test_any_mixture_of_words_and_signs_can_be_said(pieces: list[str], joint: str, before: str) -> None:
    """No order of words, figures and signs is an error, and every decision can be sent to a tool."""
    found = rules.decide([*([before] if before else []), joint.join(pieces)])
    assert found.text or found.tool
    assert json.loads(json.dumps(dict(found.args), allow_nan=False)) == dict(found.args)


@given(st.sampled_from(front_desk_phrases()), st.data())
def test_the_looks_of_a_sentence_do_not_matter(phrase: str, data: st.DataObject) -> None:
    """Capitals, marks at the end, curly apostrophes, commas and hyphens between words change no meaning."""
    written = data.draw(st.sampled_from((phrase, phrase.upper(), phrase.title(), phrase.capitalize())))
    written = written.replace("'", data.draw(st.sampled_from("'’")))
    written = written.replace(" a m", " a.m.").replace(" p m", " P.M.")
    written = data.draw(st.sampled_from(("{}", "{}.", "{}?", "{}!", "{}...", "{}…", "“{}”", "Um, {}.", "({})"))).format(
        written
    )
    assert rules.decide([written]) == rules.decide([phrase])


@pytest.mark.parametrize(
    ("heard", "said", "likely"),
    [
        ("77733", "seven seven seven three three", "seven seven three three"),
        ("773", "seven seven three", "seven seven three three"),
        ("90446", "nine zero four four six", "nine zero four six"),
        ("5-5-5-1-8.", "five five five one eight", "five five one eight"),
        ("185", "one eight five", None),
        ("12345", "one two three four five", None),
        ("42", "four two", None),
    ],
)
def test_a_number_of_the_wrong_length_is_said_back(heard: str, said: str, likely: str | None) -> None:
    """The agent says which digits it heard and never looks them up. It names an order that is very probably meant."""
    found = rules.decide(["Where is my order?", f"It's {heard}"])
    assert found.tool is None
    assert f"I heard {said}, and our order numbers have four digits." in found.text
    assert found.text.endswith(f"Did you mean {likely}?" if likely else "Could you say it again?")


@pytest.mark.parametrize("answer", rows("Yes. | Yeah! | Yep, that's right. | Correct. | Uh-huh. | O.K. | Sure | I do."))
def test_yes_goes_on_with_the_number_that_was_meant(answer: str) -> None:
    """A caller who confirms the number need not say it again."""
    found = rules.decide(["Where is my order?", "77733", answer])
    assert (found.tool, dict(found.args)) == ("order_status", {"number": "7733"})


def test_another_answer_than_yes_is_understood() -> None:
    """After "no" the agent asks for the number; a number, another errand and nonsense are taken as such."""
    asked = ["Where is my order?", "77733"]
    assert rules.decide([*asked, "No."]).text == "Sorry. What is your order number?"
    assert dict(rules.decide([*asked, "No, it's 1835."]).args) == {"number": "1835"}
    assert dict(rules.decide([*asked, "No.", "1835"]).args) == {"number": "1835"}
    assert rules.decide([*asked, "Are you open on Sunday?"]).tool == "opening_hours"
    assert rules.decide([*asked, "Blue."], "Did you mean it?").text == "Sorry, did you mean seven seven three three?"
    assert rules.decide([*asked, "Goodbye."]).tool == "hang_up"


@pytest.mark.parametrize(
    ("text", "about_digits"),
    [
        ("Go forward 10 meters.", False),
        ("We were 3 people at 5 tables.", False),
        ("It's 427, I think.", True),
        ("427", True),
    ],
)
def test_another_sentence_with_a_number_is_no_order_number(text: str, about_digits: bool) -> None:
    """While the agent waits for an order number, a number among many other words is not taken for one of a wrong
    length."""
    assert rules.decide(["Where is my order?", text]).text.startswith("I heard") == about_digits
