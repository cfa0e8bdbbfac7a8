"""The command line for callers' tokens: `antiphon token` prints one."""

import json
import secrets
import time
from typing import Annotated

import typer
from pydantic import ValidationError

from server.config import load
from server.errors import ConfigError


def token(
    sub: Annotated[str, typer.Option(help="Who calls: the name of the caller at your backend.")],
    ttl: Annotated[float | None, typer.Option(help="For how many seconds the token is good [default: 600].")] = None,
    exp: Annotated[float | None, typer.Option(help="When it expires, in Unix seconds, in place of --ttl.")] = None,
    agent: Annotated[str, typer.Option(help="The name of the agent that it is for. Empty: any.")] = "",
    max_s: Annotated[float | None, typer.Option(help="How many seconds one call may last.")] = None,
    max_calls: Annotated[int | None, typer.Option(help="How many calls the caller may have at the same time.")] = None,
    model: Annotated[str | None, typer.Option(help="The model that answers.")] = None,
    voice: Annotated[str | None, typer.Option(help="The voice that answers.")] = None,
    language: Annotated[str | None, typer.Option(help="The language of the call, such as de.")] = None,
    max_tokens: Annotated[int | None, typer.Option(help="The most tokens of one answer.")] = None,
    temperature: Annotated[float | None, typer.Option(help="The temperature of the model.")] = None,
    patience: Annotated[str | None, typer.Option(help="quick, normal or patient.")] = None,
    context: Annotated[str, typer.Option(help="What the agent is told about the caller: an object of JSON.")] = "{}",
    record: Annotated[
        bool | None, typer.Option(help="Whether the call is recorded [default: as the server does].")
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="The token begins one call only.")] = False,
) -> None:
    """Print a token with which one caller may call. It is signed with ANTIPHON_ACCESS_SECRET."""
    from server.callers import expected
    from signaling.tokens import NewToken, complaint, issue

    settings = load()
    secret = settings.access_secret.get_secret_value()
    if not secret:
        raise ConfigError("ANTIPHON_ACCESS_SECRET: needed to sign a token")
    chosen = {
        "model": model, "voice": voice, "language": language, "max_tokens": max_tokens, "temperature": temperature,
        "patience": patience,
    }  # fmt: skip
    claims = {"sub": sub, "ttl_s": ttl, "exp": exp, "agent": agent, "max_s": max_s, "max_calls": max_calls}
    options = {name: value for name, value in chosen.items() if value is not None}
    try:
        about = json.loads(context)
        others = {"options": options, "context": about, "record": record, "once": once}
        wanted = NewToken.model_validate_json(json.dumps(claims | others))
        issued = issue(wanted, expected(settings), secret, time.time(), secrets.token_urlsafe(12))
    except json.JSONDecodeError as exc:
        raise _Refused("context: it is not JSON") from exc
    except ValidationError as exc:
        raise _Refused(complaint(exc)) from exc
    except ValueError as exc:
        raise _Refused(str(exc)) from exc
    typer.echo(issued.token)


class _Refused(typer.Exit):
    def __init__(self, why: str) -> None:
        typer.echo(f"antiphon: {why}", err=True)
        super().__init__(2)
