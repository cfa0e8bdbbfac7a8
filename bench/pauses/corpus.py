"""What callers of a shop's front desk say, with the pauses that people make inside sentences.

Each line is one utterance. `{place}` is a pause, and names its place: `and` after a conjunction, `um` after a filler,
`number` inside or before a number, `name` before a name, `open` where a sentence cannot end, and `clause` where a
sentence could end. At `clause` no words tell that more will come. A line that begins with `?` answers a question of the
agent, and a line that begins with `#` answers a question for a number. A line that ends with `?` is asked with a rising
tune, as people ask for a yes or a no.

A text-to-speech engine says the whole sentence, and its sound is then cut where the pauses are. So no word before a
pause sounds like the last word. At `clause`, and between the groups of a number, the voice has the tune of a comma. In
all other places it stops in the middle of its phrase, as people do who search for a word.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle

from server.call.turns.lexicon.english import ENGLISH
from server.call.turns.lexicon.lexicon import Lexicon

PAUSES_MS = (200, 300, 400, 500, 600, 800, 1_000)
"""The lengths of the pauses. Each place takes them in turn, so that every place has every length."""
VOICES = ("en-us", "en-gb", "en-us+f3", "en-gb+m3", "en-gb-scotland", "en-us+f2")
SPEEDS = (140, 160, 185)
"""Words a minute, in turn."""
ROUNDS = 2
"""How often every line is said, each time by another voice and with other pauses."""

ASKED = {"?": "Can I help you with anything else?", "#": "What is your order number?"}
"""What the agent said before the utterance, by the mark at the beginning of the line."""

_LINES = """
    i would like to {open} know where my order is
    could you tell me {open} when you open on sunday?
    what are your {open} opening hours
    when do you {open} close on friday
    can you {open} call me back tomorrow?
    i'd like to book a {open} callback
    is my {open} order ready?
    could you check {open} my order please?
    i am calling about {open} my order
    can i speak to {open} a human?
    i'm looking for {open} my order
    what time do {open} you open
    i want to know {open} where my order is
    i need to {open} cancel my callback
    could you please {open} call me back on monday?
    i have a question about {open} my order
    um {um} where is my order
    i would like um {um} a callback tomorrow
    when do you uh {um} open on saturday
    can you um {um} repeat that please?
    my order number is um {um} four two seven one
    uh {um} what is your address
    hello {open} i would like to know where my order is
    well {um} i want to cancel my callback
    hi i'm calling because {and} my order has not arrived
    i want to cancel my callback and {and} book a callback for tuesday
    call me back on monday or {and} tuesday at ten
    where is my order and {and} when will it arrive
    i need a callback but {and} not tomorrow
    are you open on saturday and {and} sunday?
    what time is it and {and} when do you close
    i'd like a callback on friday or {and} tomorrow at nine
    my order number is {number} four two seven one
    where is order {number} three five nine two
    # four two {number} seven one
    # it's eight {number} one {number} zero {number} five
    my order number is six three {number} nine four
    # the number is {number} five five {number} two eight
    what is twelve {number} plus thirty
    call me back tomorrow at {number} three
    # nine {number} one {number} four {number} two
    check order number seven seven {number} one two
    ? tomorrow at {number} half past four
    what is twenty five {number} times four
    # double four {number} three two
    can you call me back at {number} ten thirty?
    my name is {name} anna
    hello my name is {name} peter
    hi i'm {name} thomas and {and} i have a question about my order
    ? it's {name} maria
    this is {name} daniel
    my name is um {um} sarah
    i have a question {clause} where is my order
    hello can you help me? {clause} i need help with my order
    i want to cancel my callback {clause} on monday
    call me back tomorrow {clause} at ten
    my order has not arrived {clause} can you check my order?
    i'd like a callback {clause} on friday {clause} at eleven
    are you open {clause} on sunday?
    what time do you close {clause} tomorrow
    no thank you {clause} that's all
    yes {clause} please call me back
    # yes {clause} my order number is {number} four two seven one
    where is the shop {clause} and when do you open
    thank you {clause} can you repeat that please?
    i'm calling about my order {clause} it's four two {number} seven one
    can you call me back {clause} on wednesday at {number} two?
    i ordered a book {clause} and {and} it has not arrived

    where is my order
    what time do you open on monday
    can you call me back tomorrow at three?
    my order number is four two seven one
    # three five nine two
    what are your opening hours
    are you open on sunday?
    hello can you help me?
    thank you very much
    goodbye
    ? yes please
    ? yes
    ? no thank you
    what is twelve plus thirty
    my name is anna
    i would like to cancel my callback
    what time is it
    can you repeat that please?
    are you a robot?
    where are you located
    what did i just say
    i want to talk to a human
    ? tomorrow at ten
    when will my order arrive
"""
PLACES = ("and", "um", "number", "name", "open", "clause")


@dataclass(frozen=True, slots=True)
class ScriptedPause:
    """A pause inside an utterance."""

    place: str
    """The kind of place, as in the notation above."""
    ms: int


@dataclass(frozen=True, slots=True)
class ScriptedUtterance:
    """One utterance: its `parts`, with a pause of `pauses` between each two of them."""

    parts: tuple[str, ...]
    pauses: tuple[ScriptedPause, ...]
    agent_text: str
    """What the agent said before; empty when the caller speaks first."""
    voice: str
    speed: int
    """Words a minute."""
    pitch: int = 50
    """From 0 to 100, as eSpeak NG counts it."""
    marks: tuple[str, ...] = ()
    """The punctuation after each part, which gives the part its tune. Empty when no part has any."""

    @property
    def text(self) -> str:
        return " ".join(self.parts)

    @property
    def marked(self) -> tuple[str, ...]:
        """The parts with their punctuation."""
        return tuple(map(str.__add__, self.parts, self.marks or ("",) * len(self.parts)))


def corpus() -> list[ScriptedUtterance]:
    """All English utterances. They are the same every time, and have the same voices."""
    return scripted(_LINES, VOICES, ASKED, ENGLISH)


def scripted(
    lines: str, voices: Sequence[str], asked: Mapping[str, str], lexicon: Lexicon, rounds: int = ROUNDS
) -> list[ScriptedUtterance]:
    """The utterances of `lines`, in the notation above, by these voices of eSpeak NG.

    `asked` is what the agent said before, by the mark at the beginning of a line.
    """
    turns: dict[str, Iterator[int]] = {place: cycle(PAUSES_MS) for place in PLACES}
    every = [line.strip() for line in lines.splitlines() if line.strip()] * rounds
    return [
        parsed(
            line,
            lambda place: next(turns[place]),
            voices[number % len(voices)],
            SPEEDS[number // len(voices) % len(SPEEDS)],
            asked,
            lexicon,
        )
        for number, line in enumerate(every)
    ]


def parsed(
    line: str,
    pause_ms: Callable[[str], int],
    voice: str,
    speed: int,
    asked: Mapping[str, str] = ASKED,
    lexicon: Lexicon = ENGLISH,
) -> ScriptedUtterance:
    """Parse a line in the notation above; `pause_ms` says how long the next pause in a place is."""
    said = line.removeprefix("?").removeprefix("#").strip()
    pieces = re.split(r"\s*\{(\w+)\}\s*", said)
    places, texts = pieces[1::2], pieces[::2]
    marks = tuple(_mark(text, place, lexicon) for text, place in zip(texts, [*places, ""], strict=True))
    pauses = tuple(ScriptedPause(place, pause_ms(place)) for place in places)
    parts = tuple(text.rstrip("?") for text in texts)
    return ScriptedUtterance(parts, pauses, asked.get(line[0], ""), voice, speed, marks=marks)


def _mark(text: str, place: str, lexicon: Lexicon) -> str:
    """The punctuation after a part that is followed by a pause in this place, or by nothing if the place is empty."""
    if text.endswith("?"):
        return "?"
    grouped = place == "number" and lexicon.ending(text).digits > 0
    return "," if place == "clause" or grouped else ""
