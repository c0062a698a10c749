"""Members written together or one by one: who arrived, who did not, and who stays as they are."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import hub

from . import answers
from .answers import Refusal
from .members import Row, list_path, member_path
from .settings import Settings

AT_ONCE = 4
"""Requests of one run that are out at the same time."""
REFUSALS = (400, 404, 405, 409, 413, 414, 415, 422)
"""Statuses that speak of one member, and not of those beside it."""
LONGEST_ANSWER = 4 * 1024 * 1024
"""Bytes: a batch is answered with every member as it is now, some kilobytes each."""
OPTIONAL = {"skip_merge_validation": "true"}
"""Fields that a form requires are not missed; nothing is known here of an audience's forms."""

Conversation = Generator[hub.Request | list[hub.Request], Any, dict[str, hub.DeliveryError]]
Verdict = Callable[[Refusal], hub.DeliveryError | None]
"""What follows from a refusal; None where what was wanted is so already."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a member is to be: `new` where there is none yet, `known` where there is; None leaves it."""

    new: str
    known: str | None
    verdict: Verdict
    confirms: bool = False
    """Who does not get `new` or `known` is asked by Mailchimp, in an e-mail, to confirm it."""

    def member(self, row: Row) -> dict[str, Any]:
        """The row in a request about one member."""
        known = {} if self.known is None else {"status": self.known}
        return {"email_address": row.email, "status_if_new": self.new, **known, **row.said}


def upserted(rows: Sequence[Row], wish: Wish, settings: Settings) -> Conversation:
    """Creates and updates members; returns what became of those that were not taken.

    A batch changes the status of those who are there, or leaves them as they are altogether. Where a status
    is to stay, a batch therefore only brings those who are new, and all others follow one by one. Every
    request may be repeated: it says how a member is to be.
    """
    verdicts: dict[str, hub.DeliveryError] = {}
    left = list(rows)
    if len(rows) > 1:
        left = yield from _together(rows, wish, settings, verdicts)
    yield from _singly(left, wish, settings, verdicts)
    return verdicts


def no_audience(settings: Settings) -> hub.CredentialsRejected:
    """The audience of the settings is not there."""
    return hub.CredentialsRejected(f"answered 404: there is no audience {settings.list_id}; correct list_id")


def explained(refused: hub.GiveUp) -> hub.GiveUp:
    """The same refusal with what the answer says was wrong."""
    if not isinstance(refused.answer, hub.Response):
        return refused
    said = answers.refusal(refused.answer)
    return hub.GiveUp(str(said)) if said.said or said.meaning != "other" else refused


def status(refused: hub.DeliveryError) -> int:
    """The status of the answer that an error was read from; 0 where there was none."""
    return refused.answer.status if isinstance(refused.answer, hub.Response) else 0


def _together(
    rows: Sequence[Row], wish: Wish, settings: Settings, verdicts: dict[str, hub.DeliveryError]
) -> Generator[hub.Request, hub.Response, list[Row]]:
    """Sends a batch; returns those that it leaves open."""
    members = [{"email_address": row.email, "status": wish.known or wish.new, **row.said} for row in rows]
    body = {"members": members, "update_existing": wish.known is not None}
    path = list_path(settings)
    try:
        answer = yield hub.Request("POST", path, query=OPTIONAL, json=body, longest_answer=LONGEST_ANSWER)
    except hub.GiveUp as refused:
        if status(refused) == 404:
            raise no_audience(settings) from None
        raise
    if answer.truncated:
        return list(rows)
    if answer.body and not isinstance(answer.json(), dict):
        raise hub.RetryLater(f"answered {answer.status} with a body that cannot be read")
    return _read(answer, rows, wish, verdicts)


def _read(
    answer: hub.Response, rows: Sequence[Row], wish: Wish, verdicts: dict[str, hub.DeliveryError]
) -> list[Row]:
    waiting = {row.key: row for row in rows}
    left, understood = [], 0
    for refusal in answers.refusals(answer):
        row = waiting.pop(refusal.email.lower(), None)
        understood += row is not None
        if row is None:
            continue
        if refusal.meaning in ("is_there", "kept_out"):
            left.append(row)
        else:
            _refuse([row], wish.verdict(refusal), verdicts)
    if answers.error_count(answer) > understood:
        # Somebody was refused, and it is not clear who: those that are named as taken were not.
        taken = answers.members(answer)
        left += [row for key, row in waiting.items() if key not in taken]
    return left


def _singly(
    rows: Sequence[Row], wish: Wish, settings: Settings, verdicts: dict[str, hub.DeliveryError]
) -> Generator[list[hub.Request], list[hub.Response], None]:
    """Sends each member by itself, a few at once; the first sign of trouble ends it for all that are left."""
    for start in range(0, len(rows), AT_ONCE):
        some = rows[start : start + AT_ONCE]
        try:
            replies = yield [_put(row, wish.member(row), settings) for row in some]
            asked = _unconfirmed(some, replies, wish)
            if asked:
                pending = {"status_if_new": "pending", "status": "pending"}
                again = yield [_put(row, {**wish.member(row), **pending}, settings) for row in asked]
                replies = [*again, *(one for row, one in zip(some, replies, strict=True) if row not in asked)]
                some = [*asked, *(row for row in some if row not in asked)]
        except hub.DeliveryError as fault:
            _refuse(rows[start:], fault, verdicts)
            return
        for row, answer in zip(some, replies, strict=True):
            _refuse([row], _fault(answer, wish, settings), verdicts)


def _put(row: Row, said: dict[str, Any], settings: Settings) -> hub.Request:
    path = member_path(row.email, settings)
    return hub.Request("PUT", path, query=OPTIONAL, json=said, expect=REFUSALS)


def _unconfirmed(rows: Sequence[Row], replies: Sequence[hub.Response], wish: Wish) -> list[Row]:
    """Who has to be asked: who is kept out, or is there and gets nothing."""
    if not wish.confirms:
        return []
    return [row for row, answer in zip(rows, replies, strict=True) if _is_outside(answer)]


def _is_outside(answer: hub.Response) -> bool:
    if answer.status >= 300:
        return answers.refusal(answer).meaning == "kept_out"
    return answers.status_of(answer) in ("unsubscribed", "cleaned", "transactional", "archived")


def _fault(answer: hub.Response, wish: Wish, settings: Settings) -> hub.DeliveryError | None:
    if answer.status < 300:
        return None
    if answer.status == 404:
        return no_audience(settings)
    return wish.verdict(answers.refusal(answer))


def _refuse(
    rows: Iterable[Row], fault: hub.DeliveryError | None, verdicts: dict[str, hub.DeliveryError]
) -> None:
    if fault is not None:
        verdicts |= {delivery.id: fault for row in rows for delivery in row.deliveries}
