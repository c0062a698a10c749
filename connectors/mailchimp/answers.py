"""What Mailchimp's answers say was refused, and why.

A problem has a title and a detail, and maybe the fields that were wrong; a batch is answered 200 and lists
whom it did not take. https://mailchimp.com/developer/marketing/docs/errors/
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal

import hub

Kind = Literal["exists", "compliance", "forgotten", "invalid", "busy", "other"]

_FIELD = re.compile(r"[A-Za-z_][\w.\[\]]{0,49}", re.ASCII)

_PHRASES: tuple[tuple[str, Kind], ...] = (
    ("already a list member", "exists"),
    ("member exists", "exists"),
    ("compliance state", "compliance"),
    ("permanently deleted", "forgotten"),
    ("forgotten email", "forgotten"),
    ("fake or invalid", "invalid"),
    ("signed up to a lot of lists", "busy"),
)

_MEANT: dict[Kind, str] = {
    "exists": "they are in the audience already",
    "compliance": "they unsubscribed, bounced or complained, and only they themselves can change that",
    "forgotten": "they were deleted for good, and only they themselves can come back",
    "invalid": "the e-mail address looks fake or invalid",
    "busy": "the address has signed up to many lists lately",
    "other": "",
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why somebody or something was not taken, and which fields were wrong."""

    kind: Kind
    fields: tuple[str, ...] = ()

    def __str__(self) -> str:
        # The vendor's own words quote the address, so that they stay where they are.
        parts = [_MEANT[self.kind]] if _MEANT[self.kind] else []
        return ", ".join([*parts, *(f"refused at {field}" for field in self.fields)])

    def fault(self, status: int) -> hub.DeliveryError:
        """What follows, where somebody is only to be known."""
        said = str(self)
        reason = f"answered {status}: {said}" if said else f"answered {status}"
        if self.kind == "busy":
            return hub.RetryLater(reason)
        # Who wanted to be forgotten stays so.
        return hub.Skip(reason) if self.kind == "forgotten" else hub.GiveUp(reason)


def refusal(answer: Any) -> Refusal:
    """What the answer to a refused request says."""
    body = answer.json() if isinstance(answer, hub.Response) else None
    said = body if isinstance(body, dict) else {}
    errors = [one for one in _listed(said, "errors") if isinstance(one, dict)]
    texts = [said.get("title"), said.get("detail"), *(one.get("message") for one in errors)]
    return Refusal(_kind(texts), _fields(one.get("field") for one in errors))


def refusals(answer: hub.Response) -> dict[str, Refusal] | None:
    """Whom a batch did not take, by their addresses in lower case; None where it cannot be read."""
    body = answer.json()
    if not isinstance(body, dict):
        return None
    found = {}
    for one in _listed(body, "errors"):
        if not isinstance(one, dict):
            return None
        email = one.get("email_address")
        kind = "exists" if one.get("error_code") == "ERROR_CONTACT_EXISTS" else _kind([one.get("error")])
        found[email.strip().lower() if isinstance(email, str) else ""] = Refusal(
            kind, _fields([one.get("field")])
        )
    return found


def status(refused: hub.GiveUp) -> int:
    """The status of the answer that refused a request."""
    return refused.answer.status if isinstance(refused.answer, hub.Response) else 0


def _kind(texts: list[Any]) -> Kind:
    said = " ".join(text for text in texts if isinstance(text, str)).lower()
    return next((kind for phrase, kind in _PHRASES if phrase in said), "other")


def _fields(said: Any) -> tuple[str, ...]:
    return tuple(dict.fromkeys(field for field in said if isinstance(field, str) and _FIELD.fullmatch(field)))


def _listed(body: dict[str, Any], name: str) -> list[Any]:
    said = body.get(name)
    return said if isinstance(said, list) else []
