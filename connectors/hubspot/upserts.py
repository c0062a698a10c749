"""Contacts written in batches: what arrived, what did not, and under which record ids they are kept."""

from __future__ import annotations

from collections.abc import Collection, Generator, Sequence
from dataclasses import dataclass, field

import hub

from .answers import Refusal, contacts_in, existing, refusal, refusals
from .contacts import Row
from .settings import Settings

OBJECTS = "/crm/v3/objects/contacts"

UNREADABLE = "with a body that cannot be read"


@dataclass(slots=True)
class Upserted:
    """What became of the contacts so far."""

    settings: Settings
    ids: dict[str, str] = field(default_factory=dict)
    """By the value by which a contact is known, the id of its record."""
    verdicts: dict[str, hub.DeliveryError] = field(default_factory=dict)

    def refuse(self, row: Row, fault: hub.DeliveryError) -> None:
        """A contact was not taken: all deliveries that stand on it end alike."""
        self.verdicts |= dict.fromkeys((delivery.id for delivery in row.deliveries), fault)

    def named(self, rows: Sequence[Row]) -> frozenset[str]:
        """The contact properties of these that the configuration names."""
        return self.settings.named.union(*(row.chosen for row in rows))

    def read(self, answer: hub.Response, rows: Sequence[Row]) -> list[Row]:
        """Takes up what an answer says; returns the rows of which it says nothing."""
        found = {word: row for row in rows for word in (row.name, row.trace)}
        for contact in contacts_in(answer):
            row = found.get(contact.trace) or found.get(str(contact.properties.get(self._id)))
            if row is not None:
                self.ids[row.name] = contact.id
        for refused in refusals(answer) if answer.status == 207 else ():
            for word in refused.inputs & found.keys():
                if len(rows) == 1 or not refused.conflicts:
                    self.refuse(found[word], fault(answer.status, refused, self.named([found[word]])))
        return [row for row in rows if row.name not in self.ids and row.trace not in self.verdicts]

    @property
    def _id(self) -> str:
        return self.settings.id_property


Writing = Generator[hub.Request, hub.Response, Upserted]


def upserted(rows: Sequence[Row], settings: Settings, *, identified: bool = False) -> Writing:
    """Creates and updates contacts; `identified` wants each one's record id.

    A repeat writes the same once more, so that what an answer leaves open is asked again in smaller batches:
    answers are read to 64 KB, and a long one loses its end, where the errors stand.
    """
    done = Upserted(settings)
    waiting = [list(rows)]
    while waiting:
        batch = waiting.pop(0)
        if not batch:
            continue
        try:
            answer = yield _upsert(batch, settings)
        except hub.GiveUp as refused:
            waiting.append((yield from _after(refused, batch, done)))
            continue
        if answer.status == 207 or identified:
            waiting += _open(done, answer, batch)
    return done


def found(rows: Sequence[Row], settings: Settings) -> Writing:
    """Looks contacts up; those that HubSpot does not know have no id afterwards."""
    done = Upserted(settings)
    if rows:
        answer = yield hub.Request(
            "POST",
            f"{OBJECTS}/batch/read",
            json={
                "idProperty": settings.id_property,
                "inputs": [{"id": row.name} for row in rows],
                "properties": [settings.id_property],
                "propertiesWithHistory": [],
            },
        )
        if answer.json() is None:
            raise hub.RetryLater(f"answered {answer.status} {UNREADABLE}")
        for contact in contacts_in(answer):
            done.ids[str(contact.properties.get(settings.id_property))] = contact.id
    return done


def fault(status: int, refused: Refusal, named: Collection[str]) -> hub.DeliveryError:
    """What follows from a refusal; without a property that the configuration names nobody would pass."""
    ours = sorted(refused.missing.intersection(named))
    if ours:
        return hub.CredentialsRejected(
            f"answered {status}: the account has no contact property {', '.join(ours)}; make it, or correct "
            "the configuration"
        )
    said = str(refused)
    text = f"answered {status}: {said}" if said else f"answered {status}"
    return hub.RetryLater(text) if refused.passes else hub.GiveUp(text)


def _upsert(rows: Sequence[Row], settings: Settings) -> hub.Request:
    inputs = [row.input(settings.id_property) for row in rows]
    return hub.Request("POST", f"{OBJECTS}/batch/upsert", json={"inputs": inputs})


def _open(done: Upserted, answer: hub.Response, batch: list[Row]) -> list[list[Row]]:
    """The batches in which the contacts are asked about again that an answer leaves open."""
    if answer.json() is None and not answer.truncated:
        raise hub.RetryLater(f"answered {answer.status} {UNREADABLE}")
    left = done.read(answer, batch)
    if len(batch) == 1:
        for row in left:
            said = refusals(answer)
            unclear = hub.RetryLater(f"answered {answer.status} without the contact")
            done.refuse(row, fault(answer.status, said[0], done.named(batch)) if said else unclear)
        return []
    if len(left) < len(batch):
        return [left]
    half = len(left) // 2
    return [left[:half], left[half:]]


def _after(
    refused: hub.GiveUp, batch: list[Row], done: Upserted
) -> Generator[hub.Request, hub.Response, list[Row]]:
    """Takes out of a refused batch what was wrong with it; returns what is left.

    Raises the same again where the answer names nobody: the hub then tries it in halves.
    """
    why = refusal(refused.answer)
    said = fault(status(refused), why, done.named(batch))
    if isinstance(said, hub.CredentialsRejected):
        raise said
    if len(batch) == 1:
        [row] = batch
        other = existing(refused.answer) if why.conflicts or status(refused) == 409 else None
        if other is not None and done.settings.unique_property is None:
            yield from _update(row, other, done)
        else:
            done.refuse(row, _conflict(said) if other is not None else said)
        return []
    touched = [row for row in batch if why.missing & row.properties.keys()]
    if not touched:
        raise refused
    for row in touched:
        done.refuse(row, said)
    return [row for row in batch if row not in touched]


def _update(row: Row, known: str, done: Upserted) -> Generator[hub.Request, hub.Response, None]:
    """The contact is there under another e-mail address of its own, or came to be in this very moment."""
    properties = {name: value for name, value in row.properties.items() if name != "email"}
    try:
        if properties:
            yield hub.Request("PATCH", f"{OBJECTS}/{known}", json={"properties": properties})
        done.ids[row.name] = known
    except hub.GiveUp as refused:
        done.refuse(row, fault(status(refused), refusal(refused.answer), done.named([row])))


def _conflict(said: hub.DeliveryError) -> hub.GiveUp:
    return hub.GiveUp(f"{said}: its e-mail address belongs to another contact; merge them in HubSpot")


def status(refused: hub.GiveUp) -> int:
    """The status of the answer that refused a request."""
    return refused.answer.status if isinstance(refused.answer, hub.Response) else 0
