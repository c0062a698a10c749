"""Events, people and their consent to Klaviyo, through its JSON:API."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import hub

from . import erasures
from .events import event
from .profiles import attributes, names
from .rows import Row
from .sending import alone, explained, status, together
from .subscriptions import Channel, State, consented, joined, subscription

JSON_API = "application/vnd.api+json"

NOBODY = "no identifier that Klaviyo knows: e-mail address, phone number, user id or anonymous id"
UNNAMED = "no identifier that a profile needs: e-mail address, phone number or user id"

BULK = hub.Limits(per_second=10, per_minute=150, in_flight=4, batch=1000, bytes=2_500_000)
"""Bulk jobs: 10/s and 150/min, 1,000 events in at most 5 MB. Our rows may be twice as long as the event was.

https://developers.klaviyo.com/en/reference/bulk_create_events
"""
EVENT = hub.Limits(per_second=350, per_minute=3500)
"""350/s and 3,500/min. https://developers.klaviyo.com/en/reference/create_event"""
PROFILE = hub.Limits(per_second=75, per_minute=750)
"""75/s and 750/min. https://developers.klaviyo.com/en/reference/create_or_update_profile"""
PROFILES = BULK
"""Bulk imports: 10/s and 150/min, 10,000 profiles in at most 5 MB; 1,000 of 5 KB each fit for sure.

https://developers.klaviyo.com/en/reference/bulk_import_profiles
"""
SUBSCRIBING = hub.Limits(per_second=75, per_minute=750, in_flight=4, batch=1000)
"""75/s and 750/min, 1,000 profiles. https://developers.klaviyo.com/en/reference/bulk_subscribe_profiles"""
UNSUBSCRIBING = replace(SUBSCRIBING, batch=100)
"""75/s and 750/min, 100 profiles. https://developers.klaviyo.com/en/reference/bulk_unsubscribe_profiles"""

ERASING = hub.Limits(per_second=3, per_minute=60, in_flight=1)
"""3/s and 60/min, one profile. https://developers.klaviyo.com/en/reference/request_profile_deletion"""


class Settings(hub.Settings):
    api_key: hub.Secret = hub.Option("Private API key (pk_…), from Settings > API keys.")
    revision: str = hub.Option(
        "Which revision of the API to speak.", default="2026-07-15", pattern=r"^\d{4}-\d\d-\d\d(\.\w+)?$"
    )
    list_id: str | None = hub.Option("The list that `subscribe` adds people to, by its id.", default=None)
    channels: list[Channel] = hub.Option(
        "What `subscribe` and `unsubscribe` mean where the event itself says nothing of consent.",
        default=["email"],
    )


Made = tuple[list[Row], dict[str, hub.DeliveryError]]
"""What a request is made of, and the deliveries that have no part in it."""


class Klaviyo(hub.HttpSink[Settings]):
    """Events, profiles and subscriptions, through Klaviyo's JSON:API.

    One delivery travels alone, several as a bulk job. What an answer points at gives up; all others of the
    same job are sent again at once. A rule's message is an event whose metric is the template's name.
    """

    name = "klaviyo"
    base_url = "https://a.klaviyo.com"
    limits = BULK
    example = """
[sinks.news]
connector = "klaviyo"
api_key   = { env = "KLAVIYO_KEY" }
"""

    @hub.action("track", limits=BULK, alone=EVENT)
    def track(self, deliveries: Sequence[hub.Delivery]) -> hub.Requests:
        """Records the event; a rule's message as an event that can start a flow."""
        rows, verdicts = _events(deliveries)
        if len(rows) == 1 and len(rows[0].events) == 1:
            try:
                yield from alone(rows[0], "/api/events", _event)
            except hub.GiveUp as refused:
                if status(refused) != 409:
                    verdicts[rows[0].deliveries[0].id] = explained(refused)
            return verdicts
        return {**verdicts, **(yield from together(rows, "/api/event-bulk-create-jobs", _event_job))}

    @hub.action("profile", limits=PROFILES, alone=PROFILE)
    def profile(self, deliveries: Sequence[hub.Delivery]) -> hub.Requests:
        """Creates or updates the person's profile with their traits."""
        rows, verdicts = _profiles(deliveries)
        if len(rows) == 1:
            try:
                yield from alone(rows[0], "/api/profile-import", lambda row: _data("profile", row.profile))
            except hub.GiveUp as refused:
                fault = explained(refused)
                if status(refused) == 409:
                    fault = hub.GiveUp("answered 409: its identifiers belong to different profiles")
                verdicts |= dict.fromkeys((one.id for one in rows[0].deliveries), fault)
            return verdicts
        return {**verdicts, **(yield from together(rows, "/api/profile-bulk-import-jobs", _profile_job))}

    @hub.action("subscribe", limits=SUBSCRIBING)
    def subscribe(self, deliveries: Sequence[hub.Delivery]) -> hub.Requests:
        """Subscribes the person to the channels that they agreed to, and to the list of `list_id`."""
        # A job is historical as a whole or not at all; those that are not of the first one's kind come next.
        past = bool(deliveries) and deliveries[0].event.historical
        later: dict[str, hub.DeliveryError] = {
            one.id: hub.RetryLater("historical consent travels apart", after=timedelta())
            for one in deliveries
            if one.event.historical != past
        }
        rows, verdicts = self._subscriptions([one for one in deliveries if one.id not in later], "granted")
        list_id = self.settings.list_id

        def job(rows: Sequence[Row]) -> dict[str, Any]:
            return _subscription_job("create", rows, historical=past, list_id=list_id)

        try:
            sent = yield from together(rows, "/api/profile-subscription-bulk-create-jobs", job)
        except hub.GiveUp as refused:
            if list_id is not None and status(refused) == 404:
                raise hub.CredentialsRejected("answered 404: there is no list of this list_id") from None
            raise
        return {**later, **verdicts, **sent}

    @hub.action("unsubscribe", limits=UNSUBSCRIBING)
    def unsubscribe(self, deliveries: Sequence[hub.Delivery]) -> hub.Requests:
        """Unsubscribes the person from the channels that they refused, on all lists."""
        rows, verdicts = self._subscriptions(deliveries, "denied")

        def job(rows: Sequence[Row]) -> dict[str, Any]:
            return _subscription_job("delete", rows)

        sent = yield from together(rows, "/api/profile-subscription-bulk-delete-jobs", job)
        return {**verdicts, **sent}

    @hub.action("forget", limits=ERASING)
    def forget(self, deliveries: Sequence[hub.Delivery]) -> hub.Requests:
        """Deletes the person's profiles for good, as data protection law asks for."""
        [delivery] = deliveries
        known = erasures.addresses(delivery)
        known += yield from erasures.others(delivery, known)
        if not known:
            raise hub.Skip(erasures.NOBODY)
        refusals: list[hub.GiveUp] = []
        for named in known:
            try:
                # Whom Klaviyo does not know is forgotten.
                yield hub.Request("POST", erasures.JOBS, json=erasures.job(named), expect=(404,))
            except hub.GiveUp as refused:
                refusals.append(explained(refused))
        if refusals:
            raise refusals[0]
        return None

    def check(self) -> hub.Requests:
        """Asks whose key this is; a key that may not ask that is a key all the same."""
        yield hub.Request("GET", "/api/accounts", expect=(403,))
        return None

    def judge(self, response: hub.Response) -> hub.DeliveryError | None:
        """A retired revision and a missing scope are matters of the settings, and said as such."""
        if response.status == 410:
            revision = self.settings.revision
            return hub.CredentialsRejected(f"answered 410: revision {revision} is retired; set a newer one")
        if response.status == 403:
            return hub.CredentialsRejected(
                "answered 403: the key lacks a scope of events:write, profiles:write, lists:write, "
                "subscriptions:write; forget also needs data-privacy:write and profiles:read"
            )
        return None

    def sign(self, request: hub.Request, now: int) -> hub.Request:
        """The request with the key and the revision."""
        headers = {
            "authorization": f"Klaviyo-API-Key {self.settings.api_key.reveal()}",
            "revision": self.settings.revision,
            "accept": JSON_API,
        }
        if request.json is not None:
            headers["content-type"] = JSON_API
        return replace(request, headers={**request.headers, **headers})

    def _subscriptions(self, deliveries: Sequence[hub.Delivery], state: State) -> Made:
        rows: dict[tuple[Any, ...], Row] = {}
        verdicts: dict[str, hub.DeliveryError] = {}
        for delivery in deliveries:
            try:
                said = subscription(delivery, state, self.settings.channels)
            except hub.Skip as skipped:
                verdicts[delivery.id] = skipped
                continue
            if delivery.event.historical and state == "granted":
                said = consented(said, hub.iso(delivery.event.time))
            row = rows.setdefault((said.get("email"), said.get("phone_number")), Row(said, []))
            row.profile = joined(row.profile, said)
            row.deliveries.append(delivery)
        return list(rows.values()), verdicts


def _events(deliveries: Sequence[hub.Delivery]) -> Made:
    """The events, those of one profile together."""
    rows: dict[tuple[tuple[str, str], ...], Row] = {}
    verdicts: dict[str, hub.DeliveryError] = {}
    for delivery in deliveries:
        profile = names(delivery, anonymous=True)
        if not profile:
            # A message may still go by the channel's next sink; an event has nobody to go to.
            verdicts[delivery.id] = hub.GiveUp(NOBODY) if delivery.message else hub.Skip(NOBODY)
            continue
        try:
            said = event(delivery)
        except hub.GiveUp as fault:
            verdicts[delivery.id] = fault
            continue
        row = rows.setdefault(tuple(profile.items()), Row(profile, []))
        row.deliveries.append(delivery)
        row.events.append(said)
    return list(rows.values()), verdicts


def _profiles(deliveries: Sequence[hub.Delivery]) -> Made:
    """The profiles, each person's once, with all that is said of them together: two syncs may tell of one."""
    rows: dict[tuple[tuple[str, str], ...], Row] = {}
    told: dict[tuple[tuple[str, str], ...], dict[str, Any]] = {}
    verdicts: dict[str, hub.DeliveryError] = {}
    for delivery in deliveries:
        profile = names(delivery)
        if not profile:
            verdicts[delivery.id] = hub.Skip(UNNAMED)
            continue
        who = tuple(profile.items())
        traits = told.setdefault(who, {})
        traits.update(delivery.traits or delivery.event.traits)
        row = rows.setdefault(who, Row({}, []))
        row.profile = {**profile, **attributes(traits)}
        row.deliveries.append(delivery)
    return list(rows.values()), verdicts


def _data(type: str, attributes: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"data": {"type": type, "attributes": attributes, **more}}


def _event(row: Row) -> dict[str, Any]:
    return _data("event", {**row.events[0], "profile": _data("profile", row.profile)})


def _event_job(rows: Sequence[Row]) -> dict[str, Any]:
    data = []
    for row in rows:
        events = [{"type": "event", "attributes": said} for said in row.events]
        one = {"profile": _data("profile", row.profile), "events": {"data": events}}
        data.append({"type": "event-bulk-create", "attributes": one})
    return _data("event-bulk-create-job", {"events-bulk-create": {"data": data}})


def _profile_job(rows: Sequence[Row]) -> dict[str, Any]:
    return _data("profile-bulk-import-job", {"profiles": {"data": _people(rows)}})


def _subscription_job(
    verb: str, rows: Sequence[Row], *, historical: bool = False, list_id: str | None = None
) -> dict[str, Any]:
    said: dict[str, Any] = {"profiles": {"data": _people(rows)}}
    if historical:
        said["historical_import"] = True
    more = {}
    if list_id is not None:
        more["relationships"] = {"list": {"data": {"type": "list", "id": list_id}}}
    return _data(f"profile-subscription-bulk-{verb}-job", said, **more)


def _people(rows: Sequence[Row]) -> list[dict[str, Any]]:
    return [{"type": "profile", "attributes": row.profile} for row in rows]
