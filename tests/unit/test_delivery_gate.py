"""The gate opens and shuts by what happened and by time alone."""

from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from hub.delivery.gate import IN_A_ROW, LONGEST_PROBE, OF_THE_LAST, Gate

NOW = 1_700_000_000_000_000
SECOND = 1_000_000


def broken(now: int = NOW) -> Gate:
    gate = Gate(Random(1))
    for _ in range(IN_A_ROW):
        gate.failed(now, "down")
    return gate


def test_five_failures_in_a_row_break_it():
    gate = Gate(Random(1))
    said = [gate.failed(NOW, "down") for _ in range(IN_A_ROW)]

    assert said == [False] * 4 + [True]
    assert gate.permit(NOW) == "no"


def test_half_of_the_last_twenty_break_it():
    gate = Gate(Random(1))
    said = []
    for n in range(OF_THE_LAST):
        said.append(gate.failed(NOW, "shaky") if n % 2 else gate.arrived(NOW))

    assert gate.state == "broken"
    assert said[-1] is True


def test_fewer_failures_do_not():
    gate = Gate(Random(1))
    for n in range(200):
        if n % 3 == 0:
            gate.failed(NOW, "shaky")
        else:
            gate.arrived(NOW)

    assert gate.is_open


def test_a_broken_gate_lets_one_probe_out_and_opens_when_it_arrives():
    gate = broken()
    now = gate.next_at()
    assert now is not None and now <= NOW + SECOND
    assert gate.permit(now) == "probe"
    gate.probing = True
    assert gate.permit(now) == "no"
    assert gate.next_at() is None

    assert gate.arrived(now) is True
    assert gate.permit(now) == "go"


@given(st.integers(1, 100), st.integers(0, 2**32))
def test_a_sink_that_came_back_is_found_within_seconds(probes, seed):
    gate = Gate(Random(seed))
    now = NOW
    for _ in range(IN_A_ROW):
        gate.failed(now, "down")
    for _ in range(probes):
        later = gate.next_at()
        assert later is not None and 0 < later - now <= LONGEST_PROBE
        now, gate.probing = later, True
        gate.failed(now, "down")


def test_a_vendors_pause_holds_in_every_state():
    for gate in (Gate(Random(1)), broken()):
        gate.pause(NOW + 60 * SECOND)
        gate.pause(NOW + 30 * SECOND)

        assert gate.permit(NOW + 59 * SECOND) == "no"
        assert gate.permit(NOW + 60 * SECOND) != "no"


def test_rejected_credentials_are_news_once_and_their_pause_is_kept():
    gate = Gate(Random(1))
    assert gate.rejected(NOW, "401") is True
    assert gate.rejected(NOW + 60 * SECOND, "401") is False
    gate.arrived(NOW + 100 * SECOND)

    assert gate.is_open
    assert gate.pauses == [(NOW, NOW + 100 * SECOND)]


def test_gone_is_for_good_until_somebody_says_so():
    gate = Gate(Random(1))
    gate.rejected(NOW, "410", gone=True)
    assert gate.permit(NOW + 10**15) == "no"
    gate.open(NOW)

    assert gate.permit(NOW) == "go"


def test_what_a_restart_must_know_comes_back():
    gate = broken()
    gate.pause(NOW + 9 * SECOND)
    again = Gate(Random(2))
    again.recall(gate.memory(), NOW)

    assert again.state == "broken"
    assert again.permit(NOW) == "no"
    assert again.permit(NOW + 9 * SECOND) == "probe"
    assert again.down_since == NOW
