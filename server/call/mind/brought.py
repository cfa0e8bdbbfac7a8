"""Brought: what the client has brought to a call: its choices for the model, its instructions and its tools.

A client may change them while the call goes on. What the caller's token has chosen stays as it is.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pydantic_ai.settings import ModelSettings

from server.agent.client_tools import ClientTools, definition, own_tools
from server.agent.run_setup import RunSetup
from server.agent.voice_agent import AUTO, VoiceAgent
from server.call.agent_messages import Update
from server.call.host import Host
from server.call.messages import Error
from server.call.mind.client_calls import ClientCalls
from server.call.mind.language import LanguageOfCall
from server.call.options import CallOptions, Choices
from server.call.settings import CallSettings
from server.call.setup import CallSetup
from server.errors import PeerError

NOT_BY_CLIENT = "The agent {name} takes no {what} from clients."


def check_by_client(agent: VoiceAgent, what: str) -> None:
    """Raises PeerError if the agent does not take such a thing from clients."""
    if not agent.by_client:
        raise PeerError(NOT_BY_CLIENT.format(name=agent.name, what=what))


def check_brought(agent: VoiceAgent, choices: Choices) -> None:
    """Raises PeerError if the agent does not take the instructions and the tools that the client brings."""
    if choices.instructions:
        check_by_client(agent, "instructions")
    if choices.tools:
        check_by_client(agent, "tools")
    if both := own_tools(agent.agent).intersection(tool.name for tool in choices.tools):
        raise PeerError(f"tools: the agent has tools of its own with these names: {', '.join(sorted(both))}")


class Brought:
    """What the client has brought to one call. It outlives connections, and goes on with another agent."""

    def __init__(self, host: Host) -> None:
        """Call `serve` before anything else."""
        self._host = host
        self.calls = ClientCalls(host.send)
        """The tool calls that the client has not answered yet."""
        self.muted = False
        """The client has muted the caller."""
        self._changes: dict[str, Any] = {}
        """What the client has chosen since the call began."""

    def serve(self, setup: CallSetup) -> None:
        """The agent of `setup` has the call. One that is not `by_client` gets no instructions and no tools.

        A voice and a language were chosen for the agent before.
        """
        self._setup = setup
        self._changes = {name: value for name, value in self._changes.items() if name not in ("voice", "language")}
        self._options = self._with(self._changes)

    def update(self, update: Update, language: LanguageOfCall) -> None:
        """The client chooses otherwise, from the next answer on. Raises PeerError, and then nothing has changed."""
        check_brought(self._setup.agent, update)
        if (tag := update.language) == AUTO:
            raise PeerError("language: auto can only be chosen when a call begins")
        changes = {name: value for name, value in update.changes.items() if (name, value) != ("language", "")}
        options = self._with({**self._changes, **changes})
        if tag and options.language == tag:
            language.choose(tag)
        self._changes |= changes
        self._options = options
        language.voice = options.voice

    def connected(self) -> None:
        """The client has a connection, which may be another one, to another server. It is asked again for the results
        of its tools, and told what the agent does not take of what it has brought: a call that goes on may have another
        agent by now."""
        self.calls.ask_again()
        try:
            check_brought(self._setup.agent, self._options)
        except PeerError as error:
            self._host.send(Error(code=error.code, message=error.sentence))

    def check(self, what: str) -> None:
        """Raises PeerError if the present agent does not take such a thing from clients."""
        check_by_client(self._setup.agent, what)

    @property
    def speaks_when_asked(self) -> bool:
        """The agent speaks only when the client asks for it."""
        return self._options.answers == "asked"

    @property
    def client_ends_turns(self) -> bool:
        """The client says when the caller is done."""
        return self._options.turns == "manual"

    def added_to(self, runs: RunSetup, instructions: str = "") -> RunSetup:
        """What a run has that begins now. `instructions` are for this run alone."""
        brought = [self._options.instructions, instructions] if self._setup.agent.by_client else []
        return replace(
            runs,
            model_settings=_model_settings(self._options),
            instructions="\n\n".join(filter(None, brought)),
            toolsets=[self._tools] if self._options.tools and self._setup.agent.by_client else [],
        )

    @property
    def settings(self) -> CallSettings:
        """How the call behaves, with the patience that the client has chosen."""
        settings_for = self._setup.settings_for
        return self._setup.settings if settings_for is None else settings_for(self._options)

    @property
    def _tools(self) -> ClientTools:
        own = own_tools(self._setup.agent.agent)
        told = [definition(each.name, each.description, dict(each.parameters)) for each in self._options.tools]
        return ClientTools([each for each in told if each.name not in own], self.calls.ask)

    def _with(self, changes: Mapping[str, Any]) -> CallOptions:
        """The options of the call with these changes. What the caller's token sets wins."""
        return self._setup.caller.choose(self._setup.options.model_copy(update=changes))


def _model_settings(options: CallOptions) -> ModelSettings:
    chosen = ModelSettings()
    if options.temperature is not None:
        chosen["temperature"] = options.temperature
    if options.max_tokens is not None:
        chosen["max_tokens"] = options.max_tokens
    return chosen
