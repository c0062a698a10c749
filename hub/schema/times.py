"""Times as senders write them, as instants."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from hub.event import Instant, instant

_ISO = re.compile(
    r"(\d{4})-(\d{1,2})-(\d{1,2})"
    r"(?:[Tt ]+(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9})\d*)?)?)?"
    r"\s*(?:([Zz]|UTC|GMT)|([+-])(\d{2}):?(\d{2})?)?"
)
_NUMBER = re.compile(r"\d{1,19}(?:\.\d{1,9})?")

_LATEST_SECONDS = 10**11
_FIRST_MILLISECONDS = 10**11
_FIRST_MICROSECONDS = 10**14
_FIRST_NANOSECONDS = 10**17
_FIRST_RUBBISH = 10**20

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# A day from the ends of the calendar, so that each instant has a date in every zone.
_FIRST = instant(datetime(1, 1, 2, tzinfo=UTC))
_LAST = instant(datetime(9999, 12, 30, tzinfo=UTC))

SINCE_1970 = 1
"""`earliest` of what happened: programs that know no time write one before, as `0001-01-01T00:00:00Z`."""


def time_of(sent: Any, earliest: Instant = _FIRST) -> Instant | None:
    """An instant from ISO 8601 text or a number of (milli-, micro-, nano-) seconds since 1970.

    Text without a zone is UTC. A number says by its size what it counts. Anything else, and a number of
    zero or less, is no time: None. So is one before `earliest`, or without a date in every zone.
    """
    if sent.__class__ is str:
        # A number is no compact date, so only text with the usual hyphen takes the fast road.
        if sent[4:5] == "-":
            try:
                when = datetime.fromisoformat(sent)
            except ValueError:
                return _written(sent, earliest)
            past = (when if when.tzinfo is not None else when.replace(tzinfo=UTC)) - _EPOCH
            at = (past.days * 86_400 + past.seconds) * 1_000_000 + past.microseconds
            return at if earliest <= at <= _LAST else None
        return _written(sent, earliest)
    if sent.__class__ is int or sent.__class__ is float:
        return _counted(sent)
    return None


def _written(sent: str, earliest: Instant) -> Instant | None:
    sent = sent.strip()
    found = _ISO.fullmatch(sent) if len(sent) <= 64 else None
    if found is None:
        return _counted(float(sent)) if _NUMBER.fullmatch(sent) else None
    year, month, day, hour, minute, second, fraction, _, sign, off_hours, off_minutes = found.groups()
    try:
        # Some senders write a leap second; datetime knows none.
        whole = min(int(second or 0), 59)
        when = datetime(int(year), int(month), int(day), int(hour or 0), int(minute or 0), whole, tzinfo=UTC)
        offset = timedelta(hours=int(off_hours or 0), minutes=int(off_minutes or 0))
        timezone(offset)
    except ValueError:
        return None
    micros = int((fraction or "0").ljust(6, "0")[:6])
    shift = offset // timedelta(microseconds=1)
    at = instant(when) + micros + (shift if sign == "-" else -shift)
    return at if earliest <= at <= _LAST else None


def _counted(number: float) -> Instant | None:
    if not 0 < number < _FIRST_RUBBISH:
        return None
    if number < _LATEST_SECONDS:
        return round(number * 1_000_000)
    if number < _FIRST_MICROSECONDS:
        return round(number * 1000)
    return round(number) if number < _FIRST_NANOSECONDS else round(number) // 1000
