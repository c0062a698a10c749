"""When a sync is due: at once, then not more often than asked, and never without a change."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hub.event import Identifier, Synced
from hub.profiles.syncing import look, said_of, united

EVERY = 60


def play(changes: list[tuple[int, str]]) -> list[tuple[int, str]]:
    """What goes out, and when, if timers ring when they are due."""
    kept: Synced | None = None
    current, sent = "", []
    now = 0
    for pause, said in [*changes, (10 * EVERY, "")]:
        until = now + pause
        while kept is not None and kept.due and kept.due <= until:
            now = kept.due
            kept, is_due = look(kept, current, now, every=EVERY)
            sent += [(now, current)] if is_due else []
        now = until
        current = said or current
        kept, is_due = look(kept, current, now, every=EVERY)
        sent += [(now, current)] if is_due else []
    return sent


def test_the_first_goes_at_once_and_what_comes_too_soon_at_the_end_of_the_time():
    assert play([(5, "a"), (1, "b"), (1, "c"), (1, "d")]) == [(5, "a"), (65, "d")]


def test_a_change_that_was_taken_back_says_nothing():
    assert play([(5, "a"), (1, "b"), (1, "a")]) == [(5, "a")]


def test_after_the_time_a_change_goes_at_once_again():
    assert play([(5, "a"), (60, "b"), (200, "c")]) == [(5, "a"), (65, "b"), (265, "c")]


@given(st.lists(st.tuples(st.integers(0, 100), st.sampled_from("abc")), max_size=30))
def test_never_too_often_never_the_same_twice_and_the_last_state_always(changes: list[tuple[int, str]]):
    sent = play(changes)

    times = [at for at, _ in sent]
    assert all(later - earlier >= EVERY for earlier, later in zip(times, times[1:], strict=False))
    assert all(one != other for (_, one), (_, other) in zip(sent, sent[1:], strict=False))
    assert not changes or sent[-1][1] == changes[-1][1]


@given(st.lists(st.tuples(st.integers(0, 100), st.sampled_from("abc")), max_size=30))
def test_without_a_shortest_distance_every_change_goes_at_once(changes: list[tuple[int, str]]):
    kept: Synced | None = None
    sent = []
    for number, (_, said) in enumerate(changes):
        kept, is_due = look(kept, said, number, every=0)
        sent += [said] if is_due else []

    expected = [said for at, (_, said) in enumerate(changes) if at == 0 or changes[at - 1][1] != said]
    assert sent == expected


def test_who_somebody_is_belongs_to_what_is_said_a_browser_does_not():
    email, browser = Identifier("email", "a@example.com"), Identifier("anonymous_id", "x")

    assert said_of({"plan": "pro"}, [browser]) == said_of({"plan": "pro"}, [])
    assert said_of({"plan": "pro"}, [email]) != said_of({"plan": "pro"}, [])
    assert said_of({"a": {"x": 1, "y": 2}}, []) == said_of({"a": {"y": 2, "x": 1}}, [])
    assert said_of({"plan": None}, [email]) == ""


def test_after_a_merge_everything_is_said_anew_but_not_too_soon():
    merged = united({"crm": Synced(100, "a", 160)}, {"crm": Synced(120, "a"), "news": Synced(7, "b")})

    assert merged == {"crm": Synced(120, ""), "news": Synced(7, "")}
    assert look(merged["crm"], "a", 130, every=EVERY) == (Synced(120, "", 180), False)
    assert look(merged["news"], "b", 130, every=EVERY) == (Synced(130, "b"), True)
