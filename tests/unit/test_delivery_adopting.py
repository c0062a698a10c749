"""After a restart: what stood behind its person's first delivery stands there again."""

from __future__ import annotations

from hub.delivery.track import Track
from hub.delivery.work import Group, Job, fitting
from hub.event import PersonId
from hub.store.port import Kept, Standing


def row(seq: int, *, person: int, batch: int, action: str = "send") -> Kept:
    who = PersonId(person)
    return Kept(
        "s", "forward", seq, action, seq, who, Standing.WAITING, batch, 1, 1, 1, seq, 1, f"d{seq}", "500"
    )


def as_it_was(jobs: list[Job], number: int) -> tuple[list[Group], list[Job]]:
    return [Group(jobs[0].action, jobs, number=number)], []


def test_a_row_that_names_a_former_request_does_not_overtake_its_persons_first_one() -> None:
    track = Track("s", "forward", 0)

    track.adopt(
        [row(10, person=1, batch=8), row(11, person=2, batch=8), row(12, person=1, batch=5)], {}, as_it_was
    )

    groups = track.waiting.groups()
    assert [[job.seq for job in group.jobs] for group in groups] == [[10, 11]]


def test_two_actions_of_one_event_do_not_go_at_once() -> None:
    track = Track("s", "forward", 0)

    rows = [row(10, person=1, batch=0, action=action) for action in ("profile", "track")]
    track.adopt(rows, {}, as_it_was)

    assert [[job.action for job in group.jobs] for group in track.waiting.groups()] == [["profile"]]


def test_those_of_one_request_stay_together() -> None:
    track = Track("s", "forward", 0)

    track.adopt([row(10, person=1, batch=8), row(12, person=1, batch=8)], {}, as_it_was)

    groups = track.waiting.groups()
    assert [[job.seq for job in group.jobs] for group in groups] == [[10, 12]]


def jobs(*people: int) -> list[Job]:
    return [Job(seq, seq, person, "send", identifiers=()) for seq, person in enumerate(people, 1)]


def test_a_request_that_has_become_too_long_goes_in_parts_with_each_person_in_one_of_them() -> None:
    requests, late = fitting(jobs(1, 2, 1, 3, 4, 2, 5), 3)

    whose = [{job.person for job in request} for request in requests]
    assert sorted(job.seq for request in requests for job in request) == [1, 2, 3, 4, 5, 6, 7]
    assert all(len(request) <= 3 for request in requests)
    assert sum(map(len, whose)) == 5 and late == []


def test_what_one_person_has_too_much_of_waits_for_the_first_part() -> None:
    requests, late = fitting(jobs(1, 1, 1, 1, 1), 2)

    assert [[job.seq for job in request] for request in requests] == [[1, 2]]
    assert [job.seq for job in late] == [3, 4, 5]
