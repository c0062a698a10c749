"""Whose turn it is: order per person under any mix of requests, settlements and returns."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from hub.delivery.judging import judge, parts
from hub.delivery.lines import Lines
from hub.delivery.verdicts import Refused
from hub.delivery.work import Group, Job, Waiting, halves
from hub.errors import CredentialsRejected, GiveUp, RetryLater, Skip
from hub.store.port import Standing

PEOPLE = st.one_of(st.none(), st.integers(1, 5))
ACTIONS = st.sampled_from(["track", "profile"])


def job(seq: int, person: int | None = 1, action: str = "track") -> Job:
    made = Job(seq, seq, person, action, identifiers=())
    made.id = f"d{seq}"
    return made


class Store:
    """What left memory while it was held, and comes back a few at a time."""

    def __init__(self, lines: Lines, at_once: int) -> None:
        self._lines = lines
        self._at_once = at_once
        self._held: dict[object, list[Job]] = {}

    def take(self, jobs: list[Job]) -> None:
        for one in self._lines.drop(jobs):
            self._held.setdefault(one.turn, []).append(one)

    def let_go(self, turns: dict[object, None]) -> None:
        for turn in self._lines.release(turns):
            held = sorted(self._held.pop(turn, []), key=lambda one: one.seq)
            back, left = held[: self._at_once], held[self._at_once :]
            self._held[turn] = left
            self._lines.refill(turn, back, back[-1].seq + 1 if left else None)


@settings(max_examples=400)
@given(st.lists(st.tuples(PEOPLE, ACTIONS), max_size=60), st.integers(1, 3), st.data())
def test_each_person_is_in_one_request_at_a_time_and_in_order(planned, at_once, data):
    lines = Lines()
    store = Store(lines, at_once)
    waiting = [job(seq, person, action) for seq, (person, action) in enumerate(planned)]
    for one in waiting:
        lines.add(one)
    out: list[list[Job]] = []
    sent: list[Job] = []
    while len(sent) < len(planned):
        step = data.draw(st.sampled_from(["send", "land", "store"]))
        if step == "store":
            store.take(data.draw(st.sampled_from([waiting, waiting[::2], waiting[: len(waiting) // 2]])))
        elif lines.actions() and (step == "send" or not out):
            taken = lines.take(data.draw(st.sampled_from(lines.actions())), data.draw(st.integers(1, 6)))
            busy = {one.turn for request in out for one in request}
            assert not busy & {one.turn for one in taken}
            if taken:
                out.append(taken)
                waiting = [one for one in waiting if one not in taken]
        elif out:
            over = out.pop(data.draw(st.integers(0, len(out) - 1)))
            keep = data.draw(st.integers(0, len(over)))
            lines.put_back(over[keep:])
            sent += over[:keep]
            waiting = sorted((*over[keep:], *waiting), key=lambda one: one.seq)
            store.let_go(dict.fromkeys(one.turn for one in over))

    for person in range(1, 6):
        theirs = [one.seq for one in sent if one.person == person]
        assert theirs == sorted(theirs)


def test_one_that_was_put_back_goes_before_younger_ones_from_the_store():
    lines = Lines()
    first, second, third = job(1), job(2), job(3)
    for one in (first, second, third):
        lines.add(one)
    assert lines.take("track", 2) == [first, second]
    assert lines.drop([third]) == [third]
    lines.put_back([second])

    assert lines.release([1]) == []
    assert lines.take("track", 5) == [second]
    assert lines.release([1]) == [1]
    lines.refill(1, [third], None)
    assert lines.take("track", 5) == [third]


def test_the_oldest_goes_first():
    lines = Lines()
    for seq, person in enumerate([1, 1, 2, 3]):
        lines.add(job(seq, person))
    [first] = lines.take("track", 1)
    lines.release([first.turn])

    assert [one.seq for one in lines.take("track", 3)] == [1, 2, 3]


def test_without_order_a_person_may_be_in_many_requests():
    lines = Lines(ordered=False)
    for seq in range(3):
        lines.add(job(seq))

    assert [len(lines.take("track", 1)) for _ in range(3)] == [1, 1, 1]


def test_what_is_in_the_store_comes_before_what_came_since():
    lines = Lines()
    first, second, third = job(1), job(2), job(3)
    lines.add(first)
    lines.take("track", 1)
    lines.add(second)
    lines.add(third)
    assert lines.drop([second]) == [second]
    assert lines.release([1]) == [1]
    lines.refill(1, [second], None)

    assert lines.take("track", 5) == [second, third]


@given(st.lists(PEOPLE, min_size=2, max_size=40))
def test_halves_hold_everything_and_share_nobody_unless_there_is_only_one(people):
    jobs = [job(seq, person) for seq, person in enumerate(people)]
    one, other = halves(jobs)

    assert sorted(one + other, key=lambda j: j.seq) == jobs
    assert one and other
    shared = {j.turn for j in one} & {j.turn for j in other}
    assert not shared or len({j.turn for j in jobs}) == 1
    requests, back = parts(jobs, split=True)
    assert sum(map(len, requests)) + len(back) == len(jobs)
    assert not (back and len(requests) > 1)


def test_groups_come_back_when_they_are_due_and_may_go():
    waiting = Waiting()
    groups = [Group("track", [job(n)]) for n in range(3)]
    for n, group in enumerate(groups):
        group.retry_at = 10 * n + 1
        waiting.add(group)

    assert waiting.take(15, lambda group: group is groups[1]) is groups[1]
    assert waiting.take(15, lambda group: True) is groups[0]
    assert waiting.take(15, lambda group: True) is None
    assert waiting.next_at() == 21
    waiting.all_due(5)
    assert waiting.take(5, lambda group: True) is groups[2]


def test_a_refused_batch_is_halved_at_once_and_a_refused_one_is_dead():
    many, one = Group("track", [job(1), job(2, 2)]), Group("track", [job(3)])

    said = judge(many, Refused("answered 400"), halve=True)
    assert (said.split, said.soon, said.again) == (True, True, many.jobs)
    assert judge(one, Refused("answered 400"), halve=True).ended == [
        (one.jobs[0], Standing.DEAD, "answered 400")
    ]


def test_a_batch_that_fails_twice_is_halved_unless_the_sink_is_down():
    group = Group("track", [job(1), job(2, 2)])
    assert judge(group, RetryLater("500"), halve=True).split is False
    group.failures = 1

    assert judge(group, RetryLater("500"), halve=True).split is True
    assert judge(group, RetryLater("500"), halve=False).split is False


def test_a_connectors_own_word_about_a_whole_batch_holds_for_all_of_it():
    group = Group("track", [job(1), job(2, 2)])

    assert {s for _, s, _ in judge(group, GiveUp("no"), halve=True).ended} == {Standing.DEAD}
    assert {s for _, s, _ in judge(group, Skip("no"), halve=True).ended} == {Standing.SKIPPED}
    assert judge(group, CredentialsRejected("no"), halve=True).again == group.jobs


def test_a_bug_is_looked_for_by_going_singly():
    group = Group("track", [job(1), job(2, 2)])
    said = judge(group, KeyError("ann@example.com"), halve=True)

    assert (said.split, said.soon) == (True, True)
    assert said.reason == "the connector failed: KeyError"
    assert judge(Group("track", [job(1)]), KeyError("x"), halve=True).soon is False


def test_verdicts_name_those_that_did_not_arrive():
    jobs = [job(n, n) for n in range(1, 5)]
    said = judge(
        Group("track", jobs), {"d1": GiveUp("a"), "d2": RetryLater("b"), "d3": Skip("c")}, halve=True
    )

    assert [(one.seq, standing) for one, standing, _ in said.ended] == [
        (1, Standing.DEAD),
        (3, Standing.SKIPPED),
        (4, Standing.DELIVERED),
    ]
    assert said.again == [jobs[1]]
    assert said.sink is None
