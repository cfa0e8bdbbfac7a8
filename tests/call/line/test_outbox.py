import asyncio

from server.call.line.outbox import MAX_SOUND, MAX_TEXT_CHARS, MAX_TEXTS, Outbox


async def drain(outbox: Outbox) -> list[str | bytes]:
    return [await outbox.take() for _ in range(len(outbox._items))]


async def test_order_is_kept() -> None:
    """Texts and sound leave in the order in which they were put."""
    outbox = Outbox()
    items: list[str | bytes] = ["a", b"1", "b", b"2", b"3"]
    for item in items:
        outbox.put(item)
    assert await drain(outbox) == items
    assert outbox.empty


async def test_sound_that_is_late_is_not_wanted() -> None:
    """When more than a second of sound waits, the oldest is dropped. Texts stay in their places."""
    outbox = Outbox()
    outbox.put("first")
    for number in range(MAX_SOUND + 10):
        outbox.put(b"%d" % number)
    outbox.put("last")
    left = await drain(outbox)
    assert left[0] == "first"
    assert left[1:-1] == [b"%d" % number for number in range(10, MAX_SOUND + 10)]
    assert left[-1] == "last"


async def test_too_many_texts_are_told() -> None:
    """Texts are never dropped. When too many wait, the outbox overflows."""
    outbox = Outbox()
    for _ in range(MAX_TEXTS):
        outbox.put("caption")
        outbox.put(b"sound")
    assert not outbox.overflowing
    outbox.put("one more")
    assert outbox.overflowing


async def test_long_texts_are_too_many_sooner() -> None:
    """Texts that wait are limited by their length, too. What has been taken does not count any more."""
    outbox = Outbox()
    outbox.put("a" * MAX_TEXT_CHARS)
    assert not outbox.overflowing
    outbox.put("b")
    assert outbox.overflowing
    await outbox.take()
    assert not outbox.overflowing


async def test_hushed() -> None:
    """Sound that is dropped does not leave. Texts do, and so does sound that is put afterwards."""
    outbox = Outbox()
    outbox.put(b"old")
    outbox.put("text")
    outbox.drop_sound()
    outbox.put(b"new")
    assert await drain(outbox) == ["text", b"new"]


async def test_take_waits_for_the_next_item() -> None:
    """An empty outbox is waited for until something is put."""
    outbox = Outbox()
    taking = asyncio.ensure_future(outbox.take())
    await asyncio.sleep(0)
    assert not taking.done()
    outbox.put("here")
    assert await taking == "here"
