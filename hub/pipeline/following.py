"""What follows: matches become firings, firings become messages, and everything is kept to be asked."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

from hub.event import Event, Instant, Message, PersonId, Profile
from hub.pipeline.definitions import Definitions
from hub.pipeline.past import Past
from hub.pipeline.wording import worded
from hub.policy import refusal
from hub.rules import (
    Decisions,
    Firing,
    Memory,
    Person,
    Send,
    Situation,
    Skip,
    decide,
    merge,
    unpack,
    wake,
)
from hub.store.port import Decision, Leg
from hub.store.sqlite.work import Packed, Work
from hub.telemetry import names

LANE = "message"


class Follower:
    """Asks the rules, for one transaction, and writes down what they answer."""

    def __init__(self, work: Work, past: Past, definitions: Definitions) -> None:
        self._work = work
        self._past = past
        self._definitions = definitions
        self._rules = definitions.rules

    def event(self, event: Event, profile: Profile, seen_at: Instant) -> None:
        """What follows from an event of a person who was last heard of at `seen_at`."""
        if self._rules.listens(event):
            person, memory = Person(profile, self._past.of(profile), seen_at), self._memory(profile.id)
            decisions = decide(self._rules, event, person, memory, now=event.received_at)
            self._settle(profile, memory, decisions, waking_at=memory.wake_at)
            if decisions.contradicted:
                for rule in decisions.contradicted:
                    self._work.count(names.RULES_CONTRADICTED.name, rule)

    def wake(self, profile: Profile, now: Instant) -> None:
        """What follows from time having passed."""
        self._work.wake(profile.id, None)
        memory = self._memory(profile.id)
        self._settle(profile, memory, wake(self._rules, self._person(profile), memory, now=now))

    def merge(self, profile: Profile, merged: Packed, now: Instant) -> None:
        """What follows from another person, of whom the rules remembered `merged`, being this one."""
        if not self._rules.rules:
            return
        memory, other = self._memory(profile.id), _unpacked(merged)
        person = self._person(profile)
        self._settle(profile, memory, merge(self._rules, person, memory, other, now=now))

    def _person(self, profile: Profile) -> Person:
        return Person(profile, self._past.of(profile))

    def _memory(self, person: PersonId) -> Memory:
        return _unpacked(self._work.memory(person))

    def _settle(
        self, profile: Profile, before: Memory, decisions: Decisions, *, waking_at: Instant = 0
    ) -> None:
        """Keeps what was decided; `waking_at` is when the person is woken anyway, if that is known."""
        if decisions.memory is not before:
            self._work.remember(profile.id, decisions.memory)
        wake_at = decisions.wake_at
        if wake_at is not None and not (waking_at and waking_at <= wake_at):
            self._work.wake(profile.id, wake_at)
        fired: list[Firing] = []
        for match in decisions.decided:
            if isinstance(match, Skip):
                self._keep(match, profile, "skipped", match.reason)
                continue
            self._keep(match, profile, "fired")
            self._work.count(names.RULES_FIRED.name, match.rule.name)
            fired.append(match)
        # Messages of one instant are tried when all that it decides is known, the most important first.
        for firing in sorted(fired, key=lambda each: (-each.rule.priority, each.rule.name)):
            for send in firing.rule.sends:
                self._send(firing, send, profile)

    # ---------------------------------------------------------------- messages

    def _send(self, firing: Firing, send: Send, profile: Profile) -> None:
        variables, missing = self._variables(firing, send, profile)
        template = send.fallback if missing and send.fallback else send.template
        targets = self._definitions.targets(send)
        everyone = self._definitions.messages.everyone
        message = Message(
            id=_message_id(firing, send),
            rule=_name(firing, send),
            channel=send.channel,
            purpose=send.purpose,
            template=template,
            variables=variables,
            created_at=firing.at,
            expires_at=firing.at + send.expires,
            next=tuple(targets[1:]),
        )
        gate = refusal(
            message,
            profile,
            firing.at,
            identifiers=(),
            assumed=self._rules.consent,
            everyone=everyone,
        )
        reason: str | None = gate
        if reason is None and not targets and not everyone:
            # Whatever takes messages of this channel is switched off.
            reason = "unreachable"
        if reason is None and missing and not send.fallback:
            reason = "incomplete"
        if reason is None:
            message, reason = worded(self._definitions.words, message, profile, firing)
        if reason is None and targets:
            entry = self._past.entry(firing.trigger)
            plan_message(self._work, message, targets[0], (entry, firing.trigger, profile), self._definitions)
        self._keep(firing, profile, "dropped" if reason else "sent", reason or "", message)

    def _variables(self, firing: Firing, send: Send, profile: Profile) -> tuple[dict[str, Any], list[str]]:
        if not send.variables:
            return {}, []
        situation = Situation(
            profile=profile,
            history=self._past.of(profile),
            now=firing.at,
            timezone=self._rules.timezone,
            moment=firing.due,
            trigger=firing.trigger,
            events=firing.events,
            by=firing.rule.by,
            key=firing.key,
        )
        values: Mapping[str, Any] = {name: read(situation) for name, read in send.variables.items()}
        present = {name: value for name, value in values.items() if value is not None}
        return present, [name for name in send.needs if name not in present]

    # ---------------------------------------------------------------- records

    def _keep(
        self,
        match: Firing | Skip,
        profile: Profile,
        outcome: str,
        reason: str = "",
        message: Message | None = None,
    ) -> None:
        events = dict.fromkeys([*(event.id for event in match.events.values()), match.trigger.id])
        self._work.decided(
            Decision(
                at=match.at,
                rule=match.rule.name,
                version=self._definitions.versions.get(match.rule.name, ""),
                outcome=outcome,
                person=profile.id,
                reason=reason,
                due=match.due,
                key=match.key,
                message=message.rule if message else "",
                channel=message.channel if message else "",
                delivery=message.id if message else "",
                template=message.template if message else "",
                variables=message.variables if message else {},
                events=tuple(events),
            )
        )


def plan_message(
    work: Work, message: Message, target: str, about: tuple[int, Event, Profile], definitions: Definitions
) -> None:
    """Hands a message over: one row of the outbox, with its words and identifiers as they are now.

    `about` is the event that triggered it (its journal entry, and itself) and the person.
    """
    entry, event, profile = about
    sink, _, action = target.partition(".")
    legs = definitions.legs_of(Leg(sink, action, LANE, message.rule))
    own = event.identifiers
    more = [one for one in profile.identifiers if one not in own]
    work.plan(entry, profile.id, legs, more=more, message=message)
    work.count(names.DELIVERIES_PLANNED.name, sink, action)


def _unpacked(memory: Packed) -> Memory:
    if isinstance(memory, bytes):
        return unpack(memory) if memory else Memory()
    assert isinstance(memory, Memory)
    return memory


def _name(firing: Firing, send: Send) -> str:
    several = len(firing.rule.sends) > 1
    return f"{firing.rule.name}/{send.channel}" if several else firing.rule.name


def _message_id(firing: Firing, send: Send) -> str:
    """The same match always makes the same message."""
    said = "\0".join([*map(str, firing.identity), send.channel])
    return blake2b(said.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
