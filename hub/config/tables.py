"""The tables there are, and how those of several files become one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hub.config.files import File, endless
from hub.config.hub_table import HubOptions
from hub.config.lines import Path as Keys
from hub.config.reading import Reading, near

TABLES: Mapping[str, int] = {
    "hub": 0,
    "sources": 1,
    "sinks": 1,
    "routes": 1,
    "transforms": 1,
    "channels": 1,
    "settings": 0,
    "events": 1,
    "places": 1,
    "rules": 1,
    "templates": 1,
    "sync": 1,
    "consent": 2,
    "identity": 2,
}
"""Every table, and how many levels of it may be spread over files: 1 means that each block is whole."""

LATER = (
    *("caps", "groups", "journeys", "pools", "quiet", "retention"),
    *("schemas", "segments", "test", "traits"),
)
"""Tables that a later version reads; until then they are refused rather than ignored."""


def merged(files: Sequence[File], reading: Reading) -> dict[str, Any]:
    """The tables of all files as one; what stands twice or is unknown is noted in `reading`."""
    tables: dict[str, Any] = {}
    for file in files:
        for name, value in file.tables.items():
            problem = _refused(name, value, main=file is files[0])
            if problem:
                reading.fault_in(file, (name,), problem)
            else:
                _add(file, name, tables, reading)
        for keys in endless(file.tables):
            reading.fault_in(file, keys, "must be a finite number")
    return tables


def _add(file: File, name: str, tables: dict[str, Any], reading: Reading) -> None:
    value = file.tables[name]
    into = tables.setdefault(name, {} if isinstance(value, dict) else value)
    if not isinstance(value, dict) or not isinstance(into, dict):
        return  # it is said when the table is read
    for keys in _put(value, into, (name,), TABLES[name]):
        first, line = reading.place(keys)
        reading.fault_in(file, keys, f"stands already in {first}:{line}; keep one")


def _refused(name: str, value: Any, *, main: bool) -> str | None:
    if name in LATER:
        return f"[{name}] is not part of this version yet; take it out"
    if name in TABLES:
        return None if main or name != "hub" else "[hub] stands in the main file only"
    if not isinstance(value, dict | list) and name in HubOptions.model_fields:
        return f"unknown option; '{name}' belongs under [hub]"
    return f"unknown table; {near(name, TABLES)}"


def _put(value: Mapping[str, Any], into: dict[str, Any], keys: Keys, levels: int) -> Iterator[Keys]:
    """Puts one file's table into the whole; yields what stood there already."""
    for key, inner in value.items():
        here = (*keys, key)
        if levels > 1 and isinstance(inner, dict) and isinstance(into.get(key, {}), dict):
            yield from _put(inner, into.setdefault(key, {}), here, levels - 1)
        elif key in into:
            yield here
        else:
            into[key] = inner
