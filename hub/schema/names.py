"""How names are written inside: event names folded, keys in snake_case, other senders' words as ours.

What was learned of a name is kept in small caches, because senders say the same names again and again. A
stranger can fill a cache; it is then emptied.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from hub.catalogue import EVENT_ALIASES, PROPERTY_ALIASES, PROPERTY_ALIASES_ANYWHERE
from hub.errors import BadEvent

MAX_NAME = 512
"""Characters of an event's name, of a key, of an id."""
MAX_KEYS = 1000
"""Keys of one event; of each object inside a list."""

_OTHERS = re.compile(r"[\W_]+")
_WORD_ENDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_PLURALS = re.compile(r"([A-Z]{2,})s(?![a-z])")

_CACHED = 4096
_CACHED_LENGTH = 2000


def fold(name: str) -> str:
    """An event's name as names are compared: `Product Viewed` and `product-viewed` are `product_viewed`."""
    return _OTHERS.sub("_", name.strip().lower())


def snake(key: str) -> str:
    """A key in snake_case: `productId` is `product_id`, `total billed` is `total_billed`."""
    words = _WORD_ENDS.sub("_", _PLURALS.sub(lambda plural: plural[0].capitalize(), key))
    return _OTHERS.sub("_", words.lower()).strip("_") or key.replace("\0", "")


_names: dict[str, str] = {}
known_name = _names.get
"""The name inside of a name that was met before."""


def event_name(sent: str) -> str:
    """An event's name inside: folded, in the catalogue's spelling; raises BadEvent where it is too long."""
    name = _names.get(sent)
    if name is None:
        if len(sent) > MAX_NAME:
            raise BadEvent(f"the event's name is longer than {MAX_NAME} characters")
        folded = fold(sent)
        name = EVENT_ALIASES.get(folded, folded)
        if len(_names) >= _CACHED:
            _names.clear()
        _names[sent] = name
    return name


class Keys:
    """Keys of objects, as they are called inside.

    Objects are known by their shape (their keys in order): what to do with a shape is worked out once.
    """

    def __init__(self, aliases: Mapping[str, str]) -> None:
        self._aliases = aliases
        self._shapes: dict[tuple[str, ...], tuple[str, ...] | None] = {}
        self.known = self._shapes.get

    def learn(self, shape: tuple[str, ...]) -> tuple[str, ...] | None:
        """The keys in the order of the shape; None where all of them are right as they are."""
        if len(shape) > MAX_KEYS:
            raise BadEvent(f"an object has more than {MAX_KEYS} keys")
        length = sum(map(len, shape))
        if length > MAX_NAME and any(len(key) > MAX_NAME for key in shape):
            raise BadEvent(f"a key is longer than {MAX_NAME} characters")
        keys: tuple[str, ...] | None = self._rename(shape)
        keys = None if keys == shape else keys
        if length <= _CACHED_LENGTH:
            if len(self._shapes) >= _CACHED:
                self._shapes.clear()
            self._shapes[shape] = keys
        return keys

    def _rename(self, shape: tuple[str, ...]) -> tuple[str, ...]:
        taken = {key for key in shape if self._of(key) == key}
        return tuple(key if key in taken else self._free(key, taken) for key in shape)

    def _free(self, key: str, taken: set[str]) -> str:
        # Of two keys that mean the same the first has the name, the others stay as they were sent.
        ours = self._of(key)
        ours = key if ours in taken else ours
        taken.add(ours)
        return ours

    def _of(self, key: str) -> str:
        ours = snake(key)
        return self._aliases.get(ours, ours)


CATALOGUE_KEYS = Keys(PROPERTY_ALIASES)
"""Keys in the properties of the catalogue's events."""
PLAIN_KEYS = Keys(PROPERTY_ALIASES_ANYWHERE)
"""Keys in the properties of all other events."""
TRAIT_KEYS = Keys({})
"""Keys of traits; a leading `consent.` is read before they are renamed."""
