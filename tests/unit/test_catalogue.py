"""The catalogue: one vocabulary for all senders."""

from pathlib import Path

import msgspec
import pytest

from hub import catalogue
from hub.schema import fold, snake

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "events.md"


def test_the_reference_page_is_what_the_catalogue_says():
    assert PAGE.read_text(encoding="utf-8") == catalogue.page()


@pytest.mark.parametrize("name", catalogue.EVENTS)
def test_a_known_event_is_called_as_its_spelling_folds(name):
    assert fold(catalogue.EVENTS[name].spelling) == name
    assert catalogue.spelling(name) == catalogue.EVENTS[name].spelling


@pytest.mark.parametrize("name", catalogue.EVENTS)
def test_the_example_of_an_event_is_already_in_our_words(name):
    example = catalogue.example(name)

    assert set(example) == {known.name for known in catalogue.EVENTS[name].properties}
    assert [snake(key) for key in example] == list(example)
    assert msgspec.json.encode(example)


def test_the_shop_events_of_the_segment_spec_are_all_there():
    spec = (
        "Products Searched, Product List Viewed, Product List Filtered, Promotion Viewed, Promotion Clicked, "
        "Product Clicked, Product Viewed, Product Added, Product Removed, Cart Viewed, Checkout Started, "
        "Checkout Step Viewed, Checkout Step Completed, Payment Info Entered, Order Updated, "
        "Order Completed, Order Refunded, Order Cancelled, Coupon Entered, Coupon Applied, Coupon Denied, "
        "Coupon Removed, "
        "Product Added to Wishlist, Product Removed from Wishlist, Wishlist Product Added to Cart, "
        "Product Shared, Cart Shared, Product Reviewed, Email Bounced, Email Delivered, Email Link Clicked, "
        "Email Marked as Spam, Email Opened, Unsubscribed"
    )

    assert [name for name in spec.split(", ") if catalogue.spelling(fold(name)) != name] == []


def test_an_alias_leads_to_a_name_that_is_no_alias_itself():
    targets = set(catalogue.EVENT_ALIASES.values())

    assert not targets & set(catalogue.EVENT_ALIASES)
    assert not set(catalogue.EVENTS) & set(catalogue.EVENT_ALIASES)


def test_a_property_alias_leads_to_a_property_that_the_catalogue_knows():
    assert set(catalogue.PROPERTY_ALIASES.values()) <= set(catalogue.PROPERTIES)
    assert not set(catalogue.PROPERTY_ALIASES.values()) & set(catalogue.PROPERTY_ALIASES)


@pytest.mark.parametrize(
    ("sent", "ours"),
    [
        ("add_to_cart", "product_added"),
        ("cart_added", "product_added"),
        ("begin_checkout", "checkout_started"),
        ("purchase", "order_completed"),
        ("view_item", "product_viewed"),
    ],
)
def test_other_senders_words_mean_ours(sent, ours):
    assert catalogue.EVENT_ALIASES[sent] == ours


@pytest.mark.parametrize(
    "name", ["traits_updated", "group_joined", "aliased", "email_delivered", "sms_bounced"]
)
def test_what_nobody_did_is_no_activity(name):
    assert not catalogue.EVENTS[name].activity


@pytest.mark.parametrize("name", ["product_viewed", "email_opened", "unsubscribed", "my_own_event"])
def test_what_somebody_did_is_activity(name):
    assert catalogue.is_activity(name)
