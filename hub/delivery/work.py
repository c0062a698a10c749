"""What is on its way: jobs (one delivery each), and groups of them that travel together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from heapq import heapify, heappop, heappush

from hub.event import Identifier, Instant, Message
from hub.store.port import Standing, Sync


class Job:
    """One delivery on its way through a lane."""

    __slots__ = (
        "action",
        "attempts",
        "entry",
        "failures",
        "first_at",
        "group",
        "id",
        "identifiers",
        "kept",
        "message",
        "outcome",
        "person",
        "reason",
        "seen_at",
        "seq",
        "siblings",
        "standing",
        "sync",
    )

    def __init__(
        self, seq: int, entry: int, person: int | None, action: str, *, identifiers: tuple[Identifier, ...]
    ) -> None:
        self.seq = seq
        self.entry = entry
        self.person = person
        self.action = action
        self.identifiers = identifiers
        self.message: Message | None = None
        self.sync: Sync | None = None
        self.id = ""
        self.standing = Standing.WAITING
        self.reason = ""
        self.outcome = b""
        """What is told of its end, together with the writing of it."""
        self.attempts = 0
        self.failures = 0
        self.first_at: Instant = 0
        self.seen_at: Instant = 0
        self.group: Group | None = None
        self.kept = False
        """It has a row of its own: the lane's position no longer stands for it."""
        self.siblings: tuple[Job, ...] = ()
        """All jobs of the same outbox row in this lane, where there are several."""

    @property
    def turn(self) -> object:
        """Who must not be overtaken: the person, or nobody but itself."""
        return (self.seq, self.action) if self.person is None else self.person


class Group:
    """Jobs of one action that travel in one request, and what became of its attempts."""

    __slots__ = ("action", "arrivals", "failures", "jobs", "number", "retry_at")

    def __init__(self, action: str, jobs: list[Job], *, number: int = 0, failures: int = 0) -> None:
        self.action = action
        self.jobs = jobs
        self.number = number
        self.failures = failures
        self.retry_at: Instant = 0
        """When it is tried again; 0 while it is out."""
        self.arrivals = 0
        """How many requests the sink had taken when this one first failed."""
        for job in jobs:
            job.group = self


class Waiting:
    """Groups that failed for now, by the time when they are tried again."""

    def __init__(self) -> None:
        self._heap: list[tuple[Instant, int, Group]] = []
        self._added = 0

    def __len__(self) -> int:
        return len(self._heap)

    def add(self, group: Group) -> None:
        """It waits until its `retry_at`."""
        self._added += 1
        heappush(self._heap, (group.retry_at, self._added, group))

    def take(self, now: Instant, ready: Callable[[Group], bool]) -> Group | None:
        """The first group that is due and may go now; those that may not keep their places."""
        aside, found = [], None
        while self._heap and self._heap[0][0] <= now:
            item = heappop(self._heap)
            if ready(item[2]):
                found = item[2]
                break
            aside.append(item)
        for item in aside:
            heappush(self._heap, item)
        return found

    def next_at(self) -> Instant | None:
        """When the first one is due."""
        return self._heap[0][0] if self._heap else None

    def all_due(self, now: Instant) -> None:
        """What they waited for has passed: all of them are due, in their order."""
        for _, _, group in self._heap:
            group.retry_at = min(group.retry_at, now)
        self._heap = [(group.retry_at, added, group) for _, added, group in self._heap]
        heapify(self._heap)

    def groups(self) -> list[Group]:
        """All of them."""
        return [group for _, _, group in self._heap]

    def remove_empty(self) -> None:
        """Groups without jobs are forgotten."""
        self._heap = [item for item in self._heap if item[2].jobs]
        heapify(self._heap)


def fitting(jobs: Sequence[Job], most: int) -> tuple[list[list[Job]], list[Job]]:
    """The requests of at most so many that these travel in, each person in one of them; and who must wait."""
    if len(jobs) <= most:
        return [list(jobs)], []
    one, other = halves(jobs)
    if {job.turn for job in one} & {job.turn for job in other}:
        return [list(jobs[:most])], list(jobs[most:])
    parts = [fitting(half, most) for half in (one, other)]
    return [group for groups, _ in parts for group in groups], [job for _, late in parts for job in late]


def halves(jobs: Sequence[Job]) -> tuple[list[Job], list[Job]]:
    """Two parts of a request that was refused, each tried for itself.

    No person stands in both, so that both may go at once; where there is only one person, the second part has
    to wait for the first.
    """
    counts: dict[object, int] = {}
    for job in jobs:
        counts[job.turn] = counts.get(job.turn, 0) + 1
    if len(counts) == 1:
        middle = len(jobs) // 2
        return list(jobs[:middle]), list(jobs[middle:])
    first: set[object] = set()
    size = 0
    for turn, count in list(counts.items())[:-1]:
        if first and size + count > len(jobs) // 2:
            break
        first.add(turn)
        size += count
    return [job for job in jobs if job.turn in first], [job for job in jobs if job.turn not in first]
