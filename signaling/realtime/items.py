"""Items: the conversation as a client of the OpenAI Realtime API sees it, item after item. Pure."""

import json
from typing import Any

from signaling.openai.refused import Refused

MAX_ITEMS = 1_000
"""How many items are kept. The oldest are forgotten first: a call has some hundreds."""
MAX_CHARS = 1_000_000
"""How many characters the items that are kept may have together, as JSON. A call of an hour has about 100,000."""
ROOT = "root"
"""The `previous_item_id` of an item that is to be the first."""


class Items:
    """The items in their order."""

    def __init__(self) -> None:
        self._items: dict[str, dict[str, Any]] = {}
        self._order: list[str] = []
        self._chars: dict[str, int] = {}

    def __contains__(self, item_id: str) -> bool:
        return item_id in self._items

    def add(self, item: dict[str, Any], after: str | None = None) -> str | None:
        """Put an item behind `after`, or at the end. Returns the id of the one before it; None: it is the first.

        Raises Refused if there is an item of its id already, or none of the id `after`.
        """
        item_id = item["id"]
        if item_id in self._items:
            raise Refused("There is an item with this id already.", "invalid_value", "item.id")
        if after is not None and after != ROOT and after not in self._items:
            raise Refused("There is no item with this id.", "invalid_value", "previous_item_id")
        at = len(self._order) if after is None else 0 if after == ROOT else self._order.index(after) + 1
        self._order.insert(at, item_id)
        self._keep(item)
        return self.before(item_id)

    def before(self, item_id: str) -> str | None:
        """The id of the item before this one; None for the first, and for one that is not there."""
        at = self._order.index(item_id) if item_id in self._items else 0
        return self._order[at - 1] if at > 0 else None

    def later(self, item_id: str) -> list[str]:
        """The ids of the items behind this one, which is there."""
        return self._order[self._order.index(item_id) + 1 :]

    @property
    def last(self) -> str | None:
        return self._order[-1] if self._order else None

    def get(self, item_id: str, doing: str) -> dict[str, Any]:
        """Raises Refused if there is none. `doing` is what the client does with it, as in the error's code."""
        if (item := self._items.get(item_id)) is None:
            raise Refused("There is no item with this id.", f"item_{doing}_invalid_item_id", "item_id")
        return item

    def replace(self, item: dict[str, Any]) -> None:
        """The item has changed. One that was deleted meanwhile stays deleted."""
        if item["id"] in self._items:
            self._keep(item)

    def delete(self, item_id: str) -> None:
        """Raises Refused if there is none."""
        self.get(item_id, "delete")
        self._order.remove(item_id)
        self._forget(item_id)

    def _keep(self, item: dict[str, Any]) -> None:
        self._items[item["id"]] = item
        self._chars[item["id"]] = len(json.dumps(item, ensure_ascii=False))
        while len(self._order) > MAX_ITEMS or sum(self._chars.values()) > MAX_CHARS:
            self._forget(self._order.pop(0))

    def _forget(self, item_id: str) -> None:
        del self._items[item_id], self._chars[item_id]
