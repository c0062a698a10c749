"""What an event teaches about its person, and what is known of two who are one."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.event import Consent, ConsentState, Event, Identifier, PersonId, Profile, Trait
from hub.profiles import MOST_COUNTERS, OTHER, join, learn


def event(at: int, name: str = "product_viewed", *, proven: bool = True, **fields) -> Event:
    trust = "secret" if proven else "public"
    return Event(id=f"e{at}", type="track", name=name, source="site", time=at, trust=trust, **fields)


def taught(*events: Event) -> Profile:
    profile = Profile(id=PersonId(1))
    for one in events:
        learn(profile, one)
    return profile


# ------------------------------------------------------------------ traits


@pytest.mark.parametrize("order", list(permutations((1, 2, 3))))
def test_the_newest_word_about_a_trait_wins_in_whatever_order_it_comes(order):
    profile = taught(*(event(at, traits={"city": f"city{at}"}) for at in order))

    assert profile.traits["city"] == Trait("city3", "site", 3, True)


def test_of_two_words_of_one_instant_the_later_told_wins():
    assert taught(event(1, traits={"city": "Ulm"}), event(1, traits={"city": "Bonn"})).trait("city") == "Bonn"


def test_a_claim_never_replaces_what_was_proven():
    profile = taught(event(1, traits={"city": "Ulm"}), event(9, traits={"city": "Oz"}, proven=False))

    assert profile.trait("city") == "Ulm"


def test_proof_replaces_a_claim_even_a_newer_one():
    profile = taught(event(9, traits={"city": "Oz"}, proven=False), event(1, traits={"city": "Ulm"}))

    assert profile.trait("city") == "Ulm"


def test_a_trait_remembers_who_said_it_and_when():
    profile = taught(event(7, traits={"city": "Oz"}, proven=False))

    assert profile.traits["city"] == Trait("Oz", "site", 7, False)


def test_traits_that_an_event_does_not_mention_stay():
    profile = taught(event(1, traits={"city": "Ulm"}), event(2, traits={"name": "Ann"}))

    assert profile.trait("city") == "Ulm"


def test_a_thousand_traits_are_enough_for_one_person():
    profile = taught(event(1, traits={f"t{n}": n for n in range(1200)}), event(2, traits={"t0": "new"}))

    assert len(profile.traits) == 1000
    assert profile.trait("t0") == "new"


# ------------------------------------------------------------------ learned from context


@pytest.mark.parametrize(
    ("field", "trait"),
    [("device", "last_device"), ("country", "country"), ("timezone", "timezone"), ("locale", "locale")],
)
def test_traits_are_learned_from_the_context(field, trait):
    profile = taught(event(1, context={field: "old"}), event(2, context={field: "new"}))

    assert profile.trait(trait) == "new"


def test_the_currency_is_learned_from_what_was_bought():
    assert taught(event(1, properties={"currency": "EUR"})).trait("currency") == "EUR"


@pytest.mark.parametrize("proven", [True, False])
@pytest.mark.parametrize("said_first", [True, False])
def test_what_was_said_wins_over_what_was_only_seen(said_first, proven):
    said = event(1, traits={"country": "AT"}, proven=proven)
    seen = event(2, context={"country": "DE"})

    assert taught(*((said, seen) if said_first else (seen, said))).trait("country") == "AT"


def test_a_late_event_teaches_nothing_that_is_older_than_what_was_seen():
    profile = taught(event(9, context={"device": "mobile"}), event(1, context={"device": "desktop"}))

    assert profile.trait("last_device") == "mobile"


# ------------------------------------------------------------------ seen, counted


def test_first_and_last_seen_follow_when_it_happened_not_when_it_arrived():
    profile = taught(event(5), event(2), event(9), event(7))

    assert (profile.first_seen_at, profile.last_seen_at) == (2, 9)


def test_events_are_counted_by_name():
    profile = taught(event(1, "product_viewed"), event(2, "product_viewed"), event(3, "order_completed"))

    assert profile.counters == {"product_viewed": 2, "order_completed": 1}


def test_a_flood_of_event_names_is_counted_as_other():
    profile = taught(*(event(n + 1, f"name{n}") for n in range(MOST_COUNTERS + 50)))

    assert len(profile.counters) == MOST_COUNTERS + 1
    assert profile.counters[OTHER] == 50


# ------------------------------------------------------------------ consent


def consent(at: int, state: str, purpose: str = "marketing") -> Event:
    return event(at, "consent_changed", consent=(Consent("email", purpose, state),))


@pytest.mark.parametrize("order", list(permutations((1, 2, 3))))
def test_of_consent_the_latest_decision_holds_in_whatever_order_it_comes(order):
    states = {1: "granted", 2: "denied", 3: "granted"}
    profile = taught(*(consent(at, states[at]) for at in order))

    assert profile.consent["email/marketing"].state == "granted"


@pytest.mark.parametrize("order", list(permutations(("granted", "denied"))))
def test_at_the_same_instant_a_refusal_wins(order):
    profile = taught(*(consent(1, state) for state in order))

    assert profile.consent["email/marketing"].state == "denied"


def test_consent_is_kept_per_channel_and_purpose_with_its_words():
    both = (Consent("email", "marketing", "granted", "yes, please"), Consent("sms", "*", "denied"))
    profile = taught(event(4, "consent_changed", consent=both))

    assert profile.consent == {
        "email/marketing": ConsentState("granted", 4, "site", "yes, please"),
        "sms/*": ConsentState("denied", 4, "site"),
    }


def test_a_hard_bounce_makes_the_channel_unreachable_and_a_soft_one_does_not():
    hard = event(1, "email_bounced", properties={"bounce_type": "hard"})
    soft = event(1, "email_bounced", properties={"bounce_type": "soft"})

    assert taught(hard, event(2, "email_bounced")).trait("unreachable") == ["email"]
    assert taught(soft).trait("unreachable") is None


# ------------------------------------------------------------------ two who are one


def joined(survivor: Profile, merged: Profile) -> Profile:
    join(survivor, merged, 1)
    return survivor


def test_at_a_merge_the_survivors_traits_win_and_missing_ones_are_filled():
    one = taught(event(1, traits={"city": "Ulm"}))
    profile = joined(one, taught(event(9, traits={"city": "Bonn", "name": "Ann"})))

    assert (profile.trait("city"), profile.trait("name")) == ("Ulm", "Ann")


def test_at_a_merge_what_was_only_seen_gives_way_to_what_was_said():
    seen = taught(event(9, context={"country": "DE"}))

    assert joined(seen, taught(event(1, traits={"country": "AT"}))).trait("country") == "AT"


@pytest.mark.parametrize("late_is_the_survivors", [True, False])
def test_at_a_merge_the_latest_decision_on_consent_holds(late_is_the_survivors):
    early, late = taught(consent(1, "granted")), taught(consent(2, "denied"))
    profile = joined(*((late, early) if late_is_the_survivors else (early, late)))

    assert profile.consent["email/marketing"].state == "denied"


def test_at_a_merge_counters_add_up_and_the_span_seen_covers_both():
    profile = joined(taught(event(5), event(6)), taught(event(2), event(9, "order_completed")))

    assert profile.counters == {"product_viewed": 3, "order_completed": 1}
    assert (profile.first_seen_at, profile.last_seen_at) == (2, 9)


def test_no_chain_of_merges_grows_the_counters_of_a_person_without_end():
    profile = taught(event(1))
    for part in range(4):
        join(profile, taught(*(event(n + 1, f"name{part}_{n}") for n in range(MOST_COUNTERS))), 1)

    assert len(profile.counters) <= MOST_COUNTERS + 1
    assert sum(profile.counters.values()) == 1 + 4 * MOST_COUNTERS


def test_at_a_merge_nobody_loses_an_identifier_and_none_is_kept_twice():
    ann, browser = Identifier("email", "ann@shop.test"), Identifier("anonymous_id", "a")
    profile = joined(
        Profile(id=PersonId(1), identifiers=[ann]), Profile(id=PersonId(2), identifiers=[browser, ann])
    )

    assert profile.identifiers == [ann, browser]


# ------------------------------------------------------------------ what always holds

SAID = st.lists(st.tuples(st.integers(1, 50), st.booleans()), unique_by=lambda said: said[0], min_size=1)


@given(SAID, st.randoms(use_true_random=False))
def test_the_newest_proven_word_wins_else_the_newest_claim_in_any_order(said, chance):
    events = [event(at, traits={"city": at}, proven=proven) for at, proven in said]
    chance.shuffle(events)

    newest = max(said, key=lambda one: (one[1], one[0]))
    assert taught(*events).trait("city") == newest[0]


@given(st.lists(st.tuples(st.integers(1, 9), st.sampled_from(["granted", "denied"]))), st.integers(0, 9))
def test_consent_is_the_same_whether_two_were_one_from_the_start_or_became_one(decisions, cut):
    events = [consent(at, state) for at, state in decisions]
    together = taught(*events)

    apart = joined(taught(*events[:cut]), taught(*events[cut:]))
    assert apart.consent == together.consent
