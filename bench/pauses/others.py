"""Sentences that no setting was chosen by. The notation is that of `corpus.py`."""

from itertools import cycle

from bench.pauses.corpus import PAUSES_MS, SPEEDS, VOICES, ScriptedUtterance, parsed

_LINES = """
    i need a room for {open} two nights
    we would like to {open} see the menu
    could you put me {open} through to the doctor?
    my train leaves {open} at the other platform
    the garden behind {open} the house is very small
    does the museum {open} sell tickets at the door?
    i think the {open} window is broken
    she told me about {open} your new kitchen
    do we have to {open} bring our own towels?
    our flight was {open} delayed by the storm
    they have moved to {open} another city
    how much does the {open} bigger one cost
    um {um} the lamp does not work
    i was uh {um} told to ring this number
    we have um {um} three children
    well {um} the weather was fine
    is it um {um} far from the station?
    the soup was cold and {and} the bread was old
    i can come in the morning or {and} after lunch
    he has a fever but {and} no headache
    we took the bus because {and} the car had no petrol
    do you have milk and {and} sugar?
    the room was clean and {and} the people were friendly
    my telephone number is {number} eight three five
    it is five {number} six {number} nine {number} one
    the code is two {number} two {number} seven
    flight number {number} six four zero
    three one {number} eight eight {number} five
    the bill was {number} forty dollars
    the doctor's name is {name} miller
    i am {name} victoria
    please ask for {name} edward
    we were at the beach {clause} all day
    the lights went out {clause} last night
    i have broken my arm {clause} the left one
    can you send a taxi {clause} to the harbour?
    i will pay by card {clause} if that is possible
    when does the film start {clause} and how long is it
    this is my sister {clause} she lives with us
    do you have a table {clause} for six people?
    good evening {clause} i have a reservation
    it rained in the morning {clause} but then the sun came out
    no {clause} the other one
    the heating is broken {clause} it is very cold in here
    i lost my passport {clause} at the airport {clause} this morning
    please bring the blue chairs {clause} the table {clause} and a lamp
    sorry {clause} which street was that
    we stayed for a week {clause} in a village {clause} near the sea
    i was told to wait {clause} so i waited
    is there a bakery {clause} around here?

    the lamp in the hall is broken
    how far is the nearest hospital
    is breakfast included?
    we are leaving on thursday evening
    i left my umbrella in your restaurant
    where can i buy stamps
    do you sell batteries?
    the children are asleep
    eight three five nine
    that would be lovely
    no it isn't
    maybe
    of course
    did you get my letter?
    please send me the bill
    can i bring my dog?
    i do not eat fish
    why is the road closed
    the number is six zero seven
    at half past seven
    could we sit outside?
    who is the manager
    has the doctor arrived?
    i forgot
"""


def others() -> list[ScriptedUtterance]:
    """All utterances, with the voices and the pauses of the corpus."""
    voices, speeds, pauses_ms = cycle(VOICES), cycle(SPEEDS), cycle(PAUSES_MS)
    return [
        parsed(line, lambda place: next(pauses_ms), next(voices), next(speeds))
        for line in (line.strip() for line in _LINES.splitlines())
        if line
    ]
