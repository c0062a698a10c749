"""Where each key of a TOML text stands; asked only when there is a fault to show."""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_right

Path = tuple[str | int, ...]

_SPACE = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_TEXT = re.compile(
    r'"""(?:\\.|[^\\])*?"""(?:"{0,2})' r"|'''.*?'''(?:'{0,2})" r'|"(?:\\.|[^"\\\n])*"' r"|'[^'\n]*'",
    re.DOTALL,
)
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_PLAIN = re.compile(r"[^,\]}\n#]*")


def lines_of(text: str) -> dict[Path, int]:
    """The line of each table, key and item; `text` must be TOML that tomllib has read."""
    walk = _Walk(text)
    walk.document()
    return walk.lines


class _Walk:
    """Follows the text without its values: only where things begin matters."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.lines: dict[Path, int] = {}
        self.items: dict[Path, int] = {}
        """Arrays of tables: the number of the item that is being written."""
        self.starts = [match.end() for match in re.finditer("\n", text)]

    def document(self) -> None:
        table: Path = ()
        while not self.done():
            if self.text[self.at] == "[":
                table = self.header()
            else:
                self.pair(table)

    def done(self) -> bool:
        self.space()
        return self.at >= len(self.text)

    def header(self) -> Path:
        here = self.at
        many = self.text.startswith("[[", here)
        self.at += 2 if many else 1
        keys = self.keys()
        self.at += 2 if many else 1
        table: Path = ()
        for key in keys[:-1]:
            table = self.current((*table, key))
        table = (*table, keys[-1])
        if many:
            self.mark(table, here)
            self.items[table] = self.items.get(table, -1) + 1
            table = (*table, self.items[table])
        self.mark(table, here)
        return table

    def current(self, table: Path) -> Path:
        return (*table, self.items[table]) if table in self.items else table

    def pair(self, table: Path) -> None:
        here = self.at
        path = (*table, *self.keys())
        self.mark(path, here)
        self.at += 1  # the equals sign
        self.value(path)

    def keys(self) -> list[str]:
        keys = [self.key()]
        while self.peek() == ".":
            self.at += 1
            keys.append(self.key())
        return keys

    def key(self) -> str:
        self.space()
        quoted = _TEXT.match(self.text, self.at)
        found = quoted or _BARE_KEY.match(self.text, self.at)
        assert found is not None
        self.at = found.end()
        self.space()
        return str(tomllib.loads(f"key = {found[0]}")["key"]) if quoted else found[0]

    def value(self, path: Path) -> None:
        opening = self.peek()
        if opening == "[":
            self.array(path)
        elif opening == "{":
            self.inline_table(path)
        else:
            found = _TEXT.match(self.text, self.at) or _PLAIN.match(self.text, self.at)
            self.at = found.end() if found else len(self.text)

    def array(self, path: Path) -> None:
        self.at += 1
        number = 0
        while self.peek() != "]":
            self.mark((*path, number), self.at)
            self.value((*path, number))
            number += 1
            self.comma()
        self.at += 1

    def inline_table(self, path: Path) -> None:
        self.at += 1
        while self.peek() != "}":
            self.pair(path)
            self.comma()
        self.at += 1

    def comma(self) -> None:
        if self.peek() == ",":
            self.at += 1

    def peek(self) -> str:
        self.space()
        return self.text[self.at : self.at + 1]

    def space(self) -> None:
        found = _SPACE.match(self.text, self.at)
        self.at = found.end() if found else self.at

    def mark(self, path: Path, at: int) -> None:
        line = bisect_right(self.starts, at) + 1
        for end in range(1, len(path) + 1):
            self.lines.setdefault(path[:end], line)
