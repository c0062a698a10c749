"""[identity] and [consent]: whose an event is, and what a sender's consent means to us."""

from __future__ import annotations

import re
from typing import Any

from pydantic import StrictBool

from hub.config.model import IdentifierKind, IdentityTable
from hub.config.options import read_options
from hub.config.reading import Reading
from hub.event import KINDS, STRONG_KINDS
from hub.option import Option, Settings
from hub.schema.names import event_name

_KIND = re.compile(r"[a-z][a-z0-9_]{0,63}")
_MOST = {"user_id": 1}
_MOST_OTHERWISE = 5


class KindOptions(Settings):
    """One kind of identifier."""

    strong: StrictBool | None = Option(
        "Whether it names a person, rather than a browser or a cart.", default=None
    )
    max: int | None = Option("How many of it a person may have; 5 by default.", default=None, ge=1)


class IdentityOptions(Settings):
    """Whose an event is."""

    blocked: list[str] = Option("Values that point at nobody, as guest@example.com.", default=[])
    protected: list[str] = Option(
        "Events that under a public key break waits, but complete nothing and sum nothing.", default=[]
    )
    kinds: dict[str, KindOptions] = Option(
        "More kinds of identifier, or another `max` for a known kind.", default={}
    )


class ConsentOptions(Settings):
    """What a sender's consent means to us."""

    categories: dict[str, str] = Option("A sender's category names, each with our purpose.", default={})


def read_identity(reading: Reading) -> IdentityTable:
    """[identity]; faults are noted in `reading`."""
    table = reading.table("identity")
    options = read_options(IdentityOptions, table, ("identity",), reading) or IdentityOptions()
    _check_kinds(table.get("kinds"), reading)
    kinds = {
        name: IdentifierKind(name, name in STRONG_KINDS, _MOST.get(name, _MOST_OTHERWISE)) for name in KINDS
    }
    for name, said in options.kinds.items():
        known = kinds.get(name)
        strong = known.strong if known else bool(said.strong)
        most = said.max or (known.max if known else _MOST_OTHERWISE)
        kinds[name] = IdentifierKind(name, strong, most)
    by_precedence = sorted(kinds.values(), key=lambda kind: not kind.strong)
    protected = frozenset(event_name(name) for name in options.protected)
    return IdentityTable(tuple(by_precedence), frozenset(options.blocked), protected)


def _check_kinds(written: Any, reading: Reading) -> None:
    """Checks kinds as they are written: a fault in one hides none in another."""
    for name, said in written.items() if isinstance(written, dict) else ():
        keys = ("identity", "kinds", name)
        if not _KIND.fullmatch(name):
            reading.fault(keys, "a kind has a-z, 0-9 and _ only")
        strong = said.get("strong") if isinstance(said, dict) else None
        if name in KINDS and isinstance(strong, bool) and strong != (name in STRONG_KINDS):
            is_strong = "weak" if strong else "strong"
            reading.fault((*keys, "strong"), f"{name} is {is_strong}; only `max` of a known kind can change")


def read_categories(reading: Reading) -> dict[str, str]:
    """[consent.categories]; faults are noted in `reading`."""
    table = reading.table("consent")
    options = read_options(ConsentOptions, table, ("consent",), reading)
    written = table.get("categories")
    for name, purpose in written.items() if isinstance(written, dict) else ():
        if isinstance(purpose, str) and not _KIND.fullmatch(purpose):
            reading.fault(("consent", "categories", name), "a purpose has a-z, 0-9 and _ only: marketing")
    return dict(options.categories) if options else {}
