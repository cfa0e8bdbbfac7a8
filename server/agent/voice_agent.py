"""VoiceAgent: a pydantic-ai agent, and what it needs to speak on the phone."""

import inspect
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, runtime_checkable

from pydantic_ai.agent import AbstractAgent

from server.agent.call_info import CallInfo
from server.agent.lines import Lines

AUTO = "auto"
"""In place of a language's tag: the language is detected in the call."""

NOTHING_KNOWN = CallInfo()
"""Of a call whose caller has no token."""

log = logging.getLogger(__name__)


@runtime_checkable
class EndsCalls(Protocol):
    """The dependencies of an agent whose tools can end the call."""

    hang_up_requested: bool
    """A tool sets it; the call ends when the answer in progress has been heard."""


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
    greeting: str = ""
    """Said when the call begins. With "" the agent waits for the caller to speak."""
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
    patience: Literal["", "quick", "normal", "patient"] = ""
    """How long the agent waits in a pause and how hard it is to interrupt; "" leaves it to the server. A call may
    choose another."""
    judge: Callable[[Any], Any] | None = None
    """Makes the judge of one call, an `antiphon.turns.Judge`, from its `antiphon.turns.JudgeSetup`. None: the server's
    own judge."""
    make_deps: Callable[[], Any] | Callable[[CallInfo], Any] = _no_deps
    """Called when a call begins, with the `CallInfo` if it takes one."""
    dump_deps: Callable[[Any], str] = _nothing
    """Called after each exchange; "" when there is nothing to keep."""
    load_deps: Callable[[str], Any] | Callable[[str, CallInfo], Any] | None = None
    """Called with what `dump_deps` wrote, also in another version of the agent, and with the `CallInfo` if it takes
    one. None begins anew with `make_deps`."""

    def __post_init__(self) -> None:
        """Raises ValueError for functions that no call could use, and for tools that contradict themselves."""
        if both := self.background & (self.lookups | self.cancellable):
            raise ValueError(f"{', '.join(sorted(both))}: what runs in the background goes on, and is no lookup")
        for name, function, given in (("make_deps", self.make_deps, 0), ("load_deps", self.load_deps, 1)):
            if function is not None and _needed(function) > given + 1:
                raise ValueError(f"{name} takes too many parameters")

    @property
    def own_language(self) -> str:
        """The language in which calls begin that choose none (BCP 47)."""
        return self.language if self.language != AUTO else (*self.languages, "en")[0]

    @property
    def own_lines(self) -> Lines:
        """The fixed lines in the agent's own language."""
        questions = self.still_there, self.other_voices
        return Lines(self.greeting, self.goodbye, *questions, self.apology, self.cannot_help, self.waiting)

    def state_of(self, deps: Any) -> str:
        """The part of a call's dependencies to keep, as text; "" when `dump_deps` fails, which is logged."""
        try:
            return self.dump_deps(deps)
        except Exception:  # the agent's own fault
            log.exception("x the state of a call of %s cannot be kept", self.name)
            return ""

    def deps_of(self, state: str, info: CallInfo = NOTHING_KNOWN) -> Any:
        """The dependencies of a call in that state; "" is a new call.

        When the state cannot be loaded, that is logged and the call begins anew.
        """
        if not state or self.load_deps is None:
            return _call(self.make_deps, info)
        try:
            return _call(self.load_deps, info, state)
        except Exception:  # another version of the agent wrote it
            log.exception("x the state of a call of %s cannot be loaded", self.name)
            return _call(self.make_deps, info)


def _call(function: Callable[..., Any], info: CallInfo, *given: str) -> Any:
    """Call `function` with `given`, and with `info` if it needs one parameter more."""
    return function(*given, info) if _needed(function) > len(given) else function(*given)


def _needed(function: Callable[..., Any]) -> int:
    """How many parameters a function must be given in their places.

    Those with a default are not among them: a class with defaults makes dependencies without being told anything.
    """
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):  # some functions written in C do not tell
        return 0
    places = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return sum(each.kind in places and each.default is each.empty for each in parameters)
