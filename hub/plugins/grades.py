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

from hub.connector import ConnectorType, kind
from hub.plugins.packages import BUILT_IN

KIT = 1
"""The version of the examination: raised when a check is added or grows stricter."""


@dataclass(frozen=True, slots=True)
class Findings:
    """What one examination of a connector found, and of which code."""

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


def record(connector: ConnectorType) -> Path:
    """The file that keeps what was found of everything that this module brings."""
    where = place(connector)
    return where / "grades.json" if where.is_dir() else where.with_suffix(".grades.json")


def digest(connector: ConnectorType) -> str:
    """Names the connector's code: the same as long as no file of its module changes."""
    where = place(connector)
    files = sorted(where.rglob("*.py")) if where.is_dir() else [where]
    hashed = blake2b(digest_size=16)
    for file in files:
        name = file.relative_to(where).as_posix() if where.is_dir() else file.name
        code = file.read_bytes().replace(b"\r\n", b"\n")
        hashed.update(f"{name}\0{len(code)}\0".encode() + code)
    return hashed.hexdigest()


def kept(connector: ConnectorType) -> Findings | None:
    """What was found of it, of whichever code; None where nothing is kept that can be read."""
    try:
        said = json.loads(record(connector).read_text(encoding="utf-8"))[_key(connector)]
        exempt = {str(name): str(why) for name, why in said["exempt"].items()}
        return Findings(str(said["digest"]), tuple(map(str, said["passed"])), exempt, int(said["kit"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def keep(connector: ConnectorType, found: Findings) -> None:
    """Writes what was found, beside what is kept of others that the module brings."""
    path = record(connector)
    all_kept: dict[str, Any] = {}
    if path.exists():
        all_kept = json.loads(path.read_text(encoding="utf-8"))
    all_kept[_key(connector)] = {
        "kit": found.kit,
        "digest": found.digest,
        "passed": sorted(found.passed),
        "exempt": dict(sorted(found.exempt.items())),
    }
    text = json.dumps(dict(sorted(all_kept.items())), indent=1, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")


def objection(connector: ConnectorType, found: Findings | None) -> str:
    """Why what was found says nothing of the code that is here; empty where it does."""
    if found is None:
        return "it took no examination: see hub.testing"
    if found.digest != digest(connector):
        return "its code has changed since its examination; examine it again"
    if found.kit != KIT:
        return f"it was examined by version {found.kit} of the kit, this is {KIT}; examine it again"
    return ""


def _key(connector: ConnectorType) -> str:
    return f"{kind(connector)} {connector.name}"
