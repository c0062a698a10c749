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
from hub.schema.times import time_of
from hub.schema.values import cleaned, renamed

__all__ = ["event_name", "fold", "normalise", "snake", "time_of"]

_NO_CATEGORIES: Mapping[str, str] = {}
_TOKENS = (("cart_id", "cart_token"), ("checkout_id", "checkout_token"))
_SPEAKS_OF_CONSENT = frozenset({*REFUSALS, "consent_changed"})
_PERSONAL = ("email", "phone")


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
    sent_properties = _object(properties, "properties", parsed)
    sent_context = _object(context, "context", parsed)
    said: dict[str, Any] = _object(traits, "traits", parsed)
    name, as_sent = _names(type, name)
    if type == "group" and said:
        sent_properties, said = {**sent_properties, "traits": said}, {}
    known = EVENTS.get(name)
    kept = renamed(sent_properties, PLAIN_KEYS if known is None else CATALOGUE_KEYS)
    if as_sent and type != "track":
        kept = kept if "name" in kept else {**kept, "name": as_sent}
        as_sent = ""
    read = context_of(sent_context, kept if type == "page" else None)
    agreed = [*consent]
    if said:
        said, heard = from_traits(said)
        agreed += heard
        said = renamed(said, TRAIT_KEYS)
    if name in _SPEAKS_OF_CONSENT:
        agreed += from_event(name, kept)
    if categories and "consent" in sent_context:
        agreed += from_categories(sent_context, categories)
    call: Any = type
    pairs = [*identifiers] if identifiers.__class__ is tuple else _pairs(identifiers)
    _learn(pairs, kept, said, sent_context, known is not None and known.names_person)
    return Event(
        id=_id(id),
        type=call,
        name=name,
        name_as_sent=as_sent,
        identifiers=identifiers_of(pairs, read.get("country")),
        occurred_at=time_of(occurred_at),
        sent_at=time_of(sent_at),
        properties=kept,
        context=read,
        sent_context=sent_context,
        traits=said,
        consent=tuple(agreed),
        trust=trust,
        historical=historical,
        system=system,
    )


def _object(sent: Any, what: str, parsed: bool) -> dict[str, Any]:
    if sent is None:
        return {}
    if parsed and sent.__class__ is dict:
        return sent
    if not isinstance(sent, Mapping):
        raise BadEvent(f"{what} is no object")
    kept: dict[str, Any] = cleaned(sent)
    return kept


def _pairs(identifiers: Mapping[str, Any] | Iterable[tuple[str, Any]]) -> list[tuple[str, Any]]:
    return [*(identifiers.items() if isinstance(identifiers, Mapping) else identifiers)]


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
    if len(text) > MAX_NAME:
        raise BadEvent(f"the message's id is longer than {MAX_NAME} characters")
    return text


def _learn(
    pairs: list[tuple[str, Any]],
    properties: dict[str, Any],
    traits: dict[str, Any],
    context: dict[str, Any],
    personal: bool,
) -> None:
    """Adds the identifiers that lie in what is said of the person, the cart and the device."""
    for key, kind in _TOKENS:
        if key in properties:
            pairs.append((kind, properties[key]))
    device = context.get("device")
    if device.__class__ is dict:
        pairs.append(("device_id", device.get("id")))
    repeated = context.get("traits")
    for said in (traits, repeated, properties if personal else None):
        if said and said.__class__ is dict:
            pairs.extend((kind, said[kind]) for kind in _PERSONAL if kind in said)
