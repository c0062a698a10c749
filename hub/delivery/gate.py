"""Whether a sink may be sent anything now: pauses, rejected credentials, and the breaker.

    open ──(5 failures in a row, or half of the last 20)──→ broken ──(probe arrives)──→ open
    open ──(credentials rejected)──→ rejected ──(probe arrives, reload, resume)──→ open
    open ──(gone for good)──→ gone ──(restart, reload, resume)──→ open

A pause that the vendor asked for (`until`) holds in every state. In `broken` and `rejected` one probe goes
out at a time; everything else stands, so that a day's outage costs nothing.
"""

from __future__ import annotations

from collections import deque
from random import Random
from typing import Any, Literal

import msgspec

from hub.delivery.backoff import HOUR, SECOND, Pause, backoff
from hub.event import Instant

State = Literal["open", "broken", "rejected", "gone"]
Permit = Literal["go", "probe", "no"]

IN_A_ROW = 5
OF_THE_LAST = 20
PATIENT = "waiting as the vendor asks"
LONGEST_PROBE = 5 * SECOND
"""How long a sink that came back waits to be found, at most."""
LONGEST_REJECTED = HOUR // 4


class Gate:
    """Decides, from what happened and the time alone, whether a sink is sent anything."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self.state: State = "open"
        self.reason = ""
        self.until: Instant = 0
        self.down_since: Instant = 0
        self.pauses: list[Pause] = []
        self.probing = False
        self._probe_at: Instant = 0
        self._probes = 0
        self._streak = 0
        self._last: deque[bool] = deque(maxlen=OF_THE_LAST)

    @property
    def is_open(self) -> bool:
        """Whether the sink takes what comes."""
        return self.state == "open"

    def is_shut(self, now: Instant) -> bool:
        """Whether the sink takes nothing but probes."""
        return self.state != "open" or now < self.until

    def permit(self, now: Instant) -> Permit:
        """`go`, one `probe`, or `no`."""
        if now < self.until or self.state == "gone":
            return "no"
        if self.state == "open":
            return "go"
        return "probe" if not self.probing and now >= self._probe_at else "no"

    def next_at(self) -> Instant | None:
        """When the answer of `permit` may change by itself."""
        if self.state == "gone" or self.probing:
            return None
        return self.until if self.state == "open" else max(self.until, self._probe_at)

    def arrived(self, now: Instant) -> bool:
        """A request arrived; says whether that opened the gate again."""
        self._streak = 0
        self._last.append(True)
        self.down_since = 0
        return self.open(now)

    def failed(self, now: Instant, reason: str) -> bool:
        """A request failed for a passing reason; says whether that broke the gate."""
        self._streak += 1
        self._last.append(False)
        self.down_since = self.down_since or now
        if self.state in ("open", "broken"):
            self.reason = reason
        if self.state == "open" and self._is_too_much():
            self._shut("broken", now)
            return True
        # In `rejected` this is no word about the credentials: they are asked about again, soon.
        self.unknown(now)
        return False

    def rejected(self, now: Instant, reason: str, *, gone: bool = False) -> bool:
        """Our settings are refused; says whether that is news."""
        self.reason = reason
        state: State = "gone" if gone else "rejected"
        if self.state == state:
            self.unknown(now)
            return False
        if self.state in ("open", "broken"):
            self.pauses.append((now, 1 << 62))
        self._shut(state, now)
        return True

    def unknown(self, now: Instant) -> None:
        """A probe did not open the gate: another one goes later."""
        # What went out before the gate was shut, and fails after it, is no probe.
        if self.probing:
            self._probe_later(now)

    def pause(self, until: Instant) -> None:
        """The vendor asks for quiet until then."""
        self.until = max(self.until, until)

    def open(self, now: Instant) -> bool:
        """Takes what comes again (a probe arrived, a reload, a word of an operator)."""
        self.probing = False
        if self.state == "open":
            return False
        self._end_pause(now)
        self.state, self.reason, self._probes, self._streak = "open", "", 0, 0
        self._last.clear()
        return True

    def _shut(self, state: State, now: Instant) -> None:
        self.state, self._probes = state, 0
        self._probe_later(now)

    def _probe_later(self, now: Instant) -> None:
        self.probing = False
        self._probes += 1
        rejected = self.state == "rejected"
        base, most = (30 * SECOND, LONGEST_REJECTED) if rejected else (SECOND, LONGEST_PROBE)
        # At least half of it, so that a jitter of zero makes no storm.
        longest = min(most, base << min(self._probes - 1, 20))
        self._probe_at = now + longest // 2 + backoff(1, self._rng, base=longest // 2)

    def _is_too_much(self) -> bool:
        half = len(self._last) == OF_THE_LAST and 2 * self._last.count(False) >= OF_THE_LAST
        return self._streak >= IN_A_ROW or half

    def _end_pause(self, now: Instant) -> None:
        if self.pauses and self.pauses[-1][1] > now:
            start = self.pauses.pop()[0]
            self.pauses.append((start, now))
        self.pauses = [pause for pause in self.pauses if pause[1] > now - 10 * 24 * HOUR]

    def memory(self) -> dict[str, Any]:
        """What a restart must know."""
        return {
            "state": self.state,
            "reason": self.reason,
            "until": self.until,
            "down_since": self.down_since,
            "pauses": list(self.pauses),
        }

    def recall(self, memory: dict[str, Any], now: Instant) -> None:
        """Takes up what was before a restart; a sink that took nothing is probed soon."""
        self.state = memory.get("state", "open")
        if self.state == "gone":
            # A start asks once more: whoever corrected the address need not say so a second time.
            self.state = "rejected"
        self.reason = memory.get("reason", "")
        self.until = memory.get("until", 0)
        self.down_since = memory.get("down_since", 0)
        self.pauses = [(start, end) for start, end in memory.get("pauses", [])]
        self._probe_at = now


def trouble(memory: bytes | None, now: Instant) -> str:
    """Why a sink takes nothing, read from its lane's memory in the store; empty where it takes what comes."""
    gate = msgspec.json.decode(memory)["gate"] if memory else {}
    if gate.get("state", "open") != "open" or gate.get("down_since"):
        return str(gate.get("reason", ""))
    return PATIENT if gate.get("until", 0) > now else ""
