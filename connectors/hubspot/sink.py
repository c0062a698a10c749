"""People, events, lists and consent to HubSpot, through its CRM and event interfaces."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import replace
from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Literal

import hub

from .answers import ids_missing, is_already_so, policy, refusal, scopes
from .consents import State, subscriptions
from .contacts import Row, contacts, known_as
from .events import occurrence
from .settings import Settings
from .upserts import OBJECTS, Upserted, found, status, upserted

CRM = hub.Limits(per_second=5, per_day=150_000, in_flight=4, batch=100)
"""100 requests in 10 s and 250,000 a day for an account of any tier, all actions but events together.

10 in any second are never more than 100 in any 10; half of them is kept for the actions whose requests carry
one person. 100 contacts in a request.
https://developers.hubspot.com/docs/developer-tooling/platform/usage-guidelines
"""
CONSENT = hub.Limits(per_second=2, per_day=40_000, in_flight=2)
"""The part of the account's limit that `subscribe` may use, and `unsubscribe` as much."""
FORGETTING = hub.Limits(per_second=1, per_day=20_000, in_flight=1)
"""The part of the account's limit that is kept for erasures."""
EVENTS = hub.Limits(per_second=2, in_flight=4, batch=500)
"""1,250 events a second, 500 in a request: two full requests, 100 single ones and 50 that start something.

https://developers.hubspot.com/docs/api-reference/legacy/events/send-event-data/guide
"""
EVENT = hub.Limits(per_second=100)
STARTING = hub.Limits(per_second=50)

QUARTER = timedelta(minutes=15)

Change = Literal["add", "remove"]


class HubSpot(hub.HttpSink[Settings]):
    """Contacts, custom events, list memberships and subscriptions.

    Contacts travel in batches, each person once; what an answer refuses gives up, and all others are kept. A
    rule's message is an event named after its template, which a workflow can wait for.
    """

    name = "hubspot"
    base_url = "https://api.hubapi.com"
    limits = CRM
    example = """
[sinks.crm]
connector = "hubspot"
token     = { env = "HUBSPOT_TOKEN" }
portal_id = "123456"
"""

    @hub.action("profile")
    def profile(self, deliveries: Sequence[hub.Delivery]) -> hub.Requests:
        """Creates or updates the person's contact with their traits."""
        rows, verdicts = contacts(deliveries, self.settings)
        done = yield from upserted(rows, self.settings)
        return {**verdicts, **done.verdicts}

    @hub.action("track", limits=EVENTS, alone=EVENT)
    def track(self, deliveries: Sequence[hub.Delivery]) -> hub.Requests:
        """Records the event; a rule's message as an event that can start a workflow."""
        return (yield from self._occurred(deliveries))

    @hub.action("start", limits=STARTING)
    def start(self, deliveries: Sequence[hub.Delivery]) -> hub.Requests:
        """Records the event that a workflow waits for; the past starts none."""
        past = {
            delivery.id: hub.Skip("the past starts no workflow")
            for delivery in deliveries
            if delivery.event.historical and delivery.message is None
        }
        sent = yield from self._occurred([one for one in deliveries if one.id not in past])
        return {**past, **sent}

    @hub.action("add")
    def add(self, deliveries: Sequence[hub.Delivery]) -> hub.Requests:
        """Adds the person to a list; somebody who is no contact yet becomes one."""
        return (yield from self._memberships("add", deliveries))

    @hub.action("remove")
    def remove(self, deliveries: Sequence[hub.Delivery]) -> hub.Requests:
        """Removes the person from a list."""
        return (yield from self._memberships("remove", deliveries))

    @hub.action("subscribe", limits=CONSENT)
    def subscribe(self, deliveries: Sequence[hub.Delivery]) -> hub.Requests:
        """Subscribes the person to what they agreed to receive by e-mail."""
        return (yield from self._consents("granted", deliveries))

    @hub.action("unsubscribe", limits=CONSENT)
    def unsubscribe(self, deliveries: Sequence[hub.Delivery]) -> hub.Requests:
        """Unsubscribes the person from what they refused to receive by e-mail."""
        return (yield from self._consents("denied", deliveries))

    @hub.action("forget", limits=FORGETTING)
    def forget(self, deliveries: Sequence[hub.Delivery]) -> hub.Requests:
        """Deletes the person's contact for good, as data protection law asks for."""
        verdicts: dict[str, hub.DeliveryError] = {}
        for delivery in deliveries:
            bodies = yield from self._forgotten(delivery)
            if not bodies:
                verdicts[delivery.id] = hub.Skip("HubSpot has no contact of them")
            for body in bodies:
                try:
                    yield hub.Request("POST", f"{OBJECTS}/gdpr-delete", json=body, expect=(404,))
                except hub.GiveUp as refused:
                    verdicts[delivery.id] = _explained(refused)
        return verdicts

    def check(self) -> hub.Requests:
        """Asks whose token this is; a token that may not ask that is a token all the same."""
        yield hub.Request("GET", "/account-info/v3/details", expect=(403,))
        return None

    def judge(self, response: hub.Response) -> hub.DeliveryError | None:
        """Limits by their names, locks and migrations that pass, and the scopes that a token lacks."""
        if response.status == 429:
            return _patience(response)
        if response.status == 423:
            return hub.RetryLater(
                "answered 423: the contact is locked for a moment", after=_asked(response, 2)
            )
        if response.status == 477:
            return hub.RetryLater("answered 477: the account is being moved")
        if response.status == 403:
            lacking = ", ".join(scopes(response))
            what = f"lacks the scope {lacking}" if lacking else "lacks a scope that this action needs"
            return hub.CredentialsRejected(f"answered 403: the token {what}")
        return None

    def sign(self, request: hub.Request, now: int) -> hub.Request:
        """The request with the token."""
        headers = {
            "authorization": f"Bearer {self.settings.token.reveal()}",
            "accept": "application/json",
        }
        if request.json is not None:
            headers["content-type"] = "application/json"
        return replace(request, headers={**request.headers, **headers})

    def _occurred(
        self, deliveries: Sequence[hub.Delivery]
    ) -> Generator[hub.Request, hub.Response, dict[str, hub.DeliveryError]]:
        inputs: dict[str, dict[str, Any]] = {}
        verdicts: dict[str, hub.DeliveryError] = {}
        for delivery in deliveries:
            try:
                inputs[delivery.id] = occurrence(delivery, self.settings)
            except (hub.Skip, hub.GiveUp) as fault:
                verdicts[delivery.id] = fault
        if len(inputs) > 1:
            yield hub.Request("POST", "/events/v3/send/batch", json={"inputs": list(inputs.values())})
        for known, said in inputs.items() if len(inputs) == 1 else ():
            try:
                yield hub.Request("POST", "/events/v3/send", json=said)
            except hub.GiveUp as refused:
                # An event that HubSpot has under this uuid has arrived.
                if status(refused) != 409:
                    verdicts[known] = _explained(refused)
        return verdicts

    def _memberships(
        self, change: Change, deliveries: Sequence[hub.Delivery]
    ) -> Generator[hub.Request, hub.Response, dict[str, hub.DeliveryError]]:
        lists = {one.id: known for one in deliveries if (known := self._list(one)) is not None}
        nowhere = hub.Skip("no list is meant: set list_id, or name the segment in `lists`")
        verdicts: dict[str, hub.DeliveryError] = {
            one.id: nowhere for one in deliveries if one.id not in lists
        }
        rows, unnamed = contacts([one for one in deliveries if one.id in lists], self.settings, traits=False)
        verdicts |= unnamed
        done = yield from found(rows, self.settings)
        missing = [row for row in rows if row.name not in done.ids]
        if change == "add" and missing:
            made = yield from upserted(missing, self.settings, identified=True)
            done.ids |= made.ids
            verdicts |= made.verdicts
        for known in dict.fromkeys(lists.values()):
            members = _members(rows, done, [one for one, its in lists.items() if its == known])
            if members:
                verdicts |= yield from _changed(change, known, members)
        return verdicts

    def _list(self, delivery: hub.Delivery) -> str | None:
        segment = delivery.event.properties.get("segment")
        named = self.settings.lists.get(segment) if isinstance(segment, str) else None
        return named or self.settings.list_id

    def _consents(
        self, state: State, deliveries: Sequence[hub.Delivery]
    ) -> Generator[hub.Request, hub.Response, dict[str, hub.DeliveryError]]:
        verdicts: dict[str, hub.DeliveryError] = {}
        verb = "subscribe" if state == "granted" else "unsubscribe"
        for delivery in deliveries:
            try:
                bodies = subscriptions(delivery, state, self.settings)
            except hub.Skip as skipped:
                verdicts[delivery.id] = skipped
                continue
            for body in bodies:
                try:
                    yield from _consented(verb, body)
                except hub.GiveUp as refused:
                    # One type that is refused keeps no other from being told.
                    verdicts.setdefault(delivery.id, refused)
        return verdicts

    def _forgotten(
        self, delivery: hub.Delivery
    ) -> Generator[hub.Request, hub.Response, list[dict[str, str]]]:
        """What to delete: every e-mail address of theirs, and the contact of their user id."""
        known = [*delivery.event.identifiers, *delivery.identifiers]
        emails = dict.fromkeys(one.value for one in known if one.kind == "email")
        bodies = [{"objectId": email, "idProperty": "email"} for email in emails]
        name = known_as(delivery, self.settings)
        if self.settings.unique_property is not None and name is not None:
            done = yield from found([Row(name, {}, [delivery])], self.settings)
            bodies += [{"objectId": record} for record in done.ids.values()]
        return bodies


def _members(rows: Sequence[Row], done: Upserted, wanted: Sequence[str]) -> dict[str, list[str]]:
    """By the ids of their records, the people that are meant, each with their deliveries."""
    members: dict[str, list[str]] = {}
    for row in rows:
        meant = [one.id for one in row.deliveries if one.id in wanted]
        if meant and row.name in done.ids:
            members.setdefault(done.ids[row.name], []).extend(meant)
    return members


def _changed(
    change: Change, known: str, members: dict[str, list[str]]
) -> Generator[hub.Request, hub.Response, dict[str, hub.DeliveryError]]:
    """Adds or removes contacts; those that are in a list, or gone from it, already are fine."""
    try:
        answer = yield hub.Request("PUT", f"/crm/v3/lists/{known}/memberships/{change}", json=list(members))
    except hub.GiveUp as refused:
        if status(refused) == 404:
            raise hub.CredentialsRejected(f"answered 404: there is no list {known}") from None
        raise
    gone = hub.RetryLater("the contact was deleted a moment ago")
    missing = ids_missing(answer) if change == "add" else frozenset()
    return {one: gone for record in missing & members.keys() for one in members[record]}


def _consented(verb: str, body: dict[str, Any]) -> Generator[hub.Request, hub.Response, None]:
    try:
        yield hub.Request("POST", f"/communication-preferences/v3/{verb}", json=body)
    except hub.GiveUp as refused:
        if status(refused) == 404:
            known = body["subscriptionId"]
            raise hub.CredentialsRejected(f"answered 404: there is no subscription type {known}") from None
        if not is_already_so(refused.answer):
            said = str(_explained(refused))
            hint = "; HubSpot subscribes nobody again who has opted out" if verb == "subscribe" else ""
            raise hub.GiveUp(said + hint) from None


def _explained(refused: hub.GiveUp) -> hub.DeliveryError:
    """The same refusal with what the answer says was wrong."""
    said = str(refusal(refused.answer))
    return hub.GiveUp(f"answered {status(refused)}: {said}") if said else refused


def _patience(response: hub.Response) -> hub.RetryLater:
    """Waits for the limit's next window; a day starts on a quarter of an hour in every time zone."""
    name = policy(response)
    spent = response.header("x-hubspot-ratelimit-daily-remaining") == "0"
    if "DAILY" in name or (not name and spent):
        return hub.RetryLater("answered 429: the account's daily limit is used up", after=_quarter(response))
    reason = f"answered 429: {name}" if name else "answered 429"
    window = response.header("x-hubspot-ratelimit-interval-milliseconds") or ""
    seconds = min(int(window) / 1000, 60) if window.isdecimal() else 10
    return hub.RetryLater(reason, after=_asked(response, 1 if name == "SECONDLY" else seconds))


def _quarter(response: hub.Response) -> timedelta:
    """How long it is to the next quarter of an hour by the vendor's clock; no answer tells the time zone."""
    try:
        when = parsedate_to_datetime(response.header("date") or "")
    except (ValueError, TypeError, IndexError, OverflowError):
        return QUARTER
    return QUARTER - timedelta(minutes=when.minute % 15, seconds=when.second)


def _asked(response: hub.Response, seconds: float) -> timedelta | None:
    """So long, unless the answer itself says how long."""
    return None if response.header("retry-after") else timedelta(seconds=seconds)
