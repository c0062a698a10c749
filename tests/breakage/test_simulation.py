"""Any split, fault, kill and sick sink: the same state, ids and ends, in order, the ledgers balanced."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from simulation import applied, history


def check(seed: int, folder: Path) -> dict[str, list[object]]:
    """Lives a seed through twice, plainly and shaken; returns the state of both."""
    steps = history(seed, folder)
    plain = applied(folder / "plain", steps, None)
    shaken = applied(folder / "shaken", steps, random.Random(seed))

    assert shaken.state.keys() == plain.state.keys()
    for table in plain.state:
        assert shaken.state[table] == plain.state[table], f"seed {seed}: {table}"
    assert plain.faults == [], f"seed {seed}"
    assert shaken.faults == [], f"seed {seed}"
    assert set(shaken.arrived) == set(plain.arrived), f"seed {seed}"
    assert shaken.ended == plain.ended, f"seed {seed}"
    return plain.state


@pytest.mark.parametrize("tens", range(10))
def test_the_same_entries_and_instants_give_the_same_state(tens: int, tmp_path: Path) -> None:
    for seed in range(10 * tens, 10 * tens + 10):
        (tmp_path / str(seed)).mkdir()
        state = check(seed, tmp_path / str(seed))

        assert state["poison"] == []


@pytest.mark.long
@pytest.mark.parametrize("hundreds", range(1, 11))
def test_many_more_seeds_give_the_same_state(hundreds: int, tmp_path: Path) -> None:
    for seed in range(100 * hundreds, 100 * hundreds + 100):
        (tmp_path / str(seed)).mkdir()
        check(seed, tmp_path / str(seed))


def test_the_small_world_has_everything_in_it(tmp_path: Path) -> None:
    kinds: set[str] = set()
    for seed in range(5):
        (tmp_path / str(seed)).mkdir()
        state = check(seed, tmp_path / str(seed))
        kinds |= {table for table, rows in state.items() if rows}
        for _, _, _, body in state["decision"]:
            kinds |= {
                word for word in ("fired", "skipped", "sent", "dropped") if f'"{word}"'.encode() in body
            }

    assert kinds >= {"merge", "review", "outbox", "decision", "outcome", "seen", "fate"}
    assert kinds >= {"fired", "skipped", "sent", "dropped"}
