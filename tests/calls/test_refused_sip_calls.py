"""Calls of a SIP phone that the server refuses: real messages, a real offer, and a real directory."""

import asyncio
import re

from aiohttp import ClientSession

from tests.exchange import exchange
from tests.fakes.mind import Mind
from tests.sip_phone import AGENT, SDP, SipPhone


async def test_a_full_server_and_an_offer_without_a_codec_of_ours() -> None:
    """Each says why, and the phone can call again on the same connection."""
    async with asyncio.timeout(20), exchange(Mind().agent(), limit=1) as running, ClientSession() as http:
        first, second = SipPhone(running.home, http), SipPhone(running.home, http)
        try:
            for phone in (first, second):
                await phone.connect()
            await first.pc.setLocalDescription(await first.pc.createOffer())
            known = first.pc.localDescription.sdp
            unknown = re.sub(r"a=(rtpmap|fmtp|rtcp-fb):.*\r\n", "", known)
            unknown = re.sub(r"(m=audio \d+ \S+) .*", r"\1 18", unknown) + "a=rtpmap:18 G729/8000\r\n"
            for sdp, code in ((unknown, 488), ("v=0\r\n", 488), ("nonsense", 400)):
                answer = await first.ask("INVITE", sdp, Content_Type=SDP)
                await first.send(first.words.write("ACK", AGENT, cseq=str(answer.cseq), to_tag=answer.to_tag))
                assert answer.code == code, sdp
                assert answer.headers.get("Warning").startswith("399 antiphon")
                first.words.call_id += "x"
            assert (await first.offer()).code == 200
            second.words.call_id = "another"
            full = await second.offer()
            assert full.code == 503
            assert int(full.headers.get("Retry-After")) > 0
            await first.hang_up()
            while len(running.directory):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            second.words.call_id = "a-third"
            assert (await second.offer()).code == 200
        finally:
            await first.close()
            await second.close()
