"""What goes out next: within a sink's limits, in each person's order, as full as it is worth waiting for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from hub.connector import Limits
from hub.delivery.house import Aim, House
from hub.delivery.limits import Limiter
from hub.delivery.track import Track
from hub.delivery.work import Group, Job, fitting
from hub.errors import StoreUnavailable
from hub.event import Instant

READ_AT_ONCE = 500
LEAST_WINDOW = 2000
GATHER_SECONDS = 0.01
"""A request costs the same with one delivery or a hundred: at most so often it leaves half empty."""
FAILED_AT_ONCE = 16


class Chooser:
    """Chooses requests for a lane, and counts what is out.

    `wake` is called when a request that gathered for a while may go.
    """

    def __init__(self, aim: Aim, house: House, tracks: Mapping[str, Track], wake: Callable[[], None]) -> None:
        self.limiters = _limiters(aim)
        self.end = 0
        """How far the outbox goes."""
        self.pressed_at: Instant = 0
        """Since when something waits for what is not written; 0 while nothing does."""
        self.number = 0
        """The newest request."""
        self._aim = aim
        self._house = house
        self._tracks = tracks
        self._wake = wake
        self._out = 0
        self._requests = 0
        self._gathering: asyncio.TimerHandle | None = None
        self._left_at = 0.0
        self._most = max((limits.in_flight * limits.batch for limits in aim.limits.values()), default=1)

    def choose(self, track: Track, now: Instant, *, probe: bool) -> Group | None:
        """The next request of a class; None where there is none, or none may go."""
        if not probe:
            return track.waiting.take(now, self._may) or self._fresh(track, now)
        # A probe asks about the sink: one that never failed tells more than one that may itself be the fault.
        if len(track.waiting) < FAILED_AT_ONCE and (fresh := self._fresh(track, now)):
            return fresh
        return track.waiting.take(1 << 62, self._may)

    def group(self, action: str, jobs: list[Job], *, failures: int = 0) -> Group:
        """Jobs that travel together, under a number of their own."""
        self.number += 1
        return Group(action, jobs, number=self.number, failures=failures)

    def again(self, jobs: list[Job], number: int) -> tuple[list[Group], list[Job]]:
        """A request of before as it was, or in parts where it has become too long; and who must wait."""
        limits = self._aim.limits.get(jobs[0].action)
        requests, late = fitting(jobs, max(1, limits.batch)) if limits else ([jobs], [])
        if len(requests) == 1:
            return [Group(jobs[0].action, requests[0], number=number)], late
        return [self.group(part[0].action, part) for part in requests], late

    def leaves(self, group: Group, now: Instant) -> Limiter:
        """A request goes out; returns what limits it, for `returns`."""
        limiter = self._limiter(group.action, len(group.jobs))
        limiter.use(now)
        limiter.flying += 1
        self._out += len(group.jobs)
        self._requests += 1
        self.pressed_at = 0
        self._left_at = asyncio.get_running_loop().time()
        return limiter

    def returns(self, limiter: Limiter, count: int) -> None:
        """A request with so many deliveries is over."""
        limiter.flying -= 1
        self._out -= count
        self._requests -= 1

    @property
    def is_stuck(self) -> bool:
        """Whether something waits for what is not written, and nothing is out that could end the wait."""
        return self.pressed_at > 0 and not self._out

    def read(self, track: Track, now: Instant) -> None:
        """Takes up what was planned since, as much as there is room for."""
        while track.lines.count < self._most and track.read < self.end:
            if self.is_full(track):
                self._house.settle(self._aim.sink)
                return
            if not track.routes:
                track.read = self.end
                return
            rows = self._house.state.outbox(track.read, track.routes, READ_AT_ONCE)
            track.plan(rows, now)
            last = rows[-1].seq if rows else 0
            track.read = last if len(rows) == READ_AT_ONCE else max(last, self.end)

    def is_full(self, track: Track) -> bool:
        """Whether a class holds as much in memory as it may."""
        return len(track.window) >= max(LEAST_WINDOW, 2 * self._most)

    def _fresh(self, track: Track, now: Instant) -> Group | None:
        self.read(track, now)
        for action in track.lines.actions():
            limits = self._aim.limits.get(action) or Limits()
            if self._gathers(track, limits):
                continue
            most = self._room(action, min(limits.batch, track.lines.count))
            if not most and action in self._aim.alone:
                # Together they would have to wait; one of them need not.
                most = self._room(action, min(1, track.lines.count))
            jobs = self._cut(track, track.lines.take(action, most), limits.bytes) if most else []
            if len(jobs) == 1 < most and not self._room(action, 1):
                self._back(track, jobs)
                continue
            if jobs:
                return self.group(action, jobs)
        return None

    def _back(self, track: Track, jobs: list[Job]) -> None:
        track.lines.put_back(jobs)
        track.lines.release({track.lines.turn(job) for job in jobs})

    def _gathers(self, track: Track, limits: Limits) -> bool:
        """While something is out, a request that is not full waits a few milliseconds for more."""
        if limits.batch < 2 or track.lines.count >= limits.batch or not self._requests:
            return False
        loop = asyncio.get_running_loop()
        wait = self._left_at + GATHER_SECONDS - loop.time()
        if wait <= 0:
            return False
        if self._gathering is None:
            self._gathering = loop.call_later(wait, self._gathered)
        return True

    def _gathered(self) -> None:
        self._gathering = None
        self._wake()

    def _room(self, action: str, count: int) -> int:
        """How many of so many may go now: all, or where nothing is out those that still may."""
        limiter = self._limiter(action, count)
        if limiter.full or limiter.wait(self._house.clock.now()):
            return 0
        uncommitted = sum(track.uncommitted for track in self._tracks.values())
        left = self._most - self._out - uncommitted
        if count <= left or not (self._out or uncommitted):
            return count
        # What is not written may be sent twice after a crash: that much and no more.
        if uncommitted:
            self.pressed_at = self.pressed_at or self._house.clock.now()
            self._house.settle(self._aim.sink)
        return 0 if self._out else max(left, 0)

    def _limiter(self, action: str, count: int) -> Limiter:
        if count == 1 and action in self._aim.alone:
            return self.limiters[f"{action}, alone"]
        return self.limiters[action if action in self._aim.apart else ""]

    def _may(self, group: Group) -> bool:
        return self._room(group.action, len(group.jobs)) >= len(group.jobs)

    def _cut(self, track: Track, jobs: list[Job], most: int) -> list[Job]:
        if not most or len(jobs) < 2:
            return jobs
        total, fits = 0, 0
        try:
            for size in self._house.desk.sizes(jobs):
                total += size
                if fits and total > most:
                    break
                fits += 1
        except StoreUnavailable:
            self._back(track, jobs)
            raise
        taken, rest = jobs[:fits], jobs[fits:]
        track.lines.put_back(rest)
        track.lines.release(
            {track.lines.turn(job) for job in rest} - {track.lines.turn(job) for job in taken}
        )
        return taken


def _limiters(aim: Aim) -> dict[str, Limiter]:
    shared = next((limits for action, limits in aim.limits.items() if action not in aim.apart), Limits())
    apart = {action: Limiter(aim.limits[action]) for action in aim.apart}
    alone = {f"{action}, alone": Limiter(limits) for action, limits in aim.alone.items()}
    return {"": Limiter(shared), **apart, **alone}
