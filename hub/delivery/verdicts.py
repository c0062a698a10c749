"""What an answer means when the vendor means what everybody means by it."""

from __future__ import annotations

from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import NamedTuple

from hub.errors import CredentialsRejected, DeliveryError, GiveUp, RetryLater
from hub.event import Instant, instant
from hub.wire import Response

LONGEST_PAUSE = timedelta(hours=24)
PASSING = frozenset({408, 425, 429})


class Refused(GiveUp):
    """The vendor refuses a request as a whole: of a batch, each half is tried for itself."""


class Gone(CredentialsRejected):
    """The receiver is gone for good: the sink takes nothing until somebody says so."""


class Slowed(RetryLater):
    """The vendor asks for patience: nothing is wrong with the request, nor with the vendor."""


class Told(NamedTuple):
    """What a vendor's headers say of its limits."""

    wait: timedelta | None = None
    """Nothing more is welcome for so long."""
    spent: bool = False
    """The window is used up, though this answer was fine."""


def verdict(response: Response, now: Instant) -> DeliveryError | None:
    """The default error for a status; None where the answer is fine."""
    status = response.status
    if 200 <= status < 300:
        return None
    if status in (401, 403):
        return CredentialsRejected(f"answered {status}: the credentials are not accepted")
    if status == 410:
        return Gone("answered 410: the receiver is gone for good")
    if 300 <= status < 400:
        # Followed, it would carry our credentials to a place that nobody configured.
        return CredentialsRejected(f"answered {status}: redirects are not followed; correct the address")
    if 400 <= status < 500 and status not in PASSING:
        return Refused(f"answered {status}")
    after = retry_after(response, now)
    if status == 429 or after is not None:
        return Slowed(f"answered {status}", after=after)
    return RetryLater(f"answered {status}")


def retry_after(response: Response, now: Instant) -> timedelta | None:
    """Retry-After, as seconds or as a date (by the vendor's own clock), to a day at most."""
    text = (response.header("retry-after") or "").strip()
    if not text:
        return None
    wait = _seconds(text)
    if wait is None:
        wait = _until(text, response.header("date"), now)
    # Zero, and a date that has passed, ask for nothing: our own pauses hold, or it would be a storm.
    return None if wait is None or wait <= timedelta() else min(wait, LONGEST_PAUSE)


def asked(word: RetryLater) -> int | None:
    """How many microseconds it asks to wait, a day at most; None where it asks for nothing."""
    if word.after is None or word.after <= timedelta():
        return None
    return min(word.after, LONGEST_PAUSE) // timedelta(microseconds=1)


def _seconds(text: str) -> timedelta | None:
    try:
        number = float(text)
    except ValueError:
        return None
    # Also turns away nan and what no timedelta can hold.
    return timedelta(seconds=min(number, LONGEST_PAUSE.total_seconds())) if number >= 0 else None


def _until(text: str, date: str | None, now: Instant) -> timedelta | None:
    when = _date(text)
    if when is None:
        return None
    present = _date(date) if date else None
    return timedelta(microseconds=when - (now if present is None else present))


def _date(text: str) -> Instant | None:
    try:
        return instant(parsedate_to_datetime(text))
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def told(response: Response, now: Instant) -> Told:
    """RateLimit-*, X-RateLimit-* and the RateLimit header of the newer drafts."""
    for prefix in ("ratelimit", "x-ratelimit", "x-rate-limit"):
        remaining = _number(response.header(f"{prefix}-remaining"))
        if remaining is not None and remaining <= 0:
            return Told(_reset(_number(response.header(f"{prefix}-reset")), now), spent=True)
    whole = response.header("ratelimit")
    if whole:
        parts = dict(part.strip().partition("=")[::2] for part in whole.replace(",", ";").split(";"))
        remaining = _number(parts.get("remaining", parts.get("r")))
        if remaining is not None and remaining <= 0:
            return Told(_reset(_number(parts.get("reset", parts.get("t"))), now), spent=True)
    return Told()


def _number(text: str | None) -> float | None:
    try:
        return None if text is None else float(text.split(",")[0].split(";")[0])
    except ValueError:
        return None


def _reset(value: float | None, now: Instant) -> timedelta | None:
    if value is None or not value >= 0:
        return None
    # Small numbers are seconds from now, large ones seconds or milliseconds since 1970.
    seconds = value / 1000 if value > 1e11 else value
    if seconds > 1e9:
        seconds -= now / 1_000_000
    return timedelta(seconds=max(0.0, min(seconds, LONGEST_PAUSE.total_seconds())))
