"""What Mailchimp's answers say: who was not taken, and what that means for them.

A refusal is application/problem+json; a batch is answered 200, with what was refused in its `errors`.
https://mailchimp.com/developer/marketing/docs/errors/
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

import hub

Meaning = Literal["is_there", "kept_out", "forgotten", "crowded", "fake", "other"]

HOUR = timedelta(hours=1)

_TITLE = re.compile(r"[A-Z][A-Za-z]{0,24}(?: [A-Za-z]{1,24}){0,6}", re.ASCII)
_FIELD = re.compile(r"[A-Za-z][\w.:\[\]]{0,79}", re.ASCII)
_CODE = re.compile(r"ERROR_[A-Z_]{1,40}", re.ASCII)

_SIGNS: dict[Meaning, tuple[str, ...]] = {
    "is_there": ("error_contact_exists", "member exists", "is already a list member"),
    "kept_out": ("compliance state",),
    "forgotten": ("forgotten email", "permanently deleted"),
    "crowded": ("error_too_many_recent_signups", "signed up to a lot of lists"),
    "fake": ("fake or invalid", "valid email address"),
}
"""How each meaning is said, in a title, a code or an explanation."""

_WHY: dict[Meaning, str] = {
    "is_there": "somebody in the audience has this address already",
    "kept_out": "they unsubscribed, bounced or complained, and only they themselves can change that",
    "forgotten": "they were deleted for good, and come back only by a form of Mailchimp's",
    "crowded": "the address has signed up to many audiences of late",
    "fake": "Mailchimp takes the address for fake or invalid",
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """What was not taken, and why."""

    status: int
    meaning: Meaning
    said: str
    """Titles, codes and the names of fields; the vendor's explanations may quote what was sent."""
    email: str = ""
    """Of whom an entry of a batch's answer speaks, in lower case."""

    def __str__(self) -> str:
        parts = (f"answered {self.status}", self.said, _WHY.get(self.meaning, ""))
        return ": ".join(part for part in parts if part)

    @property
    def fault(self) -> hub.DeliveryError:
        """What follows from it for whom nothing else is said."""
        if self.meaning == "crowded":
            return hub.RetryLater(str(self), after=HOUR)
        return hub.GiveUp(str(self))


def refusal(answer: Any) -> Refusal:
    """What a refused request's answer says."""
    body = _body(answer)
    errors = _dicts(body.get("errors"))
    fields = dict.fromkeys(_plain(_FIELD, error.get("field")) for error in errors)
    places = ", ".join(field for field in fields if field)
    said = _plain(_TITLE, body.get("title")) + (f" at {places}" if places else "")
    texts = [body.get("title"), body.get("detail"), *(error.get("message") for error in errors)]
    return Refusal(_status(answer), _meaning(texts), said.strip())


def refusals(answer: hub.Response) -> Iterator[Refusal]:
    """What a batch's answer says of each member that was not taken."""
    for error in _dicts(_body(answer).get("errors")):
        place = _plain(_FIELD, error.get("field"))
        said = _plain(_CODE, error.get("error_code")) + (f" at {place}" if place else "")
        meaning = _meaning([error.get(name) for name in ("error_code", "error", "field_message")])
        yield Refusal(answer.status, meaning, said.strip(), _text(error.get("email_address")).strip().lower())


def taken(answer: hub.Response) -> frozenset[str]:
    """Whom a batch's answer has as new or updated, by their addresses in lower case."""
    body = _body(answer)
    each = [*_dicts(body.get("new_members")), *_dicts(body.get("updated_members"))]
    return frozenset(_text(one.get("email_address")).strip().lower() for one in each)


def error_count(answer: hub.Response) -> int:
    """How many a batch's answer counts as refused."""
    said = _body(answer).get("error_count")
    return said if isinstance(said, int) and not isinstance(said, bool) else 0


def member_status(answer: hub.Response) -> str:
    """The status of the member in an answer."""
    return _text(_body(answer).get("status"))


def is_problem(answer: hub.Response) -> bool:
    """Whether a refusal says what it is about; at high volume Mailchimp only closes the door."""
    return bool(_text(_body(answer).get("title")))


def status(refused: hub.DeliveryError) -> int:
    """The status of the answer that an error was read from; 0 where there was none."""
    return _status(refused.answer)


def explained(refused: hub.GiveUp) -> hub.DeliveryError:
    """The same refusal with what the answer says was wrong."""
    said = refusal(refused.answer)
    return said.fault if said.said or said.meaning != "other" else refused


def _meaning(texts: list[Any]) -> Meaning:
    whole = "\n".join(text for text in texts if isinstance(text, str)).lower()
    found = (meaning for meaning, signs in _SIGNS.items() if any(sign in whole for sign in signs))
    return next(found, "other")


def _status(answer: Any) -> int:
    return answer.status if isinstance(answer, hub.Response) else 0


def _body(answer: Any) -> dict[str, Any]:
    body = answer.json() if isinstance(answer, hub.Response) else None
    return body if isinstance(body, dict) else {}


def _dicts(said: Any) -> list[dict[str, Any]]:
    return [one for one in said if isinstance(one, dict)] if isinstance(said, list) else []


def _text(said: Any) -> str:
    return said if isinstance(said, str) else ""


def _plain(form: re.Pattern[str], said: Any) -> str:
    return said if isinstance(said, str) and form.fullmatch(said) else ""
