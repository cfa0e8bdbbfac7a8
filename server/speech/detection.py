"""Detection: in which of a few languages an utterance is, by the probabilities that a model gives to the languages.

A model guesses badly from one word, and often confuses languages when it may choose among a hundred. So the call says
which languages are possible, and which of them was spoken last. Another one is taken only on clear evidence.
"""

from collections.abc import Callable, Mapping, Sequence

LAST_LANGUAGE, POSSIBLE_LANGUAGES = "language", "languages"
"""Keys in the `context` of a Wyoming Transcribe event that leaves the language open: which language was spoken last, if
that is known, and which others are possible. Our workers read them; other servers detect any language."""

SPEECH_S = 1.0
"""The shortest speech whose language can be told. Of shorter ones Whisper base takes every second for another one."""
FIRST = 0.7
"""From this probability on, among the possible languages, the first language of a call is taken. See docs/models.md."""
OTHER = 0.9
"""From this probability on another language than before is taken. One that is wrong costs more than one that is late:
the call would go on in it."""


class Detection:
    """The language of one utterance, of which every pass over the utterance hears more."""

    def __init__(self, likely: str, others: Sequence[str] = ()) -> None:
        """Without `others`, the language is `likely`; "" is any language, which the first pass decides.

        With `others` the utterance may also be in one of them. Then an empty `likely` means that nothing is known yet,
        and the first of `others` is used until something is.
        """
        self.language = "" if others else likely
        """The language that was found or given; "" until then."""
        self.used = self.language
        """The language of the newest pass."""
        self._likely = likely
        self._others = tuple(other for other in others if other != likely)

    def look(self, probabilities: Callable[[], Mapping[str, float]], speech_s: float) -> str:
        """The language for a pass over the first `speech_s` of the utterance.

        `probabilities` gives one for each language that the model knows. It is only called while they are needed.
        """
        if not self.language:
            self.language = self._found(probabilities, speech_s)
        self.used = self.language or self._likely or self._others[0]
        return self.used

    def _found(self, probabilities: Callable[[], Mapping[str, float]], speech_s: float) -> str:
        """The language, if the sound tells it."""
        possible = [self._likely, *self._others] if self._likely else self._others
        if not possible:
            among = probabilities()
            return max(among, key=among.__getitem__)
        if speech_s < SPEECH_S:
            return ""
        known = probabilities()
        among = {language: known.get(language, 0.0) for language in possible}
        best = max(among, key=among.__getitem__)
        enough = FIRST if best == self._likely or not self._likely else OTHER
        return best if among[best] >= enough * sum(among.values()) > 0 else ""
