"""What the stand-in for Klaviyo keeps: who, what happened, and who agreed to what."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

NAMES = ("email", "phone_number", "external_id", "anonymous_id")
"""By which a profile is found, the strongest first."""
_OWN = ("first_name", "last_name", "organization", "locale", "title", "image")


class Conflict(Exception):
    """Two profiles have the identifiers of one; `profile` is the stronger one's id."""

    def __init__(self, profile: str) -> None:
        super().__init__(profile)
        self.profile = profile


@dataclass(slots=True)
class Profile:
    """Somebody that Klaviyo knows."""

    id: str
    names: dict[str, str] = field(default_factory=dict)
    attributes: dict[str, Any] = field(default_factory=dict)
    location: dict[str, Any] = field(default_factory=dict)
    properties: dict[str, Any] = field(default_factory=dict)
    subscriptions: dict[str, str] = field(default_factory=dict)
    """`channel/purpose` → `SUBSCRIBED` or `UNSUBSCRIBED`."""
    lists: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a profile."""

    profile: Profile
    metric: str
    unique_id: str
    time: str
    properties: dict[str, Any]
    value: float | None = None
    value_currency: str | None = None
    backfill: bool = False


class Memory:
    """All of it."""

    def __init__(self) -> None:
        self.profiles: list[Profile] = []
        self.events: list[Event] = []
        self._made = 0
        self._found: dict[tuple[str, Any], Profile] = {}
        self._happened: set[tuple[str, str, str]] = set()

    def profile(self, said: Mapping[str, Any], *, strict: bool = False) -> tuple[Profile, bool]:
        """The profile of these identifiers, and whether it is new; what was not known of it is added.

        Identifiers of two profiles are those of the stronger one, or raise Conflict where that is asked for.
        """
        names = {name: said[name] for name in NAMES if said.get(name)}
        found = [self._found[pair] for pair in names.items() if pair in self._found]
        if strict and any(other is not found[0] for other in found):
            raise Conflict(found[0].id)
        if found:
            profile = found[0]
        else:
            self._made += 1
            profile = Profile(f"01STANDIN{self._made:017d}")
            self.profiles.append(profile)
        for name, value in names.items():
            if name not in profile.names and (name, value) not in self._found:
                profile.names[name] = value
                self._found[name, value] = profile
        return profile, not found

    def learn(self, profile: Profile, said: Mapping[str, Any]) -> None:
        """A profile's attributes change as they are said; null clears one."""
        for name in _OWN:
            if name in said:
                profile.attributes[name] = said[name]
        profile.location |= said.get("location") or {}
        profile.properties |= said.get("properties") or {}

    def has(self, said: Mapping[str, Any], metric: str, unique_id: str) -> bool:
        """Whether this event of the profile with these identifiers is known already."""
        pairs = ((name, said.get(name)) for name in NAMES)
        profile = next((self._found[pair] for pair in pairs if pair in self._found), None)
        return profile is not None and (profile.id, metric, unique_id) in self._happened

    def happen(self, event: Event) -> None:
        """An event is kept, once."""
        key = (event.profile.id, event.metric, event.unique_id)
        if key not in self._happened:
            self._happened.add(key)
            self.events.append(event)

    def forget(self, unwanted: Callable[[Profile], bool]) -> None:
        """Deletes profiles for good, with what happened to them."""
        gone = [profile for profile in self.profiles if unwanted(profile)]
        self.profiles = [profile for profile in self.profiles if profile not in gone]
        self.events = [event for event in self.events if event.profile not in gone]
        self._found = {pair: profile for pair, profile in self._found.items() if profile not in gone}

    def subscribed(self) -> dict[str, set[str]]:
        """The addresses that may be sent marketing, by channel."""
        addresses = {"email": "email", "sms": "phone_number"}
        return {
            channel: {
                profile.names[name]
                for profile in self.profiles
                if profile.subscriptions.get(f"{channel}/marketing") == "SUBSCRIBED" and name in profile.names
            }
            for channel, name in addresses.items()
        }
