"""TwilioAccount: asks Twilio to transfer a call, by its REST API."""

import logging
from urllib.parse import quote
from xml.sax.saxutils import escape

from aiohttp import ClientError, ClientSession, ClientTimeout, encode_basic_auth

API = "https://api.twilio.com"
TRANSFER_S = 10.0
"""How long Twilio may take to accept a transfer. It takes less than a second."""
NOT_TRANSFERRED = "The telephone company has not taken the transfer."

log = logging.getLogger(__name__)


class TwilioAccount:
    """One account, by its SID and auth token."""

    def __init__(self, sid: str, token: str, api: str = API) -> None:
        self._headers = {"Authorization": encode_basic_auth(sid, token)}
        self._calls = f"{api}/2010-04-01/Accounts/{quote(sid, safe='')}/Calls"

    async def transfer(self, call_id: str, to: str) -> str:
        """Let Twilio dial `to` and connect the caller. Returns why it does not; "" if it has taken the order.

        Whether anybody answers is not told: by then the stream is over.
        """
        whom = f"<Sip>{escape(to)}</Sip>" if to.lower().startswith(("sip:", "sips:")) else escape(to)
        url, data = (
            f"{self._calls}/{quote(call_id, safe='')}.json",
            {"Twiml": f"<Response><Dial>{whom}</Dial></Response>"},
        )
        try:
            async with ClientSession(headers=self._headers, timeout=ClientTimeout(total=TRANSFER_S)) as http:
                async with http.post(url, data=data, allow_redirects=False) as response:
                    if response.status < 300:
                        return ""
                    log.warning("x Twilio has answered a transfer with status %d", response.status)
        except (ClientError, TimeoutError, OSError) as error:
            log.warning("x Twilio cannot be reached for a transfer: %s", type(error).__name__)
        return NOT_TRANSFERRED
