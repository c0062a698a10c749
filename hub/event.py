"""What happened, to whom, and what we know of them: the words that every part shares.

Instants are whole microseconds since 1970 in UTC (`Instant`), so that they compare, add and hash
without surprises; people read them through `iso`.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Literal, NewType

import msgspec

from hub.catalogue import Worth, spelling, worth

Instant = int
"""Microseconds since 1970-01-01T00:00:00Z."""

PersonId = NewType("PersonId", int)
"""A person as the stores know them: 63 bits; people see it as 16 hexadecimal digits (`person_text`)."""

EventType = Literal["track", "identify", "page", "screen", "group", "alias"]
Trust = Literal["public", "secret"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Identifier(msgspec.Struct, frozen=True, array_like=True, order=True):
    """A (kind, value) pair that points at a person; kinds are those of `KINDS` or of `[identity.kinds]`."""

    kind: str
    value: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.value}"


KINDS = (
    "user_id",
    "customer_id",
    "email",
    "phone",
    "cart_token",
    "checkout_token",
    "anonymous_id",
    "device_id",
    "device_token",
)
"""The kinds of identifier that the hub knows, by precedence."""

STRONG_KINDS = frozenset({"user_id", "customer_id", "email", "phone"})
"""Kinds that name a person; the others name a browser, a device or a cart."""


class Consent(msgspec.Struct, frozen=True, omit_defaults=True):
    """May we, by which road, what for; purpose `*` means the whole channel."""

    channel: str
    purpose: str
    state: Literal["granted", "denied"]
    wording: str = ""


class Event(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One thing that happened, in our schema.

    `time` and `received_at` are stamped when the event is read from the journal: `received_at` is when
    the hub accepted it, `time` when it happened (the claim corrected by the sender's clock, never later
    than `received_at`).
    """

    id: str
    """The sender's own id where it has one; unique within its source."""
    type: EventType
    name: str
    """Folded, in the catalogue's spelling: `product_added`."""
    name_as_sent: str = ""
    source: str = ""
    """The label of the source; set at admission."""
    identifiers: tuple[Identifier, ...] = ()
    occurred_at: Instant | None = None
    """When the sender says that it happened."""
    sent_at: Instant | None = None
    """The sender's clock when it sent; the difference to ours corrects `occurred_at`."""
    properties: dict[str, Any] = {}
    context: dict[str, Any] = {}
    """Scalars that rules read: page, url, session, device, position, country, referrer, campaign …"""
    sent_context: dict[str, Any] = {}
    """The context as the sender sent it."""
    traits: dict[str, Any] = {}
    consent: tuple[Consent, ...] = ()
    trust: Trust = "public"
    """`secret`: proven, `public`: claimed; admission keeps the lower of the source's word and the key's."""
    historical: bool = False
    system: bool = False
    """Done by a system, not by the person: no activity."""
    received_at: Instant = 0
    time: Instant = 0

    def accepted(self, at: Instant) -> None:
        """Stamps when the hub accepted it, and with that when it happened."""
        self.received_at = at
        claimed = self.occurred_at
        if claimed is None:
            self.time = at
            return
        if self.sent_at is not None:
            # The sender's clock may be wrong: its own two times are compared, then ours is the base. Two that
            # are ages apart would make a time that no calendar has.
            claimed += at - self.sent_at
            if claimed < 0:
                claimed = 0
        self.time = claimed if claimed < at else at

    @property
    def spelled(self) -> str:
        """The name for other systems: the Segment spec's `Product Added`, else the name as it was sent."""
        return spelling(self.name) or self.name_as_sent or self.name

    @property
    def worth(self) -> Worth | None:
        """What it is worth in money, whichever property says so; None where none does."""
        return worth(self.properties)


class Trait(msgspec.Struct, frozen=True, array_like=True):
    """A trait's value, the label of the source that said it, when it was so, and whether that is proven."""

    value: Any
    source: str
    at: Instant
    proven: bool = False


class ConsentState(msgspec.Struct, frozen=True, array_like=True):
    """A person's decision for one channel and purpose, when and where it was made, and in which words."""

    state: Literal["granted", "denied"]
    at: Instant
    source: str = ""
    wording: str = ""


class Synced(msgspec.Struct, frozen=True, array_like=True, omit_defaults=True):
    """What a sync last told its sink of a person, and when it looks again."""

    at: Instant
    said: str
    """A short name for what was told; empty where that no longer counts."""
    due: Instant = 0
    """When a change that came too soon goes out; 0 while there is none."""


class Profile(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What we know of a person."""

    id: PersonId
    identifiers: list[Identifier] = []
    traits: dict[str, Trait] = {}
    consent: dict[str, ConsentState] = {}
    """`channel/purpose` → the decision that holds."""
    counters: dict[str, int] = {}
    """How often each event name came."""
    first_seen_at: Instant = 0
    last_seen_at: Instant = 0
    seen_at: Instant = 0
    """When the newest event arrived."""
    heads: dict[PersonId, int] = {}
    """The parts that make up this person (itself and those merged into it), each with its newest entry."""
    joined: dict[PersonId, Instant] = {}
    """When each part that was merged into this person came to it: its past is known here since then."""
    devices_seen: dict[str, Instant] = {}
    """`kind:value` → when a browser, device or cart was last seen; kept while there are several of a kind."""
    synced: dict[str, Synced] = {}
    """What each `[sync.*]` has told its sink."""

    def trait(self, name: str) -> Any:
        """The value of a trait, or None."""
        kept = self.traits.get(name)
        return None if kept is None else kept.value


class Message(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a firing wants to say to a person: decided once, with its words and variables as they were."""

    id: str
    rule: str
    """The rule (or `journey/step`) that decided it."""
    channel: str
    purpose: str
    template: str = ""
    """The name of the words; a sink that has none of its own sends the name and the variables."""
    words: dict[str, str] = {}
    """The template's fields, filled in: `subject`, `html`, `text` …; `vendor` is the id of one kept at the
    vendor. Empty where `[templates]` has none of this name."""
    variables: dict[str, Any] = {}
    created_at: Instant
    expires_at: Instant
    """Not sent after this."""
    next: tuple[str, ...] = ()
    """Actions (`label.action`) that take the message one after the other, where the one before gives up."""

    def as_dict(self) -> dict[str, Any]:
        """What a receiver may want to know of it, ready for JSON."""
        return {
            "id": self.id,
            "rule": self.rule,
            "channel": self.channel,
            "purpose": self.purpose,
            "template": self.template,
            "words": self.words,
            "variables": self.variables,
            "created_at": iso(self.created_at),
        }


def person_text(person: int) -> str:
    """A person's id as people and other systems see it."""
    return f"{person:016x}"


def person_from_text(text: str) -> PersonId | None:
    """The person that a text names; None where it is no person id."""
    if re.fullmatch(r"[0-9a-f]{16}", text) is None:
        return None
    number = int(text, 16)
    return PersonId(number) if number < 1 << 63 else None


def iso(at: Instant) -> str:
    """An instant as ISO 8601 in UTC with milliseconds, as all our interfaces write it."""
    second, rest = divmod(at, 1_000_000)
    return f"{_second(second)}.{rest // 1000:03d}Z"


@lru_cache(1024)
def _second(second: int) -> str:
    # Instants that are written come close together: most of them share their second.
    return moment(second * 1_000_000).isoformat().removesuffix("+00:00")


def moment(at: Instant) -> datetime:
    """An instant as a datetime in UTC."""
    return _EPOCH + timedelta(microseconds=at)


def instant(when: datetime) -> Instant:
    """A datetime as an instant; one without a zone is read as UTC."""
    if when.tzinfo is None:
        when = when.replace(tzinfo=UTC)
    return (when - _EPOCH) // timedelta(microseconds=1)
