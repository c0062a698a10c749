"""The rows of a bulk request, and which deliveries each of them carries."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import hub

_ROW = re.compile(r"/data/attributes/[^/]+(?:/data)?/(\d+)(?=/|$)")
_EVENT = re.compile(r"(?:/attributes)?/events(?:/data)?/(\d+)(?=/|$)")
_OTHERS = ("email", "external_id", "anonymous_id")
_WORD = re.compile(r"[\w.$/-]{1,120}", re.ASCII)


@dataclass(slots=True)
class Row:
    """One profile in a request, with its events where the request is about events.

    The events stand in the order of the deliveries, one each; without events all deliveries share the row.
    """

    profile: dict[str, Any]
    deliveries: list[hub.Delivery]
    events: list[dict[str, Any]] = field(default_factory=list)

    def without(self, gone: Collection[str]) -> Row | None:
        """What is left when these deliveries are over; None where that is nothing."""
        kept = [place for place, delivery in enumerate(self.deliveries) if delivery.id not in gone]
        if not kept:
            return None
        events = [self.events[place] for place in kept] if self.events else []
        return Row(self.profile, [self.deliveries[place] for place in kept], events)

    def leave_phone(self) -> bool:
        """Goes on without the phone number; False where it is all that names the person, or all that is said.

        A number of the right form may still be none that exists, which costs nobody their events or e-mail.
        """
        rest = {name: said for name, said in self.profile.items() if name != "phone_number"}
        if "subscriptions" in rest:
            channels = rest["subscriptions"].items()
            rest["subscriptions"] = {channel: said for channel, said in channels if channel != "sms"}
        if not any(rest.get(name) for name in _OTHERS) or not rest.get("subscriptions", True):
            return False
        self.profile = rest
        return True


def left(rows: Iterable[Row], gone: Collection[str]) -> list[Row]:
    """The rows without these deliveries."""
    return [kept for row in rows if (kept := row.without(gone)) is not None]


@dataclass(frozen=True, slots=True)
class Refusal:
    """One entry of an answer's `errors`: what was wrong, and where in the request."""

    code: str
    pointer: str

    @property
    def repeats(self) -> bool:
        """The vendor has this already."""
        return "duplicate" in self.code

    @property
    def is_about_phone(self) -> bool:
        """The vendor takes no such phone number."""
        return self.pointer.endswith("/phone_number")

    def __str__(self) -> str:
        # The vendor's `detail` may quote what was sent, so it is left where it is.
        return f"{self.code} at {self.pointer}" if self.pointer else self.code


def refusals(answer: Any) -> Iterator[Refusal]:
    """What an answer says was wrong; nothing where it says it in no form that is known."""
    body = answer.json() if isinstance(answer, hub.Response) else None
    errors = body.get("errors") if isinstance(body, dict) else None
    for error in errors if isinstance(errors, list) else ():
        if isinstance(error, dict):
            source = error.get("source")
            pointer = source.get("pointer") if isinstance(source, dict) else None
            yield Refusal(_plain(error.get("code")) or "refused", _plain(pointer))


def _plain(said: Any) -> str:
    return said if isinstance(said, str) and _WORD.fullmatch(said) else ""


def pointed_row(refusal: Refusal, rows: Sequence[Row]) -> Row | None:
    """The row that a refusal points at, or into; None where it speaks of the request as a whole."""
    found = _ROW.match(refusal.pointer)
    return None if found is None or int(found[1]) >= len(rows) else rows[int(found[1])]


def pointed(refusal: Refusal, rows: Sequence[Row]) -> list[hub.Delivery]:
    """The deliveries that a refusal points at; none where it speaks of the request as a whole."""
    row, place = pointed_row(refusal, rows), _ROW.match(refusal.pointer)
    if row is None or place is None:
        return []
    inside = _EVENT.match(refusal.pointer, place.end()) if row.events else None
    if inside is None:
        return row.deliveries
    return row.deliveries[int(inside[1]) : int(inside[1]) + 1]
