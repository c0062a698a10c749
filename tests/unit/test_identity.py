"""Whose is it: the sentences of the glossary on identifiers, one by one, and what must always hold."""

from __future__ import annotations

from collections import Counter
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.event import KINDS, STRONG_KINDS, Identifier, PersonId, Profile
from hub.identity import IdentityRules, KindRule, Known, resolve, survivor

RULES = IdentityRules()


class World:
    """People and whose identifiers are, changed by nothing but resolutions."""

    def __init__(self, rules: IdentityRules = RULES) -> None:
        self.rules = rules
        self.people: dict[PersonId, list[Identifier]] = {}
        self.owners: dict[Identifier, PersonId] = {}
        self.reviews: list[tuple[PersonId, PersonId]] = []
        self.merges: list[tuple[PersonId, PersonId]] = []

    def event(self, *identifiers: Identifier, proven: bool = True) -> PersonId:
        """An event arrives; returns whose it is."""
        usable = self.rules.usable(identifiers)
        owners = {one: self.owners[one] for one in usable if one in self.owners}
        known = {owner: Known(owner, tuple(self.people[owner])) for owner in owners.values()}
        said = resolve(usable, owners, known, proven=proven, rules=self.rules)
        for one in said.take:
            self.people[self.owners[one]].remove(one)
        person = said.person
        if person is None:
            person = PersonId(len(self.people) + 1)
            self.people[person] = []
        for other in said.merge:
            gone = self.people[other]
            self.people[person] += gone
            self.owners.update(dict.fromkeys(gone, person))
            self.people[other] = []
            self.merges.append((person, other))
        for one in said.add:
            self.people[person].append(one)
            self.owners[one] = person
        self.reviews += [(person, other) for other in said.left]
        return person


def user(value: str) -> Identifier:
    return Identifier("user_id", value)


def email(value: str) -> Identifier:
    return Identifier("email", value)


def phone(value: str) -> Identifier:
    return Identifier("phone", value)


def browser(value: str) -> Identifier:
    return Identifier("anonymous_id", value)


def device(value: str) -> Identifier:
    return Identifier("device_id", value)


@pytest.fixture
def world() -> World:
    return World()


# ------------------------------------------------------------------ whose event


def test_an_event_of_nobody_known_makes_a_new_person(world):
    ann, bob = world.event(browser("a")), world.event(browser("b"))

    assert ann != bob
    assert world.owners == {browser("a"): ann, browser("b"): bob}


def test_an_event_of_one_known_person_is_theirs_and_teaches_new_identifiers(world):
    ann = world.event(browser("a"))

    assert world.event(browser("a"), email("ann@shop.test")) == ann
    assert world.event(email("ann@shop.test")) == ann


@pytest.mark.parametrize("proven", [True, False])
def test_a_browser_and_a_customer_become_one_when_seen_together(world, proven):
    world.event(browser("a"))
    ann = world.event(email("ann@shop.test"))

    assert world.event(browser("a"), email("ann@shop.test"), proven=proven) == ann
    assert len(world.merges) == 1


@pytest.mark.parametrize("proven", [True, False])
def test_two_browsers_and_nothing_strong_become_one(world, proven):
    world.event(browser("a"))
    world.event(device("d"))
    world.event(browser("a"), device("d"), proven=proven)

    assert len(world.merges) == 1


def test_two_customers_become_one_when_it_is_proven(world):
    world.event(email("ann@shop.test"))
    world.event(phone("+4915112345678"))
    world.event(email("ann@shop.test"), phone("+4915112345678"), proven=True)

    assert len(world.merges) == 1
    assert world.reviews == []


def test_a_claim_never_makes_one_of_two_customers_but_asks_people(world):
    ann = world.event(email("ann@shop.test"))
    bob = world.event(phone("+4915112345678"))

    assert world.event(email("ann@shop.test"), phone("+4915112345678"), proven=False) == ann
    assert world.merges == []
    assert world.reviews == [(ann, bob)]


def test_not_even_proof_makes_one_of_two_users(world):
    ann = world.event(user("1"), email("ann@shop.test"))
    bob = world.event(user("2"))

    assert world.event(user("2"), email("ann@shop.test")) == bob
    assert world.reviews == [(bob, ann)]
    assert world.owners[email("ann@shop.test")] == ann


def test_people_are_not_merged_when_together_they_had_too_many_of_a_kind(world):
    ann = world.event(*(email(f"ann{n}@shop.test") for n in range(3)))
    world.event(*(email(f"bob{n}@shop.test") for n in range(3)))

    assert world.event(email("ann0@shop.test"), email("bob0@shop.test")) == ann
    assert world.merges == []
    assert len(world.reviews) == 1


def test_the_strongest_identifier_decides_whose_event_it_is():
    for place, strong in enumerate(KINDS[:-1]):
        for weak in KINDS[place + 1 :]:
            world = World()
            world.event(Identifier(weak, "w"), email("w@shop.test"))
            one = world.event(Identifier(strong, "s"), phone("+4915112345678"))
            if strong == "email" or weak == "phone":
                continue

            assert world.event(Identifier(weak, "w"), Identifier(strong, "s"), proven=False) == one


def test_several_people_behind_one_event_become_one_at_once(world):
    world.event(browser("a"))
    world.event(device("d"))
    ann = world.event(email("ann@shop.test"))

    assert world.event(device("d"), browser("a"), email("ann@shop.test")) == ann
    assert len(world.merges) == 2


# ------------------------------------------------------------------ changing hands


@pytest.mark.parametrize("weak", [browser("shared"), device("shared"), Identifier("device_token", "shared")])
def test_a_shared_browser_belongs_to_the_last_user_from_then_on_without_a_merge(world, weak):
    ann = world.event(user("1"), weak)
    bob = world.event(user("2"), weak)

    assert bob != ann
    assert world.event(weak) == bob
    assert world.people[ann] == [user("1")]
    assert world.merges == world.reviews == []


def test_a_shared_browser_goes_to_a_user_who_was_known_before(world):
    world.event(user("1"), browser("shared"))
    bob = world.event(user("2"))

    assert world.event(user("2"), browser("shared")) == bob
    assert world.event(browser("shared")) == bob


def test_a_cart_does_not_change_hands(world):
    cart = Identifier("cart_token", "c")
    ann = world.event(user("1"), cart)
    bob = world.event(user("2"), cart)

    assert world.owners[cart] == ann
    assert world.reviews == [(bob, ann)]


def test_an_address_does_not_change_hands(world):
    ann = world.event(user("1"), email("family@shop.test"))
    bob = world.event(user("2"), email("family@shop.test"))

    assert bob != ann
    assert world.owners[email("family@shop.test")] == ann


def test_a_new_user_takes_at_most_as_many_browsers_as_one_person_may_have(world):
    shared = [browser(f"b{n}") for n in range(6)]
    ann = world.event(user("1"), *shared[:5])
    carl = world.event(user("3"), shared[5])
    bob = world.event(user("2"), *shared)

    assert Counter(world.owners[one] for one in shared) == {bob: 5, carl: 1}
    assert world.people[ann] == [user("1")]
    assert world.people[carl] == [user("3"), shared[5]]


# ------------------------------------------------------------------ limits and values


def test_a_person_has_at_most_five_of_a_kind_and_the_sixth_stays_nobodys(world):
    ann = world.event(user("1"), *(browser(f"b{n}") for n in range(5)))

    assert world.event(user("1"), browser("sixth")) == ann
    assert browser("sixth") not in world.owners


def test_words_that_mean_nobody_point_at_nobody():
    hostile = ["null", "NULL", "undefined", "0", "-1", "guest", "00000000-0000-0000-0000-000000000000"]
    hostile += ["(null)", "<null>", "<nil>", ""]

    assert RULES.usable([user(value) for value in hostile]) == []


def test_a_shop_can_block_values_and_change_how_many_there_may_be():
    rules = IdentityRules.of({"device_id": KindRule(strong=False, most=1)}, ["Kiosk"])
    world = World(rules)
    ann = world.event(user("1"), device("one"))
    world.event(user("1"), device("two"))

    assert world.people[ann] == [user("1"), device("one")]
    assert rules.usable([device("KIOSK"), device("one")]) == [device("one")]


def test_a_kind_that_nobody_declared_is_no_identifier():
    assert RULES.usable([Identifier("shoe_size", "44")]) == []


def test_an_identifier_of_a_kind_that_is_no_longer_declared_stops_no_merge(world):
    declared = World(IdentityRules.of({"card": KindRule(strong=True, most=1)}))
    declared.event(Identifier("card", "4711"), browser("a"))
    world.people, world.owners = declared.people, declared.owners

    world.event(user("ann"))
    known = world.event(user("ann"), browser("a"), proven=False)

    assert world.people[known] == [user("ann"), Identifier("card", "4711"), browser("a")]


def test_a_strong_kind_of_the_shops_own_comes_before_weak_ones():
    rules = IdentityRules.of({"loyalty_card": KindRule(strong=True, most=2)})
    card = Identifier("loyalty_card", "7")

    assert rules.usable([browser("a"), card]) == [card, browser("a")]


def test_identifiers_are_told_once_the_strongest_first():
    given_ids = [browser("a"), email("e@shop.test"), browser("a"), user("1")]

    assert RULES.usable(given_ids) == [user("1"), email("e@shop.test"), browser("a")]


# ------------------------------------------------------------------ the survivor of a merge


def person(number: int, first_seen: int, *identifiers: Identifier) -> Profile:
    return Profile(id=PersonId(number), first_seen_at=first_seen, identifiers=list(identifiers))


@pytest.mark.parametrize(
    ("one", "other", "goes_on"),
    [
        (person(1, 5, browser("a")), person(2, 9, email("e")), 2),
        (person(2, 5, email("e")), person(1, 9, phone("p")), 2),
        (person(2, 5, email("e")), person(1, 5, phone("p")), 1),
        (person(2, 5, browser("a")), person(1, 9, browser("b")), 2),
    ],
    ids=["who is strong", "then who was seen first", "then the smaller id", "also among the weak"],
)
def test_the_survivor_is_who_is_strong_then_seen_first_then_the_smaller_id(one, other, goes_on):
    assert survivor([one, other], RULES) == survivor([other, one], RULES) == goes_on


# ------------------------------------------------------------------ what always holds

# Few kinds and few values, so that people meet and limits break.
VALUES = st.sampled_from(["1", "2", "3", "4", "5", "6", "7"])
MET_OFTEN = ["user_id", "email", "anonymous_id", "anonymous_id", "device_id"]
IDENTIFIERS = st.builds(Identifier, st.sampled_from(MET_OFTEN) | st.sampled_from(KINDS), VALUES)
EVENTS = st.lists(
    st.tuples(st.lists(IDENTIFIERS, min_size=1, max_size=8), st.booleans()), min_size=1, max_size=40
)


@given(EVENTS)
def test_every_identifier_points_at_exactly_one_person_and_nobody_breaks_a_limit(events):
    world = World()
    for identifiers, proven in events:
        world.event(*identifiers, proven=proven)

        kept = [(one, person) for person, theirs in world.people.items() for one in theirs]
        assert sorted(kept) == sorted(world.owners.items())
        for theirs in world.people.values():
            for kind, count in Counter(one.kind for one in theirs).items():
                assert count <= RULES.kinds[kind].most


@given(EVENTS)
def test_an_event_that_names_a_user_is_that_users(events):
    world = World()
    for identifiers, proven in events:
        whose = world.event(*identifiers, proven=proven)

        if (named := RULES.usable(identifiers)[0]).kind == "user_id":
            assert world.owners[named] == whose


@given(EVENTS)
def test_claims_never_make_one_of_two_people_who_are_both_strong(events):
    world = World()
    for identifiers, proven in events:
        strong = {
            person
            for person, theirs in world.people.items()
            if any(one.kind in STRONG_KINDS for one in theirs)
        }
        before = len(world.merges)
        world.event(*identifiers, proven=proven)
        joined = {person for pair in world.merges[before:] for person in pair}

        assert proven or len(joined & strong) <= 1


@given(
    st.lists(
        st.lists(
            st.builds(
                Identifier, st.sampled_from(["email", "phone", "anonymous_id"]), st.sampled_from("12345")
            ),
            min_size=1,
            max_size=3,
        ),
        min_size=1,
        max_size=5,
    )
)
def test_the_order_of_proven_events_does_not_matter_for_who_is_one(events):
    partitions = set()
    for order in permutations(events):
        world = World()
        for identifiers in order:
            world.event(*identifiers)
        partitions.add(frozenset(frozenset(theirs) for theirs in world.people.values() if theirs))

    assert len(partitions) == 1
