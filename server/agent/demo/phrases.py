"""Sentences that callers of the demo shop are expected to say. They tune speech-to-text and play no part in answers.

Speech-to-text learns from them which word follows which. So every kind of request appears in several wordings, and
every pair of digits at least once.
"""

from collections.abc import Iterator
from itertools import cycle, islice, product

from server.agent.demo import numbers
from server.agent.demo.times import WEEKDAYS
from server.call.turns.lexicon.english_writing import DIGITS, TENS

_NAMES = """
    anna maria mary john james robert michael david sarah emma laura peter paul mark thomas daniel alex sam tom ben
    kate jane lucy alice julia sophie george jack harry william charles maya nina clara oliver simon martin steven lisa
    susan karen linda nancy kevin brian eric frank henry leo max adam rachel hannah
""".split()
_DAYS = ("today", "tomorrow", *WEEKDAYS)
_HOURS = ("nine", "ten", "eleven", "twelve", "one", "two", "three", "four", "five", "six")
_AT = ("{}", "{} o'clock", "{} thirty", "half past {}", "{} in the morning", "{} in the afternoon", "{} a m", "{} p m")

_SMALL_TALK = """
    hello | hi | hi there | hey | good morning | good afternoon | good evening | hello can you help me | hello there
    yes | yes please | yeah | no | no thanks | no thank you | okay | ok | sure | all right | right | please
    thank you | thank you very much | thanks | thanks a lot | thanks for your help | thank you for your help
    great thank you | thank you so much | many thanks | that's great thanks | perfect thank you | okay thank you
    goodbye | bye | bye bye | goodbye and thank you | thank you goodbye | thanks bye | okay bye | see you later
    okay goodbye | bye for now | that's all thanks goodbye
    thank you and goodbye | thanks goodbye | all right goodbye
    that's all | that's all thank you | that is all | that's it thank you | that will be all | nothing else thank you
    that's everything | that's everything thank you | i think that's all | that would be all thanks | no that's all
    hang up please | please hang up | hang up | hang up the phone | you can hang up now | end the call | i am done
    please end the call | you can hang up | hang up now please | let's end the call | i want to hang up
    have a nice day | good night | wait | wait a moment
    uh-huh | mhm | mm hm | hm | oh okay | okay okay | oh | oh i see | i see | got it | okay got it | great | oh great
    oh yeah | yeah sure | really | oh really | of course | all right then | oh all right | good
    wait a minute | stop | please stop | hold on | hold on a moment
    one moment | one moment please | just a second | hang on | sorry | i'm sorry | never mind | forget it
    can you hear me | do you hear me | hello can you hear me | are you there | are you a robot | are you a human
    are you human | are you a real person | am i talking to a robot | am i talking to a machine | who are you
    who is this | what is your name | what's your name | who am i talking to | who am i speaking to | what can you do
    what can you do for me | what do you do | how can you help me | can you help me | could you help me please | help
    i need help | i need some help | how are you | how are you today | where are you | where is the shop
    what is your address | what's the address | where are you located | how do i find you
    can i speak to a human | can i talk to someone | i want to speak to a person | i would like to talk to somebody
    what did i just say | what did i say | what did i ask you | what did i just ask you | what was i saying
    tell me what i just said | do you remember what i said | what have i just said
    can you repeat that | can you repeat that please | could you repeat that | please repeat that | repeat that
    repeat please | say that again | say that again please
    could you say that again | can you say that again | pardon
    say it again | one more time please | could you say that one more time | can you say that one more time please
    what did you say | what did you just say | what was that
    i didn't catch that | sorry what did you say | once more
    what time is it | what time is it now | what's the time | what is the time | do you have the time
    can you tell me the time | could you tell me the time please | tell me the time | what's the time please
    what day is it | what day is it today | what's the date | what is the date | what's the date today | what is today
    what is the date today | what's today's date | what is today's date | which day is it today | tell me the date
    what is my name | what's my name | do you know my name | do you remember my name | can you tell me my name
    what time is it please | what time is it right now
    do you know what time it is | could you tell me what time it is
    can you tell me what time it is | what's the time now
    can you tell me what day it is | could you tell me what day it is
    what day of the week is it | could you tell me the date please
    can you tell me today's date | do you know the date
    do you remember what my name is | do you know what my name is
    can you remember my name | could you tell me my name
    what did you say your name was | are you a real human
    are you a human or a robot | are you a person | are you real
    is this a robot | is this a real person
    am i talking to a computer | am i speaking to a machine | are you a machine
    what can you help me with | what can i ask you | what can i say | what else can you do | i have a question
    i have got a question | can i ask you something | could you help me | can you help me with something
    who am i | tell me my name | say my name | what did i say my name was
"""

_OPENING = """
    what are your opening hours | what are your hours | when are you open | when do you open | when do you close
    what time do you open | what time do you close | when does the shop open | when does the shop close
    what time does the shop close | are you open | are you open now | are you open right now | are you still open
    is the shop open | is the shop open now | are you closed | are you closed now | tell me your opening hours
    can you tell me your opening hours | could you tell me your opening hours please | your opening hours please
    what are the opening hours | i want to know your opening hours | i would like to know your opening hours
    opening hours | are you open on the weekend | are you open at the weekend | are you open on weekends
    what are your hours on the weekend | what are your opening hours on the weekend | how long are you open
    how late are you open | until when are you open | are you open this weekend | are you open every day
    could you tell me when you open | can you tell me when you close
    do you know when you close | when do you close please
    could you tell me what time you close | can you tell me what time you open | what time do you close please
    what are the hours | what are the store hours | what are your business hours | what hours are you open
    are you guys open | are you guys open right now | are you open yet | when do you shut | what time do you shut
    i was wondering when you open | i was wondering if you are open | i wanted to ask about your opening hours
    hi what are your opening hours | hello are you open | hi are you open today | hello when do you open
    do you open on the weekend | when do you close tonight | which days are you open | what days are you open
"""
_OPENING_ON = """
    are you open {on} | when do you open {on} | when do you close {on} | what time do you open {on}
    what time do you close {on} | what are your opening hours {on} | what are your hours {on} | are you closed {on}
    how long are you open {on} | when are you open {on}
    is the shop open {on} | do you open {on} | opening hours {on}
    could you tell me if you are open {on} | can you tell me when you open {on} | what are the opening hours {on}
    could you tell me when you close {on} | what are the hours {on} | i was wondering if you are open {on}
    how late are you open {on} | are you guys open {on} | what time do you shut {on} | are you going to be open {on}
    i would like to know if you are open {on} | hi are you open {on}
    what are the hours for {day} | is the store open {on}
    do you close early {on} | is the shop closed {on} | will you be open {on} | until when are you open {on} | and {on}
"""

_ORDER = """
    where is my order | where's my order | what is the status of my order | what's the status of my order
    i want to check my order | i would like to check my order | i'd like to check on my order | can you check my order
    could you check my order please | can you look up my order | i want to know where my order is | track my order
    has my order been shipped | has my order shipped | is my order ready | when will my order arrive | check my order
    when does my order arrive | where is my parcel | where is my package | i have a question about my order
    i am calling about my order | i'm calling about an order | i'm looking for my order | check an order | my order
    can you find my order | could you look up an order for me | look up my order | order status | what about my order
    i want to ask about my order | i ordered a book
    i am waiting for my order | i would like to know where my order is
    hi i would like to know where my order is | hello where is my order
    hi where is my order please | where is my stuff
    could you tell me where my order is | can you tell me where my order is | do you know where my order is
    could you tell me the status of my order | can you tell me the status of my order | i'm checking on my order
    could you please tell me the status of my order | i want to hear about my order | i'd like to ask about my order
    i was wondering where my order is | i was wondering about my order
    what happened to my order | what's up with my order
    can you help me with my order | i need help with my order
    i need to check on an order | can you check on my order
    i'd like to check an order | i'd like to track my order please | is my order ready yet | has my order arrived yet
    when is my order coming | when will i get my order
    is my order here | is my order on its way | any news on my order
    my order has not arrived | my order hasn't arrived | i haven't got my order | did you ship my order
    has my package arrived | when will my package arrive | i want to track my order | can you track my package
"""
_ORDER_NUMBER = """
    where is order {n} | where is order number {n} | where is my order {n} | my order number is {n} | {n} | order {n}
    the number is {n} | it's {n} | it is {n} | order number {n} | the order number is {n} | what about order {n}
    what is the status of order {n} | what's the status of order number {n} | check order {n} | look up order {n}
    can you check order number {n} | i'm calling about order {n} | can you look up order {n} | is order {n} ready
    has order {n} been shipped | i'd like to check on order {n} | i want to check order number {n} | number {n}
    could you check order {n} please | when will order {n} arrive | tell me about order {n} | track order {n}
    could you please tell me the status of order {n}
    can you tell me what happened to order {n} | is order {n} ready yet
    i'm checking on order number {n} | what happened to order {n}
    can you tell me where order {n} is | order {n} please
    could you tell me about order number {n} | i would like to know where order {n} is | yeah it's {n} | sure it's {n}
    hi where is order {n} | i'd like to know the status of order {n} | yes my order number is {n} | the number's {n}
    i have a question about order {n} | could you look up order number {n} please | it's number {n} | yes {n}
    what about {n} | can you find order {n} | i'm looking for order number {n} | has order {n} arrived | no it's {n}
    has order {n} been delivered | has my order {n} been shipped
    please check order number {n} | {n} please | yes it is {n} | my order is {n} | i have order number {n}
"""

_NO_NUMBER = """
    i don't know | i don't have it | i don't have the number | i forgot it | i can't find it | i lost it | never mind
    no | yes | no thank you | thank you | goodbye | bye | wait | wait a moment | one moment | just a second | hold on
    what | sorry | pardon | what did you say | can you repeat that | which number | where do i find it | hello | help
    let me look | let me see | i need to look it up | stop | forget it | nothing | i want to cancel
"""
_CALLBACK = """
    call me back | please call me back | can you call me back | could you call me back | could you call me back please
    i would like a callback | i'd like a callback | i want a callback | book a callback | can i book a callback
    i would like to book a callback | i'd like to book a callback please | can you book a callback | i need a callback
    i want to book a callback | please book a callback | can someone call me back | can somebody call me back
    i would like someone to call me | schedule a callback | arrange a callback | could someone call me back
    cancel the callback | cancel my callback | please cancel my callback | please cancel the callback | cancel it
    i want to cancel my callback | can you cancel my callback | can you cancel the callback | i would like to cancel
    i'd like to cancel my callback | i need to cancel my callback | don't call me back | cancel | cancel that
    i have to cancel my callback | i need a call back please
    could you give me a call back | can you give me a call back
    could you give me a call | please give me a call
    could somebody phone me
    can i get a callback | could i have a callback please
    i'd like you to call me back | i'd like someone to call me back
    i want someone to call me back | i would like you to call me | have someone call me back | can you phone me back
    i don't need the callback any more | forget the callback | can you cancel that | please cancel that callback
    when will you call me back | when is my callback | when are you calling me | do i have a callback
"""
_CALLBACK_WHEN = """
    call me back {when} | can you call me back {when} | could you call me back {when} | please call me {when}
    book a callback for {when} | i would like a callback {when} | can i have a callback {when} | {when}
    could you call me {when} | i'd like to book a callback for {when} | can you book a callback for {when}
    could you give me a call {when} | i'd like someone to call me {when} | let's say {when}
    i want a call back {when}
    schedule a callback for {when} | maybe {when} | {when} is fine
    i need a callback {when} | could somebody call me back {when}
    could i get a callback {when} | {when} would be good
    {when} please | how about {when} | call me {when} | can somebody call me back {when} | please call me back {when}
"""

_NAME = """
    my name is {name} | i am {name} | i'm {name} | hello my name is {name} | this is {name} | call me {name}
    hi i'm {name} | hello this is {name} | my name's {name} | you can call me {name}
"""
_SUM = """
    what is {} {op} {} | what's {} {op} {} | how much is {} {op} {} | {} {op} {} | calculate {} {op} {}
    can you tell me what {} {op} {} is | can you calculate {} {op} {} | what does {} {op} {} make | and {} {op} {}
    could you tell me what is {} {op} {} | do you know what {} {op} {} is | please calculate {} {op} {}
    can you work out {} {op} {} | could you calculate {} {op} {} please
    what would {} {op} {} be | can you do {} {op} {}
    what is {} {op} {} please | hey what is {} {op} {} | what's {} {op} {} please | could you tell me {} {op} {}
    tell me what {} {op} {} is | and what is {} {op} {}
"""
_OPERATORS = ("plus", "minus", "times", "divided by", "percent of", "multiplied by")


def front_desk_phrases() -> tuple[str, ...]:
    """Lower-case sentences without punctuation, with numbers spelled out; no sentence appears twice."""
    every = (_small_talk(), _opening(), _orders(), _callbacks(), _names(), _sums())
    return tuple(dict.fromkeys(phrase for group in every for phrase in group))


def order_number_phrases() -> tuple[str, ...]:
    """Answers to "What is your order number?": the number, in one of a few wordings, or that the caller has none."""
    templates = cycle(("{n}", "{n}", "{n}", "it's {n}", "it is {n}", "the number is {n}", "my order number is {n}"))
    said = (next(templates).format(n=number) for number in _order_numbers())
    return tuple(dict.fromkeys((*said, *DIGITS, *_lines(_NO_NUMBER), *_small_talk())))


def _lines(text: str) -> list[str]:
    return [phrase.strip() for line in text.split("\n") for phrase in line.split("|") if phrase.strip()]


def _small_talk() -> Iterator[str]:
    yield from _lines(_SMALL_TALK)


def _opening() -> Iterator[str]:
    yield from _lines(_OPENING)
    days = cycle(("today", "tomorrow", *(f"on {day}" for day in WEEKDAYS)))
    for template in _lines(_OPENING_ON):
        for day in islice(days, 3):
            yield template.format(on=day, day=day.removeprefix("on "))


def _orders() -> Iterator[str]:
    yield from _lines(_ORDER)
    templates = cycle(_lines(_ORDER_NUMBER))
    for number in _order_numbers():
        yield next(templates).format(n=number)


def _order_numbers() -> Iterator[str]:
    """Numbers that contain every pair of digits; then numbers read in pairs, and with "oh" and "double"."""
    for first, second in product(range(10), repeat=2):
        yield numbers.say_digits(f"{first}{second}{(first * 3 + second * 7 + 1) % 10}{(first + 3 * second) % 10}")
    for place, ten in enumerate(TENS):
        for step in range(1, 10, 2):
            other = TENS[(place + step) % len(TENS)]
            yield f"{ten} {DIGITS[step]} {other} {DIGITS[(step + place) % 9 + 1]}"
        yield f"{numbers.say(10 + place)} {ten} {DIGITS[place % 9 + 1]}"
        yield f"{ten} {DIGITS[place + 1]} {numbers.say(11 + place)}"
    for digit in DIGITS[1:]:
        yield f"double {digit} three {digit}"
        yield f"{digit} two double {digit}"
        yield f"{digit} oh {digit} six"
        yield f"oh {digit} oh {digit}"


def _callbacks() -> Iterator[str]:
    for phrase in _lines(_CALLBACK):
        yield phrase
        if "callback" in phrase:  # most people say two words
            yield phrase.replace("callback", "call back")
    templates = cycle(_lines(_CALLBACK_WHEN))
    for day, step in product(_DAYS, range(5)):
        hour = _HOURS[(len(day) + 3 * step + _DAYS.index(day)) % len(_HOURS)]
        at = _AT[(_DAYS.index(day) + 3 * step) % len(_AT)].format(hour)
        said = f"on {day}" if day in WEEKDAYS and step % 2 else day
        yield next(templates).format(when=f"{said} at {at}")
    yield from DIGITS
    for hour in _HOURS:
        yield f"at {hour}"
        yield f"at {hour} o'clock"
        yield f"{hour} thirty"
    for day in _DAYS:
        yield next(templates).format(when=day)
        yield day
        yield f"{day} {'morning' if len(day) % 2 else 'afternoon'}".replace("today", "this")


def _names() -> Iterator[str]:
    templates = cycle(_lines(_NAME))
    for name in _NAMES:
        yield next(templates).format(name=name)


def _sums() -> Iterator[str]:
    templates = cycle(_lines(_SUM))
    operators = cycle(_OPERATORS)
    some = (*range(1, 21), 25, 30, 36, 40, 42, 50, 60, 64, 75, 80, 90, 99, 100, 120, 150, 200, 250, 500, 1000)
    for step in (5, 7, 11):
        for place, left in enumerate(some):
            right = some[(place * step + step) % len(some)]
            yield next(templates).format(numbers.say(left), numbers.say(right), op=next(operators))
