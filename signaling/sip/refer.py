"""Refer: to whom a phone is asked to transfer a call, and what it tells of it (RFC 3515, 3420). Pure."""

import re
from urllib.parse import quote

from signaling.sip.address import read_uri

MAX_NOTE_CHARS = 300
"""How much of the note is told. Telephones show a line."""

_NUMBER = re.compile(r"\+?[0-9*#][0-9 ()./-]{0,30}")


def refer_to(wanted: str, host: str, note: str = "") -> str:
    """The URI for a telephone number, or for an address. `host` is where numbers are dialled. Raises ValueError.

    The `note` is in it as the header Subject of the INVITE that the phone is to send (RFC 3261, section 19.1.1).
    """
    wanted = wanted.strip()
    if _NUMBER.fullmatch(wanted):
        wanted = f"sip:{re.sub(r'[ ()./-]', '', wanted)}@{host}"
    elif ":" not in wanted:
        wanted = f"sip:{wanted}" if "@" in wanted else f"sip:{wanted}@{host}"
    read_uri(wanted)
    if note.strip() and wanted.lower().startswith(("sip:", "sips:")):
        line = " ".join(note.split())[:MAX_NOTE_CHARS]
        wanted += f"{'&' if '?' in wanted else '?'}Subject={quote(line, safe='')}"
    return wanted


def outcome(body: bytes, ended: bool) -> tuple[bool, str] | None:
    """Whether the transfer has worked, and why not; None while it goes on. `ended`: no more will be told."""
    found = re.match(rb"\s*SIP/2\.0 +([1-6][0-9]{2})(?: ([^\r\n]{0,100}))?", body, re.IGNORECASE)
    code = int(found[1]) if found else 0
    if code >= 200:
        phrase = (found[2] or b"").decode("utf-8", "replace") if found else ""
        return code < 300, "" if code < 300 else f"{phrase} ({code})".strip()
    return (False, "The phone has not told what became of it.") if ended else None
