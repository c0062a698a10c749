"""Whose turn it is: each person's deliveries stand in line, and a person is in one request at a time."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from heapq import heappop, heappush

from hub.delivery.work import Job


class _Line:
    __slots__ = ("busy", "called", "failing", "jobs", "stored")

    def __init__(self) -> None:
        self.jobs: deque[Job] = deque()
        self.busy = False
        """In a request, or in one that waits for its next attempt."""
        self.failing = False
        """That request failed and will be tried again: those behind it wait for long."""
        self.stored = False
        """More of this person's deliveries are in the store, before those in `jobs`."""
        self.called: tuple[str, int] | None = None
        """The action and the number that it was called for; None while nobody is ready."""


class Lines:
    """The deliveries of a lane that are not out: in order per person, the oldest first otherwise.

    With `ordered=False` every delivery is a line of its own.
    """

    def __init__(self, *, ordered: bool = True) -> None:
        self._ordered = ordered
        self._lines: dict[object, _Line] = {}
        self._ready: dict[str, list[tuple[int, int, object]]] = {}
        self._calls = 0
        self.count = 0

    def turn(self, job: Job) -> object:
        """Whose line a job stands in."""
        return job.turn if self._ordered else (job.seq, job.action)

    def add(self, job: Job) -> None:
        """A job takes its place at the end of its person's line."""
        turn = self.turn(job)
        line = self._lines.get(turn)
        if line is None:
            line = self._lines[turn] = _Line()
        line.jobs.append(job)
        self.count += 1
        if len(line.jobs) == 1 and not line.busy:
            self._call(turn, line)

    def put_back(self, jobs: Iterable[Job]) -> None:
        """Jobs go back to the front of their lines, in their order; the lines are not called."""
        for job in reversed(list(jobs)):
            self._lines.setdefault(self.turn(job), _Line()).jobs.appendleft(job)
            job.group = None
            self.count += 1

    def insert(self, job: Job) -> None:
        """A job of before (a replay) takes its place in its person's line by its number."""
        turn = self.turn(job)
        line = self._lines.setdefault(turn, _Line())
        place = next((n for n, other in enumerate(line.jobs) if other.seq > job.seq), len(line.jobs))
        line.jobs.insert(place, job)
        self.count += 1
        if not line.busy:
            self._call(turn, line)

    def take(self, action: str, most: int) -> list[Job]:
        """The next request's jobs; their people are busy until `release`."""
        ready = self._ready.get(action)
        taken: list[Job] = []
        busy: list[_Line] = []
        while ready and len(taken) < most:
            seq, _, turn = heappop(ready)
            line = self._lines.get(turn)
            if line is None or line.called != (action, seq):
                continue
            if not line.busy:
                line.busy = True
                busy.append(line)
            taken.append(line.jobs.popleft())
            line.called = None
            if line.jobs and line.jobs[0].action == action:
                # The person's next one may travel in the same request, if nobody's older one fills it.
                self._call(turn, line)
        for line in busy:
            line.called = None
        self.count -= len(taken)
        return taken

    def hold(self, jobs: Iterable[Job], *, stored: bool = False) -> None:
        """Jobs that are out without having stood here: their people are busy."""
        for job in jobs:
            line = self._lines.setdefault(self.turn(job), _Line())
            line.busy, line.called = True, None
            line.stored = line.stored or (stored and job.person is not None and self._ordered)

    def release(self, turns: Iterable[object]) -> list[object]:
        """These people's requests are settled; returns those of whom more is in the store."""
        stored = []
        for turn in turns:
            line = self._lines.get(turn)
            if line is None or not line.busy:
                continue
            line.busy = line.failing = False
            if line.stored:
                line.busy = True
                stored.append(turn)
            elif line.jobs:
                self._call(turn, line)
            else:
                del self._lines[turn]
        return stored

    def refill(self, turn: object, jobs: Iterable[Job], *, more: bool) -> None:
        """A person's deliveries from the store stand before those that came since."""
        line = self._lines[turn]
        line.stored = more
        line.busy = False
        before = list(jobs)
        line.jobs.extendleft(reversed(before))
        self.count += len(before)
        if line.jobs:
            self._call(turn, line)
        else:
            del self._lines[turn]

    def fail(self, jobs: Iterable[Job]) -> None:
        """These jobs' request will be tried again: their people's later ones wait behind it."""
        for job in jobs:
            if (line := self._lines.get(self.turn(job))) is not None:
                line.failing = True

    def is_held(self, job: Job, *, failing: bool = False) -> bool:
        """Whether a job stands behind one of its person's that is out (or, if asked, that is failing)."""
        line = self._lines.get(self.turn(job))
        if job.group is not None or line is None:
            return False
        return line.failing or line.stored or (line.busy and not failing)

    def drop(self, jobs: Iterable[Job]) -> list[Job]:
        """Held jobs that are now in the store leave memory; `refill` brings them back. Returns who left."""
        left = []
        for job in jobs:
            line = self._lines.get(self.turn(job))
            if (
                job.person is not None
                and line is not None
                and line.busy
                and line.jobs
                and line.jobs[0] is job
            ):
                line.jobs.popleft()
                line.stored = True
                self.count -= 1
                left.append(job)
        return left

    def actions(self) -> list[str]:
        """Actions for which somebody is ready."""
        return [action for action, ready in self._ready.items() if ready]

    def _call(self, turn: object, line: _Line) -> None:
        first = line.jobs[0]
        called = (first.action, first.seq)
        if line.called == called:
            return
        line.called = called
        ready = self._ready.get(first.action)
        if ready is None:
            ready = self._ready[first.action] = []
        # The count keeps turns, which do not compare, out of the comparison.
        self._calls += 1
        heappush(ready, (first.seq, self._calls, turn))
