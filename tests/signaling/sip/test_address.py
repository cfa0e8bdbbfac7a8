"""Addresses of all the forms that phones may send, and some that they may not."""

import time
from contextlib import suppress

import pytest
from sipmessage import URI

from signaling.sip.address import read_address, read_branch, read_uri, split, written


@pytest.mark.parametrize(
    ("text", "user", "host", "port"),
    [
        ("sip:a@b", "a", "b", None),
        ("SIPS:a@Pbx1.Example:5061;transport=ws", "a", "Pbx1.Example", 5061),
        ("sip:pbx1", None, "pbx1", None),
        ("sip:a:secret@voice_agent", "a", "voice_agent", None),
        ("sip:user;par=u%40x@b.c", "user;par=u@x", "b.c", None),
        ("sip:a@[2001:db8::1]:80", "a", "[2001:db8::1]", 80),
        ("Tel:+49-30-1;phone-context=x.y", "+49-30-1", "", None),
    ],
)
def test_uris(text: str, user: str | None, host: str, port: int | None) -> None:
    uri = read_uri(text)
    assert (uri.user, uri.host, uri.port) == (user, host, port)


@pytest.mark.parametrize(
    "text", ["", "a@b", "sip:", "sip:a@", "sip:a@b c", "sip:a@-b", "sip:a@b?x=y", "mailto:a@b.c", "sip:a@b@"]
)
def test_other_texts(text: str) -> None:
    with pytest.raises(ValueError, match="URI"):
        read_uri(text)


@pytest.mark.parametrize(
    ("value", "uri", "tag"),
    [
        ('"A, <B>" <sip:a@b>;+sip.instance="<urn:x>";Tag=t', "sip:a@b", "t"),
        ('"q\\"<" <sip:a@b>;tag=t', "sip:a@b", "t"),
        ("caller<sip:a@b;x>;tag=t", "sip:a@b;x", "t"),
        ("sip:a@b ; tag = t", "sip:a@b", "t"),
        ('<sip:a@b>;x="a;tag=no";tag=t;y=""', "sip:a@b", "t"),
        ("<sip:a@b>;self=1;tag=t;tag=u", "sip:a@b", "t"),
        ("<sip:a@b>", "sip:a@b", None),
    ],
)
def test_addresses(value: str, uri: str, tag: str | None) -> None:
    assert split(value)[1] == uri
    assert read_address(value).parameters.get("tag") == tag
    assert read_address(value).uri == read_uri(uri)


@pytest.mark.parametrize(
    "value", ['"a <sip:a@b>', "< sip:a@b >", "J\u00f6rg <sip:a@b>", "<sip:a@b>;", '<sip:a@b>;x="', "<sip:a@b> x", "*"]
)
def test_other_values(value: str) -> None:
    with pytest.raises(ValueError, match="not valid"):
        read_address(value)


def test_no_text_takes_long() -> None:
    """Whatever 8 KB are, they are read or refused at once: all calls wait meanwhile."""
    began_s = time.process_time()
    for piece in ("1-", "a", " ", ";", "a ", "b-", "b.", "a@", '\\"', '"a" ', "<", ":1", ";x", " ;", "%41", "-", "["):
        for text in (f"tel:{piece * 4000}x", f"sip:a@{piece * 4000} ", f"<sip:a@b>{piece * 4000}x", f'"{piece * 4000}'):
            for read in (read_uri, read_address, read_branch):
                with suppress(ValueError):
                    read(text)
                with suppress(ValueError):
                    read(f"SIP/2.0/WS a{text}")
    assert time.process_time() - began_s < 2


def test_a_uri_is_written_so_that_a_header_can_have_it() -> None:
    assert written(URI("sip", "b", "J\u00f6 <rg>", "secret", 5060)) == "<sip:J%C3%B6%20%3Crg%3E@b>"
    assert written(read_uri("tel:+4930;x=y")) == "<tel:+4930>"


def test_the_branch_of_the_topmost_via() -> None:
    assert read_branch("SIP/2.0/WS a;branch=z9hG4bK1, SIP/2.0/WS b;branch=z9hG4bK2") == "z9hG4bK1"
    assert read_branch('SIP / 2.0 / TCP a : 5060 ; x=";branch=no" ; Branch = z9hG4bK1') == "z9hG4bK1"
    assert read_branch("SIP/2.0/WS a;rport") == ""
    for bad in ("", "SIP/2.0/WS", "SIP/3.0/WS a;branch=1", "SIP/2.0/UDP 192.0.2.15;;,;,,", "HTTP/1.1 proxy"):
        with pytest.raises(ValueError, match="Via"):
            read_branch(bad)
