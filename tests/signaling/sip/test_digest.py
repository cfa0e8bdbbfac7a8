"""Digest credentials, as JsSIP computes them and as attackers might."""

import hashlib
from pathlib import Path

import pytest

from signaling.sip.digest import NONCE_S, Accounts, Digest, Verdict, of_realm, read_accounts, read_parameters
from signaling.sip.message import Request, read

CAPTURED = Path(__file__).parent / "messages/jssip-REGISTER-digest.sip"
MD5 = hashlib.md5(b"alice:antiphon:secret").hexdigest()
SHA256 = hashlib.sha256(b"alice:antiphon:secret").hexdigest()
ACCOUNTS = Accounts("antiphon", {"alice": {"MD5": MD5, "SHA-256": SHA256}})


def answered(nonce: str, algorithm: str = "MD5", **changed: str) -> dict[str, str]:
    """What a phone answers that knows the password."""
    made = hashlib.md5 if algorithm == "MD5" else hashlib.sha256

    def h(text: str) -> str:
        return made(text.encode()).hexdigest()

    nc = changed.get("nc", "00000001")
    secret, asked = h("alice:antiphon:secret"), h("REGISTER:sip:example.com")
    given = {
        "username": "alice", "realm": "antiphon", "nonce": nonce, "uri": "sip:example.com", "qop": "auth", "nc": nc,
        "cnonce": "c", "algorithm": algorithm, "response": h(f"{secret}:{nonce}:{nc}:c:auth:{asked}"),
    }  # fmt: skip
    return given | changed


def judged(digest: Digest, given: dict[str, str], now_s: float = 1.0) -> Verdict:
    return digest.judge(given, "REGISTER", "sip:example.com", now_s)[0]


def test_md5_comes_last() -> None:
    """Phones in browsers keep only the last challenge."""
    second, first = Digest(ACCOUNTS).challenges("n", 0.0)
    assert first == 'Digest realm="antiphon", nonce="n", qop="auth", algorithm=MD5'
    assert second.endswith("algorithm=SHA-256")
    assert len(Digest(Accounts("r", {"a": {"MD5": MD5}})).challenges("n", 0.0)) == 1


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256"])
def test_the_right_answer_is_good_once(algorithm: str) -> None:
    """Whoever has overheard it cannot use it again. The phone itself counts on."""
    digest = Digest(ACCOUNTS)
    digest.challenges("n", 0.0)
    assert judged(digest, answered("n", algorithm)) is Verdict.GOOD
    assert judged(digest, answered("n", algorithm)) is Verdict.STALE
    assert judged(digest, answered("n", algorithm, nc="00000002")) is Verdict.GOOD
    assert judged(digest, answered("n", algorithm, nc="00000001")) is Verdict.STALE


def test_a_phone_that_does_not_count_gets_another_nonce() -> None:
    """With the same one again it would never get in: it answers each challenge as its first."""
    digest = Digest(ACCOUNTS)
    digest.challenges("n", 0.0)
    assert judged(digest, answered("n")) is Verdict.GOOD
    assert judged(digest, answered("n")) is Verdict.STALE
    assert 'nonce="m"' in digest.challenges("m", 1.0, stale=True)[0]
    assert 'nonce="m"' in digest.challenges("k", 1.0)[0]
    assert judged(digest, answered("m")) is Verdict.GOOD


def test_credentials_for_several_realms() -> None:
    """Those of a proxy on the way may stand beside ours."""
    ours, other = 'Digest username="a", realm="antiphon"', 'Digest username="a", realm="proxy"'
    assert of_realm([other, ours], "antiphon") == ours
    assert of_realm([other, "Bearer x"], "antiphon") == other
    assert of_realm([], "antiphon") == ""


def test_what_jssip_answers_is_not_a_password_we_know() -> None:
    """Its credentials are read whole. They are for a password that nobody knows here."""
    message = read(CAPTURED.read_bytes())
    assert isinstance(message, Request)
    given = read_parameters(message.headers.get("Authorization"))
    assert given is not None
    assert given["nc"] == "00000001"
    assert given["algorithm"] == "MD5"
    digest = Digest(ACCOUNTS)
    digest.challenges("plain-nonce-1", 0.0)
    assert digest.judge(given, "REGISTER", message.uri, 1.0) == (Verdict.WRONG, "alice")


def test_an_old_nonce_and_one_of_another_connection_are_stale() -> None:
    """The phone then tries again by itself."""
    digest = Digest(ACCOUNTS)
    digest.challenges("n", 0.0)
    assert judged(digest, answered("other")) is Verdict.STALE
    assert judged(digest, answered("n"), NONCE_S + 1) is Verdict.STALE
    assert 'nonce="m"' in digest.challenges("m", NONCE_S + 1, stale=True)[0]
    assert digest.challenges("k", NONCE_S + 2, stale=True)[0].endswith("stale=true")


@pytest.mark.parametrize(
    ("changed", "verdict"),
    [
        ({"response": "0" * 32}, Verdict.WRONG),
        ({"username": "bob"}, Verdict.WRONG),
        ({"uri": "sip:other.com"}, Verdict.INVALID),
        ({"realm": "other"}, Verdict.INVALID),
        ({"qop": "auth-int"}, Verdict.INVALID),
        ({"algorithm": "MD5-sess"}, Verdict.INVALID),
        ({"cnonce": ""}, Verdict.INVALID),
        ({"nc": "1"}, Verdict.INVALID),
        ({"response": "ä"}, Verdict.WRONG),
    ],
)
def test_other_answers(changed: dict[str, str], verdict: Verdict) -> None:
    digest = Digest(ACCOUNTS)
    digest.challenges("n", 0.0)
    assert judged(digest, answered("n") | changed) is verdict


def test_nobody_answers_for_an_account_that_has_no_such_hash() -> None:
    """Not even with the hash of zeros that is compared in its place."""
    digest = Digest(Accounts("antiphon", {"bob": {"MD5": MD5}}))
    digest.challenges("n", 0.0)
    asked = hashlib.md5(b"REGISTER:sip:example.com").hexdigest()
    forged = hashlib.md5(f"{'0' * 32}:n:00000001:c:auth:{asked}".encode()).hexdigest()
    assert judged(digest, answered("n", response=forged)) is Verdict.WRONG


def test_parameters_are_read_with_commas_in_quotes() -> None:
    assert read_parameters('Digest username="a,b \\"c\\"" ,qop=auth') == {"username": 'a,b "c"', "qop": "auth"}
    for bad in ("Basic abc", 'Digest a="b', "Digest a=b c=d,", "Digest a=1, a=2", "Digest ,"):
        assert read_parameters(bad) is None


def test_accounts_are_read_from_a_file() -> None:
    text = f"# phones\n\nalice:my realm:{MD5}\nalice:my realm:{SHA256.upper()}\nbob:my realm:{MD5}\n"
    accounts = read_accounts(text)
    assert accounts.realm == "my realm"
    assert accounts.hashes["alice"] == {"MD5": MD5, "SHA-256": SHA256}
    assert accounts.algorithms == ["SHA-256", "MD5"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "no accounts"),
        ("alice:realm:secret", "line 1"),
        (f"alice:r:{MD5}\nbob:other:{MD5}", "line 2"),
        (f"a b:r:{MD5}", "line 1"),
        (f'alice:"r":{MD5}', "line 1"),
    ],
)
def test_a_bad_file_is_told_by_its_line(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        read_accounts(text)
