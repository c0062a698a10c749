"""The words we use: no empty module names, nothing that belongs to one machine, nothing left undone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from source_tree import ROOT, modules

EMPTY_NAMES = {"util", "utils", "helper", "helpers", "common", "manager", "managers", "misc", "stuff", "lib"}

SKIPPED = {".git", ".venv", "node_modules", "dist", "data", "__pycache__", "build"}
TEXTS = {".py", ".md", ".toml", ".yml", ".yaml", ".json", ".txt", ".cfg", ".js", ".mjs", ".html", ".sql", ""}

ONE_MACHINE = re.compile(r"(?<![\w.])/(?:root|home|Users|work)/|//[\w.-]*(?:pypi|registry)[\w.-]*\.|file:///")
PUBLIC_ADDRESSES = ("https://registry.npmjs.org/",)
"""What npm writes into its lock file; it names the place where everybody gets the package."""
UNDONE = re.compile(r"\b(?:TO" + r"DO|FIX" + r"ME|XXX)\b")


def texts() -> Iterator[tuple[Path, str]]:
    for path in sorted(ROOT.rglob("*")):
        inside = path.relative_to(ROOT)
        hidden = [part for part in inside.parts[:-1] if part.startswith(".") and part != ".ci"]
        if hidden or SKIPPED.intersection(inside.parts) or path.suffix not in TEXTS or not path.is_file():
            continue
        if path != Path(__file__):
            yield inside, path.read_text(encoding="utf-8", errors="replace")


def lines_with(pattern: re.Pattern[str]) -> list[str]:
    found = []
    for path, text in texts():
        for number, line in enumerate(text.splitlines(), 1):
            for address in PUBLIC_ADDRESSES:
                line = line.replace(address, "")
            if pattern.search(line):
                found.append(f"{path}:{number}: {line.strip()[:100]}")
    return found


def test_every_module_is_named_for_its_one_idea():
    nameless = {name for name in modules() if EMPTY_NAMES.intersection(name.split("."))}

    assert nameless == set()


def test_nothing_in_the_repository_belongs_to_one_machine():
    assert lines_with(ONE_MACHINE) == []


def test_nothing_is_left_for_later():
    assert lines_with(UNDONE) == []
