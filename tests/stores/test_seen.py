"""Exact dedup: however hashes meet, generations pass and transactions split."""

from __future__ import annotations

import apsw
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hub.store.sqlite.seen import GENERATION, WINDOW, Seen
from hub.store.sqlite.work import SqliteState

DAY = 86_400_000_000


class Told:
    """Keys told again and again to a real state, over any number of transactions."""

    def __init__(self, folder) -> None:
        self.state = SqliteState(folder, durable=False, dedup_key=b"k" * 16)
        self.folder = folder
        self.said: list[tuple[str, int]] = []
        self.seq = 0

    def tell(self, keys: list[str], at: int) -> list[bool]:
        """In one transaction; says of each whether it was new."""
        with self.state.transaction() as work:
            hashes = [work.seen.hash(key) for key in keys]
            work.seen.prefetch(hashes)
            return [self._tell(work.seen, key, number, at) for key, number in zip(keys, hashes, strict=True)]

    def _tell(self, seen: Seen, key: str, number: int, at: int) -> bool:
        self.said.append((key, at))
        self.seq += 1

        def same(entry: int) -> bool:
            other, then = self.said[entry - 1]
            return other == key and then >= at - WINDOW

        if seen.find(number, same) is not None:
            return False
        seen.remember(number, self.seq, at)
        return True

    def generations(self) -> int:
        db = apsw.Connection(str(self.folder / "state.db"))
        [(count,)] = db.execute("SELECT count(*) FROM sqlite_master WHERE name GLOB 'seen_*'")
        db.close()
        return count


@pytest.fixture
def told(tmp_path):
    told = Told(tmp_path)
    yield told
    told.state.close()


def test_a_key_is_new_once_in_one_transaction_and_over_many(told):
    assert told.tell(["a", "b", "a"], 0) == [True, True, False]
    assert told.tell(["b", "c"], 1) == [False, True]


def test_a_key_is_known_over_a_restart(told):
    told.tell(["a"], 0)
    told.state.close()
    told.state = SqliteState(told.folder, durable=False)

    assert told.tell(["a"], 1) == [False]


def test_two_ids_of_one_hash_are_told_apart(told, monkeypatch):
    monkeypatch.setattr(Seen, "hash", lambda self, text: 7)

    assert told.tell(["a", "b", "a"], 0) == [True, True, False]
    assert told.tell(["c", "b", "a", "c"], 1) == [True, False, False, False]


def test_a_window_ends_to_the_microsecond(told):
    told.tell(["a", "b"], 1000)

    assert told.tell(["a"], 1000 + WINDOW) == [False]
    assert told.tell(["b"], 1000 + WINDOW + 1) == [True]


def test_what_is_too_old_goes_as_a_whole_and_the_room_stays_flat(told):
    for day in range(200):
        told.tell([f"{day}"], day * DAY)

    assert told.generations() <= WINDOW // GENERATION + 2


def test_what_a_failed_transaction_remembered_is_forgotten(told):
    with pytest.raises(ZeroDivisionError), told.state.transaction() as work:
        work.seen.prefetch([7])
        work.seen.remember(7, 1, 0)
        raise ZeroDivisionError

    assert told.tell(["a"], 0) == [True]
    assert told.generations() == 1


STEPS = st.lists(
    st.tuples(st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=6), st.integers(0, 20 * DAY)),
    min_size=1,
    max_size=15,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(STEPS, st.integers(0, 3))
def test_dedup_is_exact_whatever_meets_and_however_it_is_split(tmp_path_factory, steps, bits):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Seen, "hash", lambda self, text: ord(text) & ((1 << bits) - 1))
        told = Told(tmp_path_factory.mktemp("seen"))
        known: dict[str, int] = {}
        at = 0
        for keys, later in steps:
            at += later
            expected = []
            for key in keys:
                new = key not in known or known[key] < at - WINDOW
                expected.append(new)
                if new:
                    known[key] = at
            assert told.tell(keys, at) == expected
        told.state.close()
