"""GA4's browser hits become events, and Google's consent mode consent."""

import json
from dataclasses import replace
from urllib.parse import urlencode

import pytest
from gtm_house import SECRET, TID, agreed, gtm, hit, ids, needs_samples, of_hit, one, received, samples


@pytest.fixture
def source():
    return gtm()


def test_a_page_view_of_gtag_says_page_session_person_and_browser(source):
    event = of_hit(
        source,
        en="page_view",
        uid="u7",
        sid="100",
        dl="https://shop.example/monopoly?utm_source=news&utm_campaign=spring",
        dt="Monopoly",
        dr="https://search.example/",
        ul="de-de",
        sr="1920x1080",
    )

    assert (event.type, event.name, event.name_as_sent) == ("page", "page_viewed", "page_view")
    assert ids(event) == ["user_id:u7", "anonymous_id:1.2"]
    assert event.properties["url"].startswith("https://shop.example/monopoly")
    assert (event.properties["title"], event.properties["referrer"]) == (
        "Monopoly",
        "https://search.example/",
    )
    assert event.context["page"] == "/monopoly"
    assert (event.context["session"], event.context["locale"], event.context["device"]) == (
        "100",
        "de-de",
        "desktop",
    )
    assert (event.context["utm_source"], event.context["campaign"]) == ("news", "spring")
    assert event.sent_context["screen"] == "1920x1080"


def test_a_hit_comes_by_get_or_by_post(source):
    query = urlencode({"v": "2", "tid": TID, "cid": "1.2", "en": "login", "ep.method": "Google"})

    for method in ("GET", "POST"):
        event = one(source, hit(query, method=method))
        assert (event.name, event.properties) == ("signed_in", {"method": "Google"})


def test_parameters_keep_their_kind_and_user_properties_are_traits(source):
    event = of_hit(
        source,
        en="my_event",
        _et="1200",
        **{"ep.size": "42", "epn.depth": "7.5", "epn.odd": "7_5", "up.tier": "gold", "upn.visits": "3"},
    )

    assert event.properties == {"size": "42", "depth": 7.5, "odd": "7_5", "engagement_time_msec": 1200}
    assert event.traits == {"tier": "gold", "visits": 3}


def test_items_are_products_with_their_own_parameters_too(source):
    event = of_hit(
        source,
        en="view_item_list",
        cu="EUR",
        pr2="idp2~nmMouse ~~ trap~",
        pr10="idp10",
        pr1="idp1~nmMonopoly~brHasbro~caGames~c2Board~va200~pr19.99~qt2~ds1.5~lp3~lnNew~k0age~v08+",
    )

    first, second, third = event.properties["products"]
    assert (event.name, event.properties["currency"]) == ("product_list_viewed", "EUR")
    assert first == {
        "product_id": "p1",
        "name": "Monopoly",
        "brand": "Hasbro",
        "category": "Games",
        "item_category2": "Board",
        "variant": "200",
        "price": 19.99,
        "quantity": 2,
        "discount": 1.5,
        "position": 3,
        "list_name": "New",
        "age": "8+",
    }
    assert (second, third) == ({"product_id": "p2", "name": "Mouse ~ trap"}, {"product_id": "p10"})


@pytest.mark.parametrize("name", ["view_item", "select_item", "add_to_cart", "remove_from_cart"])
def test_what_is_about_one_product_says_it_where_other_senders_do(source, name):
    event = of_hit(source, en=name, pr1="idp1~nmMonopoly~pr19.99~qt1", **{"epn.value": "19.99"})

    said = {key: event.properties[key] for key in ("product_id", "name", "price", "quantity", "value")}
    assert said == {"product_id": "p1", "name": "Monopoly", "price": 19.99, "quantity": 1, "value": 19.99}


def test_a_purchase_has_its_order_and_its_revenue(source):
    event = of_hit(source, en="purchase", cu="EUR", **{"ep.transaction_id": "T-1", "epn.value": "29.95"})

    assert (event.name, event.properties["order_id"]) == ("order_completed", "T-1")
    assert (event.properties["revenue"], event.worth) == (29.95, (29.95, "EUR"))


def test_each_line_of_a_body_is_an_event_that_shares_the_query(source):
    query = urlencode({"v": "2", "tid": TID, "cid": "1.2", "sid": "9", "_p": "5", "_s": "2"})
    body = (
        "en=page_view&dl=https%3A%2F%2Fa.example%2F\r\nen=scroll&epn.percent_scrolled=90&sid=10\n\nen=click\n"
    )
    events = received(source, hit(query, body))

    assert [event.name for event in events] == ["page_viewed", "scroll_reached", "link_clicked"]
    assert [event.context["session"] for event in events] == ["9", "10", "9"]
    assert events[1].properties == {"depth": 90}
    assert len({event.id for event in events}) == 3


def test_a_bad_line_costs_its_neighbours_nothing(source):
    query = urlencode({"v": "2", "tid": TID, "cid": "1.2", "api_secret": SECRET})
    inbound = replace(hit(query, "en=page_view\nep.x=1\nen=scroll"), trust="secret")
    first, bad, last = received(source, inbound)

    assert (first.name, last.name) == ("page_viewed", "scroll_reached")
    assert bad.reason == "the hit has no event name (en)"
    assert SECRET.encode() not in bad.body
    assert json.loads(bad.body)["ep.x"] == "1"


def test_the_same_hit_is_the_same_event_and_another_one_is_not(source):
    counted = {"en": "add_to_cart", "_p": "77", "_s": "3"}
    again = [of_hit(source, **counted).id for _ in range(2)]

    assert again[0] and again[0] == again[1]
    assert of_hit(source, **counted | {"_s": "4"}).id != again[0]
    # Nothing tells these two clicks apart, so they are two.
    assert of_hit(source, en="add_to_cart").id == ""
    assert of_hit(source, en="add_to_cart", _p="77").id == ""


def test_two_equal_lines_of_a_body_are_two_events(source):
    query = urlencode({"v": "2", "tid": TID, "cid": "1.2", "_p": "5", "_s": "2"})
    first, second = received(source, hit(query, "en=add_to_cart\nen=add_to_cart"))

    assert first.id != second.id


@pytest.mark.parametrize(
    ("params", "name", "properties"),
    [
        ({"en": "scroll", "epn.percent_scrolled": "90"}, "scroll_reached", {"depth": 90}),
        (
            {"en": "click", "ep.link_url": "https://b.example/", "ep.link_id": "buy", "ep.link_text": "Buy"},
            "link_clicked",
            {"link_url": "https://b.example/", "link_id": "buy", "text": "Buy"},
        ),
        ({"en": "video_start", "ep.video_title": "Film"}, "video_played", {"name": "Film", "percent": 0}),
        ({"en": "video_progress", "epn.video_percent": "25"}, "video_played", {"percent": 25}),
        ({"en": "video_complete"}, "video_played", {"percent": 100}),
        ({"en": "file_download", "ep.file_name": "/a.pdf"}, "file_downloaded", {"file_name": "/a.pdf"}),
        ({"en": "form_submit", "ep.form_id": "news"}, "form_submitted", {"form_id": "news"}),
        ({"en": "user_engagement", "_et": "9000"}, "user_engagement", {"engagement_time_msec": 9000}),
        ({"en": "session_start"}, "session_started", {}),
        ({"en": "first_visit"}, "first_visit", {}),
    ],
)
def test_what_ga4_measures_by_itself_is_kept_in_our_words(source, params, name, properties):
    event = of_hit(source, **params)

    assert (event.name, event.properties) == (name, properties)


def test_the_flags_of_a_first_hit_are_properties(source):
    event = of_hit(source, en="page_view", _fv="1", _ss="1")

    assert (event.properties["first_visit"], event.properties["session_start"]) == (True, True)


def test_a_telephone_that_hides_behind_its_agent_is_told_by_its_hint(source):
    event = of_hit(source, en="page_view", uamb="1", uap="Android", uapv="14")

    assert (event.context["device"], event.context["os"]) == ("mobile", "Android")


@pytest.mark.parametrize(
    ("gcd", "gcs", "purposes"),
    [
        ("13r3r3r3r5", "G111", {"analytics": "granted", "advertising": "granted"}),
        ("13q3r3q3q5", "G101", {"analytics": "granted", "advertising": "denied"}),
        ("13r3r3r3q5", None, {"analytics": "granted", "advertising": "denied"}),
        ("11v1v1v1v5", None, {"analytics": "granted", "advertising": "granted"}),
        ("11u1u1u1u5", None, {"analytics": "denied", "advertising": "denied"}),
        ("13p3p3p3p5", "G100", {}),
        ("13t3t3t3t5", "G111", {}),
        ("13l3l3l3l1", None, {}),
        ("13l3l3l2l1l1", None, {}),
        (None, "G110", {"analytics": "denied", "advertising": "granted"}),
        (None, "G1--", {}),
        ("rubbish", None, {}),
    ],
)
def test_a_choice_in_googles_consent_mode_is_consent_and_a_preset_is_none(source, gcd, gcs, purposes):
    said = {name: value for name, value in (("gcd", gcd), ("gcs", gcs)) if value}
    event = of_hit(source, en="page_view", **said)

    assert agreed(event) == purposes
    assert {consent.channel for consent in event.consent} <= {"*"}


def test_a_kind_of_consent_means_what_the_configuration_says(source):
    source.categories = {"ad_personalization": "marketing"}

    assert agreed(of_hit(source, en="page_view", gcd="13r3r3r3q5"))["marketing"] == "denied"
    assert "marketing" not in agreed(of_hit(source, en="page_view", gcd="13p3p3p3p5"))


@needs_samples
def test_the_sampled_hits_are_the_events_that_they_show(source):
    events = [event for inbound in samples("g_collect_hits") for event in received(source, inbound)]

    assert [event.name for event in events] == [
        "page_viewed",
        "page_viewed",
        *("page_viewed", "scroll_reached", "product_list_viewed"),
        *("product_viewed", "product_added"),
    ]
    first, second, home, scrolled, listed, viewed, _ = events
    assert ids(first) == ["anonymous_id:1954840087.1720146262"]
    assert (first.context["url"], first.context["session"]) == ("https://example.com/", "1720146262")
    assert (second.properties["referrer"], second.properties["title"]) == (
        "https://example.com/checkout.html",
        "Food Shop",
    )
    assert (home.properties, scrolled.properties) == ({"page_type": "home"}, {"depth": 90})
    assert listed.properties == {
        "list_name": "Featured",
        "products": [{"product_id": "F01", "name": "Featured Product", "price": 19.99, "quantity": 1}],
    }
    assert viewed.worth == (125000, "KZT")
