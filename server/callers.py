"""Reads from the settings who may call: everybody, or callers with a token; and by which keys tokens are checked."""

from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from pathlib import Path

from aiohttp import ClientSession

from server.config import Settings
from server.errors import ConfigError
from server.network import LOOPBACK
from signaling.addresses import Proxies
from signaling.key_set import FILE_IS_OLD_S, URL_IS_OLD_S, KeySet, from_file, from_url
from signaling.keys import secret_key
from signaling.origins import Origins
from signaling.sip.digest import Accounts, read_accounts
from signaling.tokens import Expected


def needs_token(settings: Settings) -> bool:
    """Whether a call needs a token. Raises ConfigError where the operator has to decide that, or keys are missing."""
    keys = bool(settings.access_secret.get_secret_value() or settings.access_jwks)
    if settings.access == "token" and not keys:
        raise ConfigError("ANTIPHON_ACCESS: token needs ANTIPHON_ACCESS_SECRET or ANTIPHON_ACCESS_JWKS")
    if not settings.access and not keys and _others_reach_it(settings):
        raise ConfigError(
            f"ANTIPHON_ACCESS: others reach the server {_by_which_way(settings)}, so say who may call: "
            "ANTIPHON_ACCESS=open lets everybody call, and ANTIPHON_ACCESS=token only callers with a token (it needs "
            "ANTIPHON_ACCESS_SECRET or ANTIPHON_ACCESS_JWKS)"
        )
    return settings.access == "token" or (not settings.access and keys)


def _others_reach_it(settings: Settings) -> bool:
    """Whether requests may come from other machines: directly, or through a proxy on this one."""
    return settings.host not in LOOPBACK or bool(settings.trusted_proxies)


def _by_which_way(settings: Settings) -> str:
    return "through a proxy" if settings.host in LOOPBACK else f"at {settings.host}"


def origins(settings: Settings, proxies: Proxies) -> Origins:
    """The web sites whose pages may use the API."""
    return Origins(settings.allowed_origins, proxies, local=not _others_reach_it(settings))


def expected(settings: Settings, agents: Collection[str] = ()) -> Expected:
    """Whom tokens have to be for, at a server where the agents of these names answer."""
    return Expected(frozenset(agents), settings.access_audience, settings.access_issuer)


def sip_accounts(settings: Settings) -> Accounts:
    """The accounts of SIP phones. Raises ConfigError."""
    if not settings.sip_users:
        return Accounts()
    try:
        return read_accounts(Path(settings.sip_users).read_text(encoding="utf-8"))
    except (OSError, ValueError) as exc:
        raise ConfigError(f"ANTIPHON_SIP_USERS: {settings.sip_users}: {exc}") from exc


async def key_set(settings: Settings, stack: AsyncExitStack) -> KeySet | None:
    """The keys that check tokens, read for the first time; None where everybody may call. The stack closes them.

    Raises ConfigError if a file has no keys. If an address is down, the server starts all the same, and asks again.
    """
    if not needs_token(settings):
        return None
    secret, place = settings.access_secret.get_secret_value(), settings.access_jwks
    own = [secret_key(secret)] if secret else []
    if not place:
        return KeySet(own)
    if "://" in place:
        http = await stack.enter_async_context(ClientSession(auto_decompress=False))
        keys = KeySet(own, from_url(place, http), URL_IS_OLD_S)
        await keys.refresh()
    else:
        thread = ThreadPoolExecutor(1, thread_name_prefix="keys")
        stack.callback(thread.shutdown, wait=False)
        keys = KeySet(own, from_file(Path(place), thread), FILE_IS_OLD_S)
        try:
            await keys.load()
        except ValueError as exc:
            raise ConfigError(f"ANTIPHON_ACCESS_JWKS: {place}: {exc}") from exc
    return keys
