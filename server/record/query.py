"""Queries over many conversations: which are wanted, and how the exchanges of a time went."""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

ANY = "any"
"""As `Wanted.failure`: whatever has failed."""

MOST_LOOKED_AT = 20_000
"""At how many conversations one search looks at most. What it has not found by then is found by the next page."""

MOST_COUNTED = 100_000
"""How many exchanges of a period are counted at most, the latest ones. SQLite takes about half a second for so many."""

By = Literal["", "agent", "transport", "model", "speech_to_text", "text_to_speech", "language"]
Bucket = Literal["", "hour", "day"]
BUCKET_MS = {"": 0, "hour": 3_600_000, "day": 86_400_000}
MEASURES = ("gap", "endpoint", "transcript", "first_token", "first_clause", "first_packet")
"""What has percentiles: how long the caller waited, and the stages of it."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which conversations are wanted. "" and None want all. Times are those at which a conversation began."""

    since_ms: int | None = None
    until_ms: int | None = None
    agent: str = ""
    """An agent that has held the call, by its name."""
    caller: str = ""
    transport: str = ""
    tool: str = ""
    """A tool that ran in it."""
    failure: str = ""
    """A stage that failed in it, or `ANY`."""
    word: str = ""
    """Text that the caller or the agent said, wherever it begins in a word. Case and accents do not matter."""
    slowest: bool = False
    """Those with the slowest answers come first; else the newest."""


@dataclass(frozen=True, slots=True)
class CallRow:
    """One conversation in a list."""

    id: str
    agent: str
    """With which it began."""
    created_ms: int
    updated_ms: int
    ended_ms: int | None
    exchanges: int
    caller: str = ""
    transport: str = ""
    end_reason: str = ""
    gap_p50_ms: int | None = None
    """How long the caller waited for answers (`Figures.waited_ms`): the median, and the longest time."""
    gap_max_ms: int | None = None
    interruptions: int = 0
    false_starts: int = 0
    agents: tuple[str, ...] = ()
    """All agents that have held the call."""
    tools: tuple[str, ...] = ()
    """The names of all tools that ran."""
    failures: tuple[str, ...] = ()
    """The stages that failed, one for each failure."""

    @property
    def cursor(self) -> str:
        """Its place among the newest. As text, newer conversations compare greater."""
        return f"{self.created_ms:013d}-{self.id}"

    @property
    def slow_cursor(self) -> str:
        """Its place among the slowest. As text, slower conversations compare greater."""
        return f"{-1 if self.gap_max_ms is None else self.gap_max_ms:08d}-{self.cursor}"


@dataclass(frozen=True, slots=True)
class Found:
    """A page of conversations."""

    rows: tuple[CallRow, ...]
    next: str | None
    """The cursor of the next page; None if there is none. A page may be short and still have a next one: the search
    has looked at `MOST_LOOKED_AT` conversations then."""


@dataclass(frozen=True, slots=True)
class Period:
    """Which exchanges are counted, by the time at which they began, and how they are put together."""

    since_ms: int
    until_ms: int
    by: By = ""
    bucket: Bucket = ""

    def __post_init__(self) -> None:
        if self.by not in get_args(By) or self.bucket not in BUCKET_MS:
            raise ValueError("exchanges are put together by what has a name here")


@dataclass(frozen=True, slots=True)
class Spread:
    """The percentiles of a measure in ms, exact to 10 ms. `count` is how many exchanges have it."""

    count: int
    p50_ms: int
    p95_ms: int
    p99_ms: int


@dataclass(frozen=True, slots=True)
class PeriodRow:
    """How the exchanges of one bucket and one name went."""

    start_ms: int
    """When the bucket begins, in UTC."""
    name: str
    """The agent, the model or whatever `Period.by` asks for."""
    conversations: int = 0
    exchanges: int = 0
    """Those in which the agent spoke or was asked."""
    interruptions: int = 0
    false_starts: int = 0
    resumed: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    failures: Mapping[str, int] = field(default_factory=dict)
    """How many, by stage."""
    measures: Mapping[str, Spread] = field(default_factory=dict)
    """By the name in `MEASURES`; one that no exchange has is not there."""


@dataclass(frozen=True, slots=True)
class Counted:
    """How the exchanges of a period went."""

    period: Period
    """It begins later than the one that was asked for, if that has more exchanges than are counted."""
    rows: tuple[PeriodRow, ...]
    """By time, and then by name."""


def folded(text: str) -> str:
    """The text as it is searched: without case and accents."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return "".join(char for char in plain if unicodedata.category(char) != "Mn")
