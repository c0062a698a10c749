"""After a restart: what stood behind its person's first delivery stands there again."""

from __future__ import annotations

from hub.delivery.track import Track
from hub.event import PersonId
from hub.store.port import Kept, Standing


def row(seq: int, *, person: int, batch: int) -> Kept:
    who = PersonId(person)
    return Kept(
        "s", "forward", seq, "send", seq, who, Standing.WAITING, batch, 1, 1, 1, seq, 1, f"d{seq}", "500"
    )


def test_a_row_that_names_a_former_request_does_not_overtake_its_persons_first_one() -> None:
    track = Track("s", "forward", 0)

    track.adopt([row(10, person=1, batch=8), row(11, person=2, batch=8), row(12, person=1, batch=5)], {})

    groups = track.waiting.groups()
    assert [[job.seq for job in group.jobs] for group in groups] == [[10, 11]]


def test_those_of_one_request_stay_together() -> None:
    track = Track("s", "forward", 0)

    track.adopt([row(10, person=1, batch=8), row(12, person=1, batch=8)], {})

    groups = track.waiting.groups()
    assert [[job.seq for job in group.jobs] for group in groups] == [[10, 12]]
