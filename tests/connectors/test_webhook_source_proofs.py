"""What proves a sender of webhooks: the schemes of the world, and what is refused."""

from __future__ import annotations

import hmac
import json
import os
from base64 import b64encode
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from webhook_source_house import (
    KEY,
    NINE,
    NINE_SECONDS,
    OTHER_WHSEC,
    WHSEC,
    partner,
    post,
    standard,
)

import hub

SHARED = os.environ.get("HUB_SHARED")
needs_samples = pytest.mark.skipif(SHARED is None, reason="HUB_SHARED names no folder of samples")
BODY = b'{"type": "order.completed", "data": {"id": "o-1"}}'


def proves(source, inbound) -> bool:
    try:
        return source.authenticate(inbound) == "secret"
    except hub.BadSignature:
        return False


def digest(key: bytes, signed: bytes, algorithm="sha256") -> bytes:
    return hmac.digest(key, signed, algorithm)


# Nobody, and everybody.


def test_without_a_secret_and_a_token_a_source_is_public():
    assert partner().authenticate(post(BODY)) == "public"


def test_with_a_secret_nobody_is_let_in_unsigned():
    with pytest.raises(hub.BadSignature, match="the request comes without a signature$"):
        partner(secret=WHSEC).authenticate(post(BODY))
    with pytest.raises(hub.BadSignature, match="the request comes without a signature or a token"):
        partner(secret=WHSEC, token="t").authenticate(post(BODY))


@pytest.mark.parametrize("options", [{"secret": ""}, {"token": ""}])
def test_an_empty_secret_lets_nobody_in(options):
    assert not proves(partner(**options), post(BODY, authorization="Bearer "))
    with pytest.raises(hub.BadSignature):
        partner(**options).authenticate(post(BODY))


# Standard Webhooks.


def test_the_specifications_own_example_is_believed():
    # https://github.com/standard-webhooks/standard-webhooks, the test of its libraries.
    body, at = b'{"test": 2432232314}', 1614265330
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    headers = {
        "webhook_id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook_timestamp": str(at),
        "webhook_signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }

    assert proves(partner(secret=secret), post(body, at=at * 1_000_000, **headers))


@pytest.mark.parametrize("prefix", ["webhook", "svix"])
def test_a_signed_webhook_is_believed_and_an_altered_one_is_not(prefix):
    signed = standard(BODY, prefix=prefix)

    assert proves(partner(secret=WHSEC), post(BODY, **signed))
    assert not proves(partner(secret=WHSEC), post(BODY.replace(b"o-1", b"o-2"), **signed))
    assert not proves(partner(secret=WHSEC), post(BODY, **{**signed, f"{prefix}-id": "msg_2"}))
    later = {**signed, f"{prefix}-timestamp": str(NINE_SECONDS + 1)}
    assert not proves(partner(secret=WHSEC), post(BODY, **later))
    assert not proves(partner(secret=OTHER_WHSEC), post(BODY, **signed))


@pytest.mark.parametrize(("seconds", "believed"), [(299, True), (-299, True), (301, False), (-301, False)])
def test_what_was_signed_more_than_five_minutes_away_is_refused(seconds, believed):
    late = post(BODY, at=NINE + seconds * 1_000_000, **standard(BODY))

    assert proves(partner(secret=WHSEC), late) is believed


def test_both_sides_may_rotate_their_secrets():
    signed_twice = standard(BODY, keys=(KEY, b"a new key"))

    assert proves(partner(secret=WHSEC), post(BODY, **signed_twice))
    assert proves(partner(secret=[OTHER_WHSEC, WHSEC]), post(BODY, **standard(BODY)))
    assert not proves(partner(secret=[OTHER_WHSEC]), post(BODY, **standard(BODY)))


def test_signatures_of_other_versions_are_passed_over():
    headers = standard(BODY)
    headers["webhook-signature"] = "v1a,AAAA " + headers["webhook-signature"] + " v2,x"

    assert proves(partner(secret=WHSEC), post(BODY, **headers))


def test_a_secret_without_its_prefix_is_taken_as_it_is_or_decoded():
    plain = "a secret of plain words"

    assert proves(partner(secret=plain), post(BODY, **standard(BODY, keys=(plain.encode(),))))
    assert proves(partner(secret=b64encode(KEY).decode()), post(BODY, **standard(BODY)))


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
@pytest.mark.parametrize("said", [None, "", "x", "9" * 50, "v1,", "v1,ä", "-1", "2026-13-01"])
def test_a_header_that_is_missing_or_odd_is_refused(name, said):
    headers = {key: value for key, value in standard(BODY).items() if key != name}
    odd = headers if said is None else {**headers, name: said}

    assert not proves(partner(secret=WHSEC), post(BODY, **odd))


def test_a_whsec_that_cannot_be_read_is_told_without_showing_it():
    with pytest.raises(ValueError, match="no base64; copy it whole") as fault:
        partner(secret="whsec_not base64!")
    assert "not base64!" not in str(fault.value)


# The schemes of others.


@pytest.mark.parametrize("header", ["x-signature", "x-hub-signature-256", "x-webhook-signature"])
def test_a_secret_of_plain_words_also_proves_by_an_hmac_of_the_body(header):
    source = partner(secret="plain words")
    right = digest(b"plain words", BODY)

    for written in (right.hex(), f"sha256={right.hex()}", b64encode(right).decode()):
        assert proves(source, post(BODY, **{header: written}))
        assert not proves(source, post(BODY + b" ", **{header: written}))
    assert not proves(partner(secret=WHSEC), post(BODY, **{header: digest(KEY, BODY).hex()}))


def test_github_signs_as_its_documentation_shows():
    # https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries#testing-the-webhook-payload-validation
    source = partner(secret="It's a Secret to Everybody", signature="github")
    right = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"

    assert proves(source, post(b"Hello, World!", X_Hub_Signature_256=right))
    assert not proves(source, post(b"Hello, World?", X_Hub_Signature_256=right))
    assert not proves(source, post(b"Hello, World!", X_Hub_Signature_256=right.removeprefix("sha256=")))


def test_stripe_signs_the_time_in_the_same_header_and_may_sign_twice():
    secret = "whsec_stripes_are_no_base64_"
    right = digest(secret.encode(), f"{NINE_SECONDS}.".encode() + BODY).hex()
    source = partner(secret=secret, signature="stripe")

    assert proves(source, post(BODY, Stripe_Signature=f"t={NINE_SECONDS},v1={'0' * 64},v1={right},v0=00"))
    assert not proves(source, post(BODY, Stripe_Signature=f"t={NINE_SECONDS},v0={right}"))
    assert not proves(source, post(BODY, Stripe_Signature=f"v1={right}"))
    late = post(BODY, at=NINE + 301_000_000, Stripe_Signature=f"t={NINE_SECONDS},v1={right}")
    with pytest.raises(hub.BadSignature, match="too far from ours"):
        source.authenticate(late)


VECTORS = {
    "customerio": ("customerio", {"timestamp": "X-CIO-Timestamp"}),
    "hubspot-v3": ("hubspot", {"timestamp": "X-HubSpot-Request-Timestamp"}),
    "klaviyo": ("klaviyo", {"timestamp": "Klaviyo-Timestamp"}),
    "slack": ("slack", {"timestamp": "X-Slack-Request-Timestamp"}),
    "shopify": ({"header": "X-Shopify-Hmac-Sha256", "encoding": "base64"}, {}),
    "segment-webhook": ({"header": "X-Signature", "algorithm": "sha1"}, {}),
    "mailchimp-marketing": (
        {
            "header": "X-Mailchimp-Signature",
            "prefix": "v1=",
            "timestamp_prefix": "t=",
            "signed": "{timestamp}.{body}",
        },
        {},
    ),
}


@needs_samples
@pytest.mark.parametrize("scheme", VECTORS)
def test_published_vectors_are_believed_as_they_are_and_not_a_byte_otherwise(scheme):
    [vector] = [
        one
        for one in json.loads((Path(SHARED) / "samples" / "signatures.json").read_text())
        if one["scheme"] == scheme
    ]
    signature, headers = VECTORS[scheme]
    sent, body = vector["input"], vector["input"]["body"].encode()
    named = {name: sent[what] for what, name in headers.items()} | {vector["header"]: vector["expected"]}
    source = partner(secret=vector["key"], signature=signature)
    source.public_url = "https://www.example.com"
    at = _instant(sent.get("timestamp", "0"))
    request = post(body, at=at, **named)
    path = "/webhook_uri" if scheme == "hubspot-v3" else request.path

    assert proves(source, _at(request, path, body))
    assert not proves(source, _at(request, path, body + b" "))


def _at(request, path, body):
    return hub.Inbound("POST", path, request.headers, "", body, request.received_at)


def _instant(text: str) -> int:
    if text.isdigit():
        return int(text) * (1000 if len(text) > 11 else 1_000_000)
    return round(datetime.fromisoformat(text).timestamp() * 1_000_000)


@pytest.mark.parametrize("algorithm", ["sha1", "sha256", "sha512"])
@pytest.mark.parametrize("encoding", ["hex", "base64"])
def test_any_hmac_can_be_described(algorithm, encoding):
    scheme = {
        "header": "X-Sig",
        "algorithm": algorithm,
        "encoding": encoding,
        "prefix": "s=",
        "timestamp": "X-At",
        "signed": "{method} {url} {timestamp} {body}",
        "tolerance": "30s",
    }
    source = partner(secret="k", signature=scheme)
    url = "https://hub.example.com/in/partner?a=1"
    right = digest(b"k", f"POST {url} {NINE_SECONDS} ".encode() + BODY, algorithm)
    written = "s=" + (right.hex() if encoding == "hex" else b64encode(right).decode())

    assert proves(source, post(BODY, query="a=1", X_Sig=written, X_At=str(NINE_SECONDS)))
    assert not proves(source, post(BODY, query="a=2", X_Sig=written, X_At=str(NINE_SECONDS)))
    assert not proves(
        source, post(BODY, query="a=1", at=NINE + 31_000_000, X_Sig=written, X_At=str(NINE_SECONDS))
    )


@pytest.mark.parametrize(
    ("scheme", "fault"),
    [
        ({"signed": "{body}{tme}"}, r"\{tme\} is none of \{body\}"),
        ({"signed": "always the same"}, "anybody could change it"),
        ({"signed": "{timestamp}.{body}"}, "where timestamp or timestamp_prefix says"),
        ({"timestamp": "X-At"}, "where timestamp or timestamp_prefix says"),
    ],
)
def test_a_description_that_would_prove_nothing_is_refused(scheme, fault):
    with pytest.raises(ValueError, match=fault):
        partner(secret="k", signature={"header": "X-Sig", **scheme})


def test_a_signature_without_a_secret_and_empty_lists_are_refused():
    with pytest.raises(ValueError, match="signature needs the secret"):
        partner(signature="github")
    with pytest.raises(ValueError, match="an empty list of secrets"):
        partner(secret=[])


# Tokens.


def test_a_token_proves_wherever_the_settings_say_that_it_is():
    bearer, header, address = (
        partner(token="t0k"),
        partner(token="t0k", token_header="X-Token"),
        partner(token="t0k", token_parameter="key"),
    )

    assert proves(bearer, post(BODY, authorization="Bearer t0k"))
    assert proves(bearer, post(BODY, authorization="Basic " + b64encode(b"hub:t0k").decode()))
    assert proves(header, post(BODY, X_Token="t0k"))
    assert proves(address, post(BODY, query="key=t0k"))
    assert proves(address, post(BODY, authorization="bearer t0k"))
    assert not proves(header, post(BODY, authorization="Bearer t0k"))
    assert not proves(bearer, post(BODY, query="key=t0k"))


def test_during_a_change_both_tokens_prove():
    source = partner(token=["old", "new"])

    assert proves(source, post(BODY, authorization="Bearer old"))
    assert proves(source, post(BODY, authorization="Bearer new"))
    with pytest.raises(hub.BadSignature, match="the token is not this source's"):
        source.authenticate(post(BODY, authorization="Bearer other"))


def test_a_wrong_signature_is_not_made_good_by_a_token():
    source = partner(secret=WHSEC, token="t0k")

    assert proves(source, post(BODY, authorization="Bearer t0k"))
    assert not proves(source, post(BODY + b" ", authorization="Bearer t0k", **standard(BODY)))


SCHEMES = st.sampled_from(
    [
        {"secret": WHSEC},
        {"secret": "plain"},
        {"secret": "plain", "signature": "stripe"},
        {"secret": "plain", "signature": "klaviyo"},
        {"secret": "plain", "signature": "hubspot"},
        {"token": "t", "token_parameter": "t"},
    ]
)
NAMES = st.sampled_from(
    [
        "webhook-id",
        "webhook-timestamp",
        "webhook-signature",
        "x-signature",
        "stripe-signature",
        "klaviyo-signature",
        "klaviyo-timestamp",
        "x-hubspot-signature-v3",
        "x-hubspot-request-timestamp",
        "authorization",
    ]
)
LATIN = st.text(st.characters(max_codepoint=255), max_size=20)


@given(
    SCHEMES,
    st.dictionaries(NAMES, LATIN | st.sampled_from(["v1,AAAA", "t=1,v1=00", "1", "9" * 19, "Basic ÄÄ"])),
    st.binary(max_size=20),
)
def test_whatever_stands_in_the_headers_proves_nothing(options, headers, body):
    assert not proves(partner(**options), post(body, query="t=%ff", **headers))


# Slack's question.


def test_slacks_challenge_is_given_back_and_is_no_event():
    source = partner(secret="k", signature="slack")
    asked = post({"type": "url_verification", "challenge": "3eZbrw1a"})

    assert list(source.receive(asked)) == []
    assert json.loads(source.respond(asked, 0, 0).body) == {"challenge": "3eZbrw1a"}
    for other in ({"type": "url_verification"}, {"type": "event_callback", "x": "url_verification"}):
        assert source.respond(post(other), 1, 0) is None
    assert partner().respond(asked, 1, 0) is None
