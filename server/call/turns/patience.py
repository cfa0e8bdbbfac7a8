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
"""What each patience changes. Measured with recordings of people, Whisper tiny.en and Smart Turn (2026-11-29).

`python -m bench.pauses --recordings …`: 98 orders with 51 pauses. "Wait" is the time in ms from the end of the speech
to the endpoint, "begun" how many answers the model begins for each order.

    patience   pauses cut off     wait, p50     wait, p95      begun
    quick      13.7 %             280           560            1.43
    normal      9.8 %             320           644            1.43
    patient     2.0 %             620           1280           1.06

`python -m bench.overlap --recordings … --patience …`, over an agent that speaks: 180 interruptions, 243 backchannels,
noises and echoes, and 72 commands of one word. "Decided" is the time in ms from the onset of an order until the agent
is stopped for good; it is silent after 160 ms.

    patience   interruptions that stop it    decided, p50    p95     others that stop it    commands that do
    quick      100 %                         740             806     4.5 %                  92 %
    normal     100 %                         940             1043    1.2 %                  92 %
    patient    98 %                          1140            1320    1.2 %                  93 %

The thresholds while a tool runs, or before the answer is heard, are not measured in these scenes.
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
