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


@settings(max_examples=200)
@given(st.lists(st.tuples(PEOPLE, ACTIONS), max_size=60), st.data())
def test_each_person_is_in_one_request_at_a_time_and_in_order(planned, data):
    lines = Lines()
    for seq, (person, action) in enumerate(planned):
        lines.add(job(seq, person, action))
    out: list[list[Job]] = []
    sent: list[Job] = []
    while lines.count or out:
        if lines.actions() and (not out or data.draw(st.booleans())):
            taken = lines.take(data.draw(st.sampled_from(lines.actions())), data.draw(st.integers(1, 6)))
            busy = {one.turn for request in out for one in request}
            assert not busy & {one.turn for one in taken}
            if taken:
                out.append(taken)
        elif out:
            over = out.pop(data.draw(st.integers(0, len(out) - 1)))
            keep = data.draw(st.integers(0, len(over)))
            if data.draw(st.booleans()):
                lines.put_back(over[keep:])
                over, back = over[:keep], over[keep:]
            else:
                back = []
            sent += over
            lines.release(dict.fromkeys(one.turn for one in (*over, *back)))

    assert len(sent) == len(planned)
    for person in range(1, 6):
        theirs = [one.seq for one in sent if one.person == person]
        assert theirs == sorted(theirs)


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
    lines.refill(1, [second], more=False)

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
