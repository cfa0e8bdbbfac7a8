"""Rows: what is kept of conversations and exchanges, so that many of them can be searched and counted quickly."""

from collections.abc import Iterable
from dataclasses import dataclass

from server.record.conversation import Conversation, Exchange, Said
from server.record.figures import Figures
from server.record.query import ANY, CallRow, Wanted, folded


@dataclass(frozen=True, slots=True)
class ExchangeRow:
    """One exchange, as it is counted."""

    at_ms: int
    """When it began, in Unix milliseconds."""
    agent: str
    transport: str
    model: str
    speech_to_text: str
    text_to_speech: str
    language: str
    interrupted: int
    false_starts: int
    resumed: int
    input_tokens: int
    output_tokens: int
    gap: int | None
    """How long the caller waited (`Figures.waited_ms`), and the stages, in ms."""
    endpoint: int | None
    transcript: int | None
    first_token: int | None
    first_clause: int | None
    first_packet: int | None


def exchange_row(conversation: Conversation, exchange: Exchange) -> ExchangeRow:
    """The row of an exchange of this conversation. One that has no figures has what its words tell."""
    kept = exchange.figures or Figures(transport=conversation.transport, interrupted=_was_interrupted(exchange.said))
    return ExchangeRow(
        conversation.created_ms + min((said.start_ms for said in exchange.said), default=0),
        _agent_of(conversation, exchange),
        kept.transport,
        kept.model,
        kept.speech_to_text,
        kept.text_to_speech,
        kept.language,
        int(kept.interrupted),
        kept.false_starts,
        kept.resumed,
        kept.input_tokens,
        kept.output_tokens,
        *map(_whole, (kept.waited_ms, kept.endpoint_ms, kept.transcript_ms)),
        *map(_whole, (kept.first_token_ms, kept.first_clause_ms, kept.first_packet_ms)),
    )


def failed_stages(exchange: Exchange) -> tuple[str, ...]:
    """The stages that failed in it, one for each failure."""
    return tuple(failure.stage for failure in exchange.figures.failures) if exchange.figures else ()


def words_of(exchange: Exchange) -> str:
    """What was said in it, as it is searched."""
    return folded("\n".join(said.text for said in exchange.said))


def call_row(conversation: Conversation) -> CallRow:
    """The row of a whole conversation."""
    exchanges = conversation.exchanges
    kept = [each.figures for each in exchanges if each.figures is not None]
    waited = sorted(round(each.waited_ms) for each in kept if each.waited_ms is not None)
    return CallRow(
        conversation.id,
        conversation.agent,
        conversation.created_ms,
        conversation.updated_ms,
        conversation.ended_ms,
        len(exchanges),
        conversation.caller,
        conversation.transport,
        conversation.end_reason,
        waited[(len(waited) - 1) // 2] if waited else None,
        waited[-1] if waited else None,
        sum(_was_interrupted(each.said) for each in exchanges),
        sum(each.false_starts for each in kept),
        _distinct([conversation.agent, *(_agent_of(conversation, each) for each in exchanges)]),
        _distinct(name for each in exchanges for name in _tools_of(each)),
        tuple(stage for each in exchanges for stage in failed_stages(each)),
    )


def matches(row: CallRow, wanted: Wanted) -> bool:
    """Whether the conversation is wanted, as far as its row tells; its words are not in it."""
    return (
        (wanted.since_ms is None or row.created_ms >= wanted.since_ms)
        and (wanted.until_ms is None or row.created_ms < wanted.until_ms)
        and wanted.agent in ("", *row.agents)
        and wanted.caller in ("", row.caller)
        and wanted.transport in ("", row.transport)
        and wanted.tool in ("", *row.tools)
        and (bool(row.failures) if wanted.failure == ANY else wanted.failure in ("", *row.failures))
    )


def _agent_of(conversation: Conversation, exchange: Exchange) -> str:
    if exchange.figures is not None and exchange.figures.agent:
        return exchange.figures.agent
    return next((said.name for said in exchange.said if said.name), conversation.agent)


def _tools_of(exchange: Exchange) -> list[str]:
    runs = exchange.figures.tools if exchange.figures is not None else ()
    return [*(use.name for said in exchange.said for use in said.tools), *(run.name for run in runs)]


def _was_interrupted(said: Iterable[Said]) -> bool:
    return any(each.interrupted for each in said)


def _distinct(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))


def _whole(ms: float | None) -> int | None:
    return None if ms is None else round(ms)
