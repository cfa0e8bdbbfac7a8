"""Offers as browsers write them, and malformed offers."""

import random
from collections.abc import Iterator

SHA_256 = "sha-256 " + ":".join(["AB"] * 32)
TRANSPORT = ("a=ice-ufrag:abcd", f"a=ice-pwd:{'p' * 22}", f"a=fingerprint:{SHA_256}", "a=setup:actpass")
HOST = "a=candidate:1 1 udp 2122260223 127.0.0.1 50000 typ host generation 0"


def audio(mid: str = "0", *more: str, port: int = 9) -> list[str]:
    return [
        f"m=audio {port} UDP/TLS/RTP/SAVPF 111 0",
        "c=IN IP4 0.0.0.0",
        f"a=mid:{mid}",
        "a=rtcp-mux",
        "a=rtpmap:111 opus/48000/2",
        "a=fmtp:111 minptime=10;useinbandfec=1",
        "a=rtcp-fb:111 transport-cc",
        "a=rtpmap:0 PCMU/8000",
        "a=ssrc:1234 cname:c",
        *TRANSPORT,
        *more,
    ]


def data(mid: str = "1", *more: str, port: int = 9) -> list[str]:
    return [
        f"m=application {port} UDP/DTLS/SCTP webrtc-datachannel",
        "c=IN IP4 0.0.0.0",
        f"a=mid:{mid}",
        "a=sctp-port:5000",
        "a=max-message-size:262144",
        *TRANSPORT,
        *more,
    ]


def video(mid: str = "2", *more: str, port: int = 9) -> list[str]:
    return [
        f"m=video {port} UDP/TLS/RTP/SAVPF 96 97",
        "c=IN IP4 0.0.0.0",
        f"a=mid:{mid}",
        "a=rtcp-mux",
        "a=rtpmap:96 VP8/90000",
        "a=rtpmap:97 rtx/90000",
        "a=fmtp:97 apt=96",
        *TRANSPORT,
        *more,
    ]


def offer(*sections: list[str], bundle: str | None = None) -> str:
    """An offer of these sections. All of them are in the bundle, unless `bundle` is given."""
    mids = [line[6:] for section in sections for line in section if line.startswith("a=mid:")]
    group = f"a=group:BUNDLE {' '.join(mids) if bundle is None else bundle}".rstrip()
    head = ["v=0", "o=- 1 2 IN IP4 127.0.0.1", "s=-", "t=0 0", group, "a=msid-semantic: WMS"]
    return "\r\n".join([*head, *(line for section in sections for line in section)]) + "\r\n"


SEEDS = (
    offer(audio("0", HOST), data()),
    offer(video("0"), audio("1", "a=bundle-only", port=0), data("2")),
    offer(audio("0", "a=recvonly", HOST, "a=end-of-candidates")),
    offer(audio(), data("1"), video("2"), video("3")),
    offer(audio(), bundle=""),
)
WORDS = """
    a=candidate: a=mid: a=rtpmap: a=fmtp: a=rtcp-fb: a=ssrc: a=ssrc-group: a=extmap: a=group:BUNDLE a=setup: a=ice-pwd:
    a=fingerprint: a=msid: a=rtcp: a=sctpmap: a=max-message-size: m=audio m=video m=application c=IN b=AS: v=0 o= s= t=
    0 1 -1 9 111 255 65536 99999999999999999999 opus/48000/2 PCMU/8000/1/2 * actpass 127.0.0.1 ::1 a.local IP4 IP6
    UDP/TLS/RTP/SAVPF DTLS/SCTP typ host apt= useinbandfec= level-asymmetry-allowed sha-256 1e9 ٣ é \0 \x85 \u2028 \r \n
""".split(" ")


def malformed(seed: int) -> Iterator[str]:
    """Malformed offers without end: good offers with a few random changes. The same seed gives the same ones."""
    chance = random.Random(seed)
    blows = (_cut, _repeat, _swap, _replace, _insert, _drop, _flood, _noise)
    while True:
        sdp = chance.choice(SEEDS)
        for _ in range(chance.randint(1, 4)):
            sdp = chance.choice(blows)(sdp, chance)
        yield sdp[:70_000]


def _cut(sdp: str, chance: random.Random) -> str:
    return sdp[: chance.randrange(len(sdp) + 1)]


def _lines(sdp: str, chance: random.Random) -> tuple[list[str], int]:
    lines = sdp.split("\r\n")
    return lines, chance.randrange(len(lines))


def _repeat(sdp: str, chance: random.Random) -> str:
    lines, at = _lines(sdp, chance)
    return "\r\n".join([*lines[:at], *lines[at : at + 9] * chance.choice([2, 3, 40]), *lines[at:]])


def _swap(sdp: str, chance: random.Random) -> str:
    lines, at = _lines(sdp, chance)
    lines.insert(chance.randrange(len(lines)), lines.pop(at))
    return "\r\n".join(lines)


def _drop(sdp: str, chance: random.Random) -> str:
    lines, at = _lines(sdp, chance)
    return "\r\n".join(lines[:at] + lines[at + 1 :])


def _replace(sdp: str, chance: random.Random) -> str:
    lines, at = _lines(sdp, chance)
    words = lines[at].split(" ")
    words[chance.randrange(len(words))] = chance.choice(WORDS).strip("\n")
    lines[at] = " ".join(words)
    return "\r\n".join(lines)


def _insert(sdp: str, chance: random.Random) -> str:
    lines, at = _lines(sdp, chance)
    lines.insert(at, " ".join(chance.choices(WORDS, k=chance.randint(1, 9))))
    return "\r\n".join(lines)


def _flood(sdp: str, chance: random.Random) -> str:
    lines, at = _lines(sdp, chance)
    line = chance.choice([*WORDS, HOST, "a=rtcp-fb:* x", "a=rtpmap:1 a/1", "a=ssrc:1 a:b", chance.choice(lines)])
    return "\r\n".join([*lines[:at], *[line] * chance.choice([30, 200, 3_000]), *lines[at:]])


def _noise(sdp: str, chance: random.Random) -> str:
    at = chance.randrange(len(sdp) + 1)
    return sdp[:at] + "".join(chr(chance.randrange(0x2100)) for _ in range(chance.choice([1, 9, 2_000]))) + sdp[at:]
