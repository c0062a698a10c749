"""Who is well and who is not, as `/healthz` tells it."""

from __future__ import annotations

from typing import Literal, NamedTuple

from hub.clock import Clock
from hub.event import Instant

Status = Literal["ok", "degraded", "failing"]
_WORST: tuple[Status, ...] = ("failing", "degraded", "ok")


class Verdict(NamedTuple):
    """How the house is: the worst of all that was reported, and why."""

    status: Status
    roles: dict[str, Status]
    reasons: list[str]


class Health:
    """Who is well and who is not.

    A role that is expected reports at least once a second; one that says nothing for `patience` seconds
    counts as failing. Anything else (a sink, the disk) reports when it changes.
    """

    def __init__(self, clock: Clock, *, patience: float = 5.0) -> None:
        self._clock = clock
        self._patience = int(patience * 1_000_000)
        self._heard: dict[str, Instant] = {}
        self._said: dict[str, tuple[Status, str]] = {}

    def expect(self, *roles: str) -> None:
        """From now on these roles must report."""
        for role in roles:
            self._heard[role] = self._clock.now()

    def report(self, name: str, status: Status = "ok", reason: str = "") -> None:
        """How `name` is now; `reason` is for people and holds nobody's data."""
        if name in self._heard:
            self._heard[name] = self._clock.now()
        if status == "ok":
            self._said.pop(name, None)
        else:
            self._said[name] = (status, reason)

    def forget(self, name: str) -> None:
        """It is gone, and that is right."""
        self._heard.pop(name, None)
        self._said.pop(name, None)

    def verdict(self) -> Verdict:
        """How everything is at this moment."""
        said = dict(self._said)
        since = self._clock.now() - self._patience
        for role, heard in self._heard.items():
            if heard < since:
                said[role] = ("failing", f"silent for more than {self._patience // 1_000_000} s")
        roles: dict[str, Status] = {role: said.get(role, ("ok", ""))[0] for role in self._heard}
        worst: Status = min((status for status, _ in said.values()), key=_WORST.index, default=_WORST[-1])
        reasons = [f"{name}: {reason}" if reason else name for name, (_, reason) in sorted(said.items())]
        return Verdict(worst, roles, reasons)
