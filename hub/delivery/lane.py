"""One sink's lane: what is due goes out, what comes back is judged, and a sick sink hurts only itself."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

import msgspec

from hub.delivery.backoff import SECOND, backoff
from hub.delivery.choosing import READ_AT_ONCE, Chooser
from hub.delivery.flight import Flight, Turns
from hub.delivery.hearing import Hearing
from hub.delivery.house import Aim, House
from hub.delivery.judging import Judgement, judge, parts
from hub.delivery.patience import SPENT, Patience
from hub.delivery.track import PATIENT, Track
from hub.delivery.verdicts import Slowed, asked
from hub.delivery.work import Group, Job
from hub.errors import CredentialsRejected, DeliveryError, RetryLater, Skip, StoreUnavailable
from hub.event import Instant, PersonId
from hub.store.port import Kept, Leg, Planned, Settlement, Standing
from hub.telemetry import log, names

CLASSES = ("message", "sync", "forward")
"""In the order in which they go first: a message to a person does not wait behind a backlog of forwards."""
PRESSED = SECOND // 20
"""How long others stand still for one that is out, before it gets a row and they go on."""

LAST_SECONDS = 1.0
"""How long a connector is waited for that was told to end."""


class Lane:
    """Everything that is on its way to one sink."""

    def __init__(self, aim: Aim, house: House) -> None:
        self.aim = aim
        self.stuck = False
        """What became of its deliveries cannot be written: nothing more goes out."""
        self.due_at: Instant | None = None
        self._house = house
        self._tracks: dict[str, Track] = {}
        self._chooser = Chooser(aim, house, self._tracks, self.wake)
        self._hearing = Hearing(aim.sink, house, self._opened)
        self.gate = self._hearing.gate
        self._patience = Patience(self.gate, house.desk)
        self._turns = Turns(self.wake)
        self._flights: dict[asyncio.Task[None], Flight] = {}
        self._wake = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._stopping = False
        self._trouble = ""
        self._remembered = self.gate.memory()
        self._load()

    # What it starts from

    def _load(self) -> None:
        house, sink = self._house, self.aim.sink
        now = house.clock.now()
        for (name, lane), row in house.kept.lanes().items():
            if name == sink:
                self._track(lane).position = self._track(lane).read = row.position
        memory = house.kept.memory(sink)
        if memory is not None:
            known = msgspec.json.decode(memory)
            self._hearing.recall(known["gate"], now)
            for name, use in known["limits"].items():
                if name in self._chooser.limiters:
                    self._chooser.limiters[name].recall(use, now)
        waiting = house.kept.waiting() if self._tracks else {}
        for track in self._tracks.values():
            track.owed = waiting.get((sink, track.lane), 0)
            rows = house.kept.heads(sink, track.lane, ordered=self.aim.ordered)
            self._chooser.number = max([self._chooser.number, *(row.batch for row in rows)])
            track.adopt(rows, house.state.outbox_rows([row.seq for row in rows]), self._chooser.again)

    def _track(self, lane: str) -> Track:
        track = self._tracks.get(lane)
        if track is None:
            track = self._tracks[lane] = Track(self.aim.sink, lane, 0, ordered=self.aim.ordered)
        return track

    def route(self, sets: Mapping[int, tuple[Leg, ...]], end: int) -> bool:
        """Takes the sets of routes, and how far the outbox goes; says whether anything may be new."""
        for number, legs in sets.items():
            for leg in legs:
                if leg.sink == self.aim.sink:
                    known = self._track(leg.lane).routes
                    if leg.action not in known.get(number, ()):
                        known[number] = (*known.get(number, ()), leg.action)
        self._chooser.end = end
        return any(track.read < end for track in self._tracks.values())

    def replayed(self, rows: Sequence[Kept], planned: dict[int, Planned]) -> None:
        """Dead letters that are to be tried again."""
        for row in rows:
            self._track(row.lane).replay([row], planned)
        self.wake()

    def resume(self, *, early: bool) -> None:
        """Somebody says that it is worth trying; `early`: though the vendor asked for a longer pause."""
        if early:
            for limiter in self._chooser.limiters.values():
                limiter.resume()
        self._hearing.resume(self._house.clock.now(), early=early)
        self.wake()

    # What it does

    def wake(self) -> None:
        """Looks again at what may go out."""
        self._wake.set()

    async def run(self) -> None:
        """Until cancelled: whenever something changed or is due, sends what may be sent."""
        self.wake()
        while True:
            await self._wake.wait()
            self._wake.clear()
            try:
                self._pump(self._house.clock.now())
            except StoreUnavailable as fault:
                self._read(f"a store cannot be read: {fault}")
                self._wake_at(self._house.clock.now() + SECOND)
            else:
                self._read("")

    def _read(self, trouble: str) -> None:
        if self._trouble != trouble:
            self._trouble = trouble
            self._house.report(f"lane of {self.aim.sink}", "degraded" if trouble else "ok", trouble)

    def _pump(self, now: Instant) -> None:
        self._turns.due(now)
        if self.stuck or self._stopping:
            self._wake_at(self._turns.next_at())
            return
        for track in self._tracks.values():
            track.recall(partial(self._held, track.lane))
        permit = self.gate.permit(now)
        for track in self._in_turn():
            if permit == "no":
                break
            if permit == "probe":
                if not self._flights and self._launch(track, now, probe=True):
                    break
                continue
            while self._launch(track, now, probe=False):
                pass
        self._wake_at(min(filter(None, (self._next_at(now), self._turns.next_at())), default=None))

    def _in_turn(self) -> list[Track]:
        return [self._tracks[lane] for lane in CLASSES if lane in self._tracks]

    def _launch(self, track: Track, now: Instant, *, probe: bool) -> bool:
        group = self._chooser.choose(track, now, probe=probe)
        if group is None:
            return False
        self.gate.probing = probe
        group.retry_at = 0
        for job in group.jobs:
            job.attempts += 1
            job.first_at = job.first_at or now
        limiter = self._chooser.leaves(group, now)
        flight = Flight(self.aim, self._house, gate=self.gate, limiter=limiter, turns=self._turns)
        flying = asyncio.create_task(self._fly(track, group, flight))
        self._flights[flying] = flight
        flying.add_done_callback(self._landed)
        return True

    def _held(self, lane: str, person: PersonId, most: int) -> tuple[Sequence[Kept], dict[int, Planned]]:
        rows = self._house.kept.held(self.aim.sink, lane, person, most)
        return rows, self._house.state.outbox_rows([row.seq for row in rows])

    # What comes of it

    def _landed(self, flight: asyncio.Task[None]) -> None:
        self._flights.pop(flight, None)
        if not flight.cancelled() and (bug := flight.exception()) is not None:
            log.bug("task ended", bug, sink=self.aim.sink)
            self._hearing.say("degraded", f"a fault in the lane: {type(bug).__name__}")

    async def _fly(self, track: Track, group: Group, flight: Flight) -> None:
        jobs = list(group.jobs)
        said: Any = None
        try:
            said = await self._attempt(track, group, flight)
        except StoreUnavailable:
            said = RetryLater("a store cannot be read")
        except DeliveryError as fault:
            said = fault
        except Exception as bug:
            said = bug
            self._hearing.bug(bug)
        finally:
            self._chooser.returns(flight.limiter, len(jobs))
        self._judge(track, group, said)
        # Whose deliveries are still on their way, in a request that waits, is not let go.
        busy = {track.lines.turn(job) for job in jobs if job.group is not None}
        track.let_go(job for job in jobs if track.lines.turn(job) not in busy)
        with suppress(StoreUnavailable):  # Looked at again after the next attempt.
            self._expire(track, self._house.clock.now())
        self._house.settle(self.aim.sink)
        self.wake()

    async def _attempt(self, track: Track, group: Group, flight: Flight) -> Any:
        aim, house = self.aim, self._house
        deliveries, ended = house.desk.prepare(group.jobs, aim.sink, aim.transforms)
        if ended:
            over = {id(job) for job, _ in ended}
            group.jobs = [job for job in group.jobs if id(job) not in over]
            verdicts = [(job, _standing(fault), str(fault)) for job, fault in ended]
            self._end_all(track, verdicts, house.clock.now())
        if not deliveries:
            return {}
        return await aim.runner.run(group.action, deliveries, flight)

    def _judge(self, track: Track, group: Group, said: Any) -> None:
        now = self._house.clock.now()
        if not group.jobs:
            self.gate.unknown(now)
            return
        judgement = judge(group, said, halve=self.gate.is_open or self._hearing.arrivals > group.arrivals)
        self._hearing.hear(judgement, said, now)
        self._end_all(track, judgement.ended, now)
        if judgement.again:
            self._try_again(track, group, judgement, now)

    def _end_all(self, track: Track, ended: Sequence[tuple[Job, Standing, str]], now: Instant) -> None:
        count = self._house.metrics.count
        for job, standing, reason in ended:
            track.end(job, standing, reason, now)
        # What gave up for another road to take over is skipped, and nobody has to look after it.
        jobs = [job for job, _, _ in ended]
        for standing, metric in _COUNTED.items():
            found = [job.action for job in jobs if job.standing is standing]
            for action in set(found):
                count(metric, self.aim.sink, action, by=found.count(action))
        dead = [job for job in jobs if job.standing is Standing.DEAD]
        if dead:
            log.warning("delivery died", sink=self.aim.sink, count=len(dead), reason=dead[0].reason)

    def _try_again(self, track: Track, group: Group, judgement: Judgement, now: Instant) -> None:
        again = judgement.again
        failures = group.failures
        if not judgement.soon and not isinstance(judgement.sink, CredentialsRejected):
            failures += not isinstance(judgement.sink, Slowed)
            again, old = self._patience.parted(again, now)
            why = f"{SPENT}: {judgement.reason}"
            self._end_all(track, [(job, Standing.DEAD, why) for job in old], now)
        groups, back = parts(again, split=judgement.split)
        for job in again:
            job.failures, job.reason = failures, judgement.reason
        for jobs in groups:
            if jobs:
                part = self._chooser.group(group.action, jobs, failures=failures)
                part.arrivals = self._hearing.arrivals if not group.failures else group.arrivals
                track.wait(part, self._retry_at(judgement, failures, now))
        track.lines.put_back(back)
        track.note(back)

    def _retry_at(self, judgement: Judgement, failures: int, now: Instant) -> Instant:
        if judgement.soon or isinstance(judgement.sink, CredentialsRejected):
            return now
        if judgement.wait is not None and (wait := asked(judgement.wait)) is not None:
            return now + wait
        return max(now + backoff(failures, self._house.rng), self.gate.until)

    def _expire(self, track: Track, now: Instant) -> None:
        """While the sink is down, what was due for longer than our patience ends without a try of its own."""
        while self._patience.is_spent(now):
            self._chooser.read(track, now)
            jobs = [job for action in track.lines.actions() for job in track.lines.take(action, READ_AT_ONCE)]
            old: list[Job] = []
            try:
                old = self._patience.overdue(jobs, now)
            finally:
                why = f"{SPENT}: {self.gate.reason}"
                self._end_all(track, [(job, Standing.DEAD, why) for job in old], now)
                gone = set(map(id, old))
                track.lines.put_back(job for job in jobs if id(job) not in gone)
                track.let_go(jobs)
            if not old:
                return
            self._house.settle(self.aim.sink)
            track.recall(partial(self._held, track.lane))

    def _opened(self) -> None:
        for track in self._tracks.values():
            track.waiting.all_due(self._house.clock.now())

    # What is written

    def collect(self, now: Instant) -> tuple[list[Settlement], bytes | None]:
        """What changed since the last time, and what a restart must know."""
        found = []
        # A request that is only a little slower than those behind it is not worth rows.
        pressed = self._chooser.is_stuck or 0 < self._chooser.pressed_at <= now - PRESSED
        # At the end nothing may be left in memory alone: what arrived would be sent once more.
        pressed = pressed or self._stopping
        for track in self._tracks.values():
            settlement = track.collect(
                now,
                may_pass=self.gate.is_open or self._stopping,
                pressed=pressed,
                full=self._chooser.is_full(track),
            )
            if settlement is not None:
                found.append(settlement)
        gate = self.gate.memory()
        if not found and gate == self._remembered:
            return [], None
        self._remembered = gate
        use = {name: limiter.memory() for name, limiter in self._chooser.limiters.items()}
        return found, msgspec.json.encode({"gate": gate, "limits": use})

    def committed(self) -> None:
        """What `collect` gave is written."""
        self._chooser.pressed_at = 0
        for track in self._tracks.values():
            track.committed()
        self.wake()

    # When it goes on, and when it ends

    def _next_at(self, now: Instant) -> Instant | None:
        """When something is due by the clock alone; what waits for an answer or a commit is woken by it."""
        if not any(self._has_work(track) for track in self._tracks.values()):
            return None
        if not self.gate.is_open or now < self.gate.until:
            at = self.gate.next_at()
            return None if at is None else max(at, now + SECOND // 20)
        times = [now + limiter.wait(now) for limiter in self._chooser.limiters.values()]
        times.append(self._chooser.pressed_at + PRESSED)
        for track in self._tracks.values():
            times.append(track.waiting.next_at() or 0)
            if track.window_ended:
                times.append(track.window[0].seen_at + PATIENT)
        return min((at for at in times if at > now), default=None)

    def _has_work(self, track: Track) -> bool:
        waiting = len(track.waiting) > 0 or track.lines.count > 0
        return waiting or track.window_ended > 0 or track.read < self._chooser.end

    def _wake_at(self, due_at: Instant | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self.due_at = due_at
        if due_at is not None:
            seconds = max(0.001, (due_at - self._house.clock.now()) / SECOND)
            self._timer = asyncio.get_running_loop().call_later(seconds, self.due)

    def due(self) -> None:
        """Its time has come."""
        self._house.settle(self.aim.sink)
        self.wake()

    def busy(self) -> bool:
        """Whether anything is out, or may go out now."""
        now = self._house.clock.now()
        if not all(flight.is_asleep for flight in self._flights.values()):
            return True
        if self._wake.is_set() or self._chooser.pressed_at:
            return True
        if self.gate.permit(now) == "no":
            return False
        return any(self._has_work(track) for track in self._tracks.values()) and self.due_at is None

    def waiting(self) -> int:
        """How many deliveries have not ended."""
        counts = self._house.state.outbox_counts
        return sum(track.left(self._chooser.end, counts) for track in self._tracks.values())

    def count(self) -> bool:
        """Counts on where a backlog is too long to be counted at once; says whether it was."""
        for track in self._tracks.values():
            if not track.is_counted(self._chooser.end):
                track.left(self._chooser.end, self._house.state.outbox_counts)
                return True
        return False

    async def stop(self, seconds: float) -> None:
        """Lets what is out finish, for so long; what does not is tried again after the next start."""
        self._stopping = True
        self.wake()
        if self._flights:
            _, late = await asyncio.wait(self._flights, timeout=seconds)
            for flight in late:
                flight.cancel()
            if late:  # A connector that goes on all the same must not hold up the house.
                await asyncio.wait(late, timeout=LAST_SECONDS)
        self._house.settle(self.aim.sink)

    async def close(self) -> None:
        """Lets go of the sink."""
        try:
            async with asyncio.timeout(LAST_SECONDS):
                await self.aim.runner.close()
        except Exception as bug:
            self._hearing.bug(bug)


_COUNTED = {
    Standing.DELIVERED: names.DELIVERIES_DELIVERED,
    Standing.DEAD: names.DELIVERIES_DIED,
    Standing.SKIPPED: names.DELIVERIES_SKIPPED,
}


def _standing(fault: DeliveryError) -> Standing:
    return Standing.SKIPPED if isinstance(fault, Skip) else Standing.DEAD
