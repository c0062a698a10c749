"""One sender's message becomes an event in our schema."""

import msgspec
import pytest

import hub
from hub import Consent, Identifier
from hub.schema import fold, snake, time_of
from hub.schema.context import device_of

NINE = 1_795_255_200_000_000
PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148"


def track(name="Product Added", **said):
    return hub.normalise(type="track", name=name, **said)


@pytest.mark.parametrize(
    ("sent", "folded"),
    [
        ("Product Viewed", "product_viewed"),
        ("product-viewed", "product_viewed"),
        ("  Product   Viewed ", "product_viewed"),
        ("Größe gewählt", "größe_gewählt"),
        ("cart/view.2", "cart_view_2"),
    ],
)
def test_event_names_are_folded(sent, folded):
    assert fold(sent) == folded
    assert fold(folded) == folded


@pytest.mark.parametrize(
    ("sent", "ours"),
    [
        ("productId", "product_id"),
        ("total billed", "total_billed"),
        ("Feed Type", "feed_type"),
        ("HTTPStatus", "http_status"),
        ("userIDs", "user_ids"),
        ("image_url", "image_url"),
        ("utm_source", "utm_source"),
        ("$set", "set"),
        ("🎉", "🎉"),
    ],
)
def test_keys_become_snake_case(sent, ours):
    assert snake(sent) == ours
    assert snake(ours) == ours


@pytest.mark.parametrize("sent", ["Product Added", "product_added", "add_to_cart", "cart_added", "AddToCart"])
def test_an_event_has_our_name_and_keeps_the_senders(sent):
    event = track(sent)

    assert (event.name, event.name_as_sent) == ("product_added", sent)


@pytest.mark.parametrize(
    ("call", "name"),
    [
        ("identify", "traits_updated"),
        ("group", "group_joined"),
        ("alias", "aliased"),
        ("page", "page_viewed"),
        ("screen", "screen_viewed"),
    ],
)
def test_calls_without_a_name_have_one_of_ours(call, name):
    event = hub.normalise(type=call, name="Home")

    assert (event.type, event.name, event.name_as_sent) == (call, name, "")


def test_the_name_of_a_page_is_a_property():
    assert hub.normalise(type="page", name="Home").properties == {"name": "Home"}
    assert hub.normalise(type="page", name="Home", properties={"name": "Start"}).properties == {
        "name": "Start"
    }


def test_keys_are_renamed_all_the_way_down():
    event = track(properties={"cartValue": 9, "products": [{"productId": 1, "imageUrl": "x"}]})

    assert event.properties == {"value": 9, "products": [{"product_id": 1, "image_url": "x"}]}


def test_other_senders_keys_mean_ours_in_the_catalogues_events_only():
    sent = {"items": [{"item_id": 1}], "transaction_id": "o1"}

    assert track("purchase", properties=sent).properties == {
        "products": [{"product_id": 1}],
        "order_id": "o1",
    }
    assert track("Menu Chosen", properties=sent).properties == sent


def test_of_two_keys_that_mean_the_same_none_is_lost():
    sent = {"productId": 1, "product_id": 2}

    assert track(properties=sent).properties == sent


@pytest.mark.parametrize(
    ("sent", "at"),
    [
        ("2026-11-21T10:00:00.000Z", NINE),
        ("2026-11-21T10:00:00Z", NINE),
        ("2026-11-21t10:00:00z", NINE),
        ("2026-11-21 10:00:00", NINE),
        ("2026-11-21T11:00:00.000+01:00", NINE),
        ("2026-11-21T05:30:00-0430", NINE),
        ("2026-11-21T10:00:00.123456Z", NINE + 123_456),
        ("2026-11-21T10:00:00.123456789Z", NINE + 123_456),
        ("2026-11-21T10:00", NINE),
        ("2015-2-02T00:30:08.276Z", 1_422_837_008_276_000),
        (1_795_255_200, NINE),
        (1_795_255_200.5, NINE + 500_000),
        (1_795_255_200_000, NINE),
        (NINE, NINE),
        (NINE * 1000, NINE),
        ("1795255200", NINE),
        ("1795255200000", NINE),
    ],
)
def test_times_are_read_as_senders_write_them(sent, at):
    assert time_of(sent) == at


@pytest.mark.parametrize(
    "sent",
    [
        "",
        "yesterday",
        "2026-13-01T00:00:00Z",
        "2026-02-30",
        "9" * 40,
        -1,
        0,
        10**30,
        True,
        None,
        [],
        {},
        float("nan"),
        "9999-12-31T23:59:59-14:00",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31 23:59:59 -1400",
    ],
)
def test_rubbish_is_no_time(sent):
    assert time_of(sent) is None


def test_the_time_of_a_program_that_knows_none_is_no_time_of_an_event():
    event = hub.normalise(type="track", name="a", occurred_at="0001-01-01T00:00:00Z", sent_at="1970-01-01")

    assert (event.occurred_at, event.sent_at) == (None, None)


def test_identifiers_are_put_into_one_form():
    event = track(identifiers={"user_id": 7, "email": " Ann@Example.COM ", "phone": "+49 (30) 123-4567"})

    assert event.identifiers == (
        Identifier("user_id", "7"),
        Identifier("email", "ann@example.com"),
        Identifier("phone", "+49301234567"),
    )


@pytest.mark.parametrize(
    "sent", ["", "  ", None, True, False, {}, [], ["a"], {"a": 1}, float("nan"), float("inf")]
)
def test_what_names_nobody_is_no_identifier(sent):
    assert track(identifiers={"user_id": sent}).identifiers == ()


@pytest.mark.parametrize(
    ("sent", "kept"), [(7, "7"), (7.0, "7"), (7.5, "7.5"), (10**20, str(10**20)), (0, "0")]
)
def test_numbers_become_text(sent, kept):
    assert track(identifiers={"user_id": sent}, id=sent).identifiers == (Identifier("user_id", kept),)
    assert track(id=sent).id == kept


@pytest.mark.parametrize(
    "sent", ["undefined", "null", "NaN", "[object Object]", "(null)", "", None, {}, True]
)
def test_a_word_for_no_id_is_no_id_of_a_message(sent):
    assert track(id=sent).id == ""


@pytest.mark.parametrize("sent", ["030 1234567", "call me", "+1", "@", "ann", "a b@c"])
def test_an_address_that_is_none_is_no_identifier(sent):
    assert track(identifiers=[("phone", sent), ("email", sent)]).identifiers == ()


def test_a_phone_number_without_its_country_is_read_where_the_country_is_known():
    event = track(identifiers={"phone": "410-555-9412"}, context={"location": {"country": "us"}})

    assert event.identifiers == (Identifier("phone", "+14105559412"),)
    assert track(identifiers={"phone": "0049301234567"}).identifiers == (Identifier("phone", "+49301234567"),)


def test_identifiers_are_learned_from_what_is_said():
    said = hub.normalise(type="identify", traits={"email": "A@b.de", "phone": "+4930123456"})
    ordered = track("Order Completed", properties={"checkoutId": "k1", "email": "a@b.de"})
    shared = track("Product Shared", properties={"cart_id": 9, "email": "friend@b.de"})
    repeated = track("Other", context={"traits": {"email": "a@b.de"}, "device": {"id": "d1"}})

    assert [str(known) for known in said.identifiers] == ["email:a@b.de", "phone:+4930123456"]
    assert [str(known) for known in ordered.identifiers] == ["checkout_token:k1", "email:a@b.de"]
    assert [str(known) for known in shared.identifiers] == ["cart_token:9"]
    assert [str(known) for known in repeated.identifiers] == ["device_id:d1", "email:a@b.de"]


def test_a_devices_token_is_an_identifier_unless_it_is_none():
    event = track(context={"device": {"id": "d1", "token": "fcm-1"}})
    odd = [track(context={"device": {"token": token}}) for token in ("t" * 5000, 7, None, ["t"], "")]

    assert [str(known) for known in event.identifiers] == ["device_id:d1", "device_token:fcm-1"]
    assert [one.identifiers for one in odd] == [()] * 5


def test_the_context_is_flattened_for_rules_and_kept_as_it_was_sent():
    sent = {
        "page": {
            "path": "/academy/",
            "url": "https://x.example/academy/?utm_source=news&utm_campaign=spring",
        },
        "campaign": {"medium": "email"},
        "device": {"type": "ios", "id": "d1"},
        "os": {"name": "iOS"},
        "location": {"country": "DE", "latitude": "52.5", "longitude": 13.4},
        "sessionId": 1_700_000_000,
        "timezone": "Europe/Berlin",
        "locale": "de-DE",
        "ip": "203.0.113.9",
        "library": {"name": "x"},
    }
    event = track(context=sent)

    assert event.sent_context == sent
    assert event.context == {
        "page": "/academy/",
        "url": "https://x.example/academy/?utm_source=news&utm_campaign=spring",
        "campaign": "spring",
        "utm_source": "news",
        "utm_medium": "email",
        "device": "mobile",
        "os": "iOS",
        "country": "DE",
        "position": [52.5, 13.4],
        "session": "1700000000",
        "timezone": "Europe/Berlin",
        "locale": "de-DE",
        "ip": "203.0.113.9",
    }


def test_a_page_call_says_itself_which_page_it_was():
    event = hub.normalise(
        type="page", properties={"url": "https://x.example/shoes?utm_medium=cpc", "title": "Shoes"}
    )

    assert event.context == {
        "url": "https://x.example/shoes?utm_medium=cpc",
        "title": "Shoes",
        "page": "/shoes",
        "utm_medium": "cpc",
    }


@pytest.mark.parametrize(
    ("agent", "device"),
    [
        (PHONE, "mobile"),
        ("Mozilla/5.0 (Linux; Android 14; Pixel 8) Chrome/120 Mobile Safari/537.36", "mobile"),
        ("Mozilla/5.0 (Linux; Android 14; SM-X700) Chrome/120 Safari/537.36", "tablet"),
        ("Mozilla/5.0 (iPad; CPU OS 16_0 like Mac OS X) Mobile/15E148", "tablet"),
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/120 Safari/537.36", "desktop"),
        ("analytics-python/2.4.0", None),
        ("", None),
    ],
)
def test_the_user_agent_says_which_device(agent, device):
    assert device_of(agent) == device


def test_traits_are_in_snake_case_and_those_of_a_group_are_the_groups():
    said = hub.normalise(type="identify", traits={"firstName": "Ann", "address": {"postalCode": "1"}})
    group = hub.normalise(type="group", properties={"group_id": "g1"}, traits={"employeeCount": 9})

    assert said.traits == {"first_name": "Ann", "address": {"postal_code": "1"}}
    assert (group.traits, group.properties) == ({}, {"group_id": "g1", "traits": {"employee_count": 9}})


@pytest.mark.parametrize(
    "traits",
    [
        {"consent.email.marketing": True},
        {"consent": {"email": {"marketing": "granted"}}},
        {"consent": {"email.marketing": True}},
        {"consent.email": {"marketing": True}},
    ],
)
def test_consent_in_traits_is_consent_and_no_trait(traits):
    event = hub.normalise(type="identify", traits={"plan": "pro", **traits})

    assert event.consent == (Consent("email", "marketing", "granted"),)
    assert event.traits == {"plan": "pro"}


@pytest.mark.parametrize(
    ("name", "properties", "consent"),
    [
        (
            "Consent Changed",
            {"channel": "Email", "purpose": "marketing", "state": "granted", "wording": "Yes"},
            (Consent("email", "marketing", "granted", "Yes"),),
        ),
        ("consent_changed", {"channel": "sms", "state": "denied"}, (Consent("sms", "*", "denied"),)),
        ("consent_changed", {"channel": "sms", "state": "granted"}, ()),
        ("consent_changed", {"channel": "sms", "purpose": "marketing", "state": "perhaps"}, ()),
        ("Unsubscribed", {}, (Consent("email", "marketing", "denied"),)),
        ("Email Marked as Spam", {}, (Consent("email", "*", "denied"),)),
        ("Product Added", {"channel": "sms", "state": "denied"}, ()),
    ],
)
def test_events_speak_of_consent(name, properties, consent):
    assert track(name, properties=properties).consent == consent


def test_a_banners_categories_are_our_purposes_where_all_of_one_purpose_agree():
    context = {"consent": {"categoryPreferences": {"Advertising": True, "Email": False, "Functional": True}}}
    categories = {"Advertising": "marketing", "Email": "marketing", "Functional": "service"}
    event = track(context=context, categories=categories)

    assert event.consent == (Consent("*", "marketing", "denied"), Consent("*", "service", "granted"))
    assert track(context=context).consent == ()


def test_nul_characters_and_half_characters_are_taken_out():
    event = track(properties={"a\0": "x\0y", "b": ["\ud800"]}, context={"locale": "d\0e"})

    assert event.properties == {"a": "xy", "b": ["?"]}
    assert event.context["locale"] == "de"


def deep(levels):
    value = 1
    for _ in range(levels):
        value = {"a": value}
    return value


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"name": ""}, "no event name"),
        ({"name": None}, "no event name"),
        ({"name": ["Product Added"]}, "no event name"),
        ({"name": "x" * 1000}, "longer than 512"),
        ({"id": "x" * 1000}, "longer than 512"),
        ({"identifiers": {"user_id": "x" * 1000}}, "longer than 512"),
        ({"properties": ["a"]}, "properties is no object"),
        ({"properties": "x"}, "properties is no object"),
        ({"context": 1}, "context is no object"),
        ({"traits": [1]}, "traits is no object"),
        ({"properties": deep(65)}, "deeper than 64"),
        ({"context": deep(65)}, "deeper than 64"),
        ({"properties": {f"k{n}": n for n in range(1001)}}, "more than 1000 keys"),
        (
            {"properties": {"a": {f"k{n}": n for n in range(600)}, "b": {f"k{n}": n for n in range(600)}}},
            "1000 keys",
        ),
        ({"context": {"a": {f"k{n}": n for n in range(1001)}}}, "1000 keys"),
        ({"properties": {"k" * 1000: 1}}, "key is longer"),
        ({"properties": {1: 1}}, "no text"),
        ({"properties": {"a": object()}}, "no JSON"),
    ],
)
def test_what_cannot_be_an_event_is_refused_with_its_reason(said, reason):
    with pytest.raises(hub.BadEvent, match=reason):
        hub.normalise(**{"type": "track", "name": "A"} | said)


@pytest.mark.parametrize(
    "said",
    [
        {"properties": deep(65)},
        {"context": deep(65)},
        {"properties": {f"k{n}": n for n in range(1001)}},
        {"context": {"a": {f"k{n}": n for n in range(1001)}}},
        {"properties": ["a"]},
    ],
)
def test_what_is_parsed_already_has_the_same_limits(said):
    with pytest.raises(hub.BadEvent):
        track(**said, parsed=True)


@pytest.mark.parametrize("call", ["delete", "", "TRACK", None, 7, [], {}])
def test_an_unknown_call_is_refused(call):
    with pytest.raises(hub.BadEvent, match="type"):
        hub.normalise(type=call, name="A")


def test_a_long_order_has_as_many_lines_as_it_likes():
    lines = [{f"key{n}": n for n in range(10)} for _ in range(500)]

    assert track("Order Completed", properties={"products": lines}).properties["products"] == lines


def test_what_is_parsed_already_gives_the_same_event():
    said = {
        "properties": {"productId": 1, "products": [{"itemId": "x"}]},
        "context": {"page": {"path": "/a", "url": "https://x.example/?utm_term=a"}, "consent": {"a": [1]}},
        "traits": {"firstName": "Ann"},
    }

    assert track(**said, parsed=True) == track(**said)


def test_an_event_can_be_written_and_read_again():
    event = track(properties={"price": 1.5}, identifiers={"user_id": "u"}, occurred_at=NINE, id="m1")

    assert msgspec.json.decode(msgspec.json.encode(event), type=hub.Event) == event


def test_a_source_vouches_for_its_events_and_nobody_else_does():
    assert track().trust == "secret"
    assert track(trust="public").trust == "public"


@pytest.mark.parametrize("parsed", [True, False])
def test_an_empty_list_is_an_empty_object_as_php_writes_it(parsed):
    event = hub.normalise(type="identify", properties=[], context=[], traits=[], parsed=parsed)

    assert (event.properties, event.sent_context, event.traits) == ({}, {}, {})
    with pytest.raises(hub.BadEvent):
        hub.normalise(type="identify", traits=["a"], parsed=parsed)
