"""Follows patterns anew through a person's past, where the order of arrival was not that of the events."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from hub.event import Event, Instant
from hub.rules import following
from hub.rules.definitions import Alternative, Definitions, Rule
from hub.rules.memory import End, Fired, Memory, State
from hub.rules.situation import History, Known

MOST_EVENTS = 10_000
"""How many of a person's last events are followed anew; older ones are not."""
MOST_KEYS = 100
"""How many keys of one rule a person can have open; the one idle longest is given up."""


@dataclass
class Replay:
    """What came of following alternatives anew."""

    states: list[State]
    """All states: the new ones, and those of other alternatives as they were."""
    newest: tuple[Instant, Instant] = (0, 0)
    met: dict[Instant, Event] = field(default_factory=dict)
    """The events that were read, by their arrival."""
    dropped: int = 0


@dataclass(frozen=True)
class Past:
    """What is known of a person, and why it is followed anew."""

    history: History
    now: Instant
    loaded_at: Instant
    """The definitions under which the person was followed until now."""
    late: Event | None
    """The event that came late; None: everything may be different."""


def replayed(
    definitions: Definitions, alternatives: Iterable[Alternative], states: list[State], past: Past
) -> Replay:
    """Follows `alternatives` from their marks on through everything that is known.

    With a `late` event only its keys change, and only chains that it can be a part of.
    """
    wanted = list(alternatives)
    ids = {alternative.id for alternative in wanted}
    others = [state for state in states if state.alternative not in ids]
    replay = Replay([state for state in others if state.alternative in definitions.alternatives])
    affected = [state for state in states if state.alternative in ids]
    known = _since(past, _oldest(wanted, affected, past))
    replay.met = {event.received_at: event for event, _ in known}
    heard = (event for event, _ in known if definitions.listens(event))
    replay.newest = max(((event.time, event.received_at) for event in heard), default=(0, 0))
    former: dict[int, dict[str, State]] = {}
    for state in affected:
        former.setdefault(state.alternative, {})[state.key] = state
    for alternative in wanted:
        if known or alternative.id in former:
            kept = _waited_for(alternative.rule, states, past)
            replay.states += _followed(alternative, former.get(alternative.id, {}), known, past, kept)
            replay.dropped += _give_up(alternative, replay)
    return replay


def joined(memory: Memory, other: Memory) -> Memory:
    """The memory of two people who are one: the later marks, the firings of both."""
    states = {(state.alternative, state.key): state for state in memory.states}
    for state in other.states:
        own = states.get((state.alternative, state.key), state)
        later = (own if own.mark >= state.mark else state).copy()
        # All is followed anew after a merge; until then both keep what was not decided.
        later.pending = heads(own) + (heads(state) if own is not state else [])
        later.kept = sorted({*own.kept, *state.kept})
        states[state.alternative, state.key] = later
    fired: dict[tuple[int, str], tuple[Instant, ...]] = {}
    for each in (*memory.fired, *other.fired):
        fired[each.rule, each.per] = tuple(sorted({*fired.get((each.rule, each.per), ()), *each.dues}))
    newest = max(memory.newest, other.newest, key=lambda position: position)
    wakes = [each.wake_at for each in (memory, other) if each.wake_at]
    return Memory(
        min(memory.loaded_at, other.loaded_at),
        newest[0],
        int(newest[1]) - newest[0],
        min(wakes, default=0),
        list(states.values()),
        [Fired(rule, per, dues) for (rule, per), dues in fired.items()],
    )


def heads(state: State) -> list[End]:
    """The matches of a state that are not decided, and the open wait."""
    return [*state.pending, state.wait] if state.wait is not None else state.pending


def _oldest(alternatives: list[Alternative], states: list[State], past: Past) -> Instant:
    """From when on events can matter: to what may still fire, to the late event, to what is undecided."""
    reach = max((each.reach + each.rule.fresh for each in alternatives), default=0)
    firsts = [end.first_at for state in states for end in heads(state)]
    if past.late is not None:
        firsts.append(past.late.time)
    return min([past.now, *firsts]) - reach


def _since(past: Past, oldest: Instant) -> list[Known]:
    """The known events from an instant on, in the order in which they happened."""
    found: list[Known] = []
    for event, known_at in past.history():
        if event.received_at < oldest or len(found) == MOST_EVENTS:
            break
        if event.time >= oldest:
            found.append((event, known_at))
    found.sort(key=lambda known: (known[0].time, known[0].received_at))
    return found


def _followed(
    alternative: Alternative,
    former: dict[str, State],
    known: list[Known],
    past: Past,
    kept: list[Instant] | None,
) -> list[State]:
    by = alternative.rule.by
    if by is None:
        # Keys of a former 'by' are nobody's any more; followed on, they would fire beside the one that is.
        former = {key: state for key, state in former.items() if not key}
    # Only the late event's own keys are different; one without a key may break them all.
    affected = by.of(past.late) if by is not None and past.late is not None else ()
    states: dict[str, State] = {}
    for key, state in former.items():
        if not affected or key in affected:
            waited_for = state.kept if kept is None else kept
            states[key] = State(alternative.id, key, state.mark_at, state.mark_lag, kept=waited_for)
    for event, known_at in known:
        if not alternative.concerns(event):
            continue
        keys = ("",) if by is None else by.of(event)
        if alternative.begins.matches(event):
            for key in keys:
                if key not in states and (not affected or key in affected):
                    states[key] = State(alternative.id, key, kept=kept or [])
        for key in keys or tuple(states):
            if key in states:
                following.follow(alternative, states[key], event, known_at=known_at, carries=bool(keys))
    undecided = {end.arrival for state in former.values() for end in heads(state)}
    if past.late is not None:
        undecided.add(past.late.received_at)
    for state in states.values():
        _leave_out_ancient(alternative, state, past.now, undecided)
    return [*states.values(), *(state for key, state in former.items() if key not in states)]


def _waited_for(rule: Rule, states: list[State], past: Past) -> list[Instant] | None:
    """Where a rule was edited: since when it was waiting, by whatever branch and key that was."""
    if rule.age.edited_at <= max(rule.age.activated_at, past.loaded_at):
        return None
    ids = rule.branches_ever
    return [end.arrival for state in states if state.alternative in ids for end in heads(state)]


def _leave_out_ancient(alternative: Alternative, state: State, now: Instant, undecided: set[Instant]) -> None:
    """Leaves out matches so old that their marks are forgotten, unless they are known to be undecided."""
    horizon = now - alternative.rule.fresh - alternative.reach

    def is_ancient(end: End) -> bool:
        return following.due(alternative, end) < horizon and end.arrival not in undecided

    if state.wait is not None and is_ancient(state.wait):
        state.clear()
    if state.pending:
        state.pending = [end for end in state.pending if not is_ancient(end)]


def _give_up(alternative: Alternative, replay: Replay) -> int:
    """Keeps the number of open keys within bounds; returns how many were given up."""
    if alternative.rule.by is None:
        return 0
    own = [state for state in replay.states if state.alternative == alternative.id]
    idle = sorted(own, key=lambda state: state.touched_at)[: max(0, len(own) - MOST_KEYS)]
    replay.states = [state for state in replay.states if not any(state is each for each in idle)]
    return len(idle)
