"""What an event is worth: amounts as numbers or text, currencies that exist."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.catalogue import Worth, amount, worth
from hub.event import Event


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        (19, 19),
        ("19.90", 19.9),
        (" -5 ", -5.0),
        ("1,299.00", 1299.0),
        ("19,90", 19.9),
        ("1,299", 1299.0),
        ("19.90 EUR", None),
        ("1.299,00", None),
        ("", None),
        ("1" * 40, None),
        (float("nan"), None),
        (float("inf"), None),
        (1e300, None),
        (True, None),
        (None, None),
        ([1], None),
    ],
)
def test_an_amount_is_a_number_or_a_text_that_can_only_be_one(said, meant):
    assert amount(said) == meant


@given(st.floats(-1e9, 1e9).map(lambda n: round(n, 2)))
def test_an_amount_as_text_is_the_amount(number):
    assert amount(f"{number:.2f}") == amount(f"{number:,.2f}") == number


def test_the_first_property_that_holds_an_amount_decides():
    assert worth({"value": 3, "revenue": "free", "total": "4.50", "currency": " eur "}) == Worth(4.5, "EUR")
    assert worth({"price": 3, "currency": "EURO"}) == Worth(3, None)
    assert worth({"quantity": 3}) is None


def test_an_event_tells_its_name_and_worth_to_other_systems():
    event = Event(
        id="1", type="track", name="product_added", name_as_sent="add_to_cart", properties={"price": 3}
    )

    assert (event.spelled, event.worth) == ("Product Added", Worth(3, None))
    assert Event(id="1", type="track", name="oiled", name_as_sent="Oiled!").spelled == "Oiled!"
    assert Event(id="1", type="track", name="oiled").spelled == "oiled"
