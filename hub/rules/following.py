"""Follows one alternative through one person's events, in the order in which they happened.

Steps cannot refer to each other, so the latest chain is better than all others, and one chain for each
step is enough. What is written here holds while positions rise; an event that happened before others
that are known makes the caller follow the whole history anew.
"""

from __future__ import annotations

from hub.event import Event, Instant
from hub.rules.definitions import Alternative, Occurrence, Span
from hub.rules.memory import ALWAYS, Counted, End, State


def follow(alternative: Alternative, state: State, event: Event, *, known_at: Instant, carries: bool) -> None:
    """Takes one more event into a state; `carries` is false for one that lacks the key and can only break."""
    if (event.time, event.received_at) <= state.mark:
        return
    if state.wait is not None and event.time > state.wait.at + alternative.wait:
        ended = state.wait
        state.clear()
        state.pending.append(ended)
    _break(alternative, state, event)
    if carries:
        _step(alternative, state, event, known_at)


def _break(alternative: Alternative, state: State, event: Event) -> None:
    if state.wait is not None and alternative.breaks is not None and alternative.breaks(event):
        state.wait = None
    if not state.ends and not state.counted:
        return
    for number, step in enumerate(alternative.steps):
        if step.without is not None and step.without(event):
            if number and state.ends:
                state.ends[number - 1] = None
            if state.counted:
                state.counted[number] = []


def _step(alternative: Alternative, state: State, event: Event, known_at: Instant) -> None:
    # From the last step to the first, so that one event is never two steps of one chain.
    last = len(alternative.steps) - 1
    for number in range(last, -1, -1):
        step = alternative.steps[number]
        if not step.matches(event):
            continue
        end = _reached(alternative, state, number, event, known_at)
        if end is None:
            continue
        if number < last:
            _keep_end(alternative, state, number, end)
        elif alternative.breaks is None:
            state.clear()
            state.pending.append(end)
            return
        elif state.wait is None or alternative.rule.restart:
            state.wait = end


def _keep_end(alternative: Alternative, state: State, number: int, end: End) -> None:
    if not state.ends:
        state.ends = [None] * (len(alternative.steps) - 1)
    state.ends[number] = end


def _reached(
    alternative: Alternative, state: State, number: int, event: Event, known_at: Instant
) -> End | None:
    """The chain that this event brings to the end of a step, if there is one."""
    step = alternative.steps[number]
    before = state.ends[number - 1] if number and state.ends else None
    if number and (before is None or not in_time(alternative, step, before, event.time)):
        return None
    if step.times == 1:
        return _extended(before, event, event.time, known_at)
    counted = _count(alternative, state, number, Counted(event.time, known_at - event.time, before))
    if len(counted) < step.times:
        return None
    first = counted[0]
    if first.at <= event.time - step.window:
        return None
    if first.after is not None and not in_time(alternative, step, first.after, event.time):
        return None
    if alternative.all_within is not None and event.time - _first_of(first) > alternative.all_within:
        return None
    known = max(each.at + each.unknown for each in counted)
    return _extended(first.after, event, first.at, known)


def _first_of(counted: Counted) -> Instant:
    return counted.at if counted.after is None else counted.after.first_at


def _count(alternative: Alternative, state: State, number: int, counted: Counted) -> list[Counted]:
    if not state.counted:
        state.counted = [[] for _ in alternative.steps]
    times = alternative.steps[number].times
    found = [*state.counted[number], counted][-times:]
    state.counted[number] = found
    return found


def in_time(alternative: Alternative, step: Occurrence, before: End, at: Instant) -> bool:
    """May a step that ends at this time still continue the chain before it?"""
    if step.within is not None and at - before.at > step.within:
        return False
    return alternative.all_within is None or at - before.first_at <= alternative.all_within


def _extended(before: End | None, event: Event, first_at: Instant, known_at: Instant) -> End:
    lag = event.received_at - event.time
    if before is None:
        return End(event.time, lag, event.time - first_at, max(0, known_at - event.received_at))
    return End(
        event.time,
        lag,
        event.time - before.first_at,
        max(0, known_at - event.received_at, before.known_at - event.received_at),
        (*before.earlier, before.arrival),
    )


def head(state: State) -> End | None:
    """The match, or the open wait, that is to be decided first."""
    return state.pending[0] if state.pending else state.wait


def due(alternative: Alternative, end: End) -> Instant:
    """The moment of a match."""
    return end.at + alternative.wait


def decidable_at(alternative: Alternative, end: End) -> Instant:
    """When a match may be decided: a wait lingers for stragglers."""
    if alternative.breaks is None:
        return end.known_at
    return max(due(alternative, end), end.known_at) + alternative.rule.grace


def pass_mark(alternative: Alternative, state: State) -> None:
    """The match at the head is decided: only what comes after it counts from now on."""
    if state.pending:
        end = state.pending.pop(0)
    else:
        assert state.wait is not None, "a state without a head has nothing to decide"
        end = state.wait
        state.clear()
    waits = alternative.breaks is not None
    state.kept = [arrival for arrival in state.kept if arrival > end.arrival]
    state.mark_at = due(alternative, end)
    state.mark_lag = ALWAYS if waits else end.lag


def is_spent(alternative: Alternative, state: State, now: Instant, at: Instant) -> bool:
    """Is there nothing left in a state without a head that could matter? `at` is the newest event's time."""
    if state.mark_at and now - state.mark_at <= alternative.rule.fresh + alternative.reach:
        return False
    for number, end in enumerate(state.ends):
        if end is not None and at - end.at <= _patience(alternative, number):
            return False
    for number, counted in enumerate(state.counted):
        if counted and at - counted[-1].at < alternative.steps[number].window:
            return False
    return True


def _patience(alternative: Alternative, number: int) -> Span:
    """How long the chain after a step can wait for the next."""
    limits = (alternative.steps[number + 1].within, alternative.all_within)
    return min(limit for limit in limits if limit is not None)
