"""How a conversation is written into a store."""

import json
from dataclasses import replace

from server.record.stores.codec import Stored, decode_header, encode_header
from server.record.used import Used
from tests.conversations import conversation


def test_a_record_of_an_older_version_has_used_nothing() -> None:
    """Records that were written before calls had a budget are read as calls that have used nothing so far."""
    record = conversation(exchanges=2)
    assert record.standing.used != Used()
    header = json.loads(encode_header(record))
    del header["standing"]["used"]
    read = decode_header(Stored(json.dumps(header), record.epoch, record.revision, record.token_hash))
    assert read == replace(record, exchanges=(), standing=replace(record.standing, used=Used()))
