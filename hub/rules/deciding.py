"""Decides, once and for ever, what a person's events have come to.

    decide(event, …)      an event arrived
    wake(…)               the instant came for which a wake-up was asked
    merge(…)              another person turned out to be this one
    recompute(…)          the past is another one, after a split
    adopt(…)              the definitions are new; the other calls do this by themselves

None of them keeps anything or looks at a clock. Each takes the person's memory and gives a new one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from hub.event import Event, Instant, Profile
from hub.rules import following
from hub.rules.decisions import Decisions, Firing, Reason, Skip
from hub.rules.definitions import Alternative, Definitions
from hub.rules.memory import End, Memory, State
from hub.rules.repeating import Repeats
from hub.rules.replaying import MOST_KEYS, Past, joined, replayed
from hub.rules.situation import History, Known, Situation


@dataclass
class Person:
    """Whose events are decided: what we know of them, and their past."""

    profile: Profile
    history: History
    """Past events, those that arrived last first; whether the present one is among them does not matter."""
    seen_at: Instant | None = None
    """When the last event before the present one arrived; None where that is not known."""

    def has_past(self, since: Instant) -> bool:
        """May an event before the present one have arrived since then?"""
        return self.seen_at is None or self.seen_at >= since


def decide(
    definitions: Definitions, event: Event, person: Person, memory: Memory, *, now: Instant
) -> Decisions:
    """What follows from an event that has just become known.

    Waits that end by now are not decided here: all events that arrived by an instant come before the
    waits that end at it, so the caller decides those with `wake` when the events are through.
    """
    if not definitions.listens(event):
        return Decisions(memory)
    deciding = _Deciding(definitions, person, memory, now, {event.received_at: event})
    if memory.loaded_at < definitions.loaded_at:
        if memory.states or person.has_past(now - definitions.reach):
            deciding.person = Person(person.profile, lambda: _before(person, event))
            deciding.adopt()
            deciding.person = person
        deciding.loaded_at = definitions.loaded_at
    deciding.take(event)
    return deciding.settled(waits=False)


def wake(definitions: Definitions, person: Person, memory: Memory, *, now: Instant) -> Decisions:
    """What follows from the time that has passed: decides every wait whose time has come."""
    deciding = _Deciding(definitions, person, memory, now)
    if memory.loaded_at < definitions.loaded_at:
        deciding.adopt()
    return deciding.settled(waits=True)


def adopt(definitions: Definitions, person: Person, memory: Memory, *, now: Instant) -> Decisions:
    """What follows from definitions newer than the memory: only what they change is followed anew."""
    deciding = _Deciding(definitions, person, memory, now)
    deciding.adopt()
    return deciding.settled(waits=False)


def merge(
    definitions: Definitions, person: Person, memory: Memory, other: Memory, *, now: Instant
) -> Decisions:
    """What follows from two people being one; `person` has the past of both, the other's known since now."""
    return recompute(definitions, person, joined(memory, other), now=now)


def recompute(definitions: Definitions, person: Person, memory: Memory, *, now: Instant) -> Decisions:
    """What follows from a past that is not what it was; marks and firings stay, so nothing fires twice."""
    deciding = _Deciding(definitions, person, memory, now)
    deciding.replay(definitions.alternatives.values(), None)
    deciding.loaded_at = definitions.loaded_at
    return deciding.settled(waits=False)


def _before(person: Person, event: Event) -> Iterator[Known]:
    """The person's past without this event."""
    return (known for known in person.history() if known[0].received_at != event.received_at)


def _with(person: Person, event: Event) -> Person:
    """The person with this event in their past, if it is not there yet."""

    def history() -> Iterator[Known]:
        left = _before(person, event)
        for known in left:
            if known[0].received_at < event.received_at:
                yield event, event.received_at
                yield known
                yield from left
                return
            yield known
        yield event, event.received_at

    return Person(person.profile, history)


class _Deciding:
    """One call: the states that change are copies, the rest is shared with the memory before."""

    def __init__(
        self,
        definitions: Definitions,
        person: Person,
        memory: Memory,
        now: Instant,
        at_hand: dict[Instant, Event] | None = None,
    ) -> None:
        self.definitions = definitions
        self.person = person
        self.memory = memory
        self.now = now
        self.at_hand = {} if at_hand is None else at_hand
        """Events of matches by their arrival."""
        self.states = memory.states.copy()
        self.own: set[int] = set()
        """Places in `states` whose state is already a copy."""
        self.newest = memory.newest_at, memory.newest_at + memory.newest_lag
        self.fired = Repeats(memory.fired)
        self.decided: list[Firing | Skip] = []
        self.contradicted: list[str] = []
        self.dropped = 0
        self.loaded_at = memory.loaded_at

    def take(self, event: Event) -> None:
        """Takes an event into every state that it concerns."""
        if (event.time, event.received_at) < self.newest:
            self._take_late(event)
        else:
            self.newest = event.time, event.received_at
            self._take_in_order(event)

    def _take_in_order(self, event: Event) -> None:
        met: set[tuple[int, str]] = set()
        concerned = self.definitions.concerned_by(event)
        for place, state in enumerate(self.states):
            alternative = concerned.get(state.alternative)
            if alternative is None:
                continue
            met.add((state.alternative, state.key))
            carries = alternative.rule.by is None or _carries(alternative, state, event)
            if carries is not None and alternative.concerns(event):
                self._note_contradiction(alternative, state, event)
                following.follow(
                    alternative, self._owned(place), event, known_at=event.received_at, carries=carries
                )
        for alternative in self.definitions.begun_by(event):
            begun = alternative.rule.by is None and (alternative.id, "") in met
            if not begun and alternative.begins.matches(event):
                self._begin(alternative, event, met)

    def _begin(self, alternative: Alternative, event: Event, met: set[tuple[int, str]]) -> None:
        by = alternative.rule.by
        for key in ("",) if by is None else by.of(event):
            if (alternative.id, key) in met:
                continue
            state = State(alternative.id, key)
            following.follow(alternative, state, event, known_at=event.received_at, carries=True)
            self._make_room(alternative)
            self.own.add(len(self.states))
            self.states.append(state)

    def _make_room(self, alternative: Alternative) -> None:
        if alternative.rule.by is None or len(self.states) < MOST_KEYS:
            return
        places = [place for place, state in enumerate(self.states) if state.alternative == alternative.id]
        if len(places) < MOST_KEYS:
            return
        idlest = min(places, key=lambda place: self.states[place].touched_at)
        del self.states[idlest]
        self.own = {place - (place > idlest) for place in self.own if place != idlest}
        self.dropped += 1

    def _take_late(self, event: Event) -> None:
        concerned = [each for each in self.definitions.concerned_by(event).values() if each.concerns(event)]
        for state in self.states:
            alternative = self.definitions.alternatives[state.alternative]
            if alternative in concerned and _carries(alternative, state, event) is not None:
                self._note_contradiction(alternative, state, event)
        if concerned:
            self.person = _with(self.person, event)
            self.replay(concerned, event)

    def _note_contradiction(self, alternative: Alternative, state: State, event: Event) -> None:
        breaks = alternative.breaks
        if breaks is None or not state.mark_at - alternative.wait <= event.time <= state.mark_at:
            return
        if breaks(event) and alternative.rule.name not in self.contradicted:
            self.contradicted.append(alternative.rule.name)

    def adopt(self) -> None:
        """Follows anew what is new or was edited since the memory was computed."""
        rules = [rule for rule in self.definitions.rules if rule.age.edited_at > self.loaded_at]
        self.replay([alternative for rule in rules for alternative in rule.alternatives], None)
        self.loaded_at = self.definitions.loaded_at

    def replay(self, alternatives: Iterable[Alternative], late: Event | None) -> None:
        """Follows alternatives anew through the person's past; `late` is the event that made it necessary."""
        past = Past(self.person.history, self.now, self.loaded_at, late)
        replay = replayed(self.definitions, alternatives, self.states, past)
        shared = {id(state) for state in self.memory.states}
        self.states = replay.states
        self.own = {place for place, state in enumerate(self.states) if id(state) not in shared}
        self.newest = max(self.newest, replay.newest)
        self.at_hand.update(replay.met)
        self.dropped += replay.dropped

    def settled(self, *, waits: bool) -> Decisions:
        """Decides what can be decided, one by one, the earliest first."""
        while (place := self._next(waits=waits)) is not None:
            self._decide_head(place)
        # What this call did not change waits as before, unless other definitions hold for it now.
        whole = waits or self.loaded_at != self.memory.loaded_at
        looked_at = range(len(self.states)) if whole else self.own
        wake_at = self._wake_at(looked_at, former=0 if waits else self.memory.wake_at)
        self._tidy()
        memory = Memory(
            self.loaded_at,
            self.newest[0],
            self.newest[1] - self.newest[0],
            wake_at,
            self.states,
            self.fired.kept(),
        )
        return Decisions(memory, tuple(self.decided), tuple(self.contradicted), self.dropped)

    def _next(self, *, waits: bool) -> int | None:
        best: tuple[tuple[Instant, float, int, str, int], int] | None = None
        # Without the clock having moved, only what this call has changed can have come to a match.
        for place in range(len(self.states)) if waits else self.own:
            state = self.states[place]
            end = following.head(state)
            if end is None:
                continue
            alternative = self.definitions.alternatives[state.alternative]
            if alternative.breaks is not None and not waits:
                continue
            if following.decidable_at(alternative, end) > self.now:
                continue
            rule = alternative.rule
            rank = (following.due(alternative, end), -rule.priority, rule.order, state.key, alternative.place)
            if best is None or rank < best[0]:
                best = rank, place
        return None if best is None else best[1]

    def _decide_head(self, place: int) -> None:
        state = self._owned(place)
        alternative = self.definitions.alternatives[state.alternative]
        end = following.head(state)
        assert end is not None, "only a state with a head is next"
        rule, due = alternative.rule, following.due(alternative, end)
        trigger, events = self._events(alternative, end)
        if trigger is None:
            # The event was forgotten in the meantime: there is nothing left to say of it.
            following.pass_mark(alternative, state)
            return
        reason = self._refusal(alternative, state, end, trigger, events)
        following.pass_mark(alternative, state)
        if reason is not None:
            skip = Skip(rule, alternative.place, state.key, due, self.now, reason, trigger, events)
            self.decided.append(skip)
            return
        self.fired.keep(rule, trigger, due, now=self.now)
        self.decided.append(Firing(rule, alternative.place, state.key, due, self.now, trigger, events))

    def _refusal(
        self, alternative: Alternative, state: State, end: End, trigger: Event, events: Mapping[str, Event]
    ) -> Reason | None:
        rule, due = alternative.rule, following.due(alternative, end)
        if trigger.historical:
            return "historical"
        if due < rule.age.activated_at:
            return "before_activation"
        if due < rule.age.edited_at and end.arrival not in state.kept:
            return "before_edit"
        if self.now - due > rule.fresh:
            return "stale"
        if rule.condition is not None:
            situation = Situation(
                profile=self.person.profile,
                history=self.person.history,
                now=self.now,
                timezone=self.definitions.timezone,
                moment=due,
                trigger=trigger,
                events=events,
                by=rule.by,
                key=state.key,
            )
            if not rule.condition(situation):
                return "guard_false"
        return "repeat" if self.fired.repeats(rule, trigger, due) else None

    def _events(self, alternative: Alternative, end: End) -> tuple[Event | None, dict[str, Event]]:
        wanted = (*end.earlier, end.arrival)
        missing = [arrival for arrival in wanted if arrival not in self.at_hand]
        if missing:
            self._find(set(missing))
        found = [self.at_hand.get(arrival) for arrival in wanted]
        named = {event.name: event for event in found if event is not None}
        for step, event in zip(alternative.steps, found, strict=True):
            if step.called is not None and event is not None:
                named[step.called] = event
        return found[-1], named

    def _find(self, missing: set[Instant]) -> None:
        for event, _ in self.person.history():
            if event.received_at in missing:
                self.at_hand[event.received_at] = event
                missing.discard(event.received_at)
                if not missing:
                    return

    def _owned(self, place: int) -> State:
        if place not in self.own:
            self.states[place] = self.states[place].copy()
            self.own.add(place)
        return self.states[place]

    def _tidy(self) -> None:
        # All of it: what a state that is spent would do later depends on when it is left out.
        at, now = self.newest[0], self.now
        alternatives = self.definitions.alternatives
        self.states = [
            state
            for state in self.states
            if state.pending
            or state.wait is not None
            or not following.is_spent(alternatives[state.alternative], state, now, at)
        ]

    def _wake_at(self, places: Collection[int], *, former: Instant) -> Instant:
        """When something can be decided at the earliest; the former instant stays while it is earlier."""
        earliest = former
        for place in places:
            end = following.head(self.states[place])
            if end is None:
                continue
            alternative = self.definitions.alternatives[self.states[place].alternative]
            at = following.decidable_at(alternative, end)
            if not earliest or at < earliest:
                earliest = at
        return earliest


def _carries(alternative: Alternative, state: State, event: Event) -> bool | None:
    """Does the event carry the state's key? None: it carries another; False: none at all."""
    by = alternative.rule.by
    if by is None:
        return True
    keys = by.of(event)
    if not keys:
        return False
    return True if state.key in keys else None
