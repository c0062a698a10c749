"""What a lane hears of its sink as a whole: how it is, whether it takes what comes, and who is told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from hub.delivery.backoff import SECOND, backoff
from hub.delivery.gate import PATIENT, Gate
from hub.delivery.house import House
from hub.delivery.judging import Judgement
from hub.delivery.verdicts import Gone, Slowed, asked
from hub.errors import CredentialsRejected, DeliveryError, RetryLater
from hub.event import Instant
from hub.telemetry import log, names, place

LONGEST_SLOWED = 60 * SECOND
SOON = SECOND
"""A sink that takes nothing for so long is told of, before its gate is shut."""


class Hearing:
    """Turns what answers say of a sink into its gate, its health and log lines: once down, once up.

    `opened` is called when the sink takes what comes again.
    """

    def __init__(self, sink: str, house: House, opened: Callable[[], None]) -> None:
        self.gate = Gate(house.rng)
        self.arrivals = 0
        """How many requests the sink has taken."""
        self._sink = sink
        self._house = house
        self._call_opened = opened
        self._slowed = 0
        self._failing = False
        self._said = ""
        self._bugs: set[str] = set()

    def hear(self, judgement: Judgement, said: Any, now: Instant) -> None:
        """What an attempt said of the sink."""
        word = judgement.sink
        if isinstance(said, Exception) and not isinstance(said, DeliveryError):
            # A bug says nothing about the sink.
            self.gate.unknown(now)
        elif isinstance(word, CredentialsRejected):
            self._rejected(word, now)
        elif isinstance(word, RetryLater) and judgement.wait is not None and _is_patience(word):
            self._slow_down(word, now)
        elif isinstance(word, RetryLater):
            self._failed(word, now)
        else:
            self._arrived(now)

    def recall(self, memory: dict[str, Any], now: Instant) -> None:
        """Takes up how the sink was before a restart."""
        self.gate.recall(memory, now)
        if not self.gate.is_open:
            self.say("degraded", self.gate.reason)
        elif now < self.gate.until:
            self.say("degraded", PATIENT)

    def resume(self, now: Instant, *, early: bool) -> None:
        """Somebody says that it is worth trying; `early`: though the vendor asked for a longer pause."""
        ended = early and now < self.gate.until
        if early:
            self.gate.until = 0
        if self.gate.open(now) or ended:
            self._opened("sink resumed")

    def say(self, status: Literal["ok", "degraded"], reason: str) -> None:
        """How the sink is; told when it changes."""
        if self._said != (said := f"{status} {reason}" if reason else ""):
            self._said = said
            self._house.report(f"sinks.{self._sink}", status, reason)

    def bug(self, bug: Exception) -> None:
        """The connector failed; each place in its code is told of once."""
        self._house.metrics.count(names.CONNECTOR_FAILED, self._sink)
        if (where := place(bug)) not in self._bugs:
            self._bugs.add(where)
            log.bug("connector failed", bug, sink=self._sink)

    def _arrived(self, now: Instant) -> None:
        self.arrivals += 1
        self._slowed = 0
        if self.gate.arrived(now):
            self._opened("sink recovered")
        elif now >= self.gate.until:
            self._well()

    def _failed(self, word: RetryLater, now: Instant) -> None:
        self._house.metrics.count(names.ATTEMPTS_FAILED, self._sink, "passing")
        shut = self.gate.failed(now, str(word))
        if self.gate.state not in ("open", "broken") or (not shut and now - self.gate.down_since < SOON):
            return
        if not self._failing:
            self._failing = True
            log.warning("sink failing", sink=self._sink, reason=str(word))
        self.say("degraded", str(word))

    def _well(self) -> None:
        if self._failing:
            self._failing = False
            log.info("sink recovered", sink=self._sink)
        self.say("ok", "")

    def _rejected(self, word: CredentialsRejected, now: Instant) -> None:
        self._house.metrics.count(names.ATTEMPTS_FAILED, self._sink, "credentials")
        gone = isinstance(word, Gone)
        if self.gate.rejected(now, str(word), gone=gone):
            log.error("sink disabled" if gone else "sink paused", sink=self._sink, reason=str(word))
            self.say("degraded", str(word))

    def _slow_down(self, word: RetryLater, now: Instant) -> None:
        self._house.metrics.count(names.ATTEMPTS_FAILED, self._sink, "slowed")
        self._slowed += 1
        pause = asked(word)
        if pause is None:
            most = min(LONGEST_SLOWED, SECOND << min(self._slowed, 10))
            pause = most // 2 + backoff(1, self._house.rng, base=most // 2)
        if self.gate.arrived(now):
            self._opened("sink recovered")
        self.gate.pause(now + pause)
        self.say("degraded", f"{word}; {PATIENT}")

    def _opened(self, event: str) -> None:
        self._failing = False
        log.info(event, sink=self._sink)
        patient = self._house.clock.now() < self.gate.until
        self.say("degraded" if patient else "ok", PATIENT if patient else "")
        self._call_opened()


def _is_patience(word: RetryLater) -> bool:
    return isinstance(word, Slowed) or asked(word) is not None
