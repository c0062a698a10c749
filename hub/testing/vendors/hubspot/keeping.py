"""What the stand-in for HubSpot keeps: contacts, what happened to them, their lists and subscriptions."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

FIRST_RECORD = 101


@dataclass(slots=True)
class Contact:
    """Somebody that HubSpot knows."""

    id: str
    properties: dict[str, str] = field(default_factory=dict)
    others: set[str] = field(default_factory=set)
    """Further addresses of theirs, in lower case."""

    @property
    def addresses(self) -> set[str]:
        """Every address, in lower case."""
        email = self.properties.get("email")
        return self.others | ({email.lower()} if email else set())


@dataclass(frozen=True, slots=True)
class Event:
    """An occurrence of an event."""

    name: str
    email: str
    at: str
    uuid: str
    properties: dict[str, str]


class Conflict(Exception):
    """An address is another contact's already."""

    def __init__(self, contact: Contact) -> None:
        super().__init__(contact.id)
        self.contact = contact


class Memory:
    """All of it."""

    def __init__(self) -> None:
        self.contacts: dict[str, Contact] = {}
        self.events: list[Event] = []
        self.members: dict[str, set[str]] = {}
        """The records in each list."""
        self.subscribed: dict[tuple[str, str], bool] = {}
        """(address, subscription type) → what holds; an address that was never asked has nothing."""
        self.blocked: set[str] = set()
        """Addresses that were deleted for good."""
        self._records = FIRST_RECORD
        self._happened: set[str] = set()

    def find(self, id_property: str, value: str) -> Contact | None:
        """The contact of this value; an address only where it is the first of theirs."""
        wanted = value.lower() if id_property == "email" else value
        for contact in self.contacts.values():
            said = contact.properties.get(id_property)
            if said is not None and (said.lower() if id_property == "email" else said) == wanted:
                return contact
        return None

    def at(self, email: str) -> Contact | None:
        """The contact that has this address, first or further."""
        owners = (one for one in self.contacts.values() if email.lower() in one.addresses)
        return next(owners, None)

    def check(self, contact: Contact | None, said: Mapping[str, str]) -> None:
        """Raises Conflict where the address that is to be written belongs to somebody else."""
        owner = self.at(said["email"]) if said.get("email") else None
        if owner is not None and owner is not contact:
            raise Conflict(owner)

    def write(self, contact: Contact | None, said: Mapping[str, str]) -> Contact:
        """Creates a contact, or changes one; an empty value clears a property."""
        if contact is None:
            contact = Contact(str(self._records))
            self._records += 1
            self.contacts[contact.id] = contact
        contact.properties |= said
        for name in [name for name, value in contact.properties.items() if not value]:
            del contact.properties[name]
        return contact

    def forget(self, contact: Contact | None, email: str | None) -> None:
        """Deletes a contact for good; its addresses, known or not, are blocked."""
        if contact is not None:
            del self.contacts[contact.id]
            self.blocked |= contact.addresses
            for members in self.members.values():
                members.discard(contact.id)
        if email is not None:
            self.blocked.add(email.lower())

    def happen(self, event: Event) -> None:
        """An event is kept; one that carries a known uuid is known."""
        if event.uuid and event.uuid in self._happened:
            return
        self._happened.add(event.uuid)
        self.events.append(event)

    def change(self, known: str, records: Collection[str], *, add: bool) -> dict[str, Any]:
        """Adds records to a list, or removes them; those that are not there are told."""
        members = self.members.setdefault(known, set())
        there = {record for record in records if record in self.contacts}
        changed = there - members if add else there & members
        self.members[known] = members | there if add else members - there
        return {
            "recordsIdsAdded": sorted(changed) if add else [],
            "recordIdsRemoved": [] if add else sorted(changed),
            "recordIdsMissing": sorted({*records} - there),
        }
