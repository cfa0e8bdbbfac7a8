"""Opens the telephone lines, as the settings choose."""

from collections.abc import Callable
from contextlib import AsyncExitStack

from aiohttp import web

from server.call.line.telephone_calls import TelephoneCalls
from server.config import Settings
from signaling.access import Access
from signaling.addresses import Proxies
from signaling.telephony.admission import TelephoneAccess
from signaling.telephony.audiosocket_port import AudioSocketPort
from signaling.telephony.sockets import TelephoneSockets
from signaling.telephony.twilio_account import TwilioAccount
from signaling.telephony.twilio_voice import TwilioVoice


async def open_telephony(
    app: web.Application,
    settings: Settings,
    calls: TelephoneCalls,
    access: Access,
    proxies: Proxies,
    stack: AsyncExitStack,
    say: Callable[[str], object],
) -> None:
    """Add the addresses of telephone lines to `app`, and open the port of AudioSocket. Raises ConfigError."""
    token, sid = settings.telephony_twilio_token.get_secret_value(), settings.telephony_twilio_account
    account = TwilioAccount(sid, token) if sid and token else None
    lines = TelephoneAccess(access, settings.telephony_secret.get_secret_value())
    TelephoneSockets(calls, lines, token, account).add_routes(app)
    TwilioVoice(token, proxies, calls.waits, settings.worker).add_routes(app)
    if settings.telephony_audiosocket_port:
        port = AudioSocketPort(calls, settings.telephony_audiosocket_host, settings.telephony_audiosocket_port)
        await port.open()
        stack.callback(port.close)
        say(f"AudioSocket     {port.address}")
