"""Who is one with whom: what comes to people and what stays as it was, over the real stores."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from small_house import SmallHouse


@pytest.fixture
def house(tmp_path: Path) -> Iterator[SmallHouse]:
    house = SmallHouse(tmp_path, "")
    yield house
    house.close()


def test_two_who_may_be_one_are_one_case_however_often_it_shows(house: SmallHouse) -> None:
    house.tell("identify", user_id="ann", email="shared@example.com")
    house.tell("identify", user_id="bob")

    for _ in range(3):
        house.tell("Product Viewed", user_id="bob", email="shared@example.com")

    assert len(house.people()) == 2
    assert len(house.reviews()) == 1


def test_a_merge_ends_the_case_of_the_two_and_takes_the_others_along(house: SmallHouse) -> None:
    house.tell("identify", user_id="ann", email="shared@example.com")
    house.tell("identify", user_id="bob", email="shared@example.com")
    house.tell("identify", user_id="cleo", email="shared@example.com")
    assert len(house.reviews()) == 2

    house.merge("bob", "ann")

    [case] = house.reviews()
    assert {case.person, case.other} == {person.id for person in house.people()}


def test_a_kind_that_is_no_longer_declared_sets_nobodys_events_aside(house: SmallHouse) -> None:
    house.configure("[identity.kinds.card]\nstrong = true\nmax = 1\n")
    house.tell("Product Viewed", card="4711", anonymous_id="a")
    house.tell("Product Viewed", user_id="ann")
    house.configure("")

    house.tell("identify", user_id="ann", anonymous_id="a")

    assert house.poisoned() == []
    assert len(house.people()) == 1
