"""The catalogue: one vocabulary for all senders."""

import json
import os
from pathlib import Path

import msgspec
import pytest

import hub
from hub import catalogue
from hub.event import Event
from hub.rules.selection import is_activity
from hub.schema import fold, snake

SHARED = os.environ.get("HUB_SHARED")
needs_samples = pytest.mark.skipif(SHARED is None, reason="HUB_SHARED names no folder of samples")
PARTS = ("ecommerce-v2", "email-events", "video", "mobile-events", "b2b-saas", "live-chat")
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


def samples():
    for part in PARTS if SHARED else ():
        said = json.loads((Path(SHARED) / "samples" / "segment" / f"{part}.json").read_text("utf-8"))
        yield from (one["body"] for one in said if "event" in one["body"])


@needs_samples
def test_every_event_of_the_segment_specs_own_pages_is_in_the_catalogue_under_its_spelling():
    unknown = {
        body["event"]
        for body in samples()
        if catalogue.spelling(catalogue.EVENT_ALIASES.get(fold(body["event"]), fold(body["event"]))) is None
    }
    respelled = {
        body["event"] for body in samples() if catalogue.spelling(fold(body["event"])) != body["event"]
    }

    assert unknown == set()
    # The interface fixes this one's name.
    assert respelled == {"Application Backgrounded"}


@needs_samples
@pytest.mark.parametrize("part", PARTS[2:])
def test_the_properties_that_the_spec_shows_are_those_of_the_event(part):
    strange = set()
    for one in json.loads((Path(SHARED) / "samples" / "segment" / f"{part}.json").read_text("utf-8")):
        event = hub.normalise(type="track", name=one["body"]["event"], properties=one["body"]["properties"])
        known = {known.name: known for known in catalogue.EVENTS[event.name].properties}
        strange |= {(event.name, key) for key in event.properties if key not in known}

    assert strange == set()


def test_a_property_has_its_own_sense_where_an_event_gives_it_one():
    known = {known.name: known for known in catalogue.EVENTS["video_content_playing"].properties}

    assert known["position"].meaning == "at which second of the video"
    assert catalogue.example("promotion_viewed")["position"] == "top"


def test_all_that_google_analytics_names_is_in_the_table():
    listed = (
        "ad_click ad_exposure ad_impression ad_query ad_reward adunit_exposure app_background app_clear_data "
        "app_exception app_remove app_store_refund app_store_subscription_cancel "
        "app_store_subscription_convert app_store_subscription_renew app_update campaign_details click "
        "dynamic_link_app_open dynamic_link_app_update dynamic_link_first_open error file_download "
        "firebase_campaign firebase_in_app_message_action firebase_in_app_message_dismiss "
        "firebase_in_app_message_impression first_open first_visit form_start form_submit in_app_purchase "
        "notification_dismiss notification_foreground notification_open notification_receive "
        "notification_send os_update page_view screen_view scroll session_start user_engagement "
        "video_complete video_progress video_start view_search_results "
        "add_payment_info add_shipping_info add_to_cart add_to_wishlist begin_checkout "
        "close_convert_lead close_unconvert_lead disqualify_lead earn_virtual_currency exception "
        "generate_lead join_group level_end level_start level_up login post_score purchase qualify_lead "
        "refund remove_from_cart search select_content select_item select_promotion share sign_up "
        "spend_virtual_currency tutorial_begin tutorial_complete unlock_achievement view_cart view_item "
        "view_item_list view_promotion working_lead"
    )

    assert [name for name in listed.split() if name not in catalogue.GA4] == []


def test_what_google_analytics_calls_otherwise_is_an_event_of_the_catalogue():
    assert {
        name for name, ours in catalogue.GA4.items() if name != ours and ours not in catalogue.EVENTS
    } == (set())


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
        ("scroll", "scroll_reached"),
        ("click", "link_clicked"),
        ("video_start", "video_played"),
        ("video_progress", "video_played"),
        ("video_complete", "video_played"),
        ("form_submit", "form_submitted"),
        ("file_download", "file_downloaded"),
        ("session_start", "session_started"),
        ("first_open", "application_installed"),
        ("promoclick", "promotion_clicked"),
        ("gtm_scrolldepth", "scroll_reached"),
        ("application_backgrounded", "app_backgrounded"),
    ],
)
def test_other_senders_words_mean_ours(sent, ours):
    assert catalogue.EVENT_ALIASES[sent] == ours


@pytest.mark.parametrize(
    "name",
    [
        *("traits_updated", "group_joined", "aliased", "email_delivered", "sms_bounced"),
        *("application_crashed", "trial_ended", "live_chat_message_received", "push_notification_received"),
    ],
)
def test_what_nobody_did_is_no_activity(name):
    assert not catalogue.EVENTS[name].activity


@pytest.mark.parametrize("known", catalogue.EVENTS.values(), ids=lambda known: known.name)
def test_rules_take_for_activity_what_the_catalogue_says_is_one(known):
    assert is_activity(Event(id="1", type="track", name=known.name)) is known.activity


@pytest.mark.parametrize(
    "name", ["product_viewed", "email_opened", "signed_in", "video_ad_started", "my_own_event"]
)
def test_what_somebody_did_is_activity(name):
    assert catalogue.is_activity(name)
