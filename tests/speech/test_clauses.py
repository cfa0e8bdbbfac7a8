import re
import time
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from server.speech.clauses import CLAUSE_CHARS, FIRST_CHARS, MAX_CHARS, Clauses
from server.speech.speakable import speakable


def cut(*deltas: str) -> list[str]:
    clauses = Clauses()
    return [*(clause for delta in deltas for clause in clauses.receive(delta)), *clauses.finish()]


@pytest.mark.parametrize(
    ("text", "clauses"),
    [
        ("", []),
        ("  \n ", []),
        ("Hello", ["Hello"]),
        ("Hello there. How are you?", ["Hello there.", "How are you?"]),
        ('He said "Stop!" Then he left.', ['He said "Stop!"', "Then he left."]),
        ("Wait... what?! Yes.", ["Wait...", "what?!", "Yes."]),
        ("Red\nGreen\n\nBlue", ["Red", "Green", "Blue"]),
        ("We are open, yes", ["We are open,", "yes"]),
        ("Well, we are open", ["Well, we are open"]),
        ("We are open — yes", ["We are open —", "yes"]),
        ("We are open until 6:30 on week-days", ["We are open until 6:30 on week-days"]),
        ("It costs 3.50, or 4.20 with milk.", ["It costs 3.50,", "or 4.20 with milk."]),
        ("Mr. Smith and Dr. Jones of St. Ives are in.", ["Mr. Smith and Dr. Jones of St. Ives are in."]),
        ("Open from 9 a.m. to 6 p.m. daily, e.g. today.", ["Open from 9 a.m. to 6 p.m. daily,", "e.g. today."]),
        ("Das ist Zimmer Nr. 5, Hauptstr. 7, z. B. heute.", ["Das ist Zimmer Nr. 5,", "Hauptstr. 7, z. B. heute."]),
        ("Een taxi, bijv. om 9. Tot straks.", ["Een taxi,", "bijv. om 9.", "Tot straks."]),
        ("Bonjour Mme. Petit, p. ex. demain.", ["Bonjour Mme. Petit,", "p. ex. demain."]),
        ("Hola Sra. Ruiz, p. ej. hoy. Sí.", ["Hola Sra. Ruiz,", "p. ej. hoy.", "Sí."]),
        ("Il Sig. Rossi, ad es. oggi. Bene.", ["Il Sig. Rossi,", "ad es. oggi.", "Bene."]),
        ("O Sr. Costa, por ex. hoje. Bom.", ["O Sr. Costa,", "por ex. hoje.", "Bom."]),
        ("È il mio. Bene.", ["È il mio.", "Bene."]),
        ("Jag måste dra. Hej.", ["Jag måste dra.", "Hej."]),
        ("So am I. Good.", ["So am I.", "Good."]),
        ("No. We are closed.", ["No.", "We are closed."]),
        ("It is on Oct. 5 at noon. Bye.", ["It is on Oct. 5 at noon.", "Bye."]),
        ("It was in Oct. We left.", ["It was in Oct.", "We left."]),
        ("It is on December 5, 2026, at noon.", ["It is on December 5, 2026,", "at noon."]),
        ("It is on May 5, I think.", ["It is on May 5,", "I think."]),
        ("Le 5 déc. 2026. Am 5. Dez. 2026.", ["Le 5 déc. 2026.", "Am 5. Dez. 2026."]),
        ("It is a 5 min. walk. It takes 10 min. Bye.", ["It is a 5 min. walk.", "It takes 10 min.", "Bye."]),
        ("Write to anna.b@example.org now.", ["Write to anna.b@example.org now."]),
        ("Pears etc. are here. Pears, etc. We are open.", ["Pears etc. are here.", "Pears, etc.", "We are open."]),
        ("Am 3. Mai um 10. Aber nicht am 5. Ja.", ["Am 3. Mai um 10.", "Aber nicht am 5.", "Ja."]),
        ("1. First this.\n2. Then that.", ["1. First this.", "2. Then that."]),
        ("Order No. 5 is here. No.", ["Order No. 5 is here.", "No."]),
        ("Ask for Dr.\nSmith", ["Ask for Dr.", "Smith"]),
        ("**Done.** Next one.", ["Done.", "Next one."]),
        ("# Hours\n- *Monday*: 9 to 6\n", ["Hours", "Monday: 9 to 6"]),
        ("**Un**_likely_ *but* snake_case is `x`, 2*3~ said.", ["Unlikely but snake_case is x,", "2*3~ said."]),
        ("See [our page](https://example.com/a) for more.", ["See our page for more."]),
        ("It is at https://example.com/x.y there. Bye.", ["It is at example.com there.", "Bye."]),
        ("See [our menu, with prices](/menu.pdf), it is new.", ["See our menu, with prices,", "it is new."]),
        ("Look, [our page, now](https://example.com/a) is new.", ["Look, our page, now is new."]),
        ("Please press # to confirm, or press * to go back.", ["Please press # to confirm,", "or press * to go back."]),
        ("Well, it is here, * and there.", ["Well, it is here,", "* and there."]),
        ("We have:\n\n* milk\n* bread", ["We have:", "milk", "bread"]),
        ("**Note, this is\nimportant.** Bye.", ["Note, this is", "important.", "Bye."]),
        ("Hello 👋 there 🎉! 🎉 Bye.", ["Hello there !", "Bye."]),
        ("Like this:\n```python\nx = 1. + 2\ny = 3\n```\nDone.", ["Like this:", "Done."]),
        ("Run ```x``` now. Bye.", ["Run", "now.", "Bye."]),
        ("Unfinished ```code is", ["Unfinished"]),
        ("你好。今天开门。", ["你好。", "今天开门。"]),
        ("好的，我们今天开门，到六点。", ["好的，我们今天开门，", "到六点。"]),
        ("好的朋友，今天开门。", ["好的朋友，", "今天开门。"]),
        ("申し訳ありません、本日は休みです。", ["申し訳ありません、", "本日は休みです。"]),
        ("はい、そうです。何時ですか？", ["はい、そうです。", "何時ですか？"]),
        ("जी हाँ। हम खुले हैं।आइए।", ["जी हाँ।", "हम खुले हैं।", "आइए।"]),
        ("نعم، نحن هنا. متى؟ الآن", ["نعم، نحن هنا.", "متى؟", "الآن"]),
        ("نحن هنا اليوم، وغدا", ["نحن هنا اليوم،", "وغدا"]),
        ("جی ہاں۔ ہم کھلے ہیں۔", ["جی ہاں۔", "ہم کھلے ہیں۔"]),
        ("Այո։ Մենք բաց ենք։", ["Այո։", "Մենք բաց ենք։"]),
        ("... — ?! 🎉", []),
    ],
)
def test_clauses(text: str, clauses: list[str]) -> None:
    """A clause ends where a speaker would breathe, and it has nothing that is only for the eye."""
    assert cut(text) == clauses


def test_a_clause_comes_as_soon_as_it_is_complete() -> None:
    """The first clause comes after its comma, and a sentence comes with the space after its mark."""
    clauses = Clauses()
    assert clauses.receive("Yes of course,") == []
    assert clauses.receive(" we are open") == ["Yes of course,"]
    assert clauses.receive(" until 6") == []
    assert clauses.receive(".") == []
    assert clauses.receive("30.") == []
    assert clauses.receive(" Any") == ["we are open until 6.30."]
    assert clauses.finish() == ["Any"]


def test_the_first_clause_is_short_and_others_are_whole() -> None:
    """The first clause may end at an early comma, later clauses only at a late one."""
    text = "Let me see now, it is here, and here, " + "and it is there " * 4 + ", is it not? Yes."
    first, second, *_ = cut(text)
    assert first == "Let me see now,"
    assert len(second) >= CLAUSE_CHARS


def test_a_clause_that_cannot_be_spoken_is_not_the_first() -> None:
    """Emoji before the first word are no clause, so the first clause with words may still be short."""
    assert cut("🎉\nLet me see now, it is here.") == ["Let me see now,", "it is here."]


def test_a_text_without_marks_is_cut_at_a_space() -> None:
    """A long text without marks is cut at spaces, so that speech does not wait for a mark."""
    clauses = cut("word " * 100)
    assert all(len(clause) <= MAX_CHARS for clause in clauses)
    assert " ".join(clauses).split() == ["word"] * 100


@pytest.mark.parametrize("measure", ["5 km", "12 345 678 km", "5 Dec 2026"])
@pytest.mark.parametrize("before", range(20))
def test_no_measure_is_cut(measure: str, before: int) -> None:
    """A text that has to be cut at a space is cut outside of numbers and what belongs to them."""
    text = "a" * before + " " + "word " * 44 + measure + " word" * 40
    cutter = Clauses()
    assert any(measure in clause for clause in [*cutter.receive(text), *cutter.finish()])


def test_a_text_without_spaces_is_cut_anywhere() -> None:
    """A long text without marks and spaces is cut at the longest length."""
    assert cut("x" * 600) == ["x" * 240, "x" * 240, "x" * 120]


TEXTS = st.lists(
    st.sampled_from(
        [
            *("Hello", "there", "I", "no", "Dr", "No", "42", "x" * 70, "e.g", "a.m", "word " * 50, "9"),
            *(".", "?", "!", "...", ",", ";", ":", " — ", " - ", '"', "'", ")", "(", "。", "…"),
            *("।", "؟", "،", "，", "你好", "हाँ"),
            *(" ", " ", " ", " ", "\n", "\n\n", "\t", "**", "`", "#", "🎉", "```", "_"),
        ]
    ),
    max_size=60,
).map("".join)


@settings(max_examples=300)
@example("🎉\n" + " " * 12 + "No, sir", [2], False)
@example("word " * 47 + "word```x``` y", [], True)
@example("No. 5 is here", [4], False)
@given(TEXTS | st.text(max_size=300), st.lists(st.integers(0, 800), max_size=30), st.booleans())
def test_any_deltas_give_the_same_clauses(text: str, cuts: list[int], by_letter: bool) -> None:
    """Clauses end at the same places, however the text is cut into deltas."""
    ends = list(range(len(text) + 1)) if by_letter else sorted({0, *(c for c in cuts if c < len(text)), len(text)})
    deltas = [text[start:end] for start, end in pairwise(ends)]
    assert "".join(deltas) == text
    assert cut(*deltas) == cut(text)


@given(TEXTS.map(lambda text: text.replace("`", "")))
def test_nothing_speakable_is_lost(text: str) -> None:
    """The clauses have all letters of the text in their order, and no clause is empty or too long."""
    clauses = cut(text)
    letters = re.findall(r"[^\W_]", text)
    assert re.findall(r"[^\W_]", "".join(clauses)) == letters
    assert all(0 < len(clause) <= MAX_CHARS + 2 for clause in clauses)
    assert all(clause == speakable(clause, in_line=True) for clause in clauses)


@given(st.lists(st.sampled_from(["Hello", "there,", "I", "well,", "so;", "it", "is"]), min_size=1, max_size=30))
def test_the_first_clause_ends_at_the_first_comma_that_is_late_enough(words: list[str]) -> None:
    """The first clause ends at the first comma that has enough text before it."""
    prefixes = [" ".join(words[: count + 1]) for count in range(len(words))]
    breaths = [p for p in prefixes if p.endswith((",", ";")) and len(p) >= FIRST_CHARS]
    assert cut(" ".join(words))[0] == (breaths or prefixes[-1:])[0]


@given(st.text(max_size=200))
def test_what_is_speakable_is_folded(text: str) -> None:
    """Speakable text has single spaces and at least one letter or digit, or it is empty."""
    spoken = speakable(text)
    assert spoken == " ".join(spoken.split())
    assert not spoken or re.search(r"\w", spoken)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Yes. We are open. On Sun", ["Yes.", "We are open."]),
        ("Yes. We are open.", ["Yes.", "We are open."]),
        ("Yes. We are open until 6.30", ["Yes."]),
        ("Yes, of course, we", ["Yes, of course,", "we"]),
        ("* milk\n* bread\n* che", ["milk", "bread"]),
        ("“Yes.” he", ["“Yes.” he"]),
        ('"Yes." Then we', ['"Yes."']),
        ("好的。今天开", ["好的。"]),
        ("好的。今天开门。", ["好的。", "今天开门。"]),
        ("Yes. 🎉", ["Yes."]),
        ("", []),
    ],
)
def test_of_a_text_that_was_broken_off_whole_sentences_are_said(text: str, said: list[str]) -> None:
    """The rest is left out, unless there is no whole sentence."""
    clauses = Clauses()
    given = clauses.receive(text)
    last, to_say = clauses.break_off()
    assert (given + last)[:to_say] == said


@pytest.mark.parametrize("piece", ["a", ".", "word ", "word, ", "[a, ", "\n", " ", "``` ", "1 "])
def test_a_model_that_goes_astray_holds_up_no_other_call(piece: str) -> None:
    """A text of any length is cut in a time that grows with its length, and with no more than that."""
    begun_s = time.process_time()
    cutter = Clauses()
    cutter.receive(piece * (100_000 // len(piece)))
    cutter.finish()
    assert time.process_time() - begun_s < 5
