"""What a template may cost, counted and not timed: the same one with the same values always ends alike.

A step is spent for each part of a template that is looked at (in a loop once for each pass), and more for
filters, by the size of what they are given. `MOST_STEPS` of them take about 50 ms.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from liquid.undefined import Undefined

MOST_STEPS = 40_000
MOST_BYTES = 256 * 1024
"""Of a template, of what comes of it, and of what a filter is given or makes."""
MOST_ITEMS = 10_000
"""Of a list that a filter makes, and of a range."""
MOST_BITS = 4096
"""How large a whole number may become."""


class TooMuch(Exception):
    """A template wants more than it may have; the text says of what."""


def measured(value: Any, left: int = MOST_BYTES) -> int:
    """About how large a value is as text; raises TooMuch where that is more than `left`."""
    size = 8
    if isinstance(value, str):
        size = len(value)
    elif isinstance(value, Mapping) and not isinstance(value, Undefined):
        for key, inner in value.items():
            size += len(str(key)) + measured(inner, left - size)
    elif isinstance(value, list | tuple):
        for inner in value:
            size += measured(inner, left - size)
    if size > left:
        raise TooMuch("works on more than 256 KB")
    return size


def bounded(value: Any) -> Any:
    """The value, if it is not too large to go on with; raises TooMuch."""
    if isinstance(value, str) and len(value) > MOST_BYTES:
        raise TooMuch("makes more than 256 KB")
    if isinstance(value, list) and len(value) > MOST_ITEMS:
        raise TooMuch(f"makes a list of more than {MOST_ITEMS:,} items")
    if isinstance(value, int) and value.bit_length() > MOST_BITS:
        raise TooMuch("makes too large a number")
    return value
