"""Whose turn it is: each person's deliveries stand in line, and a person is in one request at a time."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
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
        self.stored: int | None = None
        """From this number on, deliveries of this person may stand in the store alone; None: nowhere."""
        self.called: tuple[str, int] | None = None
        """The action and the number that it was called for; None while nobody is ready."""

    @property
    def is_ready(self) -> bool:
        """Whether its first job is the person's first one."""
        return bool(self.jobs) and (self.stored is None or self.jobs[0].seq < self.stored)


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
            if line.is_ready and line.jobs[0].action == action:
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
            if stored and job.person is not None and self._ordered:
                line.stored = max(line.stored or 0, job.seq + 1)

    def release(self, turns: Iterable[object]) -> list[object]:
        """These people's requests are settled; returns those whose next ones are in the store."""
        stored = []
        for turn in turns:
            line = self._lines.get(turn)
            if line is None or not line.busy:
                continue
            line.busy = line.failing = False
            if line.is_ready:
                self._call(turn, line)
            elif line.stored is not None:
                line.busy = True
                stored.append(turn)
            else:
                del self._lines[turn]
        return stored

    def refill(self, turn: object, jobs: Sequence[Job], stored: int | None) -> None:
        """A person's deliveries from the store take their places; from `stored` on there may be more."""
        line = self._lines[turn]
        line.stored = stored
        line.busy = False
        # One that was put back may be older than what the store held of those behind it.
        line.jobs = deque(sorted((*jobs, *line.jobs), key=lambda job: job.seq))
        self.count += len(jobs)
        if line.is_ready:
            self._call(turn, line)
        elif line.stored is None:
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
        behind = line.stored is not None and job.seq >= line.stored
        return line.failing or behind or (line.busy and not failing)

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
                line.stored = job.seq if line.stored is None else min(line.stored, job.seq)
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
