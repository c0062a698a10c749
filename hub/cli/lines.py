"""What commands print: JSON lines for programs, aligned columns for people."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

_encode = msgspec.json.Encoder().encode


def json_line(value: Mapping[str, Any]) -> None:
    """One JSON object on a line of its own, at once."""
    sys.stdout.buffer.write(_encode(value) + b"\n")
    sys.stdout.buffer.flush()


def json_lines(values: Iterable[Mapping[str, Any]]) -> int:
    """Many JSON lines, written in blocks; returns how many."""
    count = 0
    block = bytearray()
    for value in values:
        block += _encode(value) + b"\n"
        count += 1
        if len(block) > 1 << 16:
            sys.stdout.buffer.write(block)
            block.clear()
    sys.stdout.buffer.write(block)
    sys.stdout.buffer.flush()
    return count


def table(names: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Columns for people; a terminal's width is respected, a pipe gets whole values."""
    if sys.stdout.isatty():
        _rich_table(names, rows)
        return
    for row in rows:
        print("  ".join(plain(value) for value in row).rstrip())


def _rich_table(names: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    grid = Table(box=None, header_style="bold", pad_edge=False)
    for name in names:
        grid.add_column(name)
    for row in rows:
        grid.add_row(*(Text(plain(value)) for value in row))
    Console().print(grid)


def plain(value: object) -> str:
    """A value as people read it; what could move the cursor is made visible."""
    text = "" if value is None else str(value)
    return "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in text)
