"""Endpoint: how much silence is enough to decide that the caller is done?

The words come first. A sentence that looks finished needs a short silence. A sentence that stops at "and", "my" or in
the middle of a number needs a long one. Then the sound of the voice, where an endpoint model judges it, makes the wait
shorter or longer.
"""

from dataclasses import dataclass
from typing import ClassVar

from pydantic import NonNegativeFloat, NonNegativeInt

from server.call.turns.lexicon.lexicon import Completeness, Ending, Mark, Wanted
from server.settings_group import SettingsGroup

MAX_PROBABILITY = 0.99
"""No sound is believed to be surer than this, for or against the end. One ending of a hundred deceives everybody."""


class EndpointSettings(SettingsGroup):
    """How much silence ends an utterance, by what its words look like. These are the waits when the sound of the voice
    tells nothing; the sound then makes them shorter or longer.
    """

    title: ClassVar[str] = "Endpoint: when the caller is done"

    prepare_ms: NonNegativeInt = 80
    """Silence in ms after which the words so far are settled and the answer may be prepared, unheard. A shorter silence
    ends nothing. Voice detection itself bridges most consonants."""
    ahead_ms: NonNegativeInt = 400
    """How many ms before the expected endpoint the agent begins its answer, at most. Models need this time. Earlier
    would be a waste: most pauses in which the caller goes on are over by then."""
    complete_ms: NonNegativeInt = 350
    """Silence in ms that ends a sentence that looks complete."""
    asking_ms: NonNegativeInt = 300
    """Silence in ms that ends a question that is known by its first words, such as "where is". A caller who asks waits
    for an answer."""
    question_ms: NonNegativeInt = 220
    """Silence in ms that ends what is surely a question: it has a question mark, or it is one of the agent's expected
    phrases and no longer phrase begins with it. A caller who asks waits for an answer."""
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
    nothing_ms: NonNegativeInt = 600
    """Silence in ms that ends a sound in which no words were found. Speech-to-text has this time to catch up; then the
    sound is given up."""
    usual_ms: NonNegativeInt = 450
    """Longest wait in ms because of a caller's habit. The agent waits for a caller who often pauses for long inside
    sentences as long as this caller usually pauses, but no longer than this."""
    asked_ms: NonNegativeInt = 150
    """Time in ms that is added to the waits for a number and for words that cannot be all, after the agent has asked
    for a number. People look numbers up."""
    sound_weight: NonNegativeFloat = 1.0
    """How much the endpoint model counts. Each wait is divided by the odds that the voice sounds finished, to this
    power; 0 listens to the words alone. Half of it is used where the words are surer than the sound: where they cannot
    be all, or are a single word, which has little melody."""
    shortest_ms: NonNegativeInt = 280
    """Shortest wait in ms, however finished the voice sounds. People leave about 200 ms between turns, many words have
    a stop of 150 ms inside, and voice detection notices silence some 50 ms late."""
    longest_ms: NonNegativeInt = 600
    """Longest wait in ms when the words look finished but the voice does not. After a longer silence the line seems
    dead."""


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
    usual_pause_ms: float = 0
    """How long this caller's pauses inside utterances usually are; 0 while unknown."""
    over: float | None = None
    """The probability that the voice sounds as if the caller were done; None when nothing tells."""


def enough_silence_ms(pause: Pause, settings: EndpointSettings) -> float:
    """After how much silence, in ms, the utterance is over."""
    kind = _kind(pause)
    all_said = kind in (Completeness.COMPLETE, Completeness.SINGLE)
    begun = all_said and (pause.begun or pause.ending.announces)
    wait_ms = settings.begun_ms if begun else _by_words(kind, pause, settings)
    if kind is not Completeness.OPEN:
        wait_ms = max(wait_ms, min(pause.usual_pause_ms, settings.usual_ms))
    if pause.over is None:
        return wait_ms
    unsure_sound = begun or kind in (Completeness.OPEN, Completeness.SINGLE)
    weight = settings.sound_weight / 2 if unsure_sound else settings.sound_weight
    return _by_sound(wait_ms, pause.over, weight, settings)


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
    """The wait in ms that the words alone ask for."""
    wait_ms: float = {
        Completeness.NOTHING: settings.nothing_ms,
        Completeness.COMPLETE: _of_complete_words(pause, settings),
        Completeness.SINGLE: settings.single_ms,
        Completeness.NUMBER: settings.number_ms,
        Completeness.OPEN: settings.open_ms,
    }[kind]
    if kind in (Completeness.NUMBER, Completeness.OPEN) and pause.wanted is Wanted.NUMBER:
        wait_ms += settings.asked_ms
    return wait_ms


def _of_complete_words(pause: Pause, settings: EndpointSettings) -> int:
    """The wait in ms after a complete sentence. It is shorter for a question."""
    if not pause.ending.asks:
        return settings.complete_ms
    return settings.question_ms if pause.whole or pause.ending.mark is Mark.QUESTION else settings.asking_ms


def _by_sound(wait_ms: float, over: float, weight: float, settings: EndpointSettings) -> float:
    """The wait in ms, changed by the odds that the caller is done. Even odds change nothing.

    The settings limit how short and how long a wait can become. A wait that is beyond a limit already may stay there.
    """
    if weight == 0:
        return wait_ms
    probability = min(MAX_PROBABILITY, max(1 - MAX_PROBABILITY, over))
    odds: float = ((1 - probability) / probability) ** weight
    return min(max(wait_ms, settings.longest_ms), max(min(wait_ms, settings.shortest_ms), wait_ms * odds))
