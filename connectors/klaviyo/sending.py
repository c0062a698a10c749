"""Requests of one row or of many, and what their refusals mean for each of them."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import Any

import hub

from .rows import Refusal, Row, left, pointed, pointed_row, refusals

ROUNDS = 3
"""How often a request goes out again within one run without what the answer pointed at."""

Verdicts = dict[str, hub.DeliveryError]


def alone(
    row: Row, path: str, body: Callable[[Row], dict[str, Any]]
) -> Generator[hub.Request, hub.Response, None]:
    """Sends one row; a phone number that is refused stays at home where others name the person."""
    try:
        yield hub.Request("POST", path, json=body(row))
    except hub.GiveUp as refused:
        is_phone = any(refusal.is_about_phone for refusal in refusals(refused.answer))
        if not (is_phone and row.leave_phone()):
            raise
        yield hub.Request("POST", path, json=body(row))


def together(
    rows: list[Row], path: str, job: Callable[[Sequence[Row]], dict[str, Any]]
) -> Generator[hub.Request, hub.Response, Verdicts]:
    """Sends a job; what the answer points at gives up, and all others are sent again without it."""
    verdicts: Verdicts = {}
    rounds = 0
    while rows:
        rounds += 1
        try:
            yield hub.Request("POST", path, json=job(rows))
            break
        except hub.GiveUp as refused:
            said = list(refusals(refused.answer))
            mended = [one for one in said if _is_mended(one, rows)]
            gone = _gone(status(refused), [one for one in said if one not in mended], rows)
            if not (gone or mended) or rounds > ROUNDS:
                raise
            verdicts |= {known: fault for known, fault in gone.items() if fault is not None}
            rows = left(rows, gone.keys())
    return verdicts


def status(refused: hub.GiveUp) -> int:
    """The status of the answer that refused a request."""
    return refused.answer.status if isinstance(refused.answer, hub.Response) else 0


def explained(refused: hub.GiveUp) -> hub.GiveUp:
    """The same refusal with what the answer says was wrong."""
    said = ", ".join(str(refusal) for refusal in refusals(refused.answer))
    return hub.GiveUp(f"answered {status(refused)}: {said}") if said else refused


def _is_mended(refusal: Refusal, rows: Sequence[Row]) -> bool:
    """Whether the row that a refusal points at can go without what was wrong with it."""
    row = pointed_row(refusal, rows)
    return refusal.is_about_phone and row is not None and row.leave_phone()


def _gone(status: int, said: Sequence[Refusal], rows: Sequence[Row]) -> dict[str, hub.GiveUp | None]:
    """The deliveries that refusals point at; None for what Klaviyo has already."""
    gone: dict[str, hub.GiveUp | None] = {}
    for refusal in said:
        # A repeated event has arrived; two profiles that are in each other's way have not.
        repeats = bool(rows[0].events) and (refusal.repeats or status == 409)
        fault = None if repeats else hub.GiveUp(f"answered {status}: {refusal}")
        gone |= {delivery.id: fault for delivery in pointed(refusal, rows)}
    return gone
