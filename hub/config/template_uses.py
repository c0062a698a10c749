"""Templates and the rules that send them: what a text speaks of that nobody tells it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from hub.config.following import sends_of
from hub.config.lines import Path as Keys
from hub.config.reading import Reading
from hub.config.templates import NOT_FIELDS


def warn_of_templates(reading: Reading) -> None:
    """Warns of variables that no `vars` sets, and of names that are nearly a template's."""
    blocks = reading.table("templates")
    if not blocks or reading.faults:
        return
    for keys, send in sends_of(reading.tables.get("rules")):
        for option in ("template", "fallback"):
            name = send.get(option)
            if isinstance(name, str) and name in blocks:
                _warn_of_unset(keys, name, send, reading)
            elif isinstance(name, str) and (meant := get_close_matches(name, blocks, 1, cutoff=0.8)):
                reading.warn(
                    (*keys, option),
                    f"no template '{name}': only its name is sent; did you mean '{meant[0]}'?",
                )


def _warn_of_unset(keys: Keys, name: str, send: Mapping[str, Any], reading: Reading) -> None:
    from hub.templates import KNOWN

    told = {*KNOWN, *send.get("vars", {})}
    for template in _with_fallbacks(name, reading.table("templates")):
        unset = sorted(_names(reading.table("templates")[template]) - told)
        if unset:
            reading.warn(
                (*keys, "template"),
                f"template {template} speaks of {', '.join(unset)}, which vars does not set: it stays empty; "
                f'write vars = {{ {unset[0]} = "…" }}, or person.{unset[0]} in the template',
            )


def _with_fallbacks(name: str, blocks: Mapping[str, Any]) -> Iterator[str]:
    seen: set[str] = set()
    while name in blocks and name not in seen:
        seen.add(name)
        yield name
        name = blocks[name].get("fallback", "")


def _names(block: Mapping[str, Any]) -> set[str]:
    """The variables that a template's fields and `needs` speak of."""
    from hub.liquid import Template

    fields = {key: text for key, text in block.items() if key not in NOT_FIELDS}
    texts = [*fields.values(), *block.get("mobile", {}).values()]
    needs = {path.partition(".")[0] for path in block.get("needs", ())}
    return needs.union(*(Template(text).names for text in texts))
