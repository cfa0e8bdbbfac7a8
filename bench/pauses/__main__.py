"""How often the agent cuts in on a caller who pauses, against how long it lets callers wait who are done.

    python -m bench.pauses --recordings DIR    people
    python -m bench.pauses                     synthetic callers of a shop's front desk: a second opinion
    python -m bench.pauses --lang de           the same in another language

The real session hears each utterance on virtual time, with the real VAD and the real engines: for recordings and for
other languages those that a server chooses with the models on disk, else the embedded ones. The endpoint is never
taken; what it would be decided from is kept frame by frame. Then each policy is replayed over that, so each pause is
judged as if no earlier pause had been cut. bench/pauses/recorded.py says what DIR has.

Tables go to standard error. The last line is JSON. With recordings it has, for what a caller gets who chooses nothing,
the number of pauses `n`, `cut_percent`, and the wait `p50_ms` and `p95_ms` from the end of the speech to the endpoint;
and the same for each patience, words_alone, smart_turn_alone, plain silence, and curves. With another language it also
has all of this for a perfect transcript at once, as true_words.
"""

import argparse
import json
from functools import partial
from pathlib import Path

from bench.common.halves import add_half
from bench.pauses import people, synthetic
from bench.pauses.corpus import corpus
from bench.pauses.flite import flite_parts
from bench.pauses.languages import corpus_in
from bench.pauses.listening import by_espeak, listen, listen_in, listen_to_people
from bench.pauses.others import others
from bench.pauses.recorded import recorded
from bench.pauses.trace import Trace, with_true_words
from server.call.turns.lexicon.choice import lexicon_of
from server.errors import ConfigError

MODELS = Path("models")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recordings", type=Path, metavar="DIR", help="a directory with recordings of people")
    add_half(parser)
    parser.add_argument("--models", type=Path, default=MODELS, help="the directory of models")
    parser.add_argument("--lang", default="en", help="the language of the recordings, or of the synthetic callers")
    parser.add_argument("--jobs", type=int, default=2, help="processes that listen")
    parser.add_argument("--every", type=int, default=1, help="take every n-th utterance, for a quick look")
    parser.add_argument("--flite", metavar="VOICE", help="let Flite speak, as kal, rms, awb or slt")
    parser.add_argument("--others", action="store_true", help="take other sentences of synthetic callers")
    parser.add_argument("--detail", action="store_true", help="list what was cut and what was late")
    given = parser.parse_args()
    try:
        print(json.dumps(_of_people(given) if given.recordings else _of_voices(given)))
    except ConfigError as error:
        raise SystemExit(str(error)) from error


def _of_people(given: argparse.Namespace) -> dict[str, object]:
    said = recorded(given.recordings, given.half)[:: given.every]
    return _in_short(listen_to_people(said, given.jobs, given.models, given.lang), given)


def _in_short(traces: list[Trace], given: argparse.Namespace) -> dict[str, object]:
    lexicon = lexicon_of(given.lang)
    found = people.figures(traces, lexicon)
    people.show_figures(found)
    if given.detail:
        people.detail(traces, lexicon)
    return found


def _of_voices(given: argparse.Namespace) -> dict[str, object]:
    if given.lang != "en":
        said = corpus_in(given.lang)[:: given.every]
        heard = listen_in(given.lang, said, given.jobs, given.models)
        return _in_short(heard, given) | {"true_words": _in_short([with_true_words(trace) for trace in heard], given)}
    say = partial(flite_parts, voice=given.flite) if given.flite else by_espeak
    said = others() if given.others else corpus()
    heard = listen(said[:: given.every], given.jobs, say)
    return {"utterances": len(heard)} | synthetic.compare(heard, given.detail)


if __name__ == "__main__":
    main()
