"""What the stand-in for Mailchimp keeps: an audience's members, and what happened to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hub.testing.vendors.mailchimp.checking import Refused, hashed


@dataclass(slots=True)
class Member:
    """Somebody in an audience."""

    email: str
    status: str
    list_id: str
    merge_fields: dict[str, Any] = field(default_factory=dict)
    tags: dict[str, None] = field(default_factory=dict)
    """Names, in the order in which they were given."""
    language: str = ""
    timestamp_opt: str = ""
    has_left: bool = False
    """They unsubscribed themselves, bounced or complained: no request brings them back."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a member."""

    email: str
    name: str
    occurred_at: str
    properties: dict[str, str]
    is_syncing: bool = False
    """It starts no automation."""


@dataclass(frozen=True, slots=True)
class Triggered:
    """A step of a journey that somebody was sent on."""

    email: str
    journey: str
    step: str


class Memory:
    """All of it."""

    def __init__(self) -> None:
        self.members: dict[tuple[str, str], Member] = {}
        """By audience and hash."""
        self.forgotten: set[tuple[str, str]] = set()
        self.events: list[Event] = []
        self.triggered: list[Triggered] = []

    def at(self, list_id: str, known: str) -> Member | None:
        """The member of this hash."""
        return self.members.get((list_id, known))

    def write(self, list_id: str, said: Mapping[str, Any], status: str) -> Member:
        """Somebody becomes a member, or is changed; raises Refused where they said that they would not."""
        email = said["email_address"]
        place = (list_id, hashed(email))
        if place in self.forgotten:
            detail = f"{email} was permanently deleted and cannot be re-imported. The contact must re-subscribe to get back on the list."  # noqa: E501
            raise Refused(400, "Forgotten Email Not Subscribed", detail)
        member = self.members.get(place)
        if member is not None and member.has_left and status == "subscribed" != member.status:
            detail = f"{email} is in a compliance state due to unsubscribe, bounce, or compliance review and cannot be subscribed."  # noqa: E501
            raise Refused(400, "Member In Compliance State", detail)
        if member is None:
            member = self.members[place] = Member(email, status, list_id)
        member.status = status
        member.merge_fields |= said.get("merge_fields") or {}
        member.language = said.get("language") or member.language
        member.timestamp_opt = said.get("timestamp_opt") or member.timestamp_opt
        return member

    def forget(self, list_id: str, known: str) -> bool:
        """Somebody is deleted for good; False where nobody is there."""
        member = self.members.pop((list_id, known), None)
        if member is None:
            return False
        self.forgotten.add((list_id, known))
        self.events = [one for one in self.events if one.email.lower() != member.email.lower()]
        return True
