"""Entries that are no events: configurations, how deliveries ended, and what operators ask of the engine."""

from __future__ import annotations

import msgspec

from hub.event import Identifier, Message, Profile, person_from_text
from hub.pipeline.definitions import Definitions
from hub.pipeline.following import plan_message
from hub.pipeline.past import Past
from hub.store.port import Decision, Entry
from hub.store.sqlite.work import Work

FALLBACK = "fallback"
"""How a message's delivery ends where another action takes the message over."""


class _Outcome(msgspec.Struct):
    delivery: str
    entry: int | None = None
    person: str | None = None
    reason: str = ""
    message: Message | None = None


class _Merge(msgspec.Struct, tag_field="command", tag="merge"):
    into: Identifier
    merged: Identifier


_command = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_merge = msgspec.json.Decoder(_Merge).decode
_outcome = msgspec.json.Decoder(_Outcome).decode


def adopt_configuration(entry: Entry, work: Work, former: Definitions) -> Definitions:
    """A configuration is in force from this entry on.

    Where a pattern is new or was edited, everybody in whose past it may have begun is looked at in the
    same cycle: what they were waiting for may have come, or may have a new end. Where a `grace` became
    shorter, everybody who waits is woken sooner by as much.
    """
    at = entry.received_at
    definitions = Definitions.of(entry.body, at, work.ages)
    work.configuration, work.ages = entry.seq, definitions.ages
    if sooner := definitions.rules.sooner_than(former.rules):
        work.wake_sooner(sooner, at)
    if definitions.changed_at == at:
        work.wake_recent(at - max(former.rules.reach, definitions.rules.reach), at)
    return definitions


def note_outcome(entry: Entry, work: Work, past: Past, definitions: Definitions) -> None:
    """How a delivery ended; told twice it changes nothing. A message may go on by another road."""
    outcome = _outcome(entry.body)
    if work.knows_outcome(outcome.delivery):
        return
    person = person_from_text(outcome.person) if outcome.person else None
    work.outcome(outcome.delivery, entry.seq, outcome.entry, person)
    message = outcome.message
    if message is None or not message.next or person is None or outcome.entry is None:
        return
    event = past.event(outcome.entry)
    if event is None:
        return
    profile = work.survivor(person)
    further = msgspec.structs.replace(message, next=message.next[1:])
    plan_message(work, further, message.next[0], (outcome.entry, event, profile), definitions)
    work.decided(
        Decision(
            at=entry.received_at,
            rule=message.rule.partition("/")[0],
            version=definitions.versions.get(message.rule.partition("/")[0], ""),
            outcome="sent",
            person=profile.id,
            reason=f"{FALLBACK}: {outcome.reason}",
            message=message.rule,
            channel=message.channel,
            delivery=message.id,
            events=(event.id,),
        )
    )


def merge_asked(entry: Entry, work: Work) -> tuple[Profile, Profile] | None:
    """The two people whom a command makes one; None for other commands, and where nothing changes."""
    if bytes(_command(entry.body).get("command", msgspec.Raw(b""))) != b'"merge"':
        return None
    asked = _merge(entry.body)
    work.prefetch([str(asked.into), str(asked.merged)])
    into, merged = work.owner(asked.into), work.owner(asked.merged)
    if into is None or merged is None or into == merged:
        return None
    return work.profile(into), work.profile(merged)
