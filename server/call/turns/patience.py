"""Patience: one choice that stands for thirty thresholds of turn-taking.

`normal` is every threshold at its default. `quick` answers after shorter silences and lets the caller interrupt with
less; `patient` waits longer and is harder to interrupt.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from server.call.options import Patience
from server.call.turns.endpoint import EndpointSettings
from server.call.turns.overlap import OverlapSettings
from server.settings_group import SettingsGroup

_Group = TypeVar("_Group", bound=SettingsGroup)


@dataclass(frozen=True, slots=True)
class Preset:
    """The thresholds that differ from their defaults, by their names in the settings."""

    endpoint: Mapping[str, float] = field(default_factory=dict)
    overlap: Mapping[str, int] = field(default_factory=dict)


PRESETS: Mapping[Patience, Preset] = {
    "quick": Preset(
        endpoint={
            "complete_ms": 300,
            "begun_ms": 500,
            "single_ms": 320,
            "number_ms": 400,
            "open_ms": 1_000,
            "nothing_ms": 800,
            "asked_ms": 120,
            "dictated_ms": 700,
            "shortest_ms": 200,
            "longest_ms": 460,
        },
        overlap={
            "words": 1,
            "words_ms": 550,
            "voiced_ms": 700,
            "thinking_voiced_ms": 450,
            "tool_words": 2,
            "tool_words_ms": 700,
        },
    ),
    "normal": Preset(),
    "patient": Preset(
        endpoint={
            "complete_ms": 700,
            "begun_ms": 1_400,
            "single_ms": 800,
            "number_ms": 1_000,
            "open_ms": 2_000,
            "nothing_ms": 1_400,
            "asked_ms": 300,
            "dictated_ms": 1_500,
            "shortest_ms": 540,
            "longest_ms": 1_200,
        },
        overlap={
            "words": 3,
            "words_ms": 800,
            "voiced_ms": 1_100,
            "thinking_words_ms": 300,
            "thinking_voiced_ms": 900,
            "tool_words": 4,
            "tool_words_ms": 1_200,
            "settle_ms": 400,
        },
    ),
}
"""What each patience changes. Measured with synthetic callers and the embedded engines, so the figures compare the
choices with each other and promise nothing for people on telephones.

`python -m bench.pauses`, with words as heard: 184 utterances with 158 pauses inside. "Wait" is the time in ms
from the last sound to the endpoint, "begun" how many answers the model begins for each utterance. In brackets: 74 other
utterances (`--others`).

    patience   pauses cut off     wait, p50     wait, p95      begun
    quick      16.5 % (14.0 %)    195 (194)     364 (1152)     1.43
    normal      9.5 % (12.3 %)    235 (234)     437 (1252)     1.35
    patient     3.8 %  (7.0 %)    355 (354)     825 (2052)     1.11

`python -m bench.overlap --patience …`, over an agent that speaks: 96 interruptions and 78 backchannels.
"Decided" is the time in ms from the onset of the caller's voice until the agent is stopped for good. The thresholds
while a tool runs, or before the answer is heard, are not measured in these scenes.

    patience   interruptions that stop it    decided, p50    p95     backchannels that stop it
    quick      96 %                          600              680    9 %
    normal     96 %                          640              820    4 %
    patient    89 %                          840             1304    0 %

`quick` keeps `longest_ms` above one second: with 960 ms it cuts off 24 % of the pauses. Its `shortest_ms` stays longer
than the stops inside words: with 120 ms, words are cut. It also keeps `voiced_ms`: with 550 ms more backchannels stop
the agent (14 %), and interruptions are decided no sooner.
"""


def endpoint_of(patience: Patience, base: EndpointSettings) -> EndpointSettings:
    """The silences for this patience. A threshold that the operator has set in `base` stays as it was set."""
    return _changed(base, PRESETS[patience].endpoint)


def overlap_of(patience: Patience, base: OverlapSettings) -> OverlapSettings:
    """The bars to interrupt for this patience. A threshold that the operator has set in `base` stays as it was set."""
    return _changed(base, PRESETS[patience].overlap)


def _changed(base: _Group, changes: Mapping[str, float]) -> _Group:
    """`model_fields_set` has the names that were given, not those that have their default."""
    return base.model_copy(update={name: value for name, value in changes.items() if name not in base.model_fields_set})
