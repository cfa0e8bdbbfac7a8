"""POST /telephony/twilio/voice: Twilio asks what to do with a call, and is told to open a stream to this server."""

import logging
import secrets
import time
from collections.abc import Callable, Mapping
from urllib.parse import urlencode
from xml.sax.saxutils import escape, quoteattr

from aiohttp import web

from server.errors import Forbidden, PeerError, TooLarge, Unauthorized
from signaling.addresses import Proxies
from signaling.telephony.admission import SECRET
from signaling.telephony.twilio_signature import signed_url, with_pass
from signaling.ways import AGAIN, TWILIO_VOICE, WAYS

STREAM = "/telephony/twilio"
log = logging.getLogger(__name__)


class TwilioVoice:
    """Answers the webhook of a number at Twilio. Without the account's auth `token` it answers nobody."""

    def __init__(
        self,
        token: str,
        proxies: Proxies,
        waits: Callable[[str, str], bool],
        worker: str = "",
        now_s: Callable[[], float] = time.time,
    ) -> None:
        """`waits` tells whether a call of this dialect and id has lost its stream, and waits for another one. `worker`
        is the name of this server in a cluster."""
        self._token = token
        self._proxies = proxies
        self._waits = waits
        own = f"{worker}-{secrets.token_hex(4)}"  # a server that is started again under this name has another one
        self._stream = f"{STREAM}/{own}" if worker else STREAM
        self._again = own if worker else "1"
        self._now_s = now_s

    def add_routes(self, app: web.Application) -> None:
        for way in WAYS:
            app.router.add_post(way + TWILIO_VOICE, self._answer)

    async def _answer(self, request: web.Request) -> web.Response:
        if not self._token:
            raise Forbidden("This server does not know the auth token of an account at Twilio.")
        try:
            form = await request.post()
        except web.HTTPRequestEntityTooLarge as exc:
            raise TooLarge("The body is too large.") from exc
        except ValueError as exc:
            raise PeerError("The body is not a form.") from exc
        told = [(name, value) for name, value in form.items() if isinstance(value, str)]
        url = self._signed(request, told)
        call = dict(told)
        if request.query.get(AGAIN) == self._again and not self._waits("twilio", call.get("CallSid", "")):
            return _twiml("<Hangup/>")  # the agent has ended the call, which no other worker knows
        given = {name: value for name, value in request.query.items() if name not in (AGAIN, SECRET)}
        parameters = {**given, "from": call.get("From", ""), "to": call.get("To", "")}
        signed = with_pass(self._token, call.get("CallSid", ""), parameters, self._now_s())
        return _twiml(self._connect(url.partition("?")[0], signed, given))

    def _connect(self, url: str, parameters: Mapping[str, str], given: Mapping[str, str]) -> str:
        """Open a stream to this server. When it is over, ask again at the same address."""
        scheme, _, place = url.removesuffix(TWILIO_VOICE).partition("://")
        stream = quoteattr(f"{'wss' if scheme == 'https' else 'ws'}://{place}{self._stream}")
        named = "".join(f"<Parameter name={quoteattr(n)} value={quoteattr(v)}/>" for n, v in parameters.items())
        again = escape(f"{url}?{urlencode({**given, AGAIN: self._again})}")
        return f'<Connect><Stream url={stream}>{named}</Stream></Connect><Redirect method="POST">{again}</Redirect>'

    def _signed(self, request: web.Request, told: list[tuple[str, str]]) -> str:
        """The address that Twilio has called. Raises Unauthorized if it was not Twilio."""
        _, host = self._proxies.origin_of(request)
        hosts = [("https", host), ("http", host), ("https", f"{host}:443"), ("http", f"{host}:80")]
        urls = [f"{scheme}://{name}{request.raw_path}" for scheme, name in hosts]
        try:
            return signed_url(self._token, urls, told, request.headers.get("X-Twilio-Signature", ""))
        except Unauthorized:
            log.warning("x a webhook for calls has no good signature of Twilio for %s", urls[0].partition("?")[0])
            raise


def _twiml(verbs: str) -> web.Response:
    text = f'<?xml version="1.0" encoding="UTF-8"?><Response>{verbs}</Response>'
    return web.Response(text=text, content_type="application/xml")
