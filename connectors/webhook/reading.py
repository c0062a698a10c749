"""Reads an event by the mapping of the settings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import hub

from .paths import Path, path
from .settings import Settings, Word
from .things import Thing, things

_PERSONS = frozenset({"identify", "alias"})
"""Calls about a person: what they say are traits and identifiers."""
_LARGEST_NAME = 10**30


class Reading:
    """The mapping, made ready once."""

    def __init__(self, settings: Settings, categories: Mapping[str, str]) -> None:
        self._categories = categories
        self._items = _maybe(settings.items)
        self._id = _maybe(settings.id)
        self._type = "track" if settings.type is None else _path_or_word(settings.type)
        self._name = _path_or_word(settings.name)
        self._names = settings.names
        self._time = _maybe(settings.time)
        self._identifiers = [(kind, path(place)) for kind, place in settings.identifiers.items()]
        self._properties = _object_at(settings.properties)
        self._traits = _object_at(settings.traits)
        self._context = _object_at(settings.context)

    def events(self, inbound: hub.Inbound) -> Iterator[hub.Event | hub.BadEvent]:
        """The events of a request, a BadEvent for each bad one; raises BadPayload."""
        for thing in things(inbound, self._items):
            if isinstance(thing, hub.BadEvent):
                yield thing
                continue
            try:
                yield self._event(thing)
            except hub.BadEvent as bad:
                yield hub.BadEvent(bad.reason, body=thing.body)

    def _event(self, thing: Thing) -> hub.Event:
        type = self._type_of(thing)
        sent = self._name_of(thing, needed=type == "track")
        time, place = self._time_of(thing)
        event = hub.normalise(
            type=type,
            id=None if self._id is None or thing.cloud is not None else thing.find(self._id.steps),
            name=self._names.get(sent, sent),
            occurred_at=time,
            identifiers=[*self._identifiers_of(thing)],
            properties=self._properties_of(thing, type),
            context=_object(thing, self._context, "context"),
            traits=_object(thing, self._traits, "traits"),
            categories=self._categories,
            parsed=True,
        )
        if place and time is not None and event.occurred_at is None:
            raise hub.BadEvent(f"what is at '{place}' is no time: write ISO 8601, or seconds since 1970")
        event.id = event.id or thing.id
        if type == "track":
            event.name_as_sent = sent
        return event

    def _type_of(self, thing: Thing) -> str:
        if isinstance(self._type, str):
            return self._type
        found = thing.find_outside(self._type.steps)
        if found is None:
            return "track"
        if not isinstance(found, str):
            raise hub.BadEvent(f"what is at '{self._type.text}' is no type of an event")
        return found.strip().lower()

    def _name_of(self, thing: Thing, *, needed: bool) -> str:
        if isinstance(self._name, str):
            return self._name
        found = thing.find_outside(self._name.steps)
        if isinstance(found, str) and found.strip():
            return found.strip()
        if isinstance(found, int) and not isinstance(found, bool) and abs(found) < _LARGEST_NAME:
            return str(found)
        if needed:
            raise hub.BadEvent(f"there is no event name at '{self._name.text}'")
        return ""

    def _time_of(self, thing: Thing) -> tuple[Any, str]:
        """When it happened, and where that stands; no place where nobody said that it is a time."""
        if self._time is not None:
            found = thing.find_outside(self._time.steps)
            if found is not None or thing.cloud is None:
                return found, self._time.text
        if thing.cloud is not None:
            return thing.cloud.get("time"), "ce.time"
        return thing.inside[0].get("timestamp"), ""

    def _identifiers_of(self, thing: Thing) -> Iterator[tuple[str, Any]]:
        for kind, place in self._identifiers:
            found = thing.find(place.steps)
            if isinstance(found, dict | list | bool):
                raise hub.BadEvent(f"{kind}: what is at '{place.text}' is neither text nor a number")
            yield kind, found

    def _properties_of(self, thing: Thing, type: str) -> dict[str, Any] | None:
        if self._properties is not None:
            return _object(thing, self._properties, "properties")
        if type in _PERSONS:
            return None
        said = thing.find(())
        return said if isinstance(said, dict) or said is None else {"data": said}


ObjectAt = Path | list[tuple[str, Path]] | None


def _object_at(said: str | Mapping[str, str] | None) -> ObjectAt:
    if isinstance(said, Mapping):
        return [(key, path(place)) for key, place in said.items()]
    return _maybe(said)


def _object(thing: Thing, place: ObjectAt, what: str) -> dict[str, Any] | None:
    if place is None:
        return None
    if isinstance(place, list):
        found = ((key, thing.find(one.steps)) for key, one in place)
        return {key: value for key, value in found if value is not None}
    there = thing.find(place.steps)
    if there is not None and not isinstance(there, dict):
        raise hub.BadEvent(f"{what}: what is at '{place.text}' is no object")
    return there


def _maybe(place: str | None) -> Path | None:
    return None if place is None else path(place)


def _path_or_word(said: str | Word) -> Path | str:
    return path(said) if isinstance(said, str) else said.word
