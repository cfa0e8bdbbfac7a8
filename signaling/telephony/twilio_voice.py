"""POST /telephony/twilio/voice: Twilio asks what to do with a call, and is told to open a stream to this server."""

import logging
import re
import secrets
import time
from collections.abc import Callable, Mapping
from urllib.parse import parse_qsl, urlencode
from xml.sax.saxutils import escape, quoteattr

from aiohttp import web

from server.errors import Forbidden, PeerError, TooLarge, Unauthorized
from signaling.addresses import Proxies
from signaling.telephony.admission import SECRET
from signaling.telephony.reading import MAX_TEXT_CHARS
from signaling.telephony.twilio_signature import signed_scheme, with_pass
from signaling.ways import AGAIN, TWILIO_VOICE, WAYS

STREAM = "/telephony/twilio"
FORM = "application/x-www-form-urlencoded"
_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What the texts of XML cannot have, not even as references (XML 1.0, section 2.2)."""
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
        told = await _form(request)
        url = self._signed(request, told)
        call = dict(told)
        if request.query.get(AGAIN) == self._again and not self._waits("twilio", call.get("CallSid", "")):
            return _twiml("<Hangup/>")  # the agent has ended the call, which no other worker knows
        given = {_in_xml(name): _in_xml(value) for name, value in request.query.items() if name not in (AGAIN, SECRET)}
        numbers = {name: _in_xml(call.get(name.title(), ""))[:MAX_TEXT_CHARS] for name in ("from", "to")}
        parameters = {**given, **numbers}
        signed = with_pass(self._token, call.get("CallSid", ""), parameters, self._now_s())
        return _twiml(self._connect(url, signed, given))

    def _connect(self, url: str, parameters: Mapping[str, str], given: Mapping[str, str]) -> str:
        """Open a stream to this server. When it is over, ask again at the same address."""
        scheme, _, place = url.removesuffix(TWILIO_VOICE).partition("://")
        stream = quoteattr(f"{'wss' if scheme == 'https' else 'ws'}://{place}{self._stream}")
        named = "".join(f"<Parameter name={quoteattr(n)} value={quoteattr(v)}/>" for n, v in parameters.items())
        again = escape(f"{url}?{urlencode({**given, AGAIN: self._again})}")
        return f'<Connect><Stream url={stream}>{named}</Stream></Connect><Redirect method="POST">{again}</Redirect>'

    def _signed(self, request: web.Request, told: list[tuple[str, str]]) -> str:
        """The address that Twilio has called, without its query. Raises Unauthorized if it was not Twilio."""
        _, host = self._proxies.origin_of(request)
        hosts = (host, request.headers.get("Host", ""))  # the second one has the capitals of the address
        path, _, _ = request.raw_path.partition("?")
        try:
            given = request.headers.get("X-Twilio-Signature", "")
            return f"{signed_scheme(self._token, hosts, request.raw_path, told, given)}://{host}{path}"
        except Unauthorized:
            log.warning("x a webhook for calls has no good signature of Twilio for https://%s%s", host, path)
            raise


async def _form(request: web.Request) -> list[tuple[str, str]]:
    """The fields of the body, in their order, as Twilio sends it (application/x-www-form-urlencoded, in UTF-8).

    Raises PeerError or TooLarge.
    """
    try:
        body = (await request.read()).decode()
    except web.HTTPRequestEntityTooLarge as exc:
        raise TooLarge("The body is too large.") from exc
    except (web.RequestPayloadError, UnicodeDecodeError) as exc:
        raise PeerError("The body is not a form.") from exc
    return parse_qsl(body, keep_blank_values=True) if request.content_type == FORM else []


def _in_xml(text: str) -> str:
    """A text without the characters that XML cannot have."""
    return _NOT_IN_XML.sub("", text)


def _twiml(verbs: str) -> web.Response:
    text = f'<?xml version="1.0" encoding="UTF-8"?><Response>{verbs}</Response>'
    return web.Response(text=text, content_type="application/xml")
