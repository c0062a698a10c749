"""The state: all of a transaction or nothing, and readers who see only what is committed."""

from __future__ import annotations

import pytest

from hub.event import Identifier, PersonId, Trait
from hub.store.port import Fate, Leg
from hub.store.sqlite import work
from hub.store.sqlite.state import SqliteStateReader
from hub.store.sqlite.work import SqliteState, legs_text

LEGS = legs_text([Leg("a", "send", "forward", "all")])


def email(value: str) -> Identifier:
    return Identifier("email", value)


@pytest.fixture
def state(tmp_path):
    state = SqliteState(tmp_path, durable=False)
    yield state
    state.close()


@pytest.fixture
def reader(state, tmp_path):
    reader = SqliteStateReader(tmp_path)
    yield reader
    reader.close()


def meet(state: SqliteState, entry: int, name: str) -> PersonId:
    """A person is met for the first time."""
    with state.transaction() as changing:
        profile = changing.create("site", name)
        profile.identifiers.append(email(name))
        changing.assign(email(name), profile.id)
        changing.settle(entry, Fate.PROCESSED, profile.id, None)
        profile.heads[profile.id] = entry
        changing.position = entry
    return profile.id


def unite(state: SqliteState, entry: int, survivor: PersonId, merged: PersonId) -> None:
    with state.transaction() as changing:
        one, other = changing.profile(survivor), changing.profile(merged)
        one.identifiers += other.identifiers
        one.heads.update(other.heads)
        changing.merge(entry, one.id, other.id)
        changing.changed(one.id)


def test_a_reader_sees_a_transaction_when_it_is_committed_and_not_before(state, reader):
    with state.transaction() as changing:
        ann = changing.create("site", "ann").id
        changing.position = 1
        assert (reader.profiles([ann]), reader.position()) == ({}, 0)

    assert (list(reader.profiles([ann])), reader.position()) == ([ann], 1)


def test_an_exception_leaves_nothing_neither_on_disk_nor_in_memory(state, reader):
    ann, bob = meet(state, 1, "ann"), meet(state, 2, "bob")
    with pytest.raises(ZeroDivisionError), state.transaction() as changing:
        changing.profile(ann).traits["city"] = Trait("Ulm", "site", 1)
        changing.merge(3, ann, bob)
        changing.create("site", "carl")
        changing.assign(email("ann"), bob)
        changing.release(email("bob"))
        changing.plan(3, ann, LEGS)
        changing.wake(ann, 5)
        changing.position = 3
        raise ZeroDivisionError

    assert (state.position, reader.outbox_end(), state.next_wake()) == (2, 0, None)
    with state.transaction() as changing:
        changing.prefetch(["email:ann", "email:bob"])
        assert (changing.owner(email("ann")), changing.owner(email("bob"))) == (ann, bob)
        assert changing.profile(ann).traits == {}
        changing.plan(3, ann, LEGS)
    assert len(reader.outbox(0, [1], 10)) == 1


def test_what_was_released_is_nobodys_at_once_and_for_ever(state, reader, tmp_path):
    ann = meet(state, 1, "ann")
    with state.transaction() as changing:
        changing.prefetch(["email:ann"])
        changing.release(email("ann"))
        changing.prefetch(["email:ann"])
        assert changing.owner(email("ann")) is None

    assert reader.owners([email("ann")]) == {}
    with state.transaction() as changing:
        changing.prefetch(["email:ann"])
        assert changing.owner(email("ann")) is None
        changing.assign(email("ann"), ann)
    assert reader.owners([email("ann")]) == {email("ann"): ann}


def test_a_merged_person_is_found_by_every_former_name(state, reader):
    ann, bob, carl = (meet(state, n, name) for n, name in enumerate(("ann", "bob", "carl"), 1))
    unite(state, 4, bob, carl)
    unite(state, 5, ann, bob)

    assert {person: profile.id for person, profile in reader.profiles([ann, bob, carl]).items()} == {
        ann: ann,
        bob: ann,
        carl: ann,
    }
    assert set(reader.owners([email("ann"), email("bob"), email("carl")]).values()) == {ann}
    assert [profile.id for profile in reader.all_profiles()] == [ann]
    assert [(row.survivor, row.merged) for row in reader.merges(ann)] == [(bob, carl), (ann, bob)]


def test_a_timer_moves_with_the_person_and_the_earlier_one_holds(state):
    ann, bob = meet(state, 1, "ann"), meet(state, 2, "bob")
    with state.transaction() as changing:
        changing.wake(ann, 50)
        changing.wake(bob, 20)
    unite(state, 3, ann, bob)

    assert state.due(20, 10) == [ann]
    assert state.due(19, 10) == []


def test_a_kept_timer_gives_way_to_an_earlier_one_only_or_to_any_once_it_has_ended(state):
    ann, bob, carl = (meet(state, n, name) for n, name in enumerate(("ann", "bob", "carl"), 1))
    with state.transaction() as changing:
        for person in (ann, bob, carl):
            changing.wake(person, 50)
    with state.transaction() as changing:
        changing.wake(ann, 20)
        changing.wake(bob, 90)
        changing.wake(carl, None)
        changing.wake(carl, 90)

    assert (state.due(20, 9), state.due(50, 9), state.due(90, 9)) == ([ann], [ann, bob], [ann, bob, carl])


def test_a_merge_takes_along_the_earliest_timer_of_this_transaction_and_of_before(state):
    ann, bob, carl = (meet(state, n, name) for n, name in enumerate(("ann", "bob", "carl"), 1))
    with state.transaction() as changing:
        changing.wake(bob, 20)
        changing.wake(carl, 20)
    with state.transaction() as changing:
        changing.wake(bob, 50)
        changing.wake(carl, None)
        changing.wake(carl, 50)
        changing.merge(4, ann, bob)

    assert state.due(20, 9) == [ann]
    unite(state, 5, ann, carl)
    assert (state.next_wake(), state.due(90, 9)) == (20, [ann])


def test_people_are_due_the_earliest_first(state):
    people = [meet(state, n, str(n)) for n in range(1, 6)]
    with state.transaction() as changing:
        for wake_at, person in enumerate(reversed(people)):
            changing.wake(person, wake_at)

    assert state.due(3, 3) == list(reversed(people))[:3]
    assert state.next_wake() == 0


def test_what_memory_forgets_is_read_again(state, monkeypatch):
    monkeypatch.setattr(work, "PEOPLE_KEPT", 2)
    monkeypatch.setattr(work, "IDENTIFIERS_KEPT", 2)
    people = [meet(state, n, str(n)) for n in range(1, 8)]
    unite(state, 8, people[6], people[0])

    with state.transaction() as changing:
        changing.prefetch([f"email:{n}" for n in range(1, 8)])
        assert [changing.owner(email(str(n))) for n in range(1, 8)] == [people[6], *people[1:]]
        assert changing.profile(people[0]).id == people[6]


def test_everything_is_there_after_a_restart(state, tmp_path):
    ann = meet(state, 1, "ann")
    with state.transaction() as changing:
        changing.plan(1, ann, LEGS)
        changing.horizon, changing.configuration = 77, 1
    again = SqliteState(tmp_path, durable=False)
    with again.transaction() as changing:
        changing.plan(2, ann, LEGS)
    again.close()
    reader = SqliteStateReader(tmp_path)

    assert (again._position, again._horizon, again._configuration) == (1, 77, 1)
    assert [(row.seq, row.routes) for row in reader.outbox(0, [1], 10)] == [(1, 1), (2, 1)]
    reader.close()
