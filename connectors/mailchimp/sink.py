"""People, events, tags and consent to Mailchimp, through its Marketing API."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Generator, Sequence
from dataclasses import replace
from typing import Any

import hub

from .answers import Refusal, explained, is_problem, refusal, status
from .consents import meant
from .events import occurrence, tag, trigger
from .members import NOBODY, Row, described, known_as, list_path, member_path, rows
from .settings import Settings
from .upserts import Wish, no_audience, upserted
from .values import second

LIMITS = hub.Limits(in_flight=8, batch=1)
"""10 connections at once for an account; two are left for others. There is no rate, and no header tells any.

https://mailchimp.com/developer/marketing/docs/fundamentals/#api-limits
"""
PROFILES = hub.Limits(in_flight=2, batch=100)
"""500 members in a request; but who is there already follows one by one, and all must fit in `deadline`.

https://mailchimp.com/developer/marketing/api/lists/batch-subscribe-or-unsubscribe/
"""
CONSENTS = hub.Limits(in_flight=2, batch=500)
"""500 members in a request.

https://mailchimp.com/developer/marketing/api/lists/batch-subscribe-or-unsubscribe/
"""

Asking = Generator[hub.Request | list[hub.Request], Any, None]


class Mailchimp(hub.HttpSink[Settings]):
    """Members of an audience with their events, tags and journeys.

    Members travel in batches, each person once; nobody's status changes but by `subscribe` and `unsubscribe`.
    A rule's message is an event named after its template, which starts an automation. Mailchimp has no key
    against repeats: where its answer to an event or a journey is lost, the next attempt may come twice.
    """

    name = "mailchimp"
    limits = LIMITS
    deadline = 120.0
    example = """
[sinks.letters]
connector = "mailchimp"
api_key   = { env = "MAILCHIMP_KEY" }
list_id   = "a6b5da1054"
"""

    def address(self) -> str:
        """The account's data centre, which the key names."""
        return f"https://{self.settings.data_centre}.api.mailchimp.com/3.0"

    @hub.action("profile", limits=PROFILES)
    def profile(self, deliveries: Sequence[hub.Delivery]) -> hub.Requests:
        """Creates or updates the person's member with their traits; a status that is there stays."""
        people, verdicts = rows(deliveries, self.settings)
        wish = Wish(self.settings.status_if_new, None, _left_alone)
        return {**verdicts, **(yield from upserted(people, wish, self.settings))}

    @hub.action("track")
    def track(self, deliveries: Sequence[hub.Delivery]) -> hub.Requests:
        """Records the event; a rule's message as an event that can start an automation."""
        [delivery] = deliveries
        path = f"{self._path(delivery)}/events"
        yield from self._reached(
            delivery, hub.Request("POST", path, json=occurrence(delivery, self.settings))
        )
        return None

    @hub.action("start")
    def start(self, deliveries: Sequence[hub.Delivery]) -> hub.Requests:
        """Triggers a step of a customer journey; the past triggers none."""
        [delivery] = deliveries
        said = {"email_address": self._email(delivery)}
        yield from self._reached(delivery, hub.Request("POST", trigger(delivery, self.settings), json=said))
        return None

    @hub.action("add")
    def add(self, deliveries: Sequence[hub.Delivery]) -> hub.Requests:
        """Gives the person a tag."""
        [delivery] = deliveries
        yield from self._reached(delivery, self._tagging(delivery, "active"))
        return None

    @hub.action("remove")
    def remove(self, deliveries: Sequence[hub.Delivery]) -> hub.Requests:
        """Takes a tag from the person."""
        [delivery] = deliveries
        # Who is not in the audience has no tag either.
        yield from _asked(replace(self._tagging(delivery, "inactive"), expect=(404,)))
        return None

    @hub.action("subscribe", limits=CONSENTS)
    def subscribe(self, deliveries: Sequence[hub.Delivery]) -> hub.Requests:
        """Subscribes the person who agreed to marketing by e-mail."""
        wanted, verdicts = meant(deliveries, "granted")
        people, unnamed = rows(wanted, self.settings)
        for row in people:
            row.said["timestamp_opt"] = second(row.deliveries[-1].event.time)
        asks = self.settings.confirmation
        wish = Wish("subscribed", "subscribed", _cannot_come_back, confirms=asks == "again")
        if asks == "always":
            # Who is subscribed already stays so, and is not asked.
            wish = Wish("pending", None, _cannot_come_back, confirms=True)
        return {**verdicts, **unnamed, **(yield from upserted(people, wish, self.settings))}

    @hub.action("unsubscribe", limits=CONSENTS)
    def unsubscribe(self, deliveries: Sequence[hub.Delivery]) -> hub.Requests:
        """Unsubscribes the person who refused marketing by e-mail, whether they are a member or not."""
        wanted, verdicts = meant(deliveries, "denied")
        people, unnamed = rows(wanted, self.settings)
        refusing = [Row(row.email, {}, row.deliveries) for row in people]
        wish = Wish("unsubscribed", "unsubscribed", _is_out_already)
        return {**verdicts, **unnamed, **(yield from upserted(refusing, wish, self.settings))}

    @hub.action("forget")
    def forget(self, deliveries: Sequence[hub.Delivery]) -> hub.Requests:
        """Deletes the person's member for good, as data protection law asks for."""
        [delivery] = deliveries
        known = [*delivery.event.identifiers, *delivery.identifiers]
        emails = dict.fromkeys(one.value.strip().lower() for one in known if one.kind == "email")
        if not emails:
            raise hub.Skip(NOBODY)
        refusals: list[hub.GiveUp] = []
        for email in emails:
            path = f"{member_path(email, self.settings)}/actions/delete-permanent"
            try:
                yield from _asked(hub.Request("POST", path, expect=(404,)))
            except hub.GiveUp as refused:
                # Their other addresses are deleted all the same.
                refusals.append(refused)
        if refusals:
            raise refusals[0]
        return None

    def check(self) -> hub.Requests:
        """Asks whether the key opens anything, and whether the audience is there."""
        yield hub.Request("GET", "/ping")
        answer = yield hub.Request("GET", list_path(self.settings), query={"fields": "id"}, expect=(404,))
        if answer.status == 404:
            raise no_audience(self.settings)
        return None

    def judge(self, response: hub.Response) -> hub.DeliveryError | None:
        """A bare 403 is what 429 is elsewhere; one with words is about the key or the account."""
        if response.status != 403:
            return None
        if not is_problem(response):
            return hub.RetryLater("answered 403 without a word: too many requests")
        said = refusal(response).said
        what = f": {said}" if said else ""
        return hub.CredentialsRejected(f"answered 403{what}: the key or its account may not do this")

    def sign(self, request: hub.Request, now: int) -> hub.Request:
        """The request with the key."""
        pair = f"hub:{self.settings.api_key.reveal()}"
        headers = {
            "authorization": f"Basic {b64encode(pair.encode()).decode()}",
            "accept": "application/json",
        }
        if request.json is not None:
            headers["content-type"] = "application/json"
        return replace(request, headers={**request.headers, **headers})

    def _email(self, delivery: hub.Delivery) -> str:
        email = known_as(delivery)
        if email is None:
            # A message may still go by the channel's next sink; an event has nobody to go to.
            raise hub.GiveUp(NOBODY) if delivery.message else hub.Skip(NOBODY)
        return email

    def _path(self, delivery: hub.Delivery) -> str:
        return member_path(self._email(delivery), self.settings)

    def _tagging(self, delivery: hub.Delivery, state: str) -> hub.Request:
        said: dict[str, Any] = {"tags": [{"name": tag(delivery, self.settings), "status": state}]}
        if delivery.event.historical:
            # The past starts no automation.
            said["is_syncing"] = True
        return hub.Request("POST", f"{self._path(delivery)}/tags", json=said)

    def _reached(self, delivery: hub.Delivery, request: hub.Request) -> Asking:
        """Asks; somebody who is not in the audience is added, and it is asked once more."""
        answer = yield from _asked(replace(request, expect=(404,)))
        if answer.status != 404:
            return
        if not self.settings.add_unknown:
            reason = "they are not in the audience, and add_unknown is off"
            raise hub.GiveUp(reason) if delivery.message else hub.Skip(reason)
        row = Row(self._email(delivery), described(delivery, self.settings), [delivery])
        wish = Wish(self.settings.status_if_new, None, _unreachable if delivery.message else _left_alone)
        verdicts = yield from upserted([row], wish, self.settings)
        if verdicts:
            raise verdicts[delivery.id]
        yield from _asked(request)


def _asked(request: hub.Request) -> Generator[hub.Request, hub.Response, hub.Response]:
    """Asks; a refusal says what was wrong."""
    try:
        return (yield request)
    except hub.GiveUp as refused:
        if status(refused) == 404 and request.path.startswith("/customer-journeys"):
            raise hub.GiveUp("answered 404: there is no such step of a journey, or it is off") from None
        raise explained(refused) from None


def _left_alone(refused: Refusal) -> hub.DeliveryError:
    """Who left for good is nobody to tell anything about."""
    return hub.Skip(str(refused)) if refused.meaning in ("kept_out", "forgotten") else refused.fault


def _unreachable(refused: Refusal) -> hub.DeliveryError:
    """A message may still go by the channel's next sink."""
    return hub.GiveUp(str(refused)) if refused.meaning in ("kept_out", "forgotten") else refused.fault


def _cannot_come_back(refused: Refusal) -> hub.DeliveryError:
    if refused.meaning == "kept_out":
        return hub.GiveUp(f"{refused}; `confirmation` lets Mailchimp ask them")
    return refused.fault


def _is_out_already(refused: Refusal) -> hub.DeliveryError | None:
    return None if refused.meaning in ("kept_out", "forgotten") else refused.fault
