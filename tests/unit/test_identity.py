"""Whose is it: the sentences of the glossary on identifiers, one by one, and what must always hold."""

from __future__ import annotations

from collections import Counter
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.event import KINDS, STRONG_KINDS, Identifier, PersonId, Profile
from hub.identity import (
    IdentityRules,
    KindRule,
    Known,
    let_go,
    note_seen,
    resolve,
    survivor,
    take_in,
)
from hub.profiles import join

RULES = IdentityRules()


class World:
    """People and whose identifiers are, changed by nothing but resolutions; each event is a second later."""

    def __init__(self, rules: IdentityRules = RULES) -> None:
        self.rules = rules
        self.now = 0
        self.profiles: dict[PersonId, Profile] = {}
        self.owners: dict[Identifier, PersonId] = {}
        self.reviews: list[tuple[PersonId, PersonId]] = []
        self.merges: list[tuple[PersonId, PersonId]] = []

    @property
    def people(self) -> dict[PersonId, list[Identifier]]:
        return {id: profile.identifiers for id, profile in self.profiles.items()}

    def event(self, *identifiers: Identifier, proven: bool = True, ago: int = 0) -> PersonId:
        """An event arrives; returns whose it is."""
        self.now += 1
        at = self.now - ago
        usable = self.rules.usable(identifiers)
        owners = {one: self.owners[one] for one in usable if one in self.owners}
        known = {owner: Known(owner, tuple(self.people[owner])) for owner in owners.values()}
        said = resolve(usable, owners, known, proven=proven, rules=self.rules)
        for one in said.take:
            let_go(self.profiles[self.owners[one]], one)
        person = said.person or PersonId(len(self.profiles) + 1)
        profile = self.profiles.setdefault(person, Profile(id=person))
        for other in said.merge:
            self._join(profile, other)
        note_seen(profile, usable, at)
        self.owners.update(dict.fromkeys(said.add, person))
        for one in take_in(profile, said.add, self.rules, told=usable, at=at):
            del self.owners[one]
        profile.last_seen_at = max(at, profile.last_seen_at)
        self.reviews += [(person, other) for other in said.left]
        return person

    def _join(self, profile: Profile, other: PersonId) -> None:
        gone = self.profiles[other]
        join(profile, gone, self.now)
        self.owners.update(dict.fromkeys(gone.identifiers, profile.id))
        self.profiles[other] = Profile(id=other)
        self.merges.append((profile.id, other))


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


def test_a_person_has_at_most_five_of_a_strong_kind_and_the_sixth_stays_nobodys(world):
    ann = world.event(user("1"), *(email(f"ann{n}@shop.test") for n in range(5)))

    assert world.event(user("1"), email("sixth@shop.test")) == ann
    assert email("sixth@shop.test") not in world.owners


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in STRONG_KINDS])
def test_of_a_weak_kind_the_one_that_was_seen_longest_ago_gives_way_to_the_sixth(world, kind):
    first, second, *others, sixth = (Identifier(kind, letter) for letter in "abcdef")
    ann = world.event(user("1"), first)
    for one in (second, *others, first):
        world.event(user("1"), one)

    assert world.event(user("1"), sixth) == ann
    assert world.people[ann] == [user("1"), first, *others, sixth]
    assert world.event(second) != ann


def test_a_device_that_gave_way_comes_back_with_its_user(world):
    tokens = [Identifier("device_token", letter) for letter in "abcdef"]
    for token in (*tokens, tokens[0]):
        ann = world.event(user("1"), token)

    assert world.people[ann] == [user("1"), *tokens[2:], tokens[0]]


def test_a_browser_seen_before_all_that_a_person_has_takes_nobodys_place(world):
    ann = world.event(user("1"), *(browser(f"b{n}") for n in range(5)))

    assert world.event(user("1"), browser("of the past"), ago=2) == ann
    assert browser("of the past") not in world.owners


def test_too_many_browsers_keep_nobody_from_becoming_one_and_the_oldest_give_way(world):
    for name in ("b0", "a0", "a1", "b1", "a2", "b2"):
        world.event(device(name[0]), browser(name))
    ann = world.event(device("a"), device("b"))

    assert len(world.merges) == 1
    assert set(world.people[ann]) == {device("a"), device("b"), *map(browser, ("a0", "a1", "b1", "a2", "b2"))}


def test_an_event_of_more_devices_than_one_may_have_adds_the_first_ones(world):
    ann = world.event(user("1"), browser("old"))
    world.event(user("1"), *(browser(f"b{n}") for n in range(7)))

    assert world.people[ann] == [user("1"), *(browser(f"b{n}") for n in range(5))]


def test_words_that_mean_nobody_point_at_nobody():
    hostile = ["null", "NULL", "undefined", "0", "-1", "guest", "00000000-0000-0000-0000-000000000000"]
    hostile += ["(null)", "<null>", "<nil>", ""]

    assert RULES.usable([user(value) for value in hostile]) == []


def test_a_shop_can_block_values_and_change_how_many_there_may_be():
    rules = IdentityRules.of({"device_id": KindRule(strong=False, most=1)}, ["Kiosk"])
    world = World(rules)
    ann = world.event(user("1"), device("one"))
    world.event(user("1"), device("two"))

    assert world.people[ann] == [user("1"), device("two")]
    assert rules.usable([device("KIOSK"), device("one")]) == [device("one")]


def test_a_kind_that_nobody_declared_is_no_identifier():
    assert RULES.usable([Identifier("shoe_size", "44")]) == []


def test_an_identifier_of_a_kind_that_is_no_longer_declared_stops_no_merge(world):
    declared = World(IdentityRules.of({"card": KindRule(strong=True, most=1)}))
    declared.event(Identifier("card", "4711"), browser("a"))
    world.profiles, world.owners = declared.profiles, declared.owners

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


@given(st.lists(st.sampled_from("123456789"), max_size=60))
def test_of_a_users_devices_those_are_kept_that_were_seen_last(tokens):
    world = World()
    for token in tokens:
        world.event(user("ann"), Identifier("device_token", token))

    seen_last = list(dict.fromkeys(reversed(tokens)))[:5]
    kept = {one.value for one, _ in world.owners.items() if one.kind == "device_token"}
    assert kept == set(seen_last)


@given(EVENTS)
def test_what_an_event_names_as_the_newest_does_not_give_way_to_what_was_seen_before(events):
    world = World()
    for identifiers, proven in events:
        before = dict(world.owners)
        whose = world.event(*identifiers, proven=proven)

        known = [one for one in RULES.usable(identifiers) if one in before]
        few = all(count <= 5 for count in Counter(one.kind for one in RULES.usable(identifiers)).values())
        if few and all(before[one] == whose for one in known):
            assert all(world.owners.get(one) == whose for one in known)


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
