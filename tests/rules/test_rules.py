"""Rules, told one by one: what fires, when, and why not."""

from __future__ import annotations

from typing import Any

import pytest

import hub.rules as rules
from hub.errors import ConfigRefused
from hub.event import Event, PersonId, Profile, Trait

SECOND = 1_000_000
MINUTE = 60 * SECOND
NOON = 1_800_000_000 * SECOND // (86_400 * SECOND) * 86_400 * SECOND + 12 * 60 * MINUTE


class Ann:
    """One person, whose clock is turned by hand."""

    def __init__(self, activated_at: int = 1, traits: dict[str, Any] | None = None, **tables: Any) -> None:
        settings = {"repeat": "always", "grace": "0s"} | tables.pop("settings", {})
        self.tables = {"settings": settings, **tables}
        self.definitions = rules.compile(self.tables, activated_at)
        kept = {name: Trait(value, "test", 1) for name, value in (traits or {}).items()}
        self.profile = Profile(id=PersonId(1), traits=kept)
        self.memory = rules.Memory()
        self.past: list[Event] = []
        self.told: list[tuple[str, str, str]] = []
        self.given_up = 0
        self.now = NOON

    def seen(self) -> rules.Person:
        return rules.Person(self.profile, lambda: [(e, e.received_at) for e in reversed(self.past)])

    def does(self, name: str, *, at: float, told: float | None = None, **properties: Any) -> None:
        """Something happens `at` minutes after noon, and is told then or later."""
        # What arrives at an instant comes before the waits that end at it.
        self.until((at if told is None else told) - 1 / MINUTE)
        self.now += 1 + len(self.past)
        time = NOON + int(at * MINUTE)
        known = max(self.now, time)
        event = Event(
            id=str(len(self.past)),
            type="track",
            name=name,
            properties=properties,
            context={"device": "mobile"},
            time=time,
            received_at=known,
        )
        self.past.append(event)
        self.take(rules.decide(self.definitions, event, self.seen(), self.memory, now=known))

    def until(self, minutes: float) -> None:
        until = NOON + int(minutes * MINUTE)
        while self.memory.wake_at and self.memory.wake_at <= until:
            at = max(self.now, self.memory.wake_at)
            self.take(rules.wake(self.definitions, self.seen(), self.memory, now=at))
        self.now = max(self.now, until)

    def reload(self, at: float, **changed: Any) -> None:
        self.until(at)
        self.tables |= changed
        self.definitions = rules.compile(self.tables, self.now, self.definitions.ages)
        self.take(rules.adopt(self.definitions, self.seen(), self.memory, now=self.now))

    def take(self, decisions: rules.Decisions) -> None:
        self.memory = decisions.memory
        self.given_up += decisions.dropped
        for each in decisions.decided:
            outcome = each.reason if isinstance(each, rules.Skip) else "fires"
            self.told.append((self.clock(each.at), each.rule.name, outcome))

    @staticmethod
    def clock(at: int) -> str:
        minutes, seconds = divmod((at - NOON) // SECOND, 60)
        return f"{minutes}:{seconds:02}"


CART = {"when": "product_added then not checkout_viewed within 15m"}


def test_a_cart_left_alone_is_noticed_after_its_wait_and_grace():
    ann = Ann(rules={"cart": CART | {"grace": "15s"}})
    ann.does("product_added", at=0)
    ann.until(60)

    assert ann.told == [("15:15", "cart", "fires")]


def test_what_a_person_waits_for_is_told_with_what_breaks_it():
    ann = Ann(rules={"cart": {"when": "a then not (c or b[x > 1]) within 15m", "grace": "15s"}})
    ann.does("a", at=0)

    [waiting] = rules.waiting(ann.definitions, ann.memory)
    assert (waiting.rule, waiting.broken_by) == ("cart", ("b", "c"))
    assert (ann.clock(waiting.due), ann.clock(waiting.decided_at)) == ("15:00", "15:15")


def test_a_checkout_within_the_wait_keeps_us_quiet():
    ann = Ann(rules={"cart": CART})
    ann.does("product_added", at=0)
    ann.does("checkout_viewed", at=15)
    ann.until(60)

    assert ann.told == []


def test_a_checkout_told_late_but_before_the_decision_still_counts():
    ann = Ann(rules={"cart": CART | {"grace": "2m"}})
    ann.does("product_added", at=0)
    ann.does("page_viewed", at=15.5)
    ann.does("checkout_viewed", at=14, told=16)
    ann.until(60)

    assert ann.told == []


def test_a_checkout_told_after_the_decision_changes_nothing():
    ann = Ann(rules={"cart": CART})
    ann.does("product_added", at=0)
    ann.does("checkout_viewed", at=14, told=16)
    ann.until(60)

    assert ann.told == [("15:00", "cart", "fires")]


def test_another_product_restarts_the_wait_unless_the_rule_says_otherwise():
    ann = Ann(rules={"again": CART, "once": CART | {"restart": False}})
    ann.does("product_added", at=0)
    ann.does("product_added", at=10)
    ann.until(60)

    assert ann.told == [("15:00", "once", "fires"), ("25:00", "again", "fires")]


def test_each_cart_is_a_case_of_its_own():
    ann = Ann(rules={"cart": {"when": "product_added then not order_completed within 15m", "by": "cart_id"}})
    ann.does("product_added", at=0, cart_id="a")
    ann.does("product_added", at=1, cart_id=2)
    ann.does("order_completed", at=5, cart_id="2")
    ann.until(60)

    assert ann.told == [("15:00", "cart", "fires")]


def test_steps_follow_each_other_within_their_limits():
    ann = Ann(rules={"path": {"when": "a then b within 5m then c within 5m"}})
    ann.does("a", at=0)
    ann.does("b", at=5)
    ann.does("c", at=10.1)
    ann.does("c", at=20)
    ann.does("a", at=30)
    ann.does("b", at=35)
    ann.does("c", at=40)

    assert ann.told == [("40:00", "path", "fires")]


def test_a_rule_fires_again_only_after_its_repeat():
    ann = Ann(rules={"seen": {"when": "a", "repeat": "10m"}})
    for minute in (0, 5, 10):
        ann.does("a", at=minute)

    assert [outcome for *_, outcome in ann.told] == ["fires", "repeat", "fires"]


def test_another_repeat_counts_the_firing_before_it():
    ann = Ann(rules={"seen": {"when": "a", "repeat": "always"}})
    ann.does("a", at=0)
    ann.reload(at=10, rules={"seen": {"when": "a", "repeat": "1h"}})
    ann.does("a", at=20)

    assert [outcome for *_, outcome in ann.told] == ["fires", "repeat"]


def test_what_one_instant_decides_is_told_in_the_order_of_its_deciding():
    first, second = {"when": "a or a[x == 1]", "repeat": "1h"}, {"when": "a", "if": "false", "priority": 1}
    ann = Ann(rules={"first": first, "second": second})
    ann.does("a", at=0, x=1)

    assert [told[1:] for told in ann.told] == [
        ("second", "guard_false"),
        ("first", "fires"),
        ("first", "repeat"),
    ]


def test_repeat_can_count_apart_for_each_value():
    ann = Ann(rules={"seen": {"when": "a", "repeat": "never per item"}})
    for item in ("x", "y", "x"):
        ann.does("a", at=1, item=item)

    assert [outcome for *_, outcome in ann.told] == ["fires", "fires", "repeat"]


@pytest.mark.parametrize(
    "condition",
    [
        "person.country == 'DE' and person.address.city == 'Berlin'",
        "trigger.value > 10 and trigger.first.value == 1",
        "local.time between 12:00 and 13:00 and local.hour == 12 and local.date starts with '20'",
        "count(a, ever) == 2 and did(a[value > 10], 10m) and not did(c, 10m)",
        "sum(a.value, 10m) == 21 and avg(a.value) == 10.5 and max(a.value) == 20 and min(a.value) == 1",
        "first(a.value) == 1 and last(a.value) == 20 and distinct(a.value, 10m) == 2",
        "most_frequent(b.kind) == 'x' and since(b) >= 2m and since(b) < 5m",
        "count(a, 2m) == 1 and not since(c) exists",
    ],
)
def test_a_condition_sees_the_person_the_match_the_clock_and_the_past(condition):
    rule = {"when": "a as first then a within 10m", "if": condition}
    ann = Ann(rules={"r": rule}, traits={"country": "DE", "address": {"city": "Berlin"}})
    ann.does("b", at=0, kind=["x", "y", "x"])
    ann.does("a", at=1, value=1)
    ann.does("a", at=3, value=20)

    assert ann.told == [("3:00", "r", "fires")]


def test_a_number_that_nobody_can_calculate_with_makes_a_sum_missing():
    none = "not sum(a.value) exists and not avg(a.value) exists and not near(trigger.position, s, 5km)"
    ann = Ann(rules={"r": {"when": "b", "if": none}}, places={"s": {"here": [1, 1]}})
    ann.does("a", at=0, value=10**400)
    ann.does("a", at=1, value=0.5)
    ann.does("b", at=2, position=[10**400, 1])

    assert ann.told == [("2:00", "r", "fires")]


@pytest.mark.parametrize(
    ("when", "condition"),
    [
        ("purchase[orderTotal > 1]", "trigger.purchase.orderTotal == 2"),
        ("'Purchase'", "count(purchase) == 1 and sum(order_completed.orderTotal) == 2"),
        ("order_completed[context.device == 'mobile']", "trigger.context.device == 'mobile'"),
        ("order_completed", "last(purchase.context.device) == 'mobile' and person.firstName == 'Ann'"),
    ],
)
def test_a_rule_may_write_names_as_senders_do(when, condition):
    ann = Ann(rules={"r": {"when": when, "if": condition}}, traits={"first_name": "Ann"})
    ann.does("order_completed", at=1, order_total=2)

    assert ann.told == [("1:00", "r", "fires")]


def test_a_persons_clock_is_that_of_their_time_zone():
    rule = {"when": "a", "if": "local.time between 21:00 and 22:00"}

    tokyo = Ann(rules={"r": rule}, traits={"timezone": "Asia/Tokyo"})
    nowhere = Ann(rules={"r": rule}, traits={"timezone": "Mars/Olympus"}, settings={"timezone": "Asia/Tokyo"})
    for ann in (tokyo, nowhere):
        ann.does("a", at=1)
        assert ann.told == [("1:00", "r", "fires")]


def test_same_counts_only_what_carries_the_matchs_key():
    rule = {"when": "a 2 times within 1h", "by": "item", "if": "not did(b, 1h, same)"}
    ann = Ann(rules={"r": rule})
    ann.does("b", at=0, item="x")
    for item in ("x", "y", "x", "y"):
        ann.does("a", at=1, item=item)

    assert [outcome for *_, outcome in ann.told] == ["guard_false", "fires"]


def test_what_is_noticed_too_late_is_stale():
    ann = Ann(rules={"r": {"when": "a", "fresh": "10m"}})
    ann.does("a", at=0, told=11)

    assert ann.told == [("11:00", "r", "stale")]


@pytest.mark.parametrize("pattern", ["a", "a then not b within 15m"])
def test_a_very_late_event_brings_no_decided_match_back(pattern):
    ann = Ann(rules={"r": {"when": pattern, "fresh": "1h"}, "other": {"when": "x"}})
    ann.does("a", at=0)
    ann.does("x", at=600)
    ann.does("a", at=-20, told=700)
    ann.until(800)

    assert [outcome for _, rule, outcome in ann.told if rule == "r"] == ["fires", "stale"]


def test_loading_a_rule_sends_no_wave_but_waits_that_end_later_count():
    ann = Ann(rules={"other": {"when": "x"}})
    ann.does("a", at=0)
    ann.reload(
        at=10,
        rules={"other": {"when": "x"}, "now": {"when": "a"}, "wait": {"when": "a then not b within 15m"}},
    )
    ann.until(60)

    assert ann.told == [("10:00", "now", "before_activation"), ("15:00", "wait", "fires")]


def test_an_edited_wait_fires_at_the_edit_for_who_was_waiting():
    ann = Ann(rules={"r": {"when": "a then not b within 30m"}})
    ann.does("a", at=0)
    ann.reload(at=10, rules={"r": {"when": "a then not b within 5m"}})
    ann.until(60)

    assert ann.told == [("10:00", "r", "fires")]


@pytest.mark.parametrize(
    "edited",
    [
        {"when": "a then not b within 5m", "by": "item"},
        {"when": "c or d or a then not b within 5m"},
        {"when": "a then not b within 5m", "restart": False},
    ],
)
def test_who_was_waiting_is_still_waiting_whatever_of_the_pattern_was_edited(edited):
    ann = Ann(rules={"r": {"when": "c or a then not b within 30m"}})
    ann.does("a", at=0, item="x")
    ann.reload(at=10, rules={"r": edited})
    ann.until(60)

    assert ann.told == [("10:00", "r", "fires")]


def test_an_edit_does_not_send_what_it_would_have_sent_before():
    ann = Ann(rules={"r": {"when": "c"}})
    ann.does("a", at=0)
    ann.reload(at=10, rules={"r": {"when": "a then not b within 5m"}})
    ann.until(60)

    assert ann.told == [("10:00", "r", "before_edit")]


def test_spaces_and_other_options_are_no_edit_of_the_pattern():
    before = rules.compile({"rules": {"r": {"when": "a then b within 5m"}}}, 1)
    after = rules.compile({"rules": {"r": {"when": "a  then b\nwithin 5m", "repeat": "3d"}}}, 2, before.ages)

    assert after.rules[0].age == before.rules[0].age


def test_a_shorter_grace_holds_for_who_is_waiting_already():
    ann = Ann(rules={"r": CART | {"grace": "30m"}})
    ann.does("product_added", at=0)
    ann.reload(at=10, rules={"r": CART | {"grace": "0s"}})
    ann.until(60)

    assert ann.told == [("15:00", "r", "fires")]


def test_keys_of_a_former_by_fire_no_more():
    ann = Ann(rules={"r": CART | {"by": "cart_id", "repeat": "always"}})
    ann.does("product_added", at=0, cart_id="c1")
    ann.until(16)
    ann.reload(at=20, rules={"r": CART | {"repeat": "always"}})
    ann.does("product_added", at=25, cart_id="c1")
    ann.until(60)

    fired = [at for at, _, outcome in ann.told if outcome == "fires"]
    assert fired == ["15:00", "40:00"]


THIRD_LOOK = {"when": "product_viewed 3 times within 2h", "by": "product_id", "fresh": "10m"}


def test_what_can_come_to_nothing_any_more_is_not_remembered():
    ann = Ann(rules={"r": THIRD_LOOK})
    for number in range(50):
        ann.does("product_viewed", at=10 * number, product_id=number)

    assert len(ann.memory.states) <= 13


def test_a_key_that_can_come_to_nothing_any_more_takes_nobodys_place():
    ann = Ann(rules={"r": THIRD_LOOK})
    for number in range(150):
        ann.does("product_viewed", at=10 * number, product_id=number)

    assert ann.given_up == 0


def test_values_for_which_a_rule_may_fire_again_are_not_remembered():
    ann = Ann(rules={"r": {"when": "a", "repeat": "1h per item", "fresh": "10m"}})
    for number in range(50):
        ann.does("a", at=10 * number, item=number)

    assert len(ann.memory.fired) <= 8


def test_of_more_than_a_hundred_open_keys_the_one_idle_longest_is_given_up():
    ann = Ann(rules={"r": THIRD_LOOK})
    for number in range(101):
        ann.does("product_viewed", at=number / 10, product_id=number)

    assert ann.given_up == 1
    assert "0" not in {state.key for state in ann.memory.states}


def test_a_memory_survives_being_packed():
    ann = Ann(rules={"cart": CART, "three": {"when": "product_added 3 times within 1h"}})
    ann.does("product_added", at=0)

    assert rules.unpack(rules.pack(ann.memory)) == ann.memory


@pytest.mark.parametrize(
    ("rule", "fault"),
    [
        ({}, "rules.r.when: required"),
        ({"when": "a then b"}, "rules.r.when: character 8: a step after 'then' needs a limit"),
        ({"when": "a lasting 30s"}, "rules.r.when: character 1: 'lasting' is not there yet"),
        (
            {"when": "a and b all within 1d"},
            "rules.r.when: character 1: 'and' between patterns is not there yet",
        ),
        ({"when": "becomes person.vip"}, "rules.r.when: character 1: 'becomes' is not there yet"),
        ({"when": "1d after person.born"}, "a moment relative to a date is not there yet"),
        (
            {"when": "a then not b within 1d then c within 1d"},
            "'then not' with a step behind it is not there yet",
        ),
        (
            {"when": "a", "if": "segment.vip"},
            r"rules.r.if: character 1: 'segment.vip': segment.… is not there yet",
        ),
        ({"when": "a", "if": "vip"}, "write person.vip or trigger.vip"),
        ({"when": "a", "if": "since(b) + 1d > 3d"}, "nothing can be calculated from since"),
        ({"when": "a", "if": "since(b) > 3"}, "since is compared with a duration"),
        ({"when": "a", "if": "since(b) between 3 and 5d"}, "since is compared with a duration"),
        ({"when": "a", "if": "person"}, "'person' alone is no value"),
        ({"when": "a", "if": "did(b, 1d, same)"}, "'same' needs a rule with 'by'"),
        ({"when": "a", "group": "x"}, "rules.r.group: is not there yet"),
        ({"when": "a", "repaet": "1d"}, "rules.r.repaet: unknown option; did you mean 'repeat'?"),
        (
            {"when": "a", "repeat": "sometimes"},
            "rules.r.repeat: character 1: expected never, always or a duration",
        ),
        ({"when": "a", "grace": "15"}, "rules.r.grace: '15' is not a duration"),
        ({"when": "a", "by": {"b": "x"}}, "'by' says no path for 'a'"),
        ({"when": "a", "title": 3}, "rules.r.title: must be a text"),
        ({"when": "a", "tags": "cart"}, "rules.r.tags: must be a list of texts"),
        ({"when": "a[x == " + "9" * 5000 + "]"}, "character 8: a number of more than 40 characters"),
        ({"when": "a then not b within 1y"}, "'1y' is not a duration; write 90s, 15m"),
        ({"when": "a then not b within 99999999999d"}, "'99999999999d' is longer than any duration"),
        ({"when": "a", "send": {"channel": "sms", "needs": [["x"]]}}, "rules.r.send.needs: must be a list"),
        ({"when": "a", "send": {"template": "x"}}, "rules.r.send.channel: required"),
        ({"when": "a", "send": [{"channel": "sms"}, {"channel": "sms"}]}, "two messages on one channel"),
        (
            {"when": "a", "send": {"channel": "sms", "vars": {"x": "item"}}},
            "rules.r.send.vars.x: character 1",
        ),
    ],
)
def test_a_fault_of_a_rule_names_its_key_and_what_to_write(rule, fault):
    with pytest.raises(ConfigRefused, match=fault):
        rules.compile({"rules": {"r": rule}}, 1)


def test_all_faults_of_all_tables_are_told_at_once():
    tables = {
        "settings": {"timezone": "Nowhere", "grcae": "1s"},
        "events": {"x": "a["},
        "rules": {
            "r": {"when": "then", "if": "(", "send": {"channel": "sms", "vars": {"x": "item"}}},
            "s": {"when": "a lasting 5s or becomes person.vip", "grace": 3},
            "t": {"when": "a", "if": "("},
        },
        "segments": {},
    }

    with pytest.raises(ConfigRefused) as refused:
        rules.compile(tables, 1)
    assert [fault.key for fault in refused.value.faults] == [
        "segments",
        "settings.grcae",
        "events.x",
        "rules.r.when",
        "rules.r.if",
        "rules.r.send.vars.x",
        "rules.s.grace",
        "rules.s.when",
        "rules.s.when",
        "rules.t.if",
        "settings.timezone",
    ]
