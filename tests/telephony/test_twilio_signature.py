"""The signatures of webhooks, and the parameters that prove a stream."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import MultiDict
from twilio.request_validator import RequestValidator

from server.call.line.telephone import Begun
from server.call.messages import AudioFormat
from server.errors import Unauthorized
from signaling.telephony.twilio_signature import GOOD_S, signature, signed_scheme, vetted, with_pass

TOKEN = "12345"
CALL = [
    ("To", "+18005551212"), ("From", "+14158675309"), ("Digits", "1234"), ("Caller", "+14158675309"),
    ("CallSid", "CA1234567890ABCDE"),
]  # fmt: skip
FORMS = st.lists(st.tuples(st.text(min_size=1, max_size=5), st.text(max_size=5)), max_size=6)
URL = "https://mycompany.com/myapp.php?foo=1&bar=2"


@given(st.sampled_from([URL, "http://127.0.0.1:8080/voice", "https://a.example/x?a=%20"]), FORMS)
def test_the_signature_is_that_of_twilios_library(url: str, parameters: list[tuple[str, str]]) -> None:
    """Names that come twice, letters of all languages, empty values: both sign the same text."""
    form = MultiDict(parameters)
    assert signature(TOKEN, url, parameters) == RequestValidator(TOKEN).compute_signature(url, form)


def test_the_signature_of_twilios_documentation() -> None:
    """The example of the security page: the same value for ever."""
    assert signature(TOKEN, URL, CALL) == "RSOYDt4T1cUTdK1PDd93/VVr8B8="


HOST, PATH = "mycompany.com", "/myapp.php?foo=1&bar=2"


@pytest.mark.parametrize(
    ("address", "host", "scheme"),
    [("https://mycompany.com", HOST, "https"), ("http://mycompany.com", HOST, "http"),
     ("https://mycompany.com:443", HOST, "https"), ("http://mycompany.com:80", HOST, "http"),
     ("https://mycompany.com", f"{HOST}:443", "https"), ("https://mycompany.com:8443", f"{HOST}:8443", "https"),
     ("https://mycompany.com", f"{HOST}:8443", "https"), ("http://mycompany.com:8080", f"{HOST}:8080", "http"),
     ("http://[::1]:8080", "[::1]:8080", "http"), ("https://[::1]", "[::1]", "https")],
)  # fmt: skip
def test_an_address_may_be_signed_with_and_without_its_port(address: str, host: str, scheme: str) -> None:
    """Twilio does both, and a proxy may have taken the TLS off."""
    good = signature(TOKEN, address + PATH, CALL)
    assert signed_scheme(TOKEN, ["another.example", host], PATH, CALL, good) == scheme


def test_what_was_changed_has_no_good_signature() -> None:
    """Another host, port, query, parameter or token, or no signature: all are refused."""
    good = signature(TOKEN, URL, CALL)
    for token, host, path, parameters, given_signature in (
        ("12346", HOST, PATH, CALL, good), (TOKEN, HOST, f"{PATH}&x=1", CALL, good),
        (TOKEN, HOST, PATH, CALL[1:], good),
        (TOKEN, HOST, PATH, CALL, ""), (TOKEN, HOST, PATH, CALL, "\udcff"), (TOKEN, "", PATH, CALL, good),
        (TOKEN, HOST, PATH, CALL, signature(TOKEN, f"https://{HOST}:8443{PATH}", CALL)),
        (TOKEN, HOST, PATH, CALL, signature(TOKEN, f"https://other.example{PATH}", CALL)),
    ):  # fmt: skip
        with pytest.raises(Unauthorized):
            signed_scheme(token, [host], path, parameters, given_signature)


def begun(call_id: str, parameters: dict[str, str]) -> Begun:
    about = {name: value for name, value in parameters.items() if name not in ("from", "to")}
    return Begun(call_id, AudioFormat(), parameters.get("from", ""), parameters.get("to", ""), about)


def test_a_stream_is_good_for_its_call_and_for_a_while() -> None:
    """The agent is not given what only proves the stream."""
    stream = begun("CA1", with_pass(TOKEN, "CA1", {"from": "+1", "to": "+2", "language": "de"}, now_s=1_000))
    assert vetted(TOKEN, stream, 1_000 + GOOD_S).about == {"language": "de"}
    for other in (
        replace(stream, call_id="CA2"), replace(stream, number="+3"), replace(stream, dialled="+3"),
        replace(stream, about={**stream.about, "language": "en"}), replace(stream, about={**stream.about, "more": 1}),
        replace(stream, about={}), replace(stream, about={**stream.about, "until": "9999999999"}),
    ):  # fmt: skip
        with pytest.raises(Unauthorized):
            vetted(TOKEN, other, 1_000)
    with pytest.raises(Unauthorized):
        vetted(TOKEN, stream, 1_001 + GOOD_S)
    with pytest.raises(Unauthorized):
        vetted("another token", stream, 1_000)


@given(st.dictionaries(st.text(max_size=8), st.none() | st.integers() | st.text(max_size=8), max_size=4), st.text())
def test_no_stream_is_good_by_chance(about: dict[str, object], call_id: str) -> None:
    """Whatever a stranger sends is refused as such."""
    with pytest.raises(Unauthorized):
        vetted(TOKEN, Begun(call_id, AudioFormat(), about=about), 0)
