"""What an examination found, kept beside the connector's code, and true of exactly that code.

The file holds what was passed and what was exempted, never a grade: that is computed from it. `hub.testing`
writes it, `hub connectors list` reads it. A module `drawer.py` has `drawer.grades.json` beside it, a package
has `grades.json` inside.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any

from hub.connector import ConnectorType, HttpSink, PollingSource, Sink, Source, Transform, kind
from hub.plugins.packages import BUILT_IN

KIT = 1
"""The version of the examination: raised when a check is added or grows stricter."""


FORMS: Mapping[str, ConnectorType] = {
    "source": Source,
    "polling source": PollingSource,
    "transform": Transform,
    "http sink": HttpSink,
    "sink": Sink,
}
"""The forms of connectors, which take different checks."""


@dataclass(frozen=True, slots=True)
class Findings:
    """What one examination of a connector found, and of which code."""

    form: str
    digest: str
    passed: tuple[str, ...] = ()
    exempt: Mapping[str, str] = field(default_factory=dict)
    """Check → why it is not for this connector."""
    kit: int = KIT


def home(connector: ConnectorType) -> str:
    """The module that brings a connector: a built-in one's own, else the top of its package."""
    parts = connector.__module__.split(".")
    return ".".join(parts[: 2 if parts[0] == BUILT_IN else 1])


def place(connector: ConnectorType) -> Path:
    """The file of that module, or its folder where it is a package."""
    file = Path(str(sys.modules[home(connector)].__file__))
    return file.parent if file.name == "__init__.py" else file


def form(connector: ConnectorType) -> str:
    """Its form, one of `FORMS`."""
    return next(name for name, base in FORMS.items() if issubclass(connector, base))


def key(connector: ConnectorType) -> str:
    """What a file calls it: `sink klaviyo`."""
    return f"{kind(connector)} {connector.name}"


def record(where: Path) -> Path:
    """The file that keeps what was found of everything that the module at this place brings."""
    return where / "grades.json" if where.is_dir() else where.with_suffix(".grades.json")


def digest(where: Path) -> str:
    """Names the code at a place: the same as long as no file of it changes."""
    files = sorted(where.rglob("*.py")) if where.is_dir() else [where]
    hashed = blake2b(digest_size=16)
    for file in files:
        name = file.relative_to(where).as_posix() if where.is_dir() else file.name
        code = file.read_bytes().replace(b"\r\n", b"\n")
        hashed.update(f"{name}\0{len(code)}\0".encode() + code)
    return hashed.hexdigest()


def kept(where: Path) -> dict[str, Findings]:
    """What was found, by `key`, of whichever code; nothing where no file can be read."""
    try:
        said = json.loads(record(where).read_text(encoding="utf-8"))
        return {str(name): _read(one) for name, one in said.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _read(said: Mapping[str, Any]) -> Findings:
    exempt = {str(name): str(why) for name, why in said["exempt"].items()}
    passed = tuple(map(str, said["passed"]))
    return Findings(str(said["form"]), str(said["digest"]), passed, exempt, int(said["kit"]))


def keep(connector: ConnectorType, found: Findings) -> None:
    """Writes what was found, beside what is kept of others that the module brings."""
    where = place(connector)
    all_kept = {**kept(where), key(connector): found}
    said = {
        name: {
            "kit": one.kit,
            "form": one.form,
            "digest": one.digest,
            "passed": sorted(one.passed),
            "exempt": dict(sorted(one.exempt.items())),
        }
        for name, one in sorted(all_kept.items())
    }
    text = json.dumps(said, indent=1, ensure_ascii=False)
    record(where).write_text(text + "\n", encoding="utf-8")


def objection(where: Path, found: Findings | None) -> str:
    """Why what was found says nothing of the code at this place; empty where it does."""
    if found is None:
        return "it took no examination: see hub.testing"
    if found.digest != digest(where):
        return "its code has changed since its examination; examine it again"
    if found.kit != KIT or found.form not in FORMS:
        return f"it was examined by version {found.kit} of the kit, this is {KIT}; examine it again"
    return ""
