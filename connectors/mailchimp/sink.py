"""People, events, tags and consent to Mailchimp, through its Marketing interface."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

import hub

from .answers import Refusal, refusal, status
from .batches import MOST, NO_AUDIENCE, batched, of_the_audience
from .events import names, occurrence, whole_second
from .members import NOBODY, Row, known_as, members, place, upsert
from .settings import Settings

EVENTS = hub.Limits(in_flight=8)
"""Ten requests at once for a user, whatever they ask; two are left to others.

https://mailchimp.com/developer/marketing/docs/fundamentals/#api-limits
"""
PROFILES = hub.Limits(in_flight=2, batch=100)
"""500 members in a request; those who are there already need one each, and all of them must fit in `deadline`."""
STATUSES = hub.Limits(in_flight=2, batch=MOST)
"""500 members in a request. https://mailchimp.com/developer/marketing/api/lists/batch-subscribe-or-unsubscribe/"""
SINGLY = hub.Limits(in_flight=4)
FORGETTING = hub.Limits(in_flight=1)
AT_ONCE = 4
"""How many members of one batch are updated at once."""

State = Literal["granted", "denied"]
Verdicts = dict[str, hub.DeliveryError]
Asking = Generator[hub.Request, hub.Response, None]

_STEP = re.compile(r"\d+/\d+", re.ASCII)


class Mailchimp(hub.HttpSink[Settings]):
    """Members of an audience with their status, events, tags and journeys.

    Nobody's status changes but by `subscribe` and `unsubscribe`. A rule's message is an event named after its
    template, which starts an automation. Mailchimp has no key against repeats: where its answer to an event
    is lost, the next attempt may record it a second time.
    """

    name = "mailchimp"
    limits = SINGLY
    deadline = 120.0
    example = """
[sinks.letters]
connector = "mailchimp"
api_key   = { env = "MAILCHIMP_KEY" }
list_id   = "a6b5da1054"
"""

    def address(self) -> str:
        """The data centre that the key names."""
        return f"https://{self.settings.data_centre}.api.mailchimp.com/3.0"

    @hub.action("profile", limits=PROFILES)
    def profile(self, deliveries: Sequence[hub.Delivery]) -> hub.Requests:
        """Adds or updates the person with their traits; never changes who gets marketing."""
        rows, verdicts = members(deliveries, self.settings)
        if len(rows) > 1:
            status_if_new = self.settings.status_if_new
            refused = yield from batched(
                rows, self.settings, lambda row: row.said(status=status_if_new), update=False
            )
            # Those who are there are not touched by the batch, whatever their status.
            known = {email for email, why in refused.items() if why.kind in ("exists", "compliance")}
            others = {email: why for email, why in refused.items() if email not in known}
            verdicts |= _faults(rows, others, lambda why: why.fault(200))
            rows = [row for row in rows if row.email in known]
        for start in range(0, len(rows), AT_ONCE):
            verdicts |= yield from self._updated(rows[start : start + AT_ONCE])
        return verdicts

    @hub.action("track", limits=EVENTS)
    def track(self, deliveries: Sequence[hub.Delivery]) -> hub.Requests:
        """Records the event; a rule's message as an event that can start an automation."""
        for delivery in deliveries:
            body = occurrence(delivery, self.settings)
            request = hub.Request("POST", f"{self._place(delivery)}/events", json=body)
            yield from self._of_member(delivery, request)
        return None

    @hub.action("start")
    def start(self, deliveries: Sequence[hub.Delivery]) -> hub.Requests:
        """Starts a journey for the person; the past starts none."""
        for delivery in deliveries:
            if delivery.event.historical and delivery.message is None:
                raise hub.Skip("the past starts no journey")
            journey, _, step = self._journey(delivery).partition("/")
            self._place(delivery)
            path = f"/customer-journeys/journeys/{journey}/steps/{step}/actions/trigger"
            request = hub.Request("POST", path, json={"email_address": known_as(delivery)})
            yield from self._of_member(delivery, request)
        return None

    @hub.action("add")
    def add(self, deliveries: Sequence[hub.Delivery]) -> hub.Requests:
        """Gives the person a tag."""
        for delivery in deliveries:
            yield from self._of_member(delivery, self._tagging(delivery, "active"))
        return None

    @hub.action("remove")
    def remove(self, deliveries: Sequence[hub.Delivery]) -> hub.Requests:
        """Takes a tag from the person."""
        for delivery in deliveries:
            yield replace(self._tagging(delivery, "inactive"), expect=(404,))
        return None

    @hub.action("subscribe", limits=STATUSES)
    def subscribe(self, deliveries: Sequence[hub.Delivery]) -> hub.Requests:
        """Subscribes the person who agreed to e-mail marketing."""
        rows, verdicts = self._agreed(deliveries, "granted")
        wanted = "pending" if self.settings.double_opt_in else "subscribed"

        def said(row: Row) -> dict[str, Any]:
            at = whole_second(max(one.event.time for one in row.deliveries))
            return {"email_address": row.email, "status": wanted, "timestamp_opt": at}

        refused = yield from batched(rows, self.settings, said, update=True)
        return {**verdicts, **_faults(rows, refused, _not_subscribed)}

    @hub.action("unsubscribe", limits=STATUSES)
    def unsubscribe(self, deliveries: Sequence[hub.Delivery]) -> hub.Requests:
        """Unsubscribes the person who refused e-mail marketing."""
        rows, verdicts = self._agreed(deliveries, "denied")

        def said(row: Row) -> dict[str, Any]:
            return {"email_address": row.email, "status": "unsubscribed"}

        refused = yield from batched(rows, self.settings, said, update=True)
        # Whom Mailchimp may not write to gets nothing already.
        left = {email: why for email, why in refused.items() if why.kind not in ("compliance", "forgotten")}
        return {**verdicts, **_faults(rows, left, lambda why: why.fault(200))}

    @hub.action("forget", limits=FORGETTING)
    def forget(self, deliveries: Sequence[hub.Delivery]) -> hub.Requests:
        """Deletes the person for good, under every e-mail address of theirs."""
        verdicts: Verdicts = {}
        for delivery in deliveries:
            known = [*delivery.event.identifiers, *delivery.identifiers]
            emails = dict.fromkeys(one.value.strip().lower() for one in known if one.kind == "email")
            if not emails:
                verdicts[delivery.id] = hub.Skip(NOBODY)
            for email in emails:
                path = f"{place(email, self.settings)}/actions/delete-permanent"
                yield hub.Request("POST", path, expect=(404,))
        return verdicts

    def check(self) -> hub.Requests:
        """Asks how Mailchimp is, which it tells only to good keys."""
        yield hub.Request("GET", "/ping")
        return None

    def judge(self, response: hub.Response) -> hub.DeliveryError | None:
        """A 403 without a body is no refusal: at a high volume it says that it was too much."""
        if response.status == 403 and not response.body.strip():
            return hub.RetryLater("answered 403 without a body: too many requests at once")
        return None

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

    def _updated(self, rows: Sequence[Row]) -> Generator[list[hub.Request], list[hub.Response], Verdicts]:
        """Each person by a request of their own, which does not touch the status of those who are there."""
        answers = yield [upsert(row, self.settings, expect=(400, 404)) for row in rows]
        verdicts: Verdicts = {}
        for row, answer in zip(rows, answers, strict=True):
            if answer.status == 404:
                raise hub.CredentialsRejected(NO_AUDIENCE)
            if answer.status == 400:
                fault = refusal(answer).fault(400)
                verdicts |= dict.fromkeys((one.id for one in row.deliveries), fault)
        return verdicts

    def _of_member(self, delivery: hub.Delivery, request: hub.Request) -> Asking:
        """A request about a member, who is added first where Mailchimp does not know them yet."""
        try:
            try:
                yield request
            except hub.GiveUp as refused:
                if status(refused) != 404:
                    raise
                yield from self._added(delivery)
                yield request
        except hub.GiveUp as refused:
            raise _for(delivery, refused) from None

    def _added(self, delivery: hub.Delivery) -> Asking:
        if not self.settings.add_members:
            reason = "answered 404: they are not in the audience, and add_members is off"
            raise hub.GiveUp(reason) if delivery.message else hub.Skip(reason)
        [row], _ = members([delivery], self.settings)
        yield from of_the_audience(upsert(row, self.settings))

    def _place(self, delivery: hub.Delivery) -> str:
        email = known_as(delivery)
        if email is None:
            # A message may still go by the channel's next sink; an event has nobody to go to.
            raise hub.GiveUp(NOBODY) if delivery.message else hub.Skip(NOBODY)
        return place(email, self.settings)

    def _journey(self, delivery: hub.Delivery) -> str:
        called = names(delivery)
        if delivery.message is not None and _STEP.fullmatch(called[0]):
            return called[0]
        found = next(
            (self.settings.journeys[name] for name in called if name in self.settings.journeys), None
        )
        if found is None:
            reason = "no journey is meant: name it in `journeys`"
            raise hub.GiveUp(reason) if delivery.message else hub.Skip(reason)
        return found

    def _tagging(self, delivery: hub.Delivery, wanted: Literal["active", "inactive"]) -> hub.Request:
        segment = delivery.event.properties.get("segment")
        ours = segment if isinstance(segment, str) else ""
        tag = self.settings.tags.get(ours) or self.settings.tag or ours[:100]
        if not tag:
            raise hub.Skip("no tag is meant: set tag, or name the segment in `tags`")
        body: dict[str, Any] = {"tags": [{"name": tag, "status": wanted}]}
        if delivery.event.historical:
            body["is_syncing"] = True
        return hub.Request("POST", f"{self._place(delivery)}/tags", json=body)

    def _agreed(self, deliveries: Sequence[hub.Delivery], state: State) -> tuple[list[Row], Verdicts]:
        """Those whose events say so of e-mail marketing; one that says nothing of consent means it."""
        meant = [one for one in deliveries if _says(one.event.consent, state)]
        rows, verdicts = members(meant, self.settings)
        nothing = hub.Skip(f"its event says nothing {state} of e-mail marketing")
        return rows, {**verdicts, **{one.id: nothing for one in deliveries if one not in meant}}


def _says(consents: Sequence[hub.Consent], state: State) -> bool:
    return not consents or any(
        one.channel in ("email", "*") and one.purpose in ("marketing", "*") and one.state == state
        for one in consents
    )


def _faults(
    rows: Sequence[Row], refused: Mapping[str, Refusal], fault: Callable[[Refusal], hub.DeliveryError]
) -> Verdicts:
    """All deliveries that stand on somebody who was refused end alike."""
    return {
        one.id: fault(refused[row.email]) for row in rows if row.email in refused for one in row.deliveries
    }


def _not_subscribed(why: Refusal) -> hub.DeliveryError:
    """Somebody agreed and is not subscribed: people should know."""
    said = why.fault(200)
    if why.kind == "compliance":
        return hub.GiveUp(f"{said}; double_opt_in lets Mailchimp ask them")
    return hub.GiveUp(str(said)) if isinstance(said, hub.Skip) else said


def _for(delivery: hub.Delivery, refused: hub.GiveUp) -> hub.DeliveryError:
    """A refusal with what the answer says was wrong."""
    why = refusal(refused.answer)
    if not str(why):
        return refused
    said = why.fault(status(refused))
    # A message may still go by the channel's next sink.
    return hub.GiveUp(str(said)) if delivery.message and isinstance(said, hub.Skip) else said
