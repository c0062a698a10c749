"""When an event happened: its sender's claim, corrected by the sender's own clock, never after it came."""

from __future__ import annotations

import msgspec
import pytest

import hub
from hub.event import Event, iso
from hub.pipeline.reading import read
from hub.store.port import Entry, Kind

RECEIVED = 1_795_255_200_000_000
"""2026-11-21T10:00:00Z."""


def happened(occurred_at: str | None, sent_at: str | None = None) -> str:
    event: Event = hub.normalise(type="track", name="a", occurred_at=occurred_at, sent_at=sent_at)
    return iso(read(Entry(1, RECEIVED, Kind.EVENT, msgspec.json.encode(event))).time)[:19]


@pytest.mark.parametrize(
    ("occurred_at", "sent_at", "time"),
    [
        (None, None, "2026-11-21T10:00:00"),
        ("2026-11-21T09:00:00Z", None, "2026-11-21T09:00:00"),
        ("2026-11-21T10:30:00Z", "2026-11-21T11:00:00Z", "2026-11-21T09:30:00"),
        ("2026-11-21T07:30:00Z", "2026-11-21T08:00:00Z", "2026-11-21T09:30:00"),
        ("2026-11-21T11:00:00Z", "2026-11-21T10:00:00Z", "2026-11-21T10:00:00"),
        ("2099-01-01T00:00:00Z", None, "2026-11-21T10:00:00"),
        ("9999-12-31T23:59:59-14:00", None, "2026-11-21T10:00:00"),
        ("1990-01-01T00:00:00Z", "9999-12-29T00:00:00Z", "1970-01-01T00:00:00"),
    ],
)
def test_a_claim_is_corrected_by_the_senders_own_clock_and_always_has_a_date(occurred_at, sent_at, time):
    assert happened(occurred_at, sent_at) == time
