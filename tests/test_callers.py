"""How the settings decide who may call."""

from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from server.call.caller import Caller
from server.callers import expected, key_set, needs_token, sip_accounts
from server.choices import call_info
from server.config import load
from server.errors import ConfigError
from signaling.key_set import KeySet
from signaling.tokens import Expected, Header
from tests import tokens
from tests.fakes.mind import Mind

SECRET = {"access_secret": tokens.SECRET}
JWKS = {"access_jwks": "keys.json"}
OUTSIDE = {"host": "0.0.0.0"}


@pytest.mark.parametrize(
    ("given", "needed"),
    [
        ({}, False),
        ({"host": "::1"}, False),
        ({"host": "localhost"}, False),
        ({"access": "open"}, False),
        (OUTSIDE | {"access": "open"}, False),
        (OUTSIDE | {"access": "open"} | SECRET, False),
        (SECRET, True),
        (JWKS, True),
        (OUTSIDE | SECRET, True),
        (OUTSIDE | JWKS | {"access": "token"}, True),
        ({"access": "token"} | SECRET | JWKS, True),
    ],
)
def test_who_may_call(given: dict[str, str], needed: bool) -> None:
    """Everybody may call where only this machine reaches the server, or if the operator says so. A key means tokens."""
    assert needs_token(load(**given)) is needed


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.0.2", "voice.example", ""])
def test_an_operator_says_who_may_call_from_outside(host: str) -> None:
    """A server that others reach does not start until the operator has chosen. The line names both choices."""
    with pytest.raises(ConfigError, match=r"ANTIPHON_ACCESS=open .*ANTIPHON_ACCESS=token"):
        needs_token(load(host=host))


def test_tokens_need_a_key() -> None:
    """`token` without a secret and without public keys would let nobody in."""
    with pytest.raises(ConfigError, match=r"ANTIPHON_ACCESS_SECRET or ANTIPHON_ACCESS_JWKS"):
        needs_token(load(access="token"))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("access", "all"),
        ("access_secret", "x" * 31),
        ("access_jwks", "ftp://a/keys"),
        ("access_jwks", "https://"),
        ("access_token_url", "token"),
        ("access_token_url", "//evil.example/token"),
        ("access_token_url", "javascript:alert(1)"),
        ("access_token_url", "https://a/t;script-src *"),
        ("access_token_url", "https://a/t x"),
    ],
)
def test_settings_of_access_that_make_no_sense_are_refused(name: str, value: str) -> None:
    """The line names the setting, and does not repeat a secret."""
    with pytest.raises(ConfigError, match=f"ANTIPHON_{name.upper()}") as refusal:
        load(**{name: value})
    assert "xxx" not in str(refusal.value)


def test_a_secret_is_not_shown() -> None:
    """The settings do not show it, so it does not get into a log."""
    assert tokens.SECRET not in repr(load(**SECRET))


async def test_keys_come_from_the_settings(tmp_path: Path) -> None:
    """The secret and the keys of the file check tokens together. A file without keys stops the start."""
    file = tmp_path / "keys.json"
    file.write_bytes(tokens.key_set(tokens.jwk("p-256", kid="a")))
    async with AsyncExitStack() as stack:
        assert await key_set(load(), stack) is None
        keys = await key_set(load(access_jwks=str(file), **SECRET), stack)
        assert isinstance(keys, KeySet)
        assert len(await keys.find(Header("HS256", ""))) == len(await keys.find(Header("ES256", "a"))) == 1
        file.write_bytes(b"{}")
        with pytest.raises(ConfigError, match="ANTIPHON_ACCESS_JWKS"):
            await key_set(load(access_jwks=str(file)), stack)
        with pytest.raises(ConfigError, match="no such file"):
            await key_set(load(access_jwks=str(tmp_path / "none")), stack)


async def test_a_server_starts_although_the_address_of_its_keys_is_down() -> None:
    """It is asked again as soon as a token comes."""
    async with AsyncExitStack() as stack:
        keys = await key_set(load(access_jwks="http://127.0.0.1:9/keys"), stack)
        assert keys is not None
        assert keys.trouble


def test_tokens_are_for_this_server() -> None:
    """The settings say whom tokens have to name."""
    settings = load(access_audience="calls", access_issuer="us")
    assert expected(settings, ["Museum"]) == Expected(frozenset({"Museum"}), "calls", "us")


@pytest.mark.parametrize(
    ("kept", "wanted", "language"), [("", "", "en"), ("", "de", "de"), ("", "auto", "en"), ("fr", "de", "fr")]
)
def test_the_agent_is_told_the_language_of_the_call(kept: str, wanted: str, language: str) -> None:
    """It is the language of the call so far, or that which the caller wants, or the agent's own."""
    assert call_info(Caller(name="ann"), kept, wanted, Mind().agent()).language == language


def test_accounts_of_phones_are_read_or_told_to_be_wrong(tmp_path: Path) -> None:
    """The file and the line are named."""
    file = tmp_path / "phones"
    with pytest.raises(ConfigError, match="ANTIPHON_SIP_USERS"):
        sip_accounts(load(sip_users=str(file)))
    file.write_text("alice:antiphon:secret\n")
    with pytest.raises(ConfigError, match="line 1 is not name:realm:hash"):
        sip_accounts(load(sip_users=str(file)))
    file.write_text(f"alice:antiphon:{'a' * 32}\n")
    assert list(sip_accounts(load(sip_users=str(file))).hashes) == ["alice"]
    assert not sip_accounts(load()).hashes
