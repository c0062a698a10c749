"""What operators ask of deliveries: to try dead letters again, to drop them, to resume a sink."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from hub.event import Instant
from hub.store.port import DeliveriesReader, Kept, Settlement, Standing

AT_ONCE = 1000
DROPPED = "dropped by hand"


def dead_letters(kept: DeliveriesReader, command: Mapping[str, Any]) -> Iterator[list[Kept]]:
    """The dead letters that a command means, in portions: `ids`, all of a `sink`, or `all`."""
    ids = command.get("ids")
    if isinstance(ids, list):
        for start in range(0, len(ids), AT_ONCE):
            part = [id for id in ids[start : start + AT_ONCE] if isinstance(id, str)]
            yield [row for row in kept.find(part) if row.standing is Standing.DEAD]
        return
    sink = command.get("sink")
    if not isinstance(sink, str) and command.get("all") is not True:
        return
    before: tuple[Instant, str] | None = None
    while rows := kept.dead(sink if isinstance(sink, str) else None, before, AT_ONCE):
        yield rows
        before = (rows[-1].at, rows[-1].id)


def again(row: Kept, now: Instant) -> Kept:
    """A dead letter as it waits for its next attempt: its id stays, its patience starts anew."""
    return row._replace(
        standing=Standing.WAITING, batch=0, failures=0, first_at=0, retry_at=now, at=now, reason=""
    )


def dropped(row: Kept, now: Instant) -> Kept:
    """A dead letter that nobody wants any more."""
    return row._replace(standing=Standing.SKIPPED, at=now, reason=f"{DROPPED}: {row.reason}")


def settlements(
    rows: Sequence[Kept], change: Callable[[Kept, Instant], Kept], now: Instant
) -> list[Settlement]:
    """Dead letters come to stand otherwise, and the lanes' counts with them."""
    lanes: dict[tuple[str, str], list[Kept]] = {}
    for row in rows:
        lanes.setdefault((row.sink, row.lane), []).append(change(row, now))
    return [
        Settlement(
            sink,
            lane,
            position=0,
            delivered=0,
            dead=-len(changed),
            skipped=sum(row.standing is Standing.SKIPPED for row in changed),
            rows=changed,
        )
        for (sink, lane), changed in lanes.items()
    ]
