"""Templates as they are kept and asked: which one it is, what it needs, and what it says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hub.errors import GiveUp
from hub.liquid import Form, Template

NOT_WORDS = ("needs", "fallback", "vendor", "mobile")
"""What stands in a template besides its fields."""


@dataclass(frozen=True, slots=True)
class Words:
    """One `[templates.NAME]`: its fields, other ones for small screens, and what must be there."""

    fields: Mapping[str, Template]
    mobile: Mapping[str, Template] = field(default_factory=dict)
    vendor: str = ""
    needs: tuple[str, ...] = ()
    """Paths without which it says nothing."""
    fallback: str = ""
    """The template that is used then."""


@dataclass(frozen=True, slots=True)
class Said:
    """What a template said."""

    template: str
    """The template that spoke: the one that was asked for, or a fallback."""
    words: dict[str, str] = field(default_factory=dict)
    lacking: tuple[str, ...] = ()
    """What it needs and there is not; then there are no words."""
    empty: tuple[str, ...] = ()
    """Paths without a value, which stayed empty."""


class Templates:
    """All templates of a configuration, by their names."""

    def __init__(self, words: Mapping[str, Words]) -> None:
        self._words = words

    def __bool__(self) -> bool:
        return bool(self._words)

    def say(self, name: str, values: Mapping[str, Any]) -> Said:
        """The words of a template, or of its fallback; none for a name that is no template's.

        Raises GiveUp where a limit is broken, with the field that did it.
        """
        words = self._words.get(name)
        if words is None:
            return Said(name)
        lacking = tuple(path for path in words.needs if value_at(values, path) is None)
        if lacking and words.fallback:
            return self.say(words.fallback, values)
        return Said(name, lacking=lacking) if lacking else _filled(name, words, values)


def _filled(name: str, words: Words, values: Mapping[str, Any]) -> Said:
    mobile = value_at(values, "person.last_device") == "mobile"
    said: dict[str, str] = {}
    empty: dict[str, None] = {}
    for place, template in {**words.fields, **(words.mobile if mobile else {})}.items():
        try:
            said[place], missing = template.fill(values, form=form_of(place))
        except GiveUp as fault:
            raise GiveUp(f"template {name}, {place}: {fault}") from None
        empty |= dict.fromkeys(missing)
    if words.vendor:
        said["vendor"] = words.vendor
    return Said(name, said, empty=tuple(empty))


def form_of(place: str) -> Form:
    """What comes of a field: `html` (also of `…_html`), else text."""
    return "html" if place == "html" or place.endswith("_html") else "text"


def value_at(values: Mapping[str, Any], path: str) -> Any:
    """What a dotted path finds; None where it finds nothing."""
    found: Any = values
    for part in path.split("."):
        if not isinstance(found, Mapping):
            return None
        found = found.get(part)
    return found


def compile(tables: Mapping[str, Any]) -> Templates:
    """The templates of a configuration that was checked; `tables` are those under `[templates]`."""
    return Templates({name: _words(table) for name, table in tables.items()})


def _words(table: Mapping[str, Any]) -> Words:
    return Words(
        fields=_fields(table),
        mobile=_fields(table.get("mobile", {})),
        vendor=table.get("vendor", ""),
        needs=tuple(table.get("needs", ())),
        fallback=table.get("fallback", ""),
    )


def _fields(table: Mapping[str, Any]) -> dict[str, Template]:
    return {name: Template(text) for name, text in table.items() if name not in NOT_WORDS}
