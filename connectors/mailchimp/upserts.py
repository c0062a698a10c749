"""Members written together or one by one: who arrived, who did not, and who stays as they are."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import hub

from .answers import Refusal, error_count, member_status, refusal, refusals, status, taken
from .members import Row, list_path, member_path
from .settings import Settings

AT_ONCE = 4
"""Requests of one run that are out at the same time."""
LONGEST_ANSWER = 4 * 1024 * 1024
"""Bytes: a batch is answered with every member as it is now, some kilobytes each."""

_OF_ONE = (400, 404, 405, 409, 413, 414, 415, 422)
"""Statuses that speak of one member, and not of those beside it."""
_QUERY = {"skip_merge_validation": "true"}
"""Fields that a form requires are not missed: nothing is known here of an audience's forms."""
_OUTSIDE = ("unsubscribed", "cleaned", "transactional", "archived")
"""Statuses of those who get no marketing."""

Verdicts = dict[str, hub.DeliveryError]
End = hub.Response | hub.DeliveryError
"""What became of a request."""
Verdict = Callable[[Refusal], hub.DeliveryError | None]
"""What follows from a refusal; None where what was wanted is so already."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody is to be: `new` where they are no member yet, `known` where they are."""

    new: str
    known: str | None
    """None leaves a status as it is."""
    verdict: Verdict
    confirms: bool = False
    """Mailchimp asks those by e-mail who do not get it otherwise."""

    def member(self, row: Row) -> dict[str, Any]:
        """The row in a request about one member."""
        known = {} if self.known is None else {"status": self.known}
        return {"email_address": row.email, "status_if_new": self.new, **known, **row.said}


def upserted(
    rows: Sequence[Row], wish: Wish, settings: Settings
) -> Generator[hub.Request | list[hub.Request], Any, Verdicts]:
    """Creates and updates members; returns what became of those that were not taken.

    A batch either changes the status of those who are there, or leaves them as they are altogether. Where a
    status is to stay, a batch therefore only brings those who are new, and all others follow one by one. Each
    request may be repeated: it says how a member is to be.
    """
    verdicts: Verdicts = {}
    left = list(rows)
    if len(rows) > 1:
        left = yield from _together(rows, wish, settings, verdicts)
    yield from _singly(left, wish, settings, verdicts)
    return verdicts


def no_audience(settings: Settings) -> hub.CredentialsRejected:
    """The audience of the settings is not there."""
    return hub.CredentialsRejected(f"answered 404: there is no audience {settings.list_id}; correct list_id")


def _together(
    rows: Sequence[Row], wish: Wish, settings: Settings, verdicts: Verdicts
) -> Generator[hub.Request, hub.Response, list[Row]]:
    """Sends a batch; returns those of whom it leaves open what became of them."""
    members = [{"email_address": row.email, "status": wish.known or wish.new, **row.said} for row in rows]
    body = {"members": members, "update_existing": wish.known is not None}
    path = list_path(settings)
    try:
        answer = yield hub.Request("POST", path, query=_QUERY, json=body, longest_answer=LONGEST_ANSWER)
    except hub.GiveUp as refused:
        if status(refused) == 404:
            raise no_audience(settings) from None
        raise
    if answer.truncated:
        return list(rows)
    if answer.body and not isinstance(answer.json(), dict):
        raise hub.RetryLater(f"answered {answer.status} with a body that cannot be read")
    return _read(answer, rows, wish, verdicts)


def _read(answer: hub.Response, rows: Sequence[Row], wish: Wish, verdicts: Verdicts) -> list[Row]:
    waiting = {row.email: row for row in rows}
    left: list[Row] = []
    for one in refusals(answer):
        row = waiting.pop(one.email, None)
        if row is not None and one.meaning in ("is_there", "kept_out"):
            left.append(row)
        elif row is not None:
            _refuse([row], wish.verdict(one), verdicts)
    if error_count(answer) > len(rows) - len(waiting):
        # Somebody was refused, and it is not said who: all that are not named as taken may be.
        fine = taken(answer)
        left += [row for email, row in waiting.items() if email not in fine]
    return left


def _singly(
    rows: Sequence[Row], wish: Wish, settings: Settings, verdicts: Verdicts
) -> Generator[list[hub.Request], list[hub.Response], None]:
    """Sends each member by itself, a few at once; trouble ends it for all that are left."""
    for start in range(0, len(rows), AT_ONCE):
        some = rows[start : start + AT_ONCE]
        ends = yield from _ends([_put(row, wish.member(row), settings) for row in some])
        outside = [n for n, end in enumerate(ends) if wish.confirms and _is_outside(end)]
        if outside:
            asked = yield from _ends(
                [_put(some[n], _pending(wish.member(some[n])), settings) for n in outside]
            )
            for n, end in zip(outside, asked, strict=True):
                ends[n] = end
        for row, end in zip(some, ends, strict=True):
            _refuse([row], _fault(end, wish, settings), verdicts)
        trouble = next((end for end in ends if isinstance(end, hub.DeliveryError)), None)
        if trouble is not None:
            _refuse(rows[start + AT_ONCE :], trouble, verdicts)
            return


def _ends(requests: list[hub.Request]) -> Generator[list[hub.Request], list[hub.Response], list[End]]:
    """What became of each of some requests that are sent at once."""
    try:
        return list((yield requests))
    except hub.DeliveryError as fault:
        # Who arrived beside somebody's trouble is not asked, nor written to, a second time.
        return list(fault.answers) or [fault] * len(requests)


def _put(row: Row, said: dict[str, Any], settings: Settings) -> hub.Request:
    path = member_path(row.email, settings)
    return hub.Request("PUT", path, query=_QUERY, json=said, expect=_OF_ONE)


def _pending(said: dict[str, Any]) -> dict[str, Any]:
    """The same member, who has to confirm it first."""
    return {**said, "status_if_new": "pending", "status": "pending"}


def _is_outside(answer: End) -> bool:
    """Somebody is kept out, or is there and gets nothing."""
    if isinstance(answer, hub.DeliveryError):
        return False
    if answer.status >= 300:
        return refusal(answer).meaning == "kept_out"
    return member_status(answer) in _OUTSIDE


def _fault(answer: End, wish: Wish, settings: Settings) -> hub.DeliveryError | None:
    if isinstance(answer, hub.DeliveryError):
        return answer
    if answer.status < 300:
        return None
    if answer.status == 404:
        return no_audience(settings)
    return wish.verdict(refusal(answer))


def _refuse(rows: Iterable[Row], fault: hub.DeliveryError | None, verdicts: Verdicts) -> None:
    if fault is not None:
        verdicts |= {delivery.id: fault for row in rows for delivery in row.deliveries}
