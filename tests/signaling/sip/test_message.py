"""SIP messages as phones send them, and as nobody should: the messages of RFC 4475 that matter over a WebSocket."""

from pathlib import Path

import pytest

from signaling.sip.address import parts
from signaling.sip.message import MAX_BYTES, Headers, Malformed, Request, Response, read, write_response

MESSAGES = sorted((Path(__file__).parent / "messages").glob("*.sip"))


def invite(first: str = "INVITE sip:demo@example.com SIP/2.0", body: str = "", **changed: str | None) -> str:
    """An INVITE with some headers changed, or left out (None). A "_" in a name is a "-"."""
    headers: dict[str, str | None] = {
        "Via": "SIP/2.0/WSS a.invalid;branch=z9hG4bK77",
        "Max-Forwards": "70",
        "From": "<sip:alice@example.com>;tag=a1",
        "To": "<sip:demo@example.com>",
        "Call-ID": "call-1",
        "CSeq": "1 INVITE",
        "Contact": "<sip:x@a.invalid;transport=ws>",
        "Content-Length": str(len(body.encode())),
    }
    headers |= {name.replace("_", "-"): value for name, value in changed.items()}
    written = [f"{name}: {value}" for name, value in headers.items() if value is not None]
    lines = [first, *written, "", body]
    return "\r\n".join(lines)


def request(text: str | bytes) -> Request:
    message = read(text)
    assert isinstance(message, Request)
    return message


@pytest.mark.parametrize("path", MESSAGES, ids=lambda path: path.stem)
def test_what_the_libraries_of_browsers_send_is_read(path: Path) -> None:
    """Captured messages of JsSIP and SIP.js; text and binary frames are read alike."""
    raw = path.read_bytes()
    message = request(raw)
    assert message.method in path.stem
    assert message.from_tag
    assert message.branch.startswith("z9hG4bK")
    assert read(raw.decode()) is not None
    assert message.headers.get("User-Agent").lower().replace(".", "").startswith(path.stem.partition("-")[0])


@pytest.mark.parametrize(
    ("name", "text", "method"),
    [
        (  # 3.1.1.1: spaces, folds, compact and unknown headers
            "wsinv",
            "INVITE sip:vivekg@chair-dnrc.example.com;unknownparam SIP/2.0\r\n"
            "TO :\r\n sip:vivekg@chair-dnrc.example.com ;   tag    = 1918181833n\r\n"
            'from   : "J Rosenberg \\\\\\""       <sip:jdrosen@example.com>\r\n  ;\r\n  tag = 98asjd8\r\n'
            "MaX-fOrWaRdS: 0068\r\nCall-ID: wsinv.ndaksdj@192.0.2.1\r\nContent-Length   : 0\r\n"
            "cseq: 0009\r\n  INVITE\r\nVia  : SIP  /   2.0\r\n /TCP\r\n    192.0.2.2;branch=z9hG4bK390skdjuw\r\n"
            "s :\r\nNewFangledHeader:   newfangled value\r\n continued newfangled value\r\n"
            "UnknownHeaderWithUnusualValue: ;;,,;;,;\r\n"
            "Route:\r\n <sip:services.example.com;lr;unknownwith=value;unknown-no-value>\r\n"
            'm:"Quoted string \\"\\"" <sip:jdrosen@example.com> ; newparam =\r\n      newvalue ;\r\n'
            "  secondparam ; q = 0.33\r\n\r\n",
            "INVITE",
        ),
        ("intmeth", invite("!interesting-Method0123456789_*+`.%indeed'~ sip:a@example.com SIP/2.0",
                           CSeq="1 !interesting-Method0123456789_*+`.%indeed'~"),
         "!interesting-Method0123456789_*+`.%indeed'~"),  # 3.1.1.2
        ("esc01", invite("INVITE sip:sips%3Auser%40example.com@example.net SIP/2.0"), "INVITE"),  # 3.1.1.3
        ("escnull", invite("REGISTER sip:example.com SIP/2.0", CSeq="14398234 REGISTER",
                           To="<sip:null-%00-null@example.com>"), "REGISTER"),  # 3.1.1.4
        ("lwsdisp", invite(From="caller<sip:caller@example.com>;tag=323"), "INVITE"),  # 3.1.1.6
        ("semiuri", invite("INVITE sip:user;par=u%40example.net@example.com SIP/2.0"), "INVITE"),  # 3.1.1.9
        ("transports", invite(Via="SIP/2.0/UNKNOWN t5.example.com;branch=z9hG4bKkdjuw"), "INVITE"),  # 3.1.1.10
        ("zeromf", invite(Max_Forwards="0"), "INVITE"),  # 3.3.11: we are its end
        ("tel", invite("INVITE tel:+15550001 SIP/2.0"), "INVITE"),
        ("intmeth", invite(To='"BEL:\\\x07 NUL:\\\x00 DEL:\\\x7f" <sip:1_unusual.URI~(be!sure)&isn\'t+it$?,/;;*@e.c>',
                           From="token1~` token2'+_ token3*%!.- <sip:a@e.c>;f''~+*_!.-%=\"\u0440\";tag=_tok~1'+`*%!-.",
                           Call_ID="intmeth.word%ZK-!.*_+'@word`~)(><:\\/\"][?}{"), "INVITE"),  # 3.1.1.2
        ("longreq", invite(**{"Unknown-" + "Long" * 20 + "-Name": "a"}, Via="SIP/2.0/TCP sip33.example.com",
                           From=f"sip:a@e.com;tag=12{'982' * 50};{'name' * 20}={'value' * 15}"), "INVITE"),  # 3.1.1.7
        ("capitals", invite("INVITE SIP:demo@EXAMPLE.com SIP/2.0", From="<SIP:alice@example.com>;TAG=a1",
                            Via="sip/2.0/wss a.invalid;BRANCH=z9hG4bK77"), "INVITE"),
        ("ipv6", invite("INVITE sip:a@[2001:db8::10]:5060 SIP/2.0",
                        Via="SIP/2.0/UDP [2001:db8::9]:6050;received=2001:db8::9;branch=z9hG4bK77"), "INVITE"),
        ("hosts", invite("INVITE sip:a@voice_agent:8080;x SIP/2.0", To="<sip:a@pbx1>",
                         Via="SIP/2.0/WS 1a_b;branch=z9hG4bK7"), "INVITE"),
    ],
)  # fmt: skip
def test_strange_but_valid(name: str, text: str, method: str) -> None:
    """RFC 4475, section 3.1.1, and what else is odd and allowed."""
    assert request(text).method == method


@pytest.mark.parametrize(
    ("name", "text", "code"),
    [
        ("badinv01", invite(Contact='"Joe" <sip:joe@example.org>;;;;', Via="SIP/2.0/UDP 192.0.2.15;;,;,,"), 400),
        ("clerr", invite(Content_Length="9999"), 400),
        ("ncl", invite(Content_Length="-999"), 400),
        ("scalar02", invite(CSeq="36893488147419103232 INVITE"), 400),
        ("max-forwards", invite(Max_Forwards="300000000000000000"), 400),
        ("quotbal", invite(To='"Mr. J. User <sip:j.user@example.com>'), 400),
        ("ltgtruri", invite("INVITE <sip:user@example.com> SIP/2.0"), 400),
        ("lwsruri", invite("INVITE sip:user@example.com; lr SIP/2.0"), 400),
        ("lwsstart", invite("INVITE  sip:user@example.com  SIP/2.0"), 400),
        ("trws", invite("INVITE sip:user@example.com SIP/2.0 "), 400),
        ("escruri", invite("INVITE sip:user@example.com?Route=%3Csip:example.com%3E SIP/2.0"), 400),
        ("badvers", invite("INVITE sip:user@example.com SIP/7.0"), 505),
        ("mismatch01", invite(CSeq="1 REGISTER"), 400),
        ("mismatch02", invite("NEWMETHOD sip:user@example.com SIP/2.0"), 400),
        ("badbranch", invite(Via="SIP/2.0/WSS a.invalid;branch=z9hG4bK"), 400),
        ("no-via", invite(Via=None), None),
        ("insuf", invite(To=None, From=None, Call_ID=None), 400),  # 3.3.1
        ("no-call-id", invite(Call_ID=None), 400),
        ("unkscm", invite("INVITE nobodyKnowsThisScheme:totallyopaquecontent SIP/2.0"), 416),
        ("http", invite("INVITE http://example.com SIP/2.0"), 416),
        ("multi01", invite(f="<sip:other@example.com>;tag=other"), 400),
        ("mcl01", invite(l="15"), 400),
        ("no-tag", invite(From="<sip:alice@example.com>"), 400),
        ("no-colon", invite().replace("Max-Forwards: 70", "Max-Forwards 70"), 400),
        ("null", invite(Subject="a\0b"), 400),
        ("lone-lf", invite(Subject="a\nInjected: b"), 400),
        ("no-end", "INVITE sip:a@b SIP/2.0\r\nVia: SIP/2.0/WSS a", 400),
        ("not-sip", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("latin", invite(Subject="caf").encode() .replace(b"caf", b"caf\xe9"), 400),
        ("large", invite(body="a" * MAX_BYTES), 513),
        ("long", invite(Subject="a" * 10_000), 513),
        ("many", invite(**{f"X-{n}": "a" for n in range(200)}), 513),
    ],
)  # fmt: skip
def test_refused(name: str, text: str | bytes, code: int | None) -> None:
    """RFC 4475, sections 3.1.2, 3.2 and 3.3. None: so much is missing that nothing can be answered."""
    with pytest.raises(Malformed) as told:
        read(text)
    if code is None:
        assert told.value.headers is None
    else:
        assert told.value.code == code


@pytest.mark.parametrize(
    "text",
    [
        invite(Subject="a\0b"),
        invite().replace("Max-Forwards: 70", "Max-Forwards 70"),
        invite(**{"Bad Name": "x"}),
        invite(Subject="a" * 10_000),
        invite(**{f"X-{n}": "a" for n in range(200)}),
        invite(Subject="caf").encode().replace(b"caf", b"caf\xe9"),
        invite().removesuffix("\r\n\r\n"),
    ],
)
def test_a_header_that_is_not_valid_is_told_by_the_others(text: str | bytes) -> None:
    """The phone need not wait for an answer that never comes."""
    with pytest.raises(Malformed) as told:
        read(text)
    assert told.value.headers is not None
    answer = write_response(told.value.headers, told.value.code, to_tag="t")
    assert "\r\nCall-ID: call-1\r\n" in answer
    assert "Subject" not in answer


def test_what_a_bad_request_lacks_its_answer_lacks_too() -> None:
    with pytest.raises(Malformed) as told:
        read(invite(To=None, Call_ID=None))
    assert told.value.headers is not None
    lines = write_response(told.value.headers, 400, to_tag="t").split("\r\n")
    assert [line.partition(":")[0] for line in lines[1:4]] == ["Via", "From", "CSeq"]


def test_a_phone_without_a_branch_is_known_by_what_it_asks() -> None:
    """RFC 3261, section 17.2.3: a request that comes again is the same, and so is a CANCEL of it."""
    via = "SIP/2.0/TCP a.example.com;branch=1"
    first, again = request(invite(Via=via)), request(invite(Via=via))
    cancel = request(invite("CANCEL sip:demo@example.com SIP/2.0", Via=via, CSeq="1 CANCEL"))
    assert first.branch == again.branch == cancel.branch
    assert request(invite(Via=via, CSeq="2 INVITE")).branch != first.branch


def test_a_bad_ack_is_never_answered() -> None:
    with pytest.raises(Malformed) as told:
        read(invite("ACK sip:a@example.com SIP/9.0"))
    assert told.value.headers is None


def test_the_first_answer_tells_when_the_request_was_sent() -> None:
    """The phone measures the round trip by it."""
    headers = request(invite(Timestamp="54.21")).headers
    assert "Timestamp: 54.21\r\n" in write_response(headers, 100)
    assert "Timestamp" not in write_response(headers, 180)


def test_what_can_be_answered_tells_how() -> None:
    with pytest.raises(Malformed) as told:
        read(invite("INVITE sip:a@example.com SIP/7.0"))
    assert told.value.headers is not None
    lines = write_response(told.value.headers, told.value.code, [], to_tag="t").split("\r\n")
    assert lines[0] == "SIP/2.0 505 Version Not Supported"
    assert "To: <sip:demo@example.com>;tag=t" in lines
    assert "Via: SIP/2.0/WSS a.invalid;branch=z9hG4bK77" in lines


def test_empty_lines_are_signs_of_life_and_may_come_first() -> None:
    assert read("\r\n\r\n") is None
    assert read(b"\r\n") is None
    assert request("\r\n\r\n" + invite()).method == "INVITE"


def test_the_body_ends_where_content_length_says() -> None:
    assert request(invite(body="v=0\r\n", Content_Length="3")).body == b"v=0"
    assert request(invite(body="grün", Content_Length=None)).body == "grün".encode()


def test_a_response_is_read() -> None:
    text = invite("SIP/2.0 486 Busy Here", To="<sip:demo@example.com>;tag=b")
    message = read(text)
    assert isinstance(message, Response)
    assert (message.code, message.to_tag, message.method) == (486, "b", "INVITE")
    assert isinstance(read(invite("SIP/2.0 200 = 2**3 * 5**2 \u043d\u043e")), Response), "unreason, 3.1.1.12"
    assert isinstance(read(invite("SIP/2.0 100 ")), Response), "noreason, 3.1.1.13"
    for first in ("SIP/2.0 99 x", "SIP/2.0 4294967301 better not break the receiver"):
        with pytest.raises(Malformed):
            read(invite(first))


def test_no_value_begins_another_header() -> None:
    with pytest.raises(ValueError, match="more than one line"):
        write_response(Headers(), 200, [("Contact", "a\r\nInjected: b")])


def test_a_written_response_has_the_length_of_its_bytes() -> None:
    text = write_response(request(invite()).headers, 200, [], "grün")
    assert "Content-Length: 5\r\n" in text


def test_lists_are_cut_at_their_own_commas() -> None:
    value = '"a, \\"b" <sip:a,b@c>;x="1,2", <sip:d@e>'
    assert list(parts(value)) == ['"a, \\"b" <sip:a,b@c>;x="1,2"', "<sip:d@e>"]
