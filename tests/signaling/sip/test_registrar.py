"""Where phones are: their contacts come back as they were sent."""

from pathlib import Path

import pytest

from signaling.sip.message import Headers, Request, read
from signaling.sip.registrar import (
    DEFAULT_S,
    MAX_S,
    MIN_S,
    MOST_CONTACTS,
    Contact,
    Full,
    Registrar,
    TooBrief,
    read_contacts,
)

MESSAGES = Path(__file__).parent / "messages"


def contacts(*values: str, expires: str = "") -> list[Contact] | None:
    more = [("Expires", expires)] if expires else []
    return read_contacts(Headers([*(("Contact", value) for value in values), *more]))


def register(registrar: Registrar[str], *values: str, cseq: int = 1, now_s: float = 0.0, **more: str) -> list[str]:
    expires, flow = more.get("expires", ""), more.get("flow", "flow")
    return registrar.register("alice", contacts(*values, expires=expires), ("call", cseq), flow, now_s)


@pytest.mark.parametrize("name", ["jssip-REGISTER", "sipjs-REGISTER"])
def test_a_contact_comes_back_byte_for_byte(name: str) -> None:
    """A browser's phone takes nothing else for its own."""
    message = read((MESSAGES / f"{name}.sip").read_bytes())
    assert isinstance(message, Request)
    sent = message.headers.get("Contact")
    shown = Registrar[str]().register("alice", read_contacts(message.headers), ("c", 1), "flow", 0.0)
    assert shown == [sent if "expires" in sent else f"{sent};expires=600"]


def test_the_time_of_a_binding() -> None:
    registrar = Registrar[str]()
    assert register(registrar, "<sip:a@b>") == [f"<sip:a@b>;expires={DEFAULT_S}"]
    assert register(registrar, "<sip:a@b>", cseq=2, expires="60") == ["<sip:a@b>;expires=60"]
    assert register(registrar, "<sip:a@b>;expires=90", cseq=3, expires="60") == ["<sip:a@b>;expires=90"]
    assert register(registrar, "<sip:a@b>;expires=999999", cseq=4) == [f"<sip:a@b>;expires={MAX_S}"]
    assert register(registrar, now_s=MAX_S - 60) == ["<sip:a@b>;expires=60"], "a question changes nothing"
    assert registrar.find("alice", MAX_S - 1.0)
    assert not registrar.find("alice", MAX_S + 1.0)


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ('<sip:a@b>;expires=60;+sip.instance="<urn:x>"', '<sip:a@b>;+sip.instance="<urn:x>";expires=60'),
        ('"A" <sip:a@b>;+sip.instance="<urn:x;expires=5>" ;q=0.5; Expires = 60',
         '"A" <sip:a@b>;+sip.instance="<urn:x;expires=5>" ;q=0.5;expires=60'),
        ("sip:a@b;q=0.1;expires=60", "sip:a@b;q=0.1;expires=60"),
        ("<sip:a@b;expires=5> ;q=1", "<sip:a@b;expires=5> ;q=1;expires=600"),
        ("<sip:a@b?Route=%3Csip:c%3E>", "<sip:a@b?Route=%3Csip:c%3E>;expires=600"),
    ],
)  # fmt: skip
def test_parameters_of_a_contact(sent: str, shown: str) -> None:
    """They stay as they were sent, in their order, and only their own `expires` counts (RFC 4475, 3.3.14)."""
    registrar = Registrar[str]()
    assert register(registrar, sent) == [shown]
    assert registrar.find("alice", 0.0)[0].contact.uri in ("sip:a@b", "sip:a@b;expires=5")


def test_a_contact_that_is_named_twice() -> None:
    assert register(Registrar[str](), "<sip:a@b>;expires=60, <sip:a@b>;expires=90") == ["<sip:a@b>;expires=90"]


def test_too_brief_a_time_changes_nothing() -> None:
    registrar = Registrar[str]()
    with pytest.raises(TooBrief):
        register(registrar, "<sip:a@b>", f"<sip:c@d>;expires={MIN_S - 1}")
    assert not registrar.find("alice", 0.0)


def test_bindings_are_removed() -> None:
    """One with `expires=0`, all with `*`, and those of a connection that is gone."""
    registrar = Registrar[str]()
    register(registrar, "<sip:a@b>", "<sip:c@d>", "<sip:e@f>")
    assert len(register(registrar, "<sip:a@b>;expires=0", cseq=2)) == 2
    assert register(registrar, "*", cseq=3, expires="0") == []
    register(registrar, "<sip:a@b>", cseq=4, flow="one")
    register(registrar, "<sip:c@d>", cseq=5, flow="two")
    registrar.drop("one")
    assert [each.flow for each in registrar.find("alice", 0.0)] == ["two"]
    registrar.drop("two")
    assert not registrar.find("alice", 0.0)


def test_a_request_that_comes_late_changes_nothing() -> None:
    registrar = Registrar[str]()
    register(registrar, "<sip:a@b>", cseq=5)
    for late in (4, 5):
        with pytest.raises(ValueError, match="older"):
            register(registrar, "<sip:a@b>;expires=0", cseq=late)
    with pytest.raises(ValueError, match="older"):
        register(registrar, "*", cseq=5, expires="0")
    assert registrar.find("alice", 0.0)


@pytest.mark.parametrize(
    "values",
    [
        ["sip:user@example.com?Route=%3Csip:sip.example.com%3E"],  # RFC 4475, 3.1.2.13
        ["*", "<sip:a@b>"],
        ["*"],
        ["<http://a.b>"],
        ["tel:+15550001"],
        [f"<sip:a@b>;x={'a' * 2000}"],
        [f"<sip:a{n}@b>" for n in range(MOST_CONTACTS + 1)],
        ['"unbalanced <sip:a@b>'],
    ],
)
def test_contacts_that_are_refused(values: list[str]) -> None:
    with pytest.raises((ValueError, TypeError)):
        register(Registrar[str](), *values)


def test_addresses_have_room_for_some_phones_only() -> None:
    registrar = Registrar[str]()
    for number in range(MOST_CONTACTS):
        register(registrar, f"<sip:a{number}@b>", cseq=number)
    with pytest.raises(Full):
        register(registrar, "<sip:more@b>", cseq=99)
    assert len(registrar.find("alice", 0.0)) == MOST_CONTACTS


def test_names_with_signs_in_them() -> None:
    """What is in quotes is neither a parameter nor a bracket."""
    shown = register(Registrar[str](), '"a;expires=5, <sip:x@y>" <sip:a@b>;q=1;expires=60')
    assert shown == ['"a;expires=5, <sip:x@y>" <sip:a@b>;q=1;expires=60']
