"""VoiceAgent: a pydantic-ai agent, and what it needs to speak on the phone."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from inspect import iscoroutinefunction
from typing import Any, Literal, Protocol, runtime_checkable

from pydantic_ai.agent import AbstractAgent

from server.agent.call_info import CallInfo
from server.agent.functions import needed
from server.agent.hooks import CallEnd, CallExchange
from server.agent.lines import Lines
from server.agent.passing_on import HandOver, Transfer

AUTO = "auto"
"""In place of a language's tag: the language is detected in the call."""

log = logging.getLogger(__name__)


@runtime_checkable
class EndsCalls(Protocol):
    """The dependencies of an agent whose tools can end the call."""

    hang_up_requested: bool
    """A tool sets it; the call ends when the answer in progress has been heard."""


_PARAMETERS = {"make_deps": 1, "load_deps": 2, "greeting": 1, "on_start": 1, "on_exchange": 2, "on_end": 2}
"""The functions of an agent that are given something, and how many parameters they may need."""


def _no_deps() -> Any:
    return None


def _nothing(deps: Any) -> str:
    return ""


@dataclass(frozen=True, slots=True)
class VoiceAgent:
    """The agent that answers calls.

    `agent` is any pydantic-ai agent whose output is text, with its own tools, instructions and model. `make_deps` makes
    the agent's dependencies for one call, so that no call sees the state of another. `dump_deps` writes the part of
    them that another server needs to go on with the call, and `load_deps` makes dependencies from what it wrote.
    `make_deps` and `load_deps` are given a `CallInfo`, too, if they have a parameter for it.
    """

    agent: AbstractAgent[Any, str]
    name: str = "Agent"
    about: str = ""
    """A sentence about what the agent can do. The page shows it before the call."""
    examples: tuple[str, ...] = ()
    """Sentences that a caller may say to the agent. The page offers the first four of them."""
    greeting: str | Callable[[Any], str] = ""
    """Said when the call begins. With "" the agent waits for the caller to speak. A function is given the dependencies,
    and returns at once what is said; it says nothing when it fails."""
    goodbye: str | None = None
    """Said when the server has to end the call. With "" the call ends without a word. None: as `DEFAULT_LINES` has it
    in the language of the call."""
    still_there: str | None = None
    """Said when the caller has been silent for long. With "" the agent says nothing. None: as for `goodbye`."""
    other_voices: str | None = None
    """Said in place of `still_there` when voices that do not listen to the agent are heard. With "" the agent says
    nothing. None: as for `goodbye`."""
    apology: str | None = None
    """Said when an engine, the model or a tool fails; the call goes on. With "" the agent says nothing. None: as for
    `goodbye`."""
    cannot_help: str | None = None
    """Said before the goodbye when several answers in a row have failed, because then the call ends. With "" the agent
    says only its goodbye. None: as for `goodbye`."""
    introduction: str | None = None
    """Said when the agent takes a call over from another one; `{name}` stands for its `name`. With "" it begins with
    its answer. None: as for `goodbye`."""
    relief: HandOver | Transfer | None = None
    """Who takes the call when several answers in a row have failed. None: the call ends then."""
    relieved: str | None = None
    """Said in place of `cannot_help` before `relief` takes the call. With "" the agent says nothing. None: as for
    `goodbye`."""
    waiting: tuple[str, ...] | None = None
    """Said one after the other while the caller waits for a tool, or for a model that thinks. Empty: the agent waits in
    silence. None: as for `goodbye`."""
    while_running: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Said in place of `waiting` while the tool of this name runs."""
    lines: Mapping[str, Lines] = field(default_factory=dict)
    """The lines above, except `while_running`, in other languages, by tag (BCP 47), for calls that are held in them."""
    voice: str = ""
    """The name of a voice of the text-to-speech engine, for the agent's own language; "" is the engine's default."""
    language: str = "en"
    """The agent's own language, as a tag (BCP 47): calls are held in it unless they choose another, and the phrases and
    the fixed lines are in it. With "auto" calls begin in the first of `languages`, or in English if there is none, and
    go on in the language that the caller is heard to speak."""
    languages: tuple[str, ...] = ()
    """The languages that the agent's own model can answer in; calls are held in no other. Empty means any language."""
    phrases: tuple[str, ...] = ()
    """Sentences that callers are expected to say: lower case, numbers spelled out, no punctuation."""
    number_phrases: tuple[str, ...] = ()
    """Expected in place of `phrases` after the agent has asked for a number. Speech-to-text is surer of few words than
    of many."""
    menu: Mapping[str, str] = field(default_factory=dict)
    """Keys of the telephone that are a whole answer when they are pressed alone, and the words that they stand for; "":
    the key itself. They are answered at once, and a number of several keys cannot begin with them, unless the agent has
    just asked for a number."""
    digits: int = 0
    """How many digits the numbers of callers have, if that is always the same. The last digit ends the utterance."""
    lookups: frozenset[str] = frozenset()
    """Names of the tools that change nothing. They may run before the caller is known to be done, even in vain."""
    cancellable: frozenset[str] = frozenset()
    """Names of the tools that stop when the caller goes on before they return. The others run to their end, and the
    agent knows the result when it answers next: what has an effect should not stop half-way."""
    background: frozenset[str] = frozenset()
    """Names of the tools that run while the talk goes on. The model is told their results when they come, and tells the
    caller when nobody speaks. None of them may be in `lookups` or `cancellable`."""
    by_client: bool = False
    """Clients may bring instructions and tools of their own to a call, and put words into its history. Whoever may call
    then decides what the agent says and what its model does."""
    patience: Literal["", "quick", "normal", "patient"] = ""
    """How long the agent waits in a pause and how hard it is to interrupt; "" leaves it to the server. A call may
    choose another."""
    judge: Callable[[Any], Any] | None = None
    """Makes the judge of one call, an `antiphon.turns.Judge`, from its `antiphon.turns.JudgeSetup`. None: the server's
    own judge."""
    make_deps: Callable[[], Any] | Callable[[CallInfo], Any] = _no_deps
    """Called when a call begins, with the `CallInfo` if it takes one. It may be `async`; else it runs in a thread. When
    it fails, the call is refused."""
    dump_deps: Callable[[Any], str] = _nothing
    """Called after each exchange; "" when there is nothing to keep."""
    load_deps: Callable[[str], Any] | Callable[[str, CallInfo], Any] | None = None
    """Called with what `dump_deps` wrote, also in another version of the agent, and with the `CallInfo` if it takes
    one. It may be `async`, as `make_deps`. None begins anew with `make_deps`."""
    on_start: Callable[[Any], Any] | None = None
    """Called with the dependencies when a call has begun. This and the next two run beside the call, one after the
    other, `async` or in a thread."""
    on_exchange: Callable[[Any, CallExchange], Any] | None = None
    """Called with the dependencies after each exchange."""
    on_end: Callable[[Any, CallEnd], Any] | None = None
    """Called with the dependencies when the call is over for good."""

    def __post_init__(self) -> None:
        """Raises ValueError for functions that no call could use, for tools that contradict themselves, and for what is
        no key."""
        if both := self.background & (self.lookups | self.cancellable):
            raise ValueError(f"{', '.join(sorted(both))}: what runs in the background goes on, and is no lookup")
        if wrong := [key for key in self.menu if len(key) != 1 or key not in "0123456789*#ABCD"]:
            raise ValueError(f"menu: {wrong}: the keys of a telephone are 0 to 9, *, # and A to D")
        for name, most in _PARAMETERS.items():
            function = getattr(self, name)
            if callable(function) and needed(function) > most:
                raise ValueError(f"{name} takes too many parameters")
        if iscoroutinefunction(self.greeting):
            raise ValueError("greeting is async, but the caller waits for it: let make_deps find out what it says")

    @property
    def own_language(self) -> str:
        """The language in which calls begin that choose none (BCP 47)."""
        return self.language if self.language != AUTO else (*self.languages, "en")[0]

    @property
    def own_lines(self) -> Lines:
        """The fixed lines in the agent's own language, without a greeting if that is a function."""
        greeting = self.greeting if isinstance(self.greeting, str) else None
        questions = self.still_there, self.other_voices
        failing = self.apology, self.cannot_help
        return Lines(greeting, self.goodbye, *questions, *failing, self.waiting, self.introduction, self.relieved)

    def greet(self, deps: Any) -> str:
        """What the agent says to this caller when the call begins; "" when the function fails, which is logged."""
        try:
            said = self.greeting if isinstance(self.greeting, str) else self.greeting(deps)
        except Exception:  # the agent's own fault
            log.exception("x the greeting of %s fails", self.name)
            return ""
        if not isinstance(said, str):
            log.error("x the greeting of %s is %s, and not text", self.name, type(said).__name__)
            return ""
        return said.strip()

    def state_of(self, deps: Any) -> str:
        """The part of a call's dependencies to keep, as text; "" when `dump_deps` fails, which is logged."""
        try:
            return self.dump_deps(deps)
        except Exception:  # the agent's own fault
            log.exception("x the state of a call of %s cannot be kept", self.name)
            return ""
