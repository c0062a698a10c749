"""What Tag Manager's containers send becomes events: event data, pushes, commands of gtag."""

from urllib.parse import urlencode

import pytest
from gtm_house import CHROME, TID, agreed, gtm, ids, one, push, received

import hub


@pytest.fixture
def source():
    return gtm()


EVENT_DATA = {
    "event_name": "add_to_cart",
    "client_id": "1.2",
    "user_id": "u7",
    "page_location": "https://shop.example/cart",
    "page_title": "Cart",
    "language": "de-de",
    "user_agent": CHROME,
    "ip_override": "192.0.2.7",
    "ga_session_id": "100",
    "currency": "EUR",
    "value": 19.99,
    "items": [{"item_id": "p1", "item_name": "Monopoly", "price": 19.99, "quantity": 1, "index": 2}],
    "x-ga-measurement_id": TID,
    "x-ga-page_id": 77,
    "x-ga-request_count": 3,
    "x-ga-gcd": "13r3r3r3r5",
    "x-ga-mp2-user_properties": {"tier": {"value": "gold"}},
}


def test_event_data_of_a_server_container_is_an_event(source):
    event = one(source, push(EVENT_DATA))

    assert (event.name, event.name_as_sent) == ("product_added", "add_to_cart")
    assert ids(event) == ["user_id:u7", "anonymous_id:1.2"]
    assert (event.properties["product_id"], event.properties["position"]) == ("p1", 2)
    assert not [key for key in event.properties if key.startswith("x_") or key in ("url", "client_id")]
    assert (event.context["page"], event.context["session"]) == ("/cart", "100")
    assert (event.context["ip"], event.context["user_agent"]) == ("192.0.2.7", CHROME)
    assert agreed(event) == {"analytics": "granted", "advertising": "granted"}
    assert event.traits == {"tier": "gold"}
    assert event.sent_context["ga4"]["x-ga-page_id"] == 77


def test_event_data_is_known_again_by_its_hit_or_by_an_event_id(source):
    first = one(source, push(EVENT_DATA)).id
    plain = {"event_name": "login", "client_id": "1"}

    assert first and one(source, push(EVENT_DATA)).id == first
    assert one(source, push(EVENT_DATA | {"x-ga-request_count": 4})).id not in ("", first)
    assert (
        one(source, push(plain | {"event_id": "e1"})).id == one(source, push(plain | {"event_id": "e1"})).id
    )
    assert (
        one(source, push(plain | {"event_id": "e2"})).id != one(source, push(plain | {"event_id": "e1"})).id
    )
    assert one(source, push(plain)).id == ""


def test_a_hit_that_a_container_forwards_to_its_label_is_one_too(source):
    query = urlencode({"v": "2", "tid": TID, "cid": "1.2", "en": "scroll"})

    assert one(source, hub.Inbound("GET", "/in/tags", {}, query)).name == "scroll_reached"


def test_a_push_in_ga4s_words_is_an_event(source):
    body = {
        "event": "purchase",
        "gtm.uniqueEventId": 12,
        "page_type": "thanks",
        "ecommerce": {
            "transaction_id": "T-1",
            "value": "29.95",
            "items": [{"item_id": "p1", "price": "29.95"}],
        },
    }
    event = one(source, push(body))

    assert event.name == "order_completed"
    assert event.properties == {
        "page_type": "thanks",
        "order_id": "T-1",
        "value": 29.95,
        "revenue": 29.95,
        "products": [{"product_id": "p1", "price": 29.95}],
    }


PRODUCT = {
    "id": "p1",
    "name": "Monopoly",
    "price": "19.99",
    "brand": "Hasbro",
    "category": "Games",
    "quantity": 1,
}
OURS = {
    "product_id": "p1",
    "name": "Monopoly",
    "price": 19.99,
    "brand": "Hasbro",
    "category": "Games",
    "quantity": 1,
}
ORDER = {
    "id": "T-1",
    "affiliation": "Shop",
    "revenue": "35.43",
    "tax": "4.90",
    "shipping": "5.99",
    "coupon": "S",
}


@pytest.mark.parametrize(
    ("ecommerce", "name", "properties"),
    [
        (
            {"detail": {"actionField": {"list": "New"}, "products": [PRODUCT]}},
            "product_viewed",
            {"list_name": "New"} | OURS,
        ),
        ({"click": {"products": [PRODUCT]}}, "product_clicked", OURS),
        ({"add": {"products": [PRODUCT]}}, "product_added", OURS),
        ({"remove": {"products": [PRODUCT]}}, "product_removed", OURS),
        ({"checkout": {"actionField": {"step": 1}, "products": [PRODUCT]}}, "checkout_started", {"step": 1}),
        (
            {"checkout": {"actionField": {"step": 2, "option": "Visa"}}},
            "checkout_step_viewed",
            {"step": 2, "option": "Visa"},
        ),
        (
            {"checkout_option": {"actionField": {"step": 2, "option": "Visa"}}},
            "checkout_step_completed",
            {"step": 2},
        ),
        (
            {"purchase": {"actionField": ORDER, "products": [PRODUCT]}},
            "order_completed",
            {
                "order_id": "T-1",
                "affiliation": "Shop",
                "revenue": 35.43,
                "tax": 4.9,
                "shipping": 5.99,
                "coupon": "S",
            },
        ),
        ({"refund": {"actionField": {"id": "T-1"}}}, "order_refunded", {"order_id": "T-1"}),
        (
            {"impressions": [PRODUCT | {"list": "Search", "position": 1}]},
            "product_list_viewed",
            {"list_name": "Search"},
        ),
        (
            {
                "promoView": {
                    "promotions": [{"id": "june", "name": "June", "creative": "c", "position": "top"}]
                }
            },
            "promotion_viewed",
            {"promotion_id": "june", "name": "June", "creative": "c", "position": "top"},
        ),
        ({"promoClick": {"promotions": [{"id": "june"}]}}, "promotion_clicked", {"promotion_id": "june"}),
    ],
)
def test_a_push_in_universal_analytics_words_is_the_same_event(source, ecommerce, name, properties):
    event = one(source, push({"event": "eec", "ecommerce": {"currencyCode": "EUR", **ecommerce}}))

    assert (event.name, event.name_as_sent) == (name, "eec")
    assert {key: event.properties[key] for key in properties} == properties
    assert event.properties["currency"] == "EUR"
    if "products" in event.properties:
        assert event.properties["products"][0].items() >= OURS.items()


def test_a_push_that_tells_several_things_is_several_events(source):
    body = {
        "event": "e",
        "event_id": "1",
        "ecommerce": {"impressions": [PRODUCT], "detail": {"products": [PRODUCT]}},
    }
    events = received(source, push(body))

    assert [event.name for event in events] == ["product_list_viewed", "product_viewed"]
    assert len({event.id for event in events}) == 2


def test_pushes_come_in_batches_and_what_one_says_of_the_page_holds_for_those_behind_it(source):
    body = [
        {"gtm.start": 1795255200000, "event": "gtm.js", "gtm.uniqueEventId": 1},
        {"user_id": "u7", "page_location": "https://shop.example/a", "currency": "EUR"},
        {"event": "gtm.scrollDepth", "gtm.scrollThreshold": 75, "gtm.scrollUnits": "percent"},
        {"ecommerce": None},
        {"event": "gtm.linkClick", "gtm.elementUrl": "https://b.example/", "gtm.elementText": "Buy"},
        3,
        {"strange": 1},
        {"event": "gtm.video", "gtm.videoPercent": 50, "gtm.videoTitle": "Film"},
    ]
    said = received(source, push(body))

    assert [getattr(each, "name", None) or each.reason for each in said] == [
        "page_viewed",
        "scroll_reached",
        "link_clicked",
        "the event is no object",
        "the push has no event",
        "video_played",
    ]
    assert [ids(event) for event in said if isinstance(event, hub.Event)] == [[]] + 3 * [["user_id:u7"]]
    assert said[1].properties == {"depth": 75, "currency": "EUR"}
    assert said[2].properties == {"link_url": "https://b.example/", "text": "Buy", "currency": "EUR"}
    assert said[5].context["page"] == "/a"


@pytest.mark.parametrize("around", ["events", "pushes", "dataLayer"])
def test_pushes_may_stand_in_an_object_that_says_whose_they_are(source, around):
    body = {"client_id": "1.2", around: [{"event": "login"}, {"event": "sign_up"}]}

    assert [ids(event) for event in received(source, push(body))] == 2 * [["anonymous_id:1.2"]]


def test_commands_of_gtag_are_understood(source):
    body = [
        {"0": "js", "1": {}},
        {"0": "config", "1": TID},
        ["set", "user_id", "u7"],
        ["set", {"user_properties": {"tier": "gold"}}],
        ["consent", "default", {"analytics_storage": "denied"}],
        {"0": "event", "1": "login", "2": {"method": "Google"}},
        ["consent", "update", {"analytics_storage": "granted"}],
        ["event", "page_view", {"page_location": "https://a.example/x"}],
    ]
    first, second = received(source, push(body))

    assert (first.name, first.properties, agreed(first)) == ("signed_in", {"method": "Google"}, {})
    assert (second.name, agreed(second)) == ("page_viewed", {"analytics": "granted"})
    assert (ids(first), first.traits) == (["user_id:u7"], {"tier": "gold"})
    assert one(source, push(["event", "login"])).name == "signed_in"


def test_a_push_of_a_page_is_known_again_and_says_which_browser_it_is(source):
    body = {"event": "login", "gtm.start": 1795255200000, "gtm.uniqueEventId": 7}
    events = [one(source, push(body, trust="public", user_agent=CHROME)) for _ in range(2)]

    assert events[0].id and events[0].id == events[1].id
    assert events[0].context["device"] == "desktop"
    assert "user_agent" not in one(source, push(body, user_agent="gtm-server")).context
