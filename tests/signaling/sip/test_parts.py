"""The small pure parts: session timer, keys, transfers, dialogs, transactions, limits, refusals."""

from pathlib import Path

import pytest

from server.errors import (
    AgentUnavailable,
    AntiphonError,
    AtCapacity,
    Forbidden,
    InvalidToken,
    NotAcceptable,
    NotFound,
    PeerError,
    StoreError,
    TooMany,
)
from signaling.sip.dialog import Dialog
from signaling.sip.key_press import KEYS, TYPES, read_key
from signaling.sip.limits import REQUESTS_AT_ONCE, WRONG_AT_ONCE, Limits
from signaling.sip.message import Headers, Request, read
from signaling.sip.refer import outcome, refer_to
from signaling.sip.refusal import refusal
from signaling.sip.session_timer import SessionTimer, TooSmall, agree
from signaling.sip.transactions import KEPT_S, MOST, Transactions

MESSAGES = Path(__file__).parent / "messages"


def captured(name: str) -> Request:
    message = read((MESSAGES / f"{name}.sip").read_bytes())
    assert isinstance(message, Request)
    return message


def timer(interval: str, supported: str = "timer") -> SessionTimer | None:
    return agree(Headers([("Session-Expires", interval), ("Supported", supported)]))


def test_the_timer_of_jssip_is_refreshed_by_jssip() -> None:
    agreed = agree(captured("jssip-INVITE").headers)
    assert agreed == SessionTimer(90, phone_refreshes=True)
    assert agreed.headers == [("Require", "timer"), ("Session-Expires", "90;refresher=uac")]
    assert 45 < agreed.lapse_s < 90
    assert agree(captured("sipjs-INVITE").headers) is None


def test_who_refreshes() -> None:
    agreed = timer("1800;refresher=uas", "100rel, timer")
    assert agreed == SessionTimer(1800, phone_refreshes=False)
    assert agreed.refresh_s == 900
    assert timer("1800", "replaces") is None
    assert timer("soon") is None
    with pytest.raises(TooSmall):
        timer("89")


@pytest.mark.parametrize("key", KEYS)
def test_every_key_is_read(key: str) -> None:
    assert read_key(TYPES[0], f"Signal={key}\r\nDuration=100".encode()) == key
    assert read_key(TYPES[0], f"Signal = {key.lower()}\r\nDuration=2000\r\n".encode()) == key
    assert read_key(TYPES[1], f"{key}\r\n".encode()) == key


def test_other_signals() -> None:
    assert [read_key(TYPES[1], text) for text in (b"10", b"11", b"12")] == ["*", "#", "A"]
    assert [read_key(TYPES[0], text) for text in (b"Signal=R", b"Signal=16", b"signal=!")] == ["", "", ""]
    assert [read_key(TYPES[0], text) for text in (b"", b"Signal=", b"Signal=55", b"\xff", b"Signal=E")] == [None] * 5


def test_captured_keys() -> None:
    for name in ("jssip-INFO", "sipjs-INFO"):
        info = captured(name)
        assert info.content_type == TYPES[0]
        assert read_key(info.content_type, info.body) == "5"


def test_whom_to_transfer_to() -> None:
    assert refer_to("sip:bob@example.org", "a.b") == "sip:bob@example.org"
    assert refer_to("+49 (30) 123-45", "a.b") == "sip:+493012345@a.b"
    assert refer_to("bob@example.org", "a.b") == "sip:bob@example.org"
    assert refer_to("reception", "a.b") == "sip:reception@a.b"
    assert refer_to("tel:+4930123", "a.b") == "tel:+4930123"
    assert refer_to("SIP:1001@pbx1:5060", "a.b") == "SIP:1001@pbx1:5060"
    assert refer_to("1001", "voice_agent") == "sip:1001@voice_agent"
    for bad in ("sip:a b@c", "http://a", "sip:a@b>\r\nX: y", "", "sip:a@b?x=y"):
        with pytest.raises(ValueError, match="URI"):
            refer_to(bad, "a.b")


def test_what_a_phone_tells_of_a_transfer() -> None:
    assert outcome(b"SIP/2.0 100 Trying", ended=False) is None
    assert outcome(b"SIP/2.0 200 OK\r\n", ended=True) == (True, "")
    assert outcome(b"SIP/2.0 486 Busy Here\r\n", ended=True) == (False, "Busy Here (486)")
    assert outcome(b"\r\nsip/2.0  603\r\n", ended=False) == (False, "(603)")
    assert outcome(b"", ended=False) is None
    told = outcome(b"nonsense", ended=True)
    assert told is not None
    assert not told[0]


def test_a_dialog_writes_to_the_contact_of_the_phone() -> None:
    dialog = Dialog.answering(captured("jssip-INVITE"), "ours", "sip:antiphon@127.0.0.1;transport=ws")
    bye = read(dialog.write("BYE", "b1"))
    assert isinstance(bye, Request)
    assert bye.uri == "sip:contact@client.invalid;transport=ws;ob"
    assert (bye.from_tag, bye.cseq, bye.branch) == ("ours", 1, "z9hG4bKb1")
    assert bye.to_tag == captured("jssip-INVITE").from_tag
    again = read(dialog.write("BYE", "b2"))
    assert isinstance(again, Request)
    assert again.cseq == 2


def test_a_dialog_follows_the_contact_and_the_numbers() -> None:
    invite, update = captured("jssip-INVITE"), captured("jssip-UPDATE")
    dialog = Dialog.answering(invite, "ours", "sip:antiphon@a")
    assert not dialog.follows(invite), "this number was used"
    assert dialog.follows(update) == (update.cseq > invite.cseq)
    dialog.retarget(update)
    assert dialog.target == "sip:contact@client.invalid;transport=ws;ob"


def test_a_request_that_comes_twice_gets_its_first_answer() -> None:
    transactions, invite = Transactions(), captured("jssip-INVITE")
    assert transactions.again(invite, 0.0) is None
    assert transactions.again(invite, 0.1) == ""
    transactions.answered(invite, "the answer")
    assert transactions.again(invite, 0.2) == "the answer"
    assert transactions.has(invite.branch, "INVITE")
    assert not transactions.has(invite.branch, "BYE")
    assert transactions.again(invite, KEPT_S + 0.1) is None


def test_what_is_remembered_has_a_size() -> None:
    transactions = Transactions()
    text = (MESSAGES / "jssip-INVITE.sip").read_bytes()
    branch = captured("jssip-INVITE").branch.encode()
    requests = [read(text.replace(branch, branch + str(n).encode())) for n in range(MOST + 1)]
    for request in requests:
        assert isinstance(request, Request)
        transactions.again(request, 0.0)
        assert transactions.merged(request, 0.0) == (request is not requests[0])
    assert isinstance(requests[0], Request)
    assert not transactions.has(requests[0].branch, "INVITE")
    assert not transactions.merged(requests[1], KEPT_S + 1), "the first one is over"


def test_addresses_are_limited_each_for_itself() -> None:
    limits = Limits()
    assert [limits.admits_request("a", 0.0) for _ in range(REQUESTS_AT_ONCE + 1)].count(False) == 1
    assert limits.admits_request("b", 0.0)
    assert limits.admits_request("", 0.0)
    assert limits.admits_request("a", 10.0)


def test_wrong_passwords_close_the_gate_for_a_while() -> None:
    limits = Limits()
    for _ in range(WRONG_AT_ONCE + 1):
        assert limits.admits_guess("a", 0.0)
        limits.note_wrong("a", 0.0)
    assert not limits.admits_guess("a", 0.0)
    assert limits.admits_guess("b", 0.0)
    assert limits.admits_guess("a", 60.0)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (NotFound("x"), 404), (Forbidden("x"), 403), (InvalidToken("x"), 401), (NotAcceptable("x"), 488),
        (PeerError("x"), 400), (AtCapacity("x", 5), 503), (TooMany("x", 5), 486), (StoreError("x"), 503),
        (AgentUnavailable("x"), 480), (AntiphonError("x"), 500),
    ],
)  # fmt: skip
def test_errors_become_responses(error: AntiphonError, code: int) -> None:
    told, headers = refusal(error)
    assert told == code
    assert headers[0] == ("Warning", '399 antiphon "x"')
    assert ("Retry-After" in dict(headers)) == (code in (480, 486, 503))


def test_a_warning_has_only_what_may_be_quoted() -> None:
    assert refusal(PeerError('a "b"\r\nX: é'))[1] == [("Warning", "399 antiphon \"a 'b'''X: '\"")]
