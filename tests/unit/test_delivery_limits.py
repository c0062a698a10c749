"""Windows never let more through than they say, whatever the times; what a vendor teaches is obeyed."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hub.connector import Limits
from hub.delivery.limits import SECOND, Learned, Limiter, Window


@given(
    st.integers(1, 30),
    st.sampled_from([SECOND, 60 * SECOND]),
    st.lists(st.integers(0, 400_000), min_size=1, max_size=200),
)
def test_no_stretch_of_a_window_ever_holds_more_than_the_limit(most, length, gaps):
    window, now, sent = Window(most, length), 1_700_000_000_000_000, []
    for gap in gaps:
        now += gap * (length // SECOND)
        if window.wait(now) == 0:
            window.use(now)
            sent.append(now)

    for first in sent:
        assert sum(first <= at < first + length for at in sent) <= most


@given(st.integers(1, 50), st.integers(0, 10**7))
def test_after_the_wait_that_a_window_names_one_more_is_welcome(most, start):
    window = Window(most, SECOND)
    now = 1_700_000_000_000_000 + start
    for _ in range(most):
        assert window.wait(now) == 0
        window.use(now)
    wait = window.wait(now)

    assert 0 < wait <= SECOND * 21 // 20
    assert window.wait(now + wait - 1) > 0
    assert window.wait(now + wait) == 0


def test_a_steady_stream_gets_nearly_all_of_the_limit():
    window, now, sent = Window(10, SECOND), 1_700_000_000_000_000, 0
    for _ in range(60_000):
        now += 1000
        if window.wait(now) == 0:
            window.use(now)
            sent += 1

    assert 560 <= sent <= 600


def test_less_than_one_in_a_window_is_one_in_a_longer_window():
    window = Window(0.5, SECOND)
    window.use(0)

    assert window.wait(SECOND) > 0
    assert window.wait(21 * SECOND // 10) == 0


def test_every_window_holds():
    limiter = Limiter(Limits(per_second=10, per_minute=15))
    now = 1_700_000_000_000_000
    sent = 0
    for _ in range(40):
        while limiter.wait(now) == 0:
            limiter.use(now)
            sent += 1
        now += SECOND // 10

    assert sent == 15


def test_after_a_restart_the_use_of_before_is_known_and_the_last_second_counts_as_used():
    now = 1_700_000_000_000_000
    limiter = Limiter(Limits(per_second=5, per_minute=100, in_flight=4))
    for _ in range(5):
        limiter.use(now)
    again = Limiter(Limits(per_second=5, per_minute=100, in_flight=4))
    again.recall(limiter.memory(), now + 2 * SECOND)

    assert again.wait(now + 2 * SECOND) > 0
    assert again.wait(now + 4 * SECOND) == 0


def test_a_vendor_that_complains_is_sent_half_as_much_and_slowly_more_again():
    learned, now = Learned(), 1_700_000_000_000_000
    for n in range(20):
        learned.use(now + n * SECOND // 20)
    now += SECOND
    learned.complained(now)
    sent = _sent_in_a_second(learned, now)

    assert 8 <= sent <= 12
    assert _sent_in_a_second(learned, now + 60 * SECOND) > 2 * sent
    assert learned.wait(now + 3600 * SECOND) == 0


def _sent_in_a_second(learned: Learned, now: int) -> int:
    sent = 0
    for step in range(1000):
        if learned.wait(now + step * 1000) == 0:
            learned.use(now + step * 1000)
            sent += 1
    return sent


def test_a_window_that_the_vendor_says_is_used_up_is_waited_for_also_after_a_restart():
    limiter = Limiter(Limits())
    limiter.spent(30 * SECOND)
    restarted = Limiter(Limits())
    restarted.recall(limiter.memory(), 10 * SECOND)

    assert limiter.wait(10 * SECOND) == restarted.wait(10 * SECOND) == 20 * SECOND
    assert restarted.wait(30 * SECOND) == 0
    limiter.resume()
    assert limiter.wait(10 * SECOND) == 0
