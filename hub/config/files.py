"""plugins.toml and the files it includes: read, put together, and asked where something stands."""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from glob import glob, has_magic
from pathlib import Path
from typing import Any

from hub.config.lines import Path as Keys
from hub.config.lines import lines_of
from hub.errors import ConfigFault

_PLACE = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")


@dataclass(frozen=True)
class File:
    """One TOML file; `name` is how people see it."""

    name: str
    text: str
    tables: Mapping[str, Any]

    @cached_property
    def lines(self) -> dict[Keys, int]:
        return lines_of(self.text)

    def nearest(self, keys: Keys) -> tuple[int, int]:
        """How much of these keys the file has, and the line of that; (0, 0) where nothing."""
        for length in range(len(keys), 0, -1):
            if keys[:length] in self.lines:
                return length, self.lines[keys[:length]]
        return 0, 0


def load(path: Path) -> File | ConfigFault:
    """The file, or the one fault that keeps it from being read."""
    name = str(path)
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        return ConfigFault(name, 0, "", "no such file")
    except IsADirectoryError:
        return ConfigFault(name, 0, "", "is a folder; name a file")
    except UnicodeDecodeError as fault:
        line = fault.object[: fault.start].count(b"\n") + 1
        return ConfigFault(name, line, "", "is not UTF-8; save it as UTF-8")
    except OSError as fault:
        return ConfigFault(name, 0, "", f"cannot be read: {fault.strerror or type(fault).__name__}")
    text = text.replace("\r\n", "\n")
    try:
        return File(name, text, tomllib.loads(text))
    except tomllib.TOMLDecodeError as fault:
        return _syntax(name, text, str(fault))
    except RecursionError:
        return ConfigFault(name, 0, "", "lists or tables stand too deep in each other")
    except ValueError:
        # tomllib lets this one through for whole numbers of more than 4,300 digits.
        return ConfigFault(name, 0, "", "has a number that is too long")


def _syntax(name: str, text: str, said: str) -> ConfigFault:
    place = _PLACE.search(said)
    problem = _PLACE.sub("", said)
    line = int(place[1]) if place and place[1] else text.count("\n") + 1
    if "overwrite" in problem or "Duplicate" in problem or "twice" in problem:
        problem = "this key or table stands here a second time; keep one"
    else:
        problem = f"is not TOML: {problem[:1].lower()}{problem[1:]}"
        problem += f" (column {place[2]})" if place and place[2] else ""
    return ConfigFault(name, line, "", problem)


def included(main: Path, patterns: Sequence[str]) -> Iterator[tuple[str, list[Path]]]:
    """For each pattern the files it names, in order; a file is named once, the main one never."""
    seen = {main.resolve()}
    for pattern in patterns:
        if "\0" in pattern:
            yield pattern, []
            continue
        # Path.glob takes neither absolute patterns nor `..`.
        names = sorted(glob(str(main.parent / pattern), recursive=True))  # noqa: PTH207
        found = [Path(name) for name in names]
        if not found and not has_magic(pattern):
            found = [main.parent / pattern]
        yield pattern, [path for path in found if path.resolve() not in seen]
        seen.update(path.resolve() for path in found)


def dotted(keys: Keys) -> str:
    """Keys as people write them in TOML; numbers of items are left out."""
    named = [key for key in keys if isinstance(key, str)]
    return ".".join(key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else f'"{key}"' for key in named)


def endless(value: Any, keys: Keys = ()) -> Iterator[Keys]:
    """Where `nan` or `inf` stands: TOML has them, JSON and our arithmetic do not."""
    if isinstance(value, float) and not math.isfinite(value):
        yield keys
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from endless(inner, (*keys, key))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from endless(inner, (*keys, number))
