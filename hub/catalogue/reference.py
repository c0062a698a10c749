"""The reference page of all known events, written from the catalogue itself."""

from __future__ import annotations

from itertools import groupby

from hub.catalogue.events import EVENTS, Known
from hub.catalogue.names import (
    EVENT_ALIASES,
    GA4,
    OTHERS,
    PROPERTY_ALIASES,
    PROPERTY_ALIASES_ANYWHERE,
    UNIVERSAL,
)
from hub.catalogue.properties import TRAITS, Property

_HEAD = """\
# Events, properties and traits

This page is generated from the catalogue in the code (`hub.catalogue`).

Event names are those of the Segment spec. Inside the hub they are folded: lower case, and every run of other
characters than letters and digits becomes one `_`, so `Product Added` is `product_added`. The name as it was
sent is kept beside it. Names that are not on this page are as good as any other: they are folded and kept.

Property keys and traits become snake_case (`productId` is `product_id`, `total billed` is `total_billed`).

**Activity** is what a person did; an event that is none does not end a person's inactivity.
"""


def page() -> str:
    """`docs/reference/events.md`, as it must be."""
    parts = [_HEAD]
    for group, events in groupby(EVENTS.values(), key=lambda known: known.group):
        parts.append(f"## {group}\n")
        parts.extend(_event(known) for known in events)
    parts.append(_traits())
    parts.append(_aliases())
    return "\n".join(parts).rstrip() + "\n"


def _event(known: Known) -> str:
    activity = "activity" if known.activity else "no activity"
    head = f"### {known.spelling}\n\n`{known.name}`: {known.meaning}; {activity}.\n"
    return head if not known.properties else f"{head}\n{_properties(known.properties)}"


def _properties(properties: tuple[Property, ...]) -> str:
    rows = [f"| `{known.name}` | {known.type} | {known.meaning} |" for known in properties]
    return "\n".join(["| property | type | is |", "| --- | --- | --- |", *rows]) + "\n"


def _traits() -> str:
    rows = [f"| `{name}` | {kind} | {meaning} |" for name, kind, meaning in TRAITS]
    head = "## Traits\n\nNames that the Segment spec reserves; any other trait is kept under its own name.\n"
    return "\n".join([head, "| trait | type | is |", "| --- | --- | --- |", *rows]) + "\n"


def _aliases() -> str:
    keys = [
        f"| `{name}` | `{PROPERTY_ALIASES[name]}` | {_where(name)} |" for name in sorted(PROPERTY_ALIASES)
    ]
    return "\n".join(
        [
            "## Other senders' names\n",
            "The same table serves all sources.\n",
            *_names("Google Analytics 4", GA4),
            *_names("Universal Analytics and Google Tag Manager", UNIVERSAL),
            *_names("Shops and vendors", OTHERS),
            "### Properties\n",
            "| sent | is here | in |",
            "| --- | --- | --- |",
            *keys,
            "",
        ]
    )


def _names(title: str, aliases: dict[str, str]) -> list[str]:
    rows = [f"| `{name}` | {_target(name)} |" for name in sorted(aliases)]
    return [f"### {title}\n", "| sent | is here |", "| --- | --- |", *rows, ""]


def _target(name: str) -> str:
    return f"`{EVENT_ALIASES[name]}`" if name in EVENT_ALIASES else "the same"


def _where(name: str) -> str:
    return "every event" if name in PROPERTY_ALIASES_ANYWHERE else "events of the catalogue"
