"""How far one class of one sink is: a position, and rows for what the position may not stand for.

The position is the outbox row up to which every delivery has ended or has a row of its own. What is in flight
lives in memory alone: after a crash it is read again and tried again under the same ids.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from hub.delivery.lines import Lines
from hub.delivery.work import Group, Job, Waiting
from hub.event import Instant, Message, PersonId, person_text
from hub.store.port import Kept, Planned, Settlement, Standing

PATIENT = 1_000_000
"""How long the position waits for one that is out, when others behind it have ended."""
HELD_AT_ONCE = 500
COUNTED_AT_ONCE = 20_000
"""As many rows of the outbox are counted without holding anybody up."""

_encode = msgspec.json.Encoder().encode

Again = Callable[[list[Job], int], tuple[list[Group], list[Job]]]
"""The requests that those of one request of before travel in now, and who must wait for the others."""
FALLBACK = "fallback"
"""Why a message's delivery was not tried further: another action has taken the message over."""


class Track:
    """The deliveries of one class of one sink, from the outbox to their end."""

    def __init__(self, sink: str, lane: str, position: int, *, ordered: bool = True) -> None:
        self._ordered = ordered
        self.sink = sink
        self.lane = lane
        self.position = position
        self.read = position
        self.routes: dict[int, tuple[str, ...]] = {}
        self.lines = Lines(ordered=ordered)
        self.waiting = Waiting()
        self.window: deque[Job] = deque()
        self.window_ended = 0
        self._kept: dict[tuple[int, str], Job] = {}
        self._changed: dict[tuple[int, str], Job] = {}
        self._passing: list[Job] = []
        self._leaving: list[Job] = []
        self._changed_ended = 0
        self._committing = 0
        self._recalled: list[object] = []
        self.owed = 0
        """Deliveries that were read, now or before a restart, and have not ended."""
        self._unread = 0
        self._counted = position

    def plan(self, rows: Iterable[Planned], now: Instant) -> None:
        """Rows of the outbox, in order, join the lines."""
        for row in rows:
            jobs = []
            for action in self.routes[row.routes]:
                job = Job(row.seq, row.entry, row.person, action, identifiers=row.identifiers)
                job.seen_at, job.message, job.sync = now, row.message, row.sync
                jobs.append(job)
                self.lines.add(job)
            self.owed += len(jobs)
            if row.seq <= self._counted:
                self._unread -= len(jobs)
            if len(jobs) > 1:
                for job in jobs:
                    job.siblings = tuple(jobs)
            if jobs:
                self.window.append(jobs[0])

    def adopt(self, kept: Sequence[Kept], outbox: dict[int, Planned], again: Again) -> None:
        """Rows of before a restart come back; those of one request stay together, as far as they may now."""
        batches: dict[int, list[Job]] = {}
        first_in: dict[PersonId, object] = {}
        for row in kept:
            if (row.seq, row.action) in self._kept:
                continue
            whose = row.person if self._ordered else None
            request = row.batch or (row.seq, row.action)
            if whose is not None and first_in.setdefault(whose, request) != request:
                # It stands behind its person's first one: as another action of the same event, or put back
                # though its row still names the request of before. It comes when its person's turn comes.
                continue
            job = self._job(row, outbox)
            self.lines.hold([job], stored=True)
            batches.setdefault(row.batch or -len(batches) - 1, []).append(job)
        retry_at = {(row.seq, row.action): row.retry_at for row in kept}
        for number, whole in batches.items():
            groups, late = again(whole, max(number, 0))
            for job in late:
                # It stays in the store as well, until its person's turn comes.
                del self._kept[job.seq, job.action]
            for group in groups:
                group.failures = max(job.failures for job in group.jobs)
                group.retry_at = max(retry_at[job.seq, job.action] for job in group.jobs)
                self.waiting.add(group)

    def replay(self, kept: Sequence[Kept], outbox: dict[int, Planned]) -> None:
        """Dead letters take their places again."""
        for row in kept:
            if (row.seq, row.action) not in self._kept:
                self.owed += 1
                self.lines.insert(self._job(row, outbox))

    def _job(self, row: Kept, outbox: dict[int, Planned]) -> Job:
        planned = outbox.get(row.seq)
        job = Job(
            row.seq, row.entry, row.person, row.action, identifiers=planned.identifiers if planned else ()
        )
        if planned is not None:
            job.message, job.sync = planned.message, planned.sync
        job.id, job.reason = row.id, row.reason
        job.attempts, job.failures, job.first_at = row.attempts, row.failures, row.first_at
        job.kept = True
        self._kept[row.seq, row.action] = job
        return job

    def end(self, job: Job, standing: Standing, reason: str, now: Instant) -> None:
        """A delivery ended; it is written with the next settlement.

        A message that has a further road is not dead: the engine hears why this one gave up.
        """
        self.owed -= 1
        further = standing is Standing.DEAD and job.message is not None and bool(job.message.next)
        job.standing, job.reason, job.group = standing, reason, None
        if further:
            job.standing, job.reason = Standing.SKIPPED, FALLBACK
        if job.kept:
            self._changed[job.seq, job.action] = job
            self._changed_ended += 1
        else:
            self.window_ended += 1
        if standing is not Standing.DELIVERED:
            job.outcome = self._outcome(job, now, reason, job.message if further else None)

    def wait(self, group: Group, retry_at: Instant) -> None:
        """A request failed for now; it is tried again as it is."""
        group.retry_at = retry_at
        self.waiting.add(group)
        self.lines.fail(group.jobs)
        self.note(group.jobs)

    def note(self, jobs: Iterable[Job]) -> None:
        """What is known of these changed: those with rows are written again."""
        for job in jobs:
            if job.kept:
                self._changed[job.seq, job.action] = job

    def let_go(self, jobs: Iterable[Job]) -> None:
        """These people's requests are over; whose next ones stand in the store, `recall` brings back."""
        self._recalled += self.lines.release(dict.fromkeys(self.lines.turn(job) for job in jobs))

    def recall(self, held: Callable[[PersonId, int], tuple[Sequence[Kept], dict[int, Planned]]]) -> None:
        """Brings deliveries back from the store; `held` reads a person's, and what was planned of them.

        Where it cannot, the rest is asked for the next time.
        """
        while self._recalled:
            turn = self._recalled[-1]
            assert isinstance(turn, int)
            rows, outbox = held(PersonId(turn), HELD_AT_ONCE)
            self._recalled.pop()
            fresh = [self._job(row, outbox) for row in rows if (row.seq, row.action) not in self._kept]
            self.lines.refill(turn, fresh, rows[-1].seq + 1 if len(rows) == HELD_AT_ONCE else None)

    def is_counted(self, end: int) -> bool:
        """Whether `left` is exact the next time."""
        return end - max(self._counted, self.read) <= COUNTED_AT_ONCE

    def left(self, end: int, counts: Callable[[int, int], Mapping[int, int]]) -> int:
        """How many deliveries up to `end` have not ended; of a long backlog, those that were counted so far.

        `counts` says how many rows between two take each set of routes; each row is counted once.
        """
        start = max(self._counted, self.read)
        if start < end:
            self._counted = min(end, start + COUNTED_AT_ONCE)
            found = counts(start, self._counted)
            self._unread += sum(found.get(one, 0) * len(actions) for one, actions in self.routes.items())
        return self.owed + self._unread

    @property
    def uncommitted(self) -> int:
        """Deliveries that ended and are not written down yet."""
        return self.window_ended + self._changed_ended + self._committing

    def collect(self, now: Instant, *, may_pass: bool, pressed: bool, full: bool) -> Settlement | None:
        """What is to be written: how far the position goes, and the rows that it leaves behind.

        `pressed`: what is out waits for what is not written; `full`: no more fits into memory.
        """
        rows: list[Kept] = []
        counts = [0, 0, 0, 0]
        outcomes: list[bytes] = []
        window = self.window
        while window:
            unit = window[0].siblings or (window[0],)
            if not all(self._passable(job, now, may_pass, pressed, full) for job in unit):
                break
            for job in unit:
                self._pass(job, now, rows, counts)
                if job.outcome:
                    outcomes.append(job.outcome)
            window.popleft()
        outcomes += [job.outcome for job in self._changed.values() if job.outcome]
        self._collect_changed(now, rows, counts)
        position = max(self.position, window[0].seq - 1 if window else self.read)
        if not rows and position == self.position and not any(counts):
            return None
        self.position = position
        self._committing += sum(counts)
        return Settlement(self.sink, self.lane, position, counts[1], counts[2], counts[3], rows, outcomes)

    def committed(self) -> None:
        """What `collect` gave is written."""
        self._committing = 0
        for job in self._leaving:
            self._kept.pop((job.seq, job.action), None)
        held = [job for job in self._passing if self.lines.is_held(job)]
        for job in self.lines.drop(held):
            self._kept.pop((job.seq, job.action), None)
        self._leaving, self._passing = [], []

    def _passable(self, job: Job, now: Instant, may_pass: bool, pressed: bool, full: bool) -> bool:
        if job.standing is not Standing.WAITING:
            return True
        if not may_pass:
            return False
        failed = job.group is not None and job.group.retry_at > 0
        if failed and job.failures:
            # With a row of its own, people see why it waits.
            return True
        failed = failed or self.lines.is_held(job, failing=True)
        if full and (failed or self.lines.is_held(job)):
            return True
        return self.window_ended > 0 and (failed or pressed or now - job.seen_at >= PATIENT)

    def _pass(self, job: Job, now: Instant, rows: list[Kept], counts: list[int]) -> None:
        if job.standing is Standing.WAITING:
            job.kept = True
            self._kept[job.seq, job.action] = job
            self._passing.append(job)
            rows.append(self._row(job, now))
            return
        counts[job.standing] += 1
        self.window_ended -= 1
        if job.standing is not Standing.DELIVERED or job.failures:
            rows.append(self._row(job, now))

    def _collect_changed(self, now: Instant, rows: list[Kept], counts: list[int]) -> None:
        for job in self._changed.values():
            rows.append(self._row(job, now))
            if job.standing is not Standing.WAITING:
                counts[job.standing] += 1
                self._leaving.append(job)
        self._changed.clear()
        self._changed_ended = 0

    def _row(self, job: Job, now: Instant) -> Kept:
        group = job.group
        return Kept(
            self.sink,
            self.lane,
            job.seq,
            job.action,
            job.entry,
            None if job.person is None else PersonId(job.person),
            job.standing,
            group.number if group and len(group.jobs) > 1 else 0,
            job.attempts,
            job.failures,
            job.first_at,
            group.retry_at if group else 0,
            now,
            job.id,
            job.reason,
        )

    def _outcome(self, job: Job, now: Instant, reason: str, message: Message | None) -> bytes:
        return _encode(
            {
                "message": message,
                "delivery": job.id,
                "sink": self.sink,
                "action": job.action,
                "person": None if job.person is None else person_text(job.person),
                "entry": job.entry,
                "state": job.standing.name.lower(),
                "reason": reason,
                "attempts": job.attempts,
                "at": now,
            }
        )
