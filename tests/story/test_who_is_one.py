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


def _names(house: SmallHouse) -> set[frozenset[str]]:
    return {frozenset(str(one) for one in person.identifiers) for person in house.people()}


def test_a_sixth_phone_takes_the_place_of_the_one_that_was_seen_longest_ago(house: SmallHouse) -> None:
    for token in ("t1", "t2", "t3", "t1", "t4", "t5", "t6"):
        house.tell("Application Opened", user_id="ann", device_token=token)
        house.restart()

    assert _names(house) == {
        frozenset({"user_id:ann", *(f"device_token:{token}" for token in ("t1", "t3", "t4", "t5", "t6"))})
    }


def test_a_browser_that_gave_way_is_nobodys_and_comes_back_with_its_user(house: SmallHouse) -> None:
    for number in range(1, 7):
        house.tell("Page Viewed", user_id="ann", anonymous_id=f"b{number}")
    house.tell("Page Viewed", anonymous_id="b1")
    assert len(house.people()) == 2

    house.tell("Page Viewed", user_id="ann", anonymous_id="b1")

    [ann] = house.people()
    assert {one.value for one in ann.identifiers} == {"ann", "b1", "b3", "b4", "b5", "b6"}
    assert ann.counters == {"page_viewed": 8}


def test_people_with_many_browsers_become_one_all_the_same(house: SmallHouse) -> None:
    for number in range(1, 5):
        house.tell("Page Viewed", user_id="ann", anonymous_id=f"a{number}")
        house.tell("Page Viewed", user_id="bob", anonymous_id=f"b{number}")

    house.merge("ann", "bob")

    [ann] = house.people()
    kept = {one.value for one in ann.identifiers if one.kind == "anonymous_id"}
    assert kept == {"b2", "a3", "b3", "a4", "b4"}
    house.tell("Page Viewed", anonymous_id="a1")
    assert len(house.people()) == 2
    assert house.poisoned() == []


def test_a_device_seen_again_is_not_the_one_that_gives_way_after_another_user_had_it(
    house: SmallHouse,
) -> None:
    for token in ("t1", "t2", "t3", "t4", "t5"):
        house.tell("Application Opened", user_id="ann", device_token=token)
    house.tell("Application Opened", user_id="bob", device_token="t1")
    house.tell("Application Opened", user_id="ann", device_token="t6")

    assert _names(house) == {
        frozenset({"user_id:bob", "device_token:t1"}),
        frozenset({"user_id:ann", *(f"device_token:{token}" for token in ("t2", "t3", "t4", "t5", "t6"))}),
    }
