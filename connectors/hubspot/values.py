"""Names and values as HubSpot takes them: names in lower case, and every value a text."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any
from unicodedata import combining, normalize

_ODD = re.compile(r"[^a-z0-9_]+")


def internal(name: str, longest: int = 100) -> str:
    """A name as an internal one: a letter, then lower case letters, digits, underscores; may be empty."""
    plain = "".join(one for one in normalize("NFKD", name.casefold()) if not combining(one))
    said = _ODD.sub("_", plain.casefold()).strip("_")[:longest].rstrip("_")
    return said if said[:1].isalpha() else ""


def text(said: Any) -> str | None:
    """A value as text; None where there is none.

    Several choices are joined by semicolons, as properties with several checkboxes take them; what has more
    structure is JSON.
    """
    if said is None or isinstance(said, str):
        return said
    if isinstance(said, bool):
        return "true" if said else "false"
    if isinstance(said, float) and said.is_integer() and abs(said) < 1e15:
        return str(int(said))
    if isinstance(said, int | float):
        return str(said)
    if isinstance(said, list) and not any(isinstance(one, Mapping | list) for one in said):
        return ";".join(part for one in said if (part := text(one)) is not None)
    return json.dumps(said, ensure_ascii=False, separators=(",", ":"), default=str)
