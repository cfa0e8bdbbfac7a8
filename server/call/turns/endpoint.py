"""Endpoint: how much silence is enough to decide that the caller is done?

The words come first. A sentence that looks finished needs a short silence. A sentence that stops at "and", "my" or in
the middle of a number needs a long one. Then the sound of the voice, where an endpoint model judges it, makes the wait
shorter or longer.
"""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from pydantic import Field, NonNegativeFloat, NonNegativeInt

from server.call.turns.lexicon.lexicon import Completeness, Ending, Wanted
from server.settings_group import SettingsGroup

Probability = Annotated[float, Field(gt=0, lt=1)]
DICTATED = (Wanted.ADDRESS, Wanted.EMAIL, Wanted.SPELLING)
"""What people say piece by piece."""
MAX_PROBABILITY = 0.99
"""No sound is believed to be surer than this, for or against the end. One ending of a hundred deceives everybody."""
LONGEST_STRETCHED_MS = 2_500
"""No wait becomes longer than this by being stretched. After a longer silence callers ask whether anybody is there."""


class EndpointSettings(SettingsGroup):
    """How much silence ends an utterance, by what its words look like. These are the waits when the sound of the voice
    tells nothing; an endpoint model then makes them shorter or longer.
    """

    title: ClassVar[str] = "Endpoint: when the caller is done"

    prepare_ms: NonNegativeInt = 80
    """Silence in ms after which the words so far are settled and the answer may be prepared, unheard. A shorter silence
    ends nothing. Voice detection itself bridges most consonants."""
    ahead_ms: NonNegativeInt = 400
    """How many ms before the expected endpoint the agent begins its answer, at most. Models need this time. Earlier
    would be a waste: most pauses in which the caller goes on are over by then."""
    complete_ms: NonNegativeInt = 350
    """Silence in ms that ends a sentence that looks complete. A question is no exception: people also pause after "can
    I have a coffee", and speech-to-text puts a question mark there."""
    begun_ms: NonNegativeInt = 700
    """Silence in ms that ends words that begin an expected phrase, or that announce more, such as "can you help me".
    More words are likely, but these may be all."""
    single_ms: NonNegativeInt = 400
    """Silence in ms that ends a single word. "Yes" is an answer, but "well" is a beginning."""
    number_ms: NonNegativeInt = 500
    """Silence in ms that ends a number. People group digits with pauses of about 500 ms."""
    open_ms: NonNegativeInt = 1_200
    """Silence in ms that ends words that cannot be all, such as those that stop at "and". The caller is thinking, but a
    longer silence feels like a dead line."""
    nothing_ms: NonNegativeInt = 1_000
    """Silence in ms that ends a sound in which no words were found. Speech-to-text has this time to catch up; then the
    sound is given up. Nobody waits for an answer to a noise."""
    asked_ms: NonNegativeInt = 150
    """Time in ms that is added to the waits for a number and for words that cannot be all, after the agent has asked
    for a number. People look numbers up."""
    dictated_ms: NonNegativeInt = 900
    """Silence in ms that ends an answer to a question for an address, an e-mail address or a spelling. People say these
    piece by piece, and every piece looks complete."""
    sound_weight: NonNegativeFloat = 1.0
    """How much the endpoint model counts. Each wait is divided by the odds that the caller is done, compared with those
    of `sound_even`, to this power; 0 listens to the words alone. Half of it is used where the words are surer than the
    sound: where they cannot be all, end in a number, or are a single word."""
    sound_even: Probability = 0.95
    """The probability of the endpoint model that leaves a wait as it is. A higher one makes it shorter. It is high
    because pauses are dangerous: half of all ends have a higher one, and one pause of eight."""
    shortest_ms: NonNegativeInt = 240
    """Shortest wait in ms, however finished the voice sounds. Half of the pauses inside people's sentences are shorter
    than 280 ms, and voice detection notices silence some 80 ms late."""
    longest_ms: NonNegativeInt = 560
    """Longest wait in ms when the words look finished but the voice does not, or while the endpoint model still works.
    After a longer silence the line seems dead."""


@dataclass(frozen=True, slots=True)
class Pause:
    """The silence that is judged, and what is known about the utterance before it."""

    ending: Ending
    """How the words of the utterance end so far."""
    wanted: Wanted = Wanted.NOTHING
    """What the agent asked for before the utterance."""
    begun: bool = False
    """The words are the beginning of a sentence that callers are expected to say."""
    whole: bool = False
    """The words are a sentence that callers are expected to say, and the beginning of no other."""
    digits: int = 0
    """How many digits the numbers have that callers say; 0: it differs."""
    over: float | None = None
    """The probability that the voice sounds as if the caller were done; None when nothing tells."""
    judging: bool = False
    """An endpoint model is about to tell `over`."""
    stretch: float = 1.0
    """By how much this caller's waits are longer than usual."""


def enough_silence_ms(pause: Pause, settings: EndpointSettings) -> float:
    """After how much silence, in ms, the utterance is over."""
    kind = _kind(pause)
    wait_ms = _by_words(kind, pause, settings)
    if pause.judging:
        wait_ms = max(wait_ms, settings.longest_ms)
    elif kind is not Completeness.NOTHING and pause.over is not None:
        wait_ms = _by_sound(wait_ms, pause.over, kind, pause, settings)
    return max(wait_ms, min(wait_ms * pause.stretch, LONGEST_STRETCHED_MS))


def enough_to_prepare_ms(wait_ms: float, settings: EndpointSettings) -> float:
    """After how much silence, in ms, the reply is begun, if the utterance is over after `wait_ms`."""
    return max(settings.prepare_ms, wait_ms - settings.ahead_ms)


def _kind(pause: Pause) -> Completeness:
    """How finished the words look, with what is known about the numbers that callers say."""
    kind, all_digits = pause.ending.completeness, pause.ending.digits == pause.digits > 0
    if kind is Completeness.NUMBER and (all_digits or pause.ending.lone_figure):
        return Completeness.COMPLETE
    if kind is Completeness.OPEN and all_digits:
        return Completeness.COMPLETE  # engines also write a comma after the last digit
    return kind


def _by_words(kind: Completeness, pause: Pause, settings: EndpointSettings) -> float:
    """The wait in ms that the words ask for."""
    wait_ms = {
        Completeness.NOTHING: settings.nothing_ms,
        Completeness.COMPLETE: settings.complete_ms,
        Completeness.SINGLE: settings.single_ms,
        Completeness.NUMBER: settings.number_ms,
        Completeness.OPEN: settings.open_ms,
    }[kind]
    if kind in (Completeness.COMPLETE, Completeness.SINGLE) and (pause.begun or pause.ending.announces):
        wait_ms = settings.begun_ms
    if kind in (Completeness.NUMBER, Completeness.OPEN) and pause.wanted is Wanted.NUMBER:
        wait_ms += settings.asked_ms
    return max(wait_ms, settings.dictated_ms) if pause.wanted in DICTATED else wait_ms


def _by_sound(words_ms: float, over: float, kind: Completeness, pause: Pause, settings: EndpointSettings) -> float:
    """The wait in ms, changed by the sound. A wait that is beyond a limit already may stay there."""
    more_is_likely = pause.begun or pause.ending.announces or pause.wanted in DICTATED
    sure = kind is Completeness.COMPLETE and not more_is_likely
    weight = settings.sound_weight if sure else settings.sound_weight / 2
    wait_ms: float = words_ms * _odds(over, settings) ** weight
    longest_ms = settings.complete_ms if pause.whole else settings.longest_ms
    return min(max(wait_ms, _shortest_ms(kind, pause, words_ms, settings)), max(words_ms, longest_ms))


def _odds(over: float, settings: EndpointSettings) -> float:
    """The odds that the caller goes on, compared with those of a sound that leaves a wait as it is."""

    def against(probability: float) -> float:
        sure = min(MAX_PROBABILITY, max(1 - MAX_PROBABILITY, probability))
        return (1 - sure) / sure

    return against(over) / against(settings.sound_even)


def _shortest_ms(kind: Completeness, pause: Pause, words_ms: float, settings: EndpointSettings) -> float:
    """The shortest wait in ms that a sound may lead to. No sound makes words complete that cannot be all."""
    if kind in (Completeness.NUMBER, Completeness.OPEN) or pause.wanted in DICTATED:
        return min(words_ms, settings.complete_ms)
    return min(words_ms, settings.shortest_ms)
