"""Several engines share the work of one."""

from collections.abc import Callable, Sequence

from server.speech.pool import SpeechToTextPool
from server.speech.protocols import ANYBODY, Asker
from tests.fakes.engines import LetterSpeechStream, LetterSpeechToText


class Counted(LetterSpeechToText):
    """Counts its open utterances, as the client of a worker does."""

    utterances = 0

    def listen(
        self,
        phrases: Sequence[str],
        on_partial: Callable[[str], None],
        language: str = "",
        others: Sequence[str] = (),
        asker: Asker = ANYBODY,
    ) -> LetterSpeechStream:
        self.utterances += 1
        return super().listen(phrases, on_partial, language, others, asker)


def test_an_utterance_goes_to_the_engine_with_the_fewest() -> None:
    """Utterances are shared evenly, and one that ends makes room."""
    engines = [Counted(), Counted()]
    pool = SpeechToTextPool(engines)
    for _ in range(4):
        pool.listen([], lambda text: None)
    assert [engine.utterances for engine in engines] == [2, 2]
    engines[1].utterances -= 1
    pool.listen([], lambda text: None)
    assert [engine.utterances for engine in engines] == [2, 2]
    assert pool.languages == engines[0].languages
