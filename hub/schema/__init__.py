"""One sender's message as an event in our schema.

    event = hub.normalise(type="track", name="Product Added", identifiers={"user_id": 7}, properties={…})

Names are folded and put into the catalogue's words, keys become snake_case, times become instants, the
context is flattened for rules (and kept as it was sent beside that), identifiers are put into one form, and
consent is read wherever it is said. What cannot be an event raises BadEvent, and nothing else is raised.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from hub.catalogue import CALLS, EVENTS, REFUSALS
from hub.errors import BadEvent
from hub.event import Consent, Event, Trust
from hub.schema.consent import from_categories, from_event, from_traits
from hub.schema.context import context_of
from hub.schema.identifiers import identifiers_of, text_of
from hub.schema.names import (
    CATALOGUE_KEYS,
    MAX_NAME,
    PLAIN_KEYS,
    TRAIT_KEYS,
    event_name,
    fold,
    known_name,
    snake,
)
from hub.schema.times import SINCE_1970, time_of
from hub.schema.values import cleaned, renamed

__all__ = ["event_name", "fold", "normalise", "snake", "time_of"]

_NO_CATEGORIES: Mapping[str, str] = {}
_SPEAKS_OF_CONSENT = frozenset({*REFUSALS, "consent_changed"})
_PERSONAL = ("email", "phone")
_NO_IDS = frozenset({"null", "undefined", "none", "nan", "nil", "(null)", "[object object]"})
"""What programs write that have no id; taken for one, all events of such a program would be the same."""
_SHORT = 16


def normalise(
    *,
    type: str,
    id: Any = None,
    name: Any = "",
    occurred_at: Any = None,
    sent_at: Any = None,
    identifiers: Mapping[str, Any] | Iterable[tuple[str, Any]] = (),
    properties: Any = None,
    context: Any = None,
    traits: Any = None,
    consent: Iterable[Consent] = (),
    categories: Mapping[str, str] = _NO_CATEGORIES,
    historical: bool = False,
    system: bool = False,
    trust: Trust = "secret",
    parsed: bool = False,
) -> Event:
    """The event that a message says; raises BadEvent where it says none.

    `type` is the Segment spec's call. `name` is the event's name of a `track`, the page's or screen's of a
    `page` or `screen`. Traits of a `group` are the group's and stay with the properties. `categories` are a
    consent banner's names for our purposes. `trust` is what the source itself vouches for; admission lowers
    it to what the key or signature proves. `parsed` says that all values come from `Inbound.json` or
    `Inbound.items`, so that they need not be looked through.
    """
    if not parsed or properties.__class__ is not dict or context.__class__ is not dict or traits is not None:
        properties = _object(properties, "properties", parsed)
        context = _object(context, "context", parsed)
        traits = _object(traits, "traits", parsed)
    if type == "group" and traits:
        properties, traits = {**properties, "traits": traits}, None
    name, as_sent = _names(type, name)
    known = EVENTS.get(name)
    kept = renamed(properties, PLAIN_KEYS if known is None else CATALOGUE_KEYS)
    if as_sent and type != "track":
        kept = kept if "name" in kept else {**kept, "name": as_sent}
        as_sent = ""
    read = context_of(context, kept if type == "page" else None)
    said, agreed = _said(name, kept, traits, consent)
    if categories and "consent" in context:
        agreed += from_categories(context, categories)
    pairs = identifiers if identifiers.__class__ is tuple else _pairs(identifiers)
    learned = _learned(kept, said, context, known is not None and known.names_person)
    call: Any = type
    return Event(
        id=_id(id),
        type=call,
        name=name,
        name_as_sent=as_sent,
        identifiers=identifiers_of([*pairs, *learned], read.get("country")),
        occurred_at=time_of(occurred_at, SINCE_1970),
        sent_at=time_of(sent_at, SINCE_1970),
        properties=kept,
        context=read,
        sent_context=context,
        traits=said,
        consent=agreed,
        trust=trust,
        historical=historical,
        system=system,
    )


def _pairs(identifiers: Mapping[str, Any] | Iterable[tuple[str, Any]]) -> Iterable[tuple[str, Any]]:
    return identifiers.items() if isinstance(identifiers, Mapping) else identifiers


def _said(
    name: str, properties: dict[str, Any], traits: dict[str, Any] | None, consent: Iterable[Consent]
) -> tuple[dict[str, Any], tuple[Consent, ...]]:
    """The traits under our keys, and what the whole message says of consent."""
    said: dict[str, Any] = {}
    agreed = (*consent,)
    if traits:
        said, heard = from_traits(traits)
        said = renamed(said, TRAIT_KEYS)
        agreed += heard
    if name in _SPEAKS_OF_CONSENT:
        agreed += from_event(name, properties)
    return said, agreed


def _object(sent: Any, what: str, parsed: bool) -> dict[str, Any]:
    # PHP writes an empty object as an empty list.
    if sent is None or (sent.__class__ is list and not sent):
        return {}
    if parsed and sent.__class__ is dict:
        return sent
    if not isinstance(sent, Mapping):
        raise BadEvent(f"{what} is no object")
    kept: dict[str, Any] = cleaned(sent)
    return kept


def _names(type: str, sent: Any) -> tuple[str, str]:
    """The event's name inside, and the name as it was sent."""
    met = known_name(sent) if type == "track" and sent.__class__ is str else None
    if met:
        return met, sent
    text = text_of(sent)
    if type == "track":
        if not text:
            raise BadEvent("a track call has no event name")
        return event_name(text), text
    name = CALLS.get(type) if type.__class__ is str else None
    if name is None:
        raise BadEvent("the message's type is none of the calls that the hub knows")
    if len(text) > MAX_NAME:
        raise BadEvent(f"a name is longer than {MAX_NAME} characters")
    return name, text if type in ("page", "screen") else ""


def _id(sent: Any) -> str:
    text = text_of(sent)
    if len(text) < _SHORT and text.lower() in _NO_IDS:
        return ""
    if len(text) > MAX_NAME:
        raise BadEvent(f"the message's id is longer than {MAX_NAME} characters")
    return text


def _learned(
    properties: dict[str, Any], traits: dict[str, Any], context: dict[str, Any], personal: bool
) -> Iterable[tuple[str, Any]]:
    """The identifiers that lie in what is said of the person, the cart and the device."""
    pairs = []
    if "cart_id" in properties:
        pairs.append(("cart_token", properties["cart_id"]))
    if "checkout_id" in properties:
        pairs.append(("checkout_token", properties["checkout_id"]))
    device = context.get("device")
    if device.__class__ is dict and "id" in device:
        pairs.append(("device_id", device["id"]))
    if device.__class__ is dict and "token" in device:
        token = device["token"]
        # Some systems' tokens have thousands of characters; that is no reason to refuse the event.
        if token.__class__ is str and len(token) <= MAX_NAME:
            pairs.append(("device_token", token))
    repeated = context.get("traits")
    for said in (traits, repeated, properties if personal else None):
        if said and said.__class__ is dict:
            pairs.extend((kind, said[kind]) for kind in _PERSONAL if kind in said)
    return pairs
