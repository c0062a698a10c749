"""One reading of a configuration: what is known so far, and every fault and warning that was found."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from hub.config.files import File, dotted
from hub.config.lines import Path as Keys
from hub.config.model import Connectors
from hub.errors import ConfigFault, ConfigRefused

Unset = Literal["fault", "warn", "placeholder"]
"""What a secret means whose environment variable or file is not there: `run`, `check`, `preview`."""


@dataclass
class Reading:
    """What the readers of the tables share; they add to it and go on, so that all faults are found."""

    files: list[File]
    base: Path
    environ: Mapping[str, str]
    unset: Unset
    tables: dict[str, Any] = field(default_factory=dict)
    connectors: Connectors | None = None
    elsewhere: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """Options of [hub] that come from the environment or the command line: option → (place, name there)."""
    faults: list[ConfigFault] = field(default_factory=list)
    warnings: list[ConfigFault] = field(default_factory=list)

    def fault(self, keys: Keys, problem: str) -> None:
        """Notes what is wrong with the value at these keys, and what to do."""
        self.faults.append(self._at(keys, problem))

    def fault_in(self, file: File, keys: Keys, problem: str) -> None:
        """Notes a fault of this very file, where another has the same keys."""
        self.faults.append(ConfigFault(file.name, file.nearest(keys)[1], dotted(keys), problem))

    def warn(self, keys: Keys, problem: str) -> None:
        """Notes something that does not keep the hub from starting."""
        self.warnings.append(self._at(keys, problem))

    def table(self, name: str) -> dict[str, Any]:
        """A table of the first level; an empty one where it is absent or none."""
        value = self.tables.get(name, {})
        if isinstance(value, dict):
            return value
        self.fault((name,), f"must be a table: [{name}]")
        return {}

    def blocks(self, name: str) -> dict[str, dict[str, Any]]:
        """The tables in a table, by their labels."""
        found = {}
        for label, value in self.table(name).items():
            if isinstance(value, dict):
                found[label] = value
            else:
                self.fault((name, label), f"must be a table: [{dotted((name, label))}]")
        return found

    def refuse_faults(self) -> None:
        """Raises ConfigRefused with all faults, if there are any, in the order of the files."""
        if self.faults:
            raise ConfigRefused(self.in_order(self.faults))

    def in_order(self, found: Iterable[ConfigFault]) -> list[ConfigFault]:
        """Each once, by file, as they are included, and by line."""
        rank = {file.name: number for number, file in enumerate(self.files)}
        # Some are found twice: by whoever puts the files together, and by whoever reads the table.
        return sorted(dict.fromkeys(found), key=lambda one: (rank.get(one.file, -1), one.line))

    def _at(self, keys: Keys, problem: str) -> ConfigFault:
        if keys[:1] == ("hub",) and len(keys) > 1 and keys[1] in self.elsewhere:
            place, name = self.elsewhere[str(keys[1])]
            return ConfigFault(place, 0, name, problem)
        file, line = self.place(keys)
        numbers = [key for key in keys if isinstance(key, int)]
        where = "".join(f"item {number + 1}: " for number in numbers)
        return ConfigFault(file, line, dotted(keys), where + problem)

    def place(self, keys: Keys) -> tuple[str, int]:
        """The file and line that come nearest to these keys."""
        best = max(self.files, key=lambda file: file.nearest(keys)[0], default=None)
        return (best.name, best.nearest(keys)[1]) if best else ("stored configuration", 0)


def near(word: str, words: Iterable[str]) -> str:
    """What to say of a word that is not among these: the nearest one, else all if they are few."""
    from difflib import get_close_matches

    known = sorted(words)
    close = get_close_matches(word, known, 1) or get_close_matches(word.lower(), known, 1)
    if close:
        return f"did you mean '{close[0]}'?"
    if not known:
        return "there is none"
    listed = ", ".join(known[:12]) + (" …" if len(known) > 12 else "")
    return f"there is {listed}" if len(known) == 1 else f"there are {listed}"
