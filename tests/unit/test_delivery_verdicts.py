"""What an answer means by default, and how vendors tell how long to wait."""

from __future__ import annotations

from datetime import timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.delivery.backoff import HOUR, SECOND, backoff, waited
from hub.delivery.ids import delivery_id
from hub.delivery.verdicts import Gone, Refused, Slowed, retry_after, told, verdict
from hub.errors import CredentialsRejected, GiveUp, RetryLater
from hub.wire import Response

NOW = 1_700_000_000_000_000  # Tue, 14 Nov 2023 22:13:20 GMT


@pytest.mark.parametrize(
    ("statuses", "kind"),
    [
        ((200, 201, 202, 204, 299), type(None)),
        ((401, 403), CredentialsRejected),
        ((301, 302, 307, 308), CredentialsRejected),
        ((410,), Gone),
        ((400, 402, 404, 405, 409, 413, 415, 422, 451), Refused),
        ((408, 425, 500, 502, 503, 504, 599, 100, 999), RetryLater),
        ((429,), Slowed),
    ],
)
def test_each_status_has_its_default_verdict(statuses, kind):
    for status in statuses:
        assert type(verdict(Response(status), NOW)) is kind


def test_a_refusal_is_a_reason_to_give_up():
    assert issubclass(Refused, GiveUp)


@pytest.mark.parametrize(
    ("text", "date", "seconds"),
    [
        ("120", None, 120),
        ("0", None, None),
        ("1.5", None, 1.5),
        ("99999999999999999999", None, 86400),
        ("Tue, 14 Nov 2023 22:14:20 GMT", None, 60),
        ("Tue, 14 Nov 2023 22:14:20 GMT", "Tue, 14 Nov 2023 22:14:00 GMT", 20),
        ("Tue, 14 Nov 2023 20:00:00 GMT", None, None),
        ("Fri, 14 Nov 2042 20:00:00 GMT", None, 86400),
        ("-5", None, None),
        ("soon", None, None),
        ("nan", None, None),
        ("inf", None, 86400),
        ("", None, None),
    ],
)
def test_retry_after_is_read_as_seconds_or_as_a_date_to_a_day_at_most(text, date, seconds):
    headers = {"retry-after": text} | ({"date": date} if date else {})

    found = retry_after(Response(503, headers), NOW)

    assert found == (None if seconds is None else timedelta(seconds=seconds))


@given(st.text(max_size=40), st.text(max_size=40))
def test_no_header_of_a_stranger_breaks_anything(one, other):
    response = Response(
        429, {"retry-after": one, "date": other, "ratelimit": other, "x-ratelimit-remaining": one}
    )
    wait = retry_after(response, NOW)
    told(response, NOW)

    assert wait is None or timedelta() <= wait <= timedelta(hours=24)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"ratelimit-remaining": "0", "ratelimit-reset": "30"}, 30),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(NOW // SECOND + 12)}, 12),
        ({"x-rate-limit-remaining": "0", "x-rate-limit-reset": "1"}, 1),
        ({"ratelimit": "limit=100, remaining=0, reset=50"}, 50),
        ({"ratelimit": '"default";r=0;t=7'}, 7),
        ({"ratelimit-remaining": "5", "ratelimit-reset": "30"}, None),
        ({}, None),
    ],
)
def test_vendors_say_in_several_ways_that_their_window_is_used_up(headers, seconds):
    said = told(Response(200, headers), NOW)

    assert said.spent is (seconds is not None)
    assert said.wait == (None if seconds is None else timedelta(seconds=seconds))


@given(st.integers(1, 200), st.integers(0, 2**32))
def test_pauses_grow_under_a_doubling_ceiling_to_an_hour(failures, seed):
    wait = backoff(failures, Random(seed))

    assert 0 <= wait <= min(HOUR, SECOND * 2 ** (failures - 1))


def test_a_pause_does_not_count_as_waiting():
    assert waited(10, 110, [(20, 50), (100, 1 << 62)]) == 60


def test_an_id_depends_on_source_event_sink_and_action_and_on_their_borders():
    ids = {
        delivery_id(*parts) for parts in [("a", "bc", "d", "e"), ("ab", "c", "d", "e"), ("a", "bc", "de", "")]
    }

    assert len(ids) == 3
    assert delivery_id("site", "e1", "audit", "send") == "538b7236e161233397d1719a5ed23397"
    assert len(delivery_id("\ud800", "", "", "")) == 32
