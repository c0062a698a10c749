"""What FCM is sent, and what is made of its answers."""

from __future__ import annotations

import json
import sys
from dataclasses import replace

import httpx
import pytest
import respx
from delivery_house import sink
from fcm_house import (
    ACCOUNT,
    MINUTE,
    NINE,
    SENDING,
    TOKEN_URI,
    UNREGISTERED,
    asked,
    delivery,
    faults,
    fcm,
    google,
    happened,
    refused,
    wanted,
)
from hypothesis import given
from hypothesis import strategies as st
from on_the_wire import carried
from pydantic import ValidationError

import hub
from connectors.fcm import Fcm
from hub.catalogue import EVENTS, example
from hub.clock import DrivenClock
from hub.delivery.credentials import ask
from hub.testing.contracts import contracts
from hub.testing.rehearsal import Rehearsal
from hub.testing.vendors.fcm.tokens import Tokens
from hub.wire import Response

needs_contracts = pytest.mark.skipif(contracts() is None, reason="HUB_SHARED names no folder of contracts")
TAKEN = Response(200, {}, b'{"name": "projects/p/messages/1"}')


async def said(message=None, *, event=None, **settings):
    """The message of the one request."""
    [request] = await asked(delivery(message, event=event), **settings)
    return request.json["message"]


def two(*devices):
    return delivery(event=happened(devices=devices or ("device-1", "device-2")))


def sent_to(rehearsal):
    return [r.json["message"]["token"] for r in rehearsal.requests if r.path != TOKEN_URI]


# A message


async def test_a_message_is_a_notification_with_the_variables_as_data():
    [request] = await asked(delivery(wanted(name="Monopoly", value=19.5, gift=True, none=None, items=["a"])))

    assert (request.method, request.path) == ("POST", SENDING)
    assert request.headers["authorization"] == "Bearer ya29.1"
    assert request.json == {
        "message": {
            "token": "device-1",
            "notification": {"title": "Your cart", "body": "It is waiting"},
            "data": {
                "name": "Monopoly",
                "value": "19.5",
                "gift": "true",
                "items": '["a"]',
                "message": "5f" * 16,
                "rule": "cart_left",
                "template": "cart_reminder",
            },
            "android": {
                "priority": "high",
                "collapseKey": "cart_reminder",
                "notification": {"tag": f"{1:032x}"},
                "ttl": "600s",
            },
            "apns": {
                "headers": {
                    "apns-priority": "10",
                    "apns-push-type": "alert",
                    "apns-expiration": "1795255800",
                    "apns-collapse-id": f"{1:032x}",
                }
            },
            "webpush": {"headers": {"Urgency": "high", "TTL": "600"}},
        }
    }


@needs_contracts
async def test_every_field_is_one_that_the_vendors_library_sends_too():
    recorded = json.loads((contracts() / "fcm/sdk-requests.json").read_text())["requests"][0]
    [request] = await asked(delivery(), sound="default")
    theirs, ours = recorded["body"]["message"], request.json["message"]

    assert "https://fcm.googleapis.com" + request.path == recorded["url"]
    assert request.headers["authorization"].startswith("Bearer ya29.")
    assert set(ours) == set(theirs)
    assert set(ours["notification"]) == set(theirs["notification"])
    assert (ours["android"]["priority"], ours["android"]["ttl"][-1]) == ("high", "s")
    assert ours["apns"]["headers"]["apns-priority"] == theirs["apns"]["headers"]["apns-priority"]
    assert ours["apns"]["payload"]["aps"]["sound"] == theirs["apns"]["payload"]["aps"]["sound"]
    assert ours["webpush"]["headers"]["TTL"].isdecimal()


@pytest.mark.parametrize(
    ("words", "variables", "shown"),
    [
        ({"title": "T", "body": "B", "text": "no"}, {}, {"title": "T", "body": "B"}),
        ({"subject": "S", "text": "B", "html": "<p>"}, {}, {"title": "S", "body": "B"}),
        ({"text": "B"}, {"title": "not this"}, {"body": "B"}),
        (
            {"title": "T", "image": "https://x.example/a.png"},
            {},
            {"title": "T", "image": "https://x.example/a.png"},
        ),
        ({}, {"title": "T", "body": "B"}, {"title": "T", "body": "B"}),
    ],
)
async def test_title_and_text_are_the_templates_or_variables_of_those_names(words, variables, shown):
    assert (await said(wanted(words, **variables)))["notification"] == shown


async def test_without_words_the_app_gets_the_templates_name_and_the_variables_silently():
    message = await said(wanted({}, name="Monopoly"), sound="default")

    assert "notification" not in message
    assert message["data"]["template"] == "cart_reminder"
    assert message["data"]["name"] == "Monopoly"
    assert message["android"] == {"priority": "normal", "ttl": "600s"}
    assert message["apns"]["payload"] == {"aps": {"content-available": 1}}
    assert message["apns"]["headers"]["apns-push-type"] == "background"
    assert message["apns"]["headers"]["apns-priority"] == "5"


async def test_further_words_are_data_and_a_link_opens_in_the_browser():
    words = {
        "title": "T",
        "link": "https://shop.example/cart",
        "badge": "new",
        "html": "<p>",
        "vendor": "d-1",
    }
    message = await said(wanted(words))

    assert message["data"]["link"] == "https://shop.example/cart"
    assert message["data"]["badge"] == "new"
    assert not {"html", "vendor", "title"} & message["data"].keys()
    assert message["webpush"]["fcmOptions"] == {"link": "https://shop.example/cart"}


async def test_names_that_fcm_keeps_for_itself_are_written_otherwise():
    message = await said(
        wanted(**{"from": "a", "message_type": "b", "google.x": "c", "gcm.y": "d", "fromage": "e"})
    )

    assert {"_from": "a", "_message_type": "b", "_google.x": "c", "_gcm.y": "d", "fromage": "e"}.items() <= (
        message["data"].items()
    )


async def test_the_sink_says_how_loud_messages_are():
    message = await said(priority="normal", sound="ping.caf")

    assert message["android"]["priority"] == "normal"
    assert message["android"]["notification"]["sound"] == "ping.caf"
    assert message["apns"]["headers"]["apns-priority"] == "5"
    assert message["apns"]["payload"] == {"aps": {"sound": "ping.caf"}}
    assert message["webpush"]["headers"]["Urgency"] == "normal"


async def test_another_project_than_the_accounts_own_can_be_named():
    [request] = await asked(delivery(), project="example.com:other")

    assert request.path == "/v1/projects/example.com%3Aother/messages:send"


@pytest.mark.parametrize(
    ("now", "seconds"),
    [
        (NINE, 600),
        (NINE + 9 * MINUTE, 60),
        (NINE + 11 * MINUTE, 1),
        (NINE - 60 * 24 * 60 * MINUTE, 28 * 86400),
    ],
)
async def test_fcm_keeps_a_message_no_longer_than_it_is_worth_sending(now, seconds):
    rehearsal = Rehearsal(fcm(), google(), now_at=now)
    await rehearsal.play("send", [delivery()])
    message = rehearsal.requests[-1].json["message"]

    assert message["android"]["ttl"] == f"{seconds}s"
    assert message["webpush"]["headers"]["TTL"] == str(seconds)


async def test_a_message_that_is_too_long_gives_up_so_that_the_next_sink_gets_it():
    rehearsal = Rehearsal(fcm(), google(), now_at=NINE)
    with pytest.raises(hub.GiveUp, match="bytes, and FCM takes 4096"):
        await rehearsal.play("send", [delivery(wanted(text="ä" * 2048))])

    assert rehearsal.requests == []


async def test_an_event_without_words_is_skipped():
    with pytest.raises(hub.Skip, match="an event has no words"):
        await Rehearsal(fcm()).play("send", [replace(delivery(), message=None)])


async def test_a_second_attempt_sends_the_same():
    assert await asked(delivery()) == await asked(replace(delivery(), attempt=2))


# Devices


async def test_each_device_gets_it_once_the_one_of_the_event_first():
    rehearsal = Rehearsal(fcm(), google(), now_at=NINE)
    known = tuple(hub.Identifier("device_token", one) for one in ("device-1", "device-2"))
    await rehearsal.play("send", [delivery(event=happened(devices=["device-2"]), identifiers=known)])

    assert sent_to(rehearsal) == ["device-2", "device-1"]


@pytest.mark.parametrize("devices", [[], ["two words"], ["\u00e4"], ["line\nend"]])
async def test_who_has_no_device_is_left_to_the_next_sink(devices):
    event = happened(devices=())
    event.identifiers += tuple(hub.Identifier("device_token", one) for one in devices)
    rehearsal = Rehearsal(fcm(), google(), now_at=NINE)
    with pytest.raises(hub.GiveUp, match="no device token"):
        await rehearsal.play("send", [delivery(event=event)])

    assert rehearsal.requests == []


def by_device(**answers):
    return google(lambda request: answers[request.json["message"]["token"].replace("-", "_")])


async def test_it_is_delivered_when_one_device_took_it():
    rehearsal = Rehearsal(fcm(), by_device(device_1=UNREGISTERED, device_2=TAKEN), now_at=NINE)

    assert await rehearsal.play("send", [two()]) == {}


async def test_when_no_device_took_it_the_reasons_are_told():
    stranger = refused(403, "PERMISSION_DENIED", "SENDER_ID_MISMATCH")
    with pytest.raises(hub.GiveUp) as told:
        await Rehearsal(fcm(), by_device(device_1=UNREGISTERED, device_2=stranger), now_at=NINE).play(
            "send", [two()]
        )

    assert "UNREGISTERED, the device's token is stale" in told.value.reason
    assert "SENDER_ID_MISMATCH, the device's token belongs to another Firebase project" in told.value.reason


@pytest.mark.parametrize("answer", [refused(503, "UNAVAILABLE", "UNAVAILABLE"), Response(429), Response(403)])
async def test_a_fault_after_one_device_took_it_does_not_show_it_there_twice(answer):
    rehearsal = Rehearsal(fcm(), by_device(device_1=TAKEN, device_2=answer), now_at=NINE)

    assert await rehearsal.play("send", [two()]) == {}


async def test_a_passing_fault_before_any_device_took_it_is_tried_again():
    answer = refused(503, "UNAVAILABLE", "UNAVAILABLE")
    rehearsal = Rehearsal(fcm(), by_device(device_1=UNREGISTERED, device_2=answer), now_at=NINE)
    with pytest.raises(hub.RetryLater):
        await rehearsal.play("send", [two()])


# What is made of answers


async def answered(answer):
    await Rehearsal(fcm(), google(lambda request: answer), now_at=NINE).play("send", [delivery()])


@pytest.mark.parametrize(
    ("answer", "error", "reason"),
    [
        (UNREGISTERED, hub.GiveUp, "the device's token is stale"),
        (refused(404, "NOT_FOUND"), hub.GiveUp, "the device's token is stale"),
        (Response(404), hub.GiveUp, "the device's token is stale"),
        (refused(400, "INVALID_ARGUMENT", "INVALID_ARGUMENT"), hub.GiveUp, "none that FCM takes"),
        (refused(400, "INVALID_ARGUMENT"), hub.GiveUp, "none that FCM takes"),
        (refused(403, "PERMISSION_DENIED", "SENDER_ID_MISMATCH"), hub.GiveUp, "another Firebase project"),
        (refused(401, "UNAUTHENTICATED", "THIRD_PARTY_AUTH_ERROR"), hub.GiveUp, "lacks the key"),
        (refused(403, "PERMISSION_DENIED"), hub.CredentialsRejected, "may not send for this project"),
        (refused(401, "UNAUTHENTICATED"), hub.CredentialsRejected, "answered 401"),
        (refused(429, "RESOURCE_EXHAUSTED", "QUOTA_EXCEEDED"), hub.RetryLater, "quota"),
        (refused(500, "INTERNAL", "INTERNAL"), hub.RetryLater, "INTERNAL"),
        (refused(503, "UNAVAILABLE", "UNAVAILABLE"), hub.RetryLater, "UNAVAILABLE"),
    ],
)
async def test_each_code_means_what_fcm_means_by_it(answer, error, reason):
    with pytest.raises(error, match=reason):
        await answered(answer)


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (302, hub.CredentialsRejected),
        (400, hub.GiveUp),
        (401, hub.CredentialsRejected),
        (403, hub.CredentialsRejected),
        (404, hub.GiveUp),
        (408, hub.RetryLater),
        (409, hub.GiveUp),
        (410, hub.CredentialsRejected),
        (413, hub.GiveUp),
        (422, hub.GiveUp),
        (429, hub.RetryLater),
        (500, hub.RetryLater),
        (502, hub.RetryLater),
        (503, hub.RetryLater),
        (504, hub.RetryLater),
    ],
)
@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b'{"error": 7}', b'{"error": {"details": [null, {"a": 1}]}}']
)
async def test_a_status_without_a_code_means_what_everybody_means_by_it(status, error, body):
    with pytest.raises(error, match=f"answered {status}"):
        await answered(Response(status, {}, body))


@given(
    st.integers(300, 599),
    st.recursive(
        st.none() | st.integers() | st.text(),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["error", "status", "details", "@type", "errorCode"]), inner)
        ),
        max_leaves=8,
    ),
)
def test_whatever_it_answers_there_is_a_verdict(status, said):
    response = Response(status, {}, json.dumps(said).encode())

    assert isinstance(fcm().judge(response), hub.DeliveryError | None)


async def test_nothing_that_somebody_sent_is_in_a_reason():
    with pytest.raises(hub.GiveUp) as told:
        await answered(UNREGISTERED)

    assert "device-1" not in told.value.reason


@pytest.mark.parametrize(("headers", "seconds"), [({"retry_after": "7"}, 7), ({}, 60)])
async def test_a_quota_that_is_used_up_is_waited_for(headers, seconds):
    with pytest.raises(hub.RetryLater) as told:
        await answered(refused(429, "RESOURCE_EXHAUSTED", "QUOTA_EXCEEDED", **headers))

    assert told.value.after is not None
    assert told.value.after.total_seconds() == seconds


async def test_a_service_that_is_down_says_when_to_come_again():
    with pytest.raises(hub.RetryLater) as told:
        await answered(refused(503, "UNAVAILABLE", "UNAVAILABLE", retry_after="30"))

    assert told.value.after is not None
    assert told.value.after.total_seconds() == 30


# Tokens


def fetches(rehearsal):
    return [request for request in rehearsal.requests if request.path == TOKEN_URI]


async def test_a_token_is_asked_for_with_a_signature_of_the_service_account():
    rehearsal = Rehearsal(fcm(), google(), now_at=NINE)
    await rehearsal.play("send", [delivery()])
    [request] = fetches(rehearsal)
    body, content_type = request.body()
    google_itself = Tokens("my-project", lambda: NINE / 1_000_000)

    assert request.method == "POST"
    assert content_type == "application/x-www-form-urlencoded"
    assert google_itself.exchange(body, TOKEN_URI)["token_type"] == "Bearer"


async def test_a_token_is_kept_until_it_runs_out():
    rehearsal = Rehearsal(fcm(), google(), now_at=NINE)
    for minutes in (0, 30, 58, 59, 60):
        rehearsal.now_at = NINE + minutes * MINUTE
        await rehearsal.play("send", [delivery()])

    tokens = [r.headers["authorization"] for r in rehearsal.requests if r.path != TOKEN_URI]
    assert tokens == ["Bearer ya29.1"] * 3 + ["Bearer ya29.2"] * 2
    assert len(fetches(rehearsal)) == 2


async def test_a_token_that_is_not_accepted_is_replaced_once():
    answers = [TAKEN, Response(401), TAKEN]
    rehearsal = Rehearsal(fcm(), google(lambda request: answers.pop(0)), now_at=NINE)
    for _ in range(2):
        assert await rehearsal.play("send", [delivery()]) == {}

    assert len(fetches(rehearsal)) == 2


async def test_an_account_whose_tokens_are_never_accepted_pauses_the_sink():
    rehearsal = Rehearsal(fcm(), google(lambda request: Response(401)), now_at=NINE)
    with pytest.raises(hub.CredentialsRejected):
        await rehearsal.play("send", [two()])

    assert sent_to(rehearsal) == ["device-1"]


@pytest.mark.parametrize(
    ("answer", "error", "reason"),
    [
        (
            Response(400, {}, b'{"error": "invalid_grant"}'),
            hub.CredentialsRejected,
            "400: invalid_grant; is the",
        ),
        (Response(401, {}, b'{"error": "invalid_client"}'), hub.CredentialsRejected, "401: invalid_client"),
        (Response(403), hub.CredentialsRejected, "token endpoint answered 403"),
        (
            Response(404, {}, b'{"error": {"code": 404}}'),
            hub.CredentialsRejected,
            "token endpoint answered 404",
        ),
        (Response(429), hub.RetryLater, "answered 429"),
        (Response(500), hub.RetryLater, "answered 500"),
        (Response(503), hub.RetryLater, "answered 503"),
        (Response(200, {}, b"<html>"), hub.RetryLater, "something else than a token"),
    ],
)
async def test_no_token_says_why(answer, error, reason):
    rehearsal = Rehearsal(fcm(), lambda request: answer, now_at=NINE)
    with pytest.raises(error, match=reason):
        await rehearsal.play("send", [delivery()])

    assert sent_to(rehearsal) == []


async def test_an_answer_without_a_token_is_not_accepted_by_fcm():
    def nothing(request):
        return Response(200, {}, b"{}") if request.path == TOKEN_URI else Response(401)

    rehearsal = Rehearsal(fcm(), nothing, now_at=NINE)
    with pytest.raises(hub.CredentialsRejected):
        await rehearsal.play("send", [delivery()])

    assert "authorization" not in rehearsal.requests[-1].headers


@pytest.mark.parametrize("odd", ["soon", True, -5, 0, 10**12, None])
async def test_a_token_of_an_unknown_age_holds_for_an_hour(odd):
    def given(request):
        said = {"access_token": "ya29.x", "expires_in": odd}
        return Response(200, {}, json.dumps(said).encode()) if request.path == TOKEN_URI else TAKEN

    rehearsal = Rehearsal(fcm(), given, now_at=NINE)
    for minutes in (0, 58, 60):
        rehearsal.now_at = NINE + minutes * MINUTE
        await rehearsal.play("send", [delivery()])

    assert len(fetches(rehearsal)) == 2


async def test_without_the_extra_it_says_what_to_install(monkeypatch):
    sender = fcm()
    monkeypatch.setitem(sys.modules, "jwt", None)
    with pytest.raises(hub.CredentialsRejected, match=r"pip install 'eventhub-esp\[fcm\]'"):
        await Rehearsal(sender, google(), now_at=NINE).play("send", [delivery()])


def test_without_the_extra_the_check_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "jwt", None)
    with pytest.raises(ValidationError, match=r"pip install 'eventhub-esp\[fcm\]'"):
        fcm()


async def test_a_key_that_cannot_sign_pauses_the_sink_without_showing_it():
    broken = json.dumps({**json.loads(ACCOUNT), "private_key": "-----BEGIN PRIVATE KEY-----\nQUJD"})
    rehearsal = Rehearsal(fcm(service_account=hub.Secret(broken)), google(), now_at=NINE)
    with pytest.raises(hub.CredentialsRejected, match="private_key cannot be used") as told:
        await rehearsal.play("send", [delivery()])

    assert "QUJD" not in str(told.value)
    assert rehearsal.requests == []


# The settings


def account_with(**changes):
    return json.dumps({**json.loads(ACCOUNT), **changes})


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ("/etc/firebase.json", "is not the JSON file of a service account; give the file's text"),
        ("[]", "not that of a service account"),
        ('{"type": "authorized_user"}', "not that of a service account"),
        (account_with(private_key=None), "lacks private_key"),
        (account_with(client_email=7), "lacks client_email"),
        (account_with(token_uri="http://oauth2.example/token"), "token_uri without https"),
    ],
)
def test_what_is_no_service_account_is_refused(given, problem):
    with pytest.raises(ValidationError, match=problem) as told:
        fcm(service_account=hub.Secret(given))

    assert "BEGIN" not in str(told.value)


def test_secrets_are_not_shown():
    sender = fcm()

    assert "BEGIN" not in repr(sender.settings) + repr(sender._account)


async def test_a_secret_that_is_not_set_makes_a_request_that_says_so():
    rehearsal = Rehearsal(fcm(service_account=hub.Secret("unset-FCM")), now_at=NINE)
    assert await rehearsal.play("send", [delivery()]) == {}

    [request] = rehearsal.requests
    assert request.path == "/v1/projects/PROJECT/messages:send"
    assert request.headers["authorization"] == "Bearer unset-FCM"


async def test_the_question_about_credentials_is_delivered_to_nobody():
    asking = fcm().check()
    request = next(asking)

    assert request.json["validateOnly"] is True
    assert faults(replace(request, headers={"authorization": "Bearer x"})) == []


# The contract


@needs_contracts
@pytest.mark.parametrize("name", list(EVENTS))
async def test_a_message_about_every_event_of_the_catalogue_passes_the_vendors_contract(name):
    properties = example(name)
    event = happened(EVENTS[name].spelling, properties)

    assert await asked(delivery(wanted(**properties), event=event))
    assert await asked(delivery(wanted({}, **properties), event=event))


@needs_contracts
@pytest.mark.parametrize(
    "variables",
    [
        {"n" * 300: "n" * 300},
        {"products": [{"name": 3, "price": None}], "value": 1e300},
        {"smile": "🛒" * 300, "": "", "line": "a\nb\0"},
        {"deep": {"a": [{"b": None}]}, "$x": [[]], "body": 7, "title": {"a": 1}},
    ],
)
async def test_odd_words_and_variables_pass_the_vendors_contract(variables):
    assert await asked(delivery(wanted(**variables)))
    assert await asked(delivery(wanted({}, **variables)))
    assert await asked(
        delivery(wanted({"title": "🛒" * 300, "n" * 300: "", "link": "javascript:x"}, **variables))
    )


@needs_contracts
@pytest.mark.parametrize(
    "spoil",
    [
        lambda said: said.update(token=7),
        lambda said: said.update(tokn="device-1"),
        lambda said: said["data"].update(value=19.5),
        lambda said: said["notification"].update(titel="Hi"),
        lambda said: said["android"].update(priority="loud"),
        lambda said: said["android"].update(collapse_key="k"),
        lambda said: said["apns"].update(headers=[]),
    ],
)
async def test_a_spoiled_request_is_refused_by_the_same_check(spoil):
    [request] = await asked(delivery())
    body = json.loads(json.dumps(request.json))
    spoil(body["message"])

    assert faults(replace(request, json=body)) != []


@needs_contracts
async def test_a_request_without_a_token_or_to_another_path_is_refused_by_the_same_check():
    [request] = await asked(delivery())

    assert faults(replace(request, headers={})) != []
    assert faults(replace(request, path=request.path.replace("messages", "texts"))) != []


# Over the wire


def app(**more):
    return sink("app", Fcm, {"service_account": ACCOUNT}, **more)


def token_route():
    return respx.post(TOKEN_URI).mock(
        return_value=httpx.Response(200, json={"access_token": "ya29.x", "expires_in": 3599})
    )


@pytest.mark.parametrize("base_url", [None, "https://proxy.example/fcm"])
async def test_a_message_goes_to_the_exact_address_and_the_token_comes_from_googles(base_url):
    with respx.mock:
        token_route()
        route = respx.post((base_url or "https://fcm.googleapis.com") + SENDING)
        route.mock(return_value=httpx.Response(200, json={"name": "projects/my-project/messages/1"}))
        assert await carried(app(base_url=base_url), "send", delivery()) == {}
    [call] = route.calls

    assert call.request.headers["authorization"] == "Bearer ya29.x"
    assert call.request.headers["content-type"] == "application/json"
    assert json.loads(call.request.content)["message"]["token"] == "device-1"


@pytest.mark.parametrize(
    "trouble", [httpx.ReadTimeout("t"), httpx.ConnectError("c"), httpx.RemoteProtocolError("r")]
)
async def test_a_lost_answer_is_a_passing_fault(trouble):
    with respx.mock:
        token_route()
        respx.post(f"https://fcm.googleapis.com{SENDING}").mock(side_effect=trouble)
        with pytest.raises(hub.RetryLater):
            await carried(app(), "send", delivery())


@pytest.mark.parametrize("status", [200, 401, 403])
async def test_good_credentials_are_told_from_bad_ones(status):
    with respx.mock:
        token_route()
        respx.post(f"https://fcm.googleapis.com{SENDING}").mock(return_value=httpx.Response(status, json={}))
        found = await ask(app(), (), DrivenClock())

    assert found is None if status == 200 else isinstance(found, hub.CredentialsRejected)
