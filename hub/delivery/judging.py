"""What follows from an attempt: what ended, what is tried again, what was said of the sink itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from hub.connector import Verdicts
from hub.delivery.verdicts import Refused, Slowed, asked
from hub.delivery.work import Group, Job, halves
from hub.errors import CredentialsRejected, DeliveryError, GiveUp, RetryLater, Skip
from hub.store.port import Standing


@dataclass(slots=True)
class Judgement:
    """What follows from one attempt."""

    ended: list[tuple[Job, Standing, str]] = field(default_factory=list)
    again: list[Job] = field(default_factory=list)
    """Tried again together, after a while."""
    split: bool = False
    """Those are tried again in halves."""
    soon: bool = False
    """And at once: waiting would not change anything."""
    reason: str = ""
    wait: RetryLater | None = None
    """Who asked for patience, if anybody did."""
    sink: DeliveryError | None = None
    """What this says of the sink as a whole; None where it answered as a healthy one."""


def judge(group: Group, said: Verdicts | None | Exception, *, halve: bool) -> Judgement:
    """What follows from what a run said of a group.

    `halve`: the fault may be in one of its deliveries, for the sink is not known to be down.
    """
    if not isinstance(said, Exception):
        return _each(group.jobs, said or {})
    many = len(group.jobs) > 1
    text = str(said)
    if isinstance(said, Refused) and many:
        return Judgement(again=group.jobs, split=True, soon=True, reason=text)
    if isinstance(said, GiveUp):
        return Judgement([(job, Standing.DEAD, text) for job in group.jobs])
    if isinstance(said, Skip):
        return Judgement([(job, Standing.SKIPPED, text) for job in group.jobs])
    if isinstance(said, CredentialsRejected):
        return Judgement(again=group.jobs, reason=text, sink=said)
    if isinstance(said, RetryLater):
        patient = isinstance(said, Slowed) or asked(said) is not None
        split = many and group.failures > 0 and halve and not patient
        return Judgement(again=group.jobs, split=split, reason=text, wait=said, sink=said)
    # A bug of the connector: whichever delivery met it is found by going on alone.
    return Judgement(
        again=group.jobs, split=many, soon=many, reason=f"the connector failed: {type(said).__name__}"
    )


def _each(jobs: Sequence[Job], verdicts: Verdicts) -> Judgement:
    judgement = Judgement()
    for job in jobs:
        fault = verdicts.get(job.id) if verdicts else None
        if fault is None:
            judgement.ended.append((job, Standing.DELIVERED, ""))
        elif isinstance(fault, GiveUp):
            judgement.ended.append((job, Standing.DEAD, str(fault)))
        elif isinstance(fault, Skip):
            judgement.ended.append((job, Standing.SKIPPED, str(fault)))
        else:
            judgement.again.append(job)
            judgement.reason = str(fault)
            if isinstance(fault, CredentialsRejected):
                judgement.sink = fault
            elif isinstance(fault, RetryLater) and _longer(fault, judgement.wait):
                judgement.wait = fault
    return judgement


def _longer(fault: RetryLater, other: RetryLater | None) -> bool:
    return other is None or (asked(fault) or 0) > (asked(other) or 0)


def parts(jobs: list[Job], *, split: bool) -> tuple[list[list[Job]], list[Job]]:
    """The requests that jobs are tried again in, and those that go back into their person's line."""
    if not split:
        return [jobs], []
    one, other = halves(jobs)
    if {job.turn for job in one} & {job.turn for job in other}:
        return [one], other
    return [one, other], []
