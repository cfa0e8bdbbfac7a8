"""The language of a call, as the tools of an agent see it, and a tool that changes it."""

from typing import Protocol, runtime_checkable

from pydantic_ai import RunContext


class CallLanguage(Protocol):
    """The language that one call is held in."""

    @property
    def tag(self) -> str:
        """BCP 47, such as "de"."""

    def switch(self, tag: str) -> str:
        """Hold the call in another language from the next word on, if it can be heard and spoken here.

        Call it on the event loop, so from an `async` tool. Returns a sentence for the model: that the language has
        changed, or why it cannot.
        """


@runtime_checkable
class SpeaksLanguages(Protocol):
    """The dependencies of an agent whose tools can change the language of the call."""

    call_language: CallLanguage | None
    """The server sets it when the call begins."""


async def switch_language(context: RunContext[SpeaksLanguages], tag: str) -> str:
    """Hold the call in another language from now on, when the caller asks for it or cannot speak this one well.

    Args:
        context: The dependencies of the call.
        tag: The tag of the language (BCP 47), such as "de" for German or "pt-BR" for Brazilian Portuguese.
    """
    language = context.deps.call_language
    assert language is not None, "because the server sets it before a tool runs"
    return language.switch(tag)
