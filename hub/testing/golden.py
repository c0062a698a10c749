"""Golden files: what a connector makes of a sample, kept beside its tests as JSON.

`pytest --hub-write` writes them anew; look at the difference before you commit it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

_writing = False


def write(yes: bool) -> None:
    """From now on golden files are written instead of compared."""
    global _writing
    _writing = yes


def compared(path: Path, made: Any) -> Iterator[str]:
    """Where what was made differs from the file, a line each; written instead where that is asked for."""
    if _writing:
        keep(path, made)
        return
    if not path.exists():
        yield f"{path.name}: there is no such file yet; run pytest with --hub-write, and look at what it says"
        return
    kept = read(path)
    if kept != plain(made):
        yield from (f"{path.name}: {line}" for line in differences(kept, plain(made)))
        yield f"{path}: if the new form is right, write it with pytest --hub-write"


def keep(path: Path, made: Any) -> None:
    """Writes a golden file, and its folder where there is none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(plain(made), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def is_writing() -> bool:
    """Whether golden files are being written."""
    return _writing


def read(path: Path) -> Any:
    """A golden file; raises ValueError where it is no JSON."""
    return json.loads(path.read_text(encoding="utf-8"))


def plain(made: Any) -> Any:
    """The same as JSON keeps it."""
    import msgspec

    return json.loads(msgspec.json.encode(made))


def differences(kept: Any, made: Any, place: str = "") -> Iterator[str]:
    """Each place that differs: was … is …"""
    if isinstance(kept, Mapping) and isinstance(made, Mapping):
        for key in [*kept, *(key for key in made if key not in kept)]:
            yield from differences(kept.get(key, _NONE), made.get(key, _NONE), f"{place}/{key}")
    elif isinstance(kept, list) and isinstance(made, list) and len(kept) == len(made):
        for number, (one, other) in enumerate(zip(kept, made, strict=True)):
            yield from differences(one, other, f"{place}/{number}")
    elif isinstance(kept, str) and isinstance(made, str) and kept != made:
        same = len(os.path.commonprefix([kept, made]))
        start = max(0, same - 20)
        yield f"{place or '/'}, from character {start}: was {_short(kept[start:])}, is {_short(made[start:])}"
    elif kept != made or type(kept) is not type(made):
        yield f"{place or '/'}: was {_short(kept)}, is {_short(made)}"


class _Nothing:
    def __repr__(self) -> str:
        return "not there"


_NONE = _Nothing()


def _short(value: Any) -> str:
    text = repr(value) if isinstance(value, _Nothing) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 160 else f"{text[:157]}…"
