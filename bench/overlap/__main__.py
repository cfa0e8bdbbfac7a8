"""What stops the agent, and what does not: plays sounds over an agent that speaks, through the real judge.

    python -m bench.overlap --recordings DIR    people, and voices that sound like people
    python -m bench.overlap                     eSpeak NG's voices

The real session hears, decides and speaks on virtual time, with the real engines: with recordings those that a server
chooses with the models in --models, of which one must be a Whisper; without them the embedded ones, unless --models is
given. The agent speaks by eSpeak NG. What the caller hears is compared with the same call in which the caller makes no
sound. bench/speech/recordings.py says what DIR has, and overlap/people.py what is played from it.

With recordings there are also calls with a radio: a caller asks the demo agent one question after the other while
people talk in the background. A call without them is made as well, so that it is known what the demo agent answers.

Tables go to standard error. The last line is JSON. With recordings it has "interruptions", "decoys" and "commands",
each with "n" and "stopped_percent", "radio", and "kinds", which is all that there is without recordings.
"""

import argparse
import json
from functools import partial
from pathlib import Path

from bench.common.figures import show
from bench.common.halves import add_half
from bench.common.pool import share_out
from bench.overlap.outcome import SceneOutcome
from bench.overlap.people import all_scenes, radio_scenes
from bench.overlap.play import perform
from bench.overlap.radio import RadioOutcome, RadioScene
from bench.overlap.report import by_kind, in_short, radio_in_short, report, report_radio, wrong
from bench.overlap.scenes import Scene, scenes
from bench.speech.speakers import natural_voices
from server.call.turns.patience import PRESETS
from server.errors import ConfigError
from server.speech.local_engines import speech_to_text_engines

MODELS = Path("models")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recordings", type=Path, metavar="DIR", help="a directory with recordings of people")
    add_half(parser)
    parser.add_argument("--models", type=Path, help="the directory of models; models with recordings")
    parser.add_argument("--radio-db", type=float, nargs="+", default=[-15.0, -20.0], help="how loud the radio is")
    parser.add_argument("--radio-s", type=int, default=300, help="how long a call with a radio is; 0 for none")
    parser.add_argument("--jobs", type=int, default=2, help="processes that play scenes")
    parser.add_argument("--every", type=int, default=1, help="take every n-th scene, for a quick look")
    parser.add_argument("--patience", choices=list(PRESETS), default="normal", help="how patient the agent is")
    given = parser.parse_args()
    played = _scenes(given)
    models = given.models or (MODELS if given.recordings else None)
    found = share_out(partial(perform, models, given.patience), played, given.jobs)
    over_agent = [each for each in found if isinstance(each, SceneOutcome)]
    kinds = dict(by_kind(over_agent))
    show("Wrong", ("sound", "kind", "heard as", "decided ms", "held ms"), wrong(over_agent))
    report(kinds)
    if not given.recordings:
        print(json.dumps(kinds))
        return
    calls = [each for each in found if isinstance(each, RadioOutcome)]
    radio = radio_in_short(calls)
    report_radio(radio, calls)
    print(json.dumps(in_short(over_agent) | {"radio": radio, "kinds": kinds}))


def _scenes(given: argparse.Namespace) -> list[Scene | RadioScene]:
    """What is played. The long calls come first, so that they are shared out evenly."""
    if not given.recordings:
        return [*scenes()[:: given.every]]
    models = given.models or MODELS
    try:
        speech_to_text_engines("whisper", models)
    except ConfigError as error:
        raise SystemExit(str(error)) from error
    voices = natural_voices(models)
    askers = dict([*voices.items()][:: len(voices) - 1])  # hibari's own voice and Piper's
    calls = radio_scenes(given.recordings, given.half, askers, given.radio_db, given.radio_s) if given.radio_s else ()
    return [*calls, *all_scenes(given.recordings, given.half, voices)[:: given.every]]


if __name__ == "__main__":
    main()
