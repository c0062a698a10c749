"""Klaviyo's endpoints, as far as the hub uses them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from hub.testing.contracts import Contract
from hub.testing.vendors.klaviyo.answering import ACCOUNT, answered, chosen, errors, happened, shown
from hub.testing.vendors.klaviyo.checking import (
    CONTRACT,
    JSON_API,
    MOST_BYTES,
    MOST_PROFILE_BYTES,
    Item,
    Refusal,
    Refused,
    checked_event,
    checked_profile,
    checked_subscription,
    inside,
    items,
    metric_of,
)
from hub.testing.vendors.klaviyo.keeping import Conflict, Event, Memory, Profile
from hub.testing.vendors.standin import Heard, Now, StandIn, Window
from hub.wire import Response

Choice = Callable[[Mapping[str, Any]], bool]
"""Picks items by their attributes."""

_ENDPOINTS: dict[tuple[str, str], tuple[str, int, int]] = {
    ("POST", "/api/events"): ("_event", 350, 3500),
    ("POST", "/api/event-bulk-create-jobs"): ("_events", 10, 150),
    ("POST", "/api/profile-import"): ("_profile", 75, 750),
    ("POST", "/api/profile-bulk-import-jobs"): ("_profiles", 10, 150),
    ("POST", "/api/profile-subscription-bulk-create-jobs"): ("_subscribe", 75, 750),
    ("POST", "/api/profile-subscription-bulk-delete-jobs"): ("_unsubscribe", 75, 750),
    ("POST", "/api/data-privacy-deletion-jobs"): ("_delete", 3, 60),
    ("GET", "/api/accounts"): ("_accounts", 1, 15),
    ("GET", "/api/events"): ("_list_events", 350, 3500),
    ("GET", "/api/profiles"): ("_list_profiles", 75, 750),
}
"""Method and path → what answers it, and how often: in a second, in a minute."""


class Klaviyo(StandIn):
    """A stand-in for Klaviyo.

        with Klaviyo() as klaviyo:
            …
        assert [event.metric for event in klaviyo.events] == ["Product Added"]

    Requests are held against the vendor's contract where HUB_SHARED has it, and against the rules of its
    documentation in any case. `keys` and `lists` are those that exist; None takes any.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        now: Now = time.monotonic,
        limited: bool = True,
        keys: Sequence[str] | None = None,
        lists: Sequence[str] | None = None,
        retired: Sequence[str] = (),
    ) -> None:
        super().__init__(port=port, now=now)
        self._memory = Memory()
        self._contract = Contract.of(CONTRACT)
        self._windows = {at: Window(burst, steady, now) for at, (_, burst, steady) in _ENDPOINTS.items()}
        self._limited = limited
        self._keys = keys
        self._lists = lists
        self._retired = retired
        self._unwanted: Choice | None = None

    @property
    def events(self) -> list[Event]:
        """What happened, in the order of arrival, each once."""
        return list(self._memory.events)

    @property
    def profiles(self) -> list[Profile]:
        """Who is known."""
        return list(self._memory.profiles)

    @property
    def subscribed(self) -> dict[str, set[str]]:
        """The addresses that may be sent marketing: `email` and `sms`."""
        return self._memory.subscribed()

    def reject(self, unwanted: Choice | None) -> None:
        """Refuses the items whose attributes this picks; None takes them all again."""
        self._unwanted = unwanted

    def answer(self, heard: Heard) -> Response:
        """What Klaviyo would say."""
        path = heard.path.partition("?")[0]
        endpoint = (heard.method, path)
        try:
            if endpoint not in _ENDPOINTS:
                raise Refused(404, [Refusal("not_found", "No such endpoint.")])
            self._admit(heard)
            window = self._windows[endpoint]
            wait = window.wait() if self._limited else 0
            if wait > 0:
                return errors(429, [], {"retry-after": str(max(1, round(wait + 0.5)))})
            window.take()
            answer: Response = getattr(self, _ENDPOINTS[endpoint][0])(self._body(heard))
        except Refused as refused:
            return errors(refused.status, refused.refusals)
        limits = {
            "ratelimit-limit": str(window.steady),
            "ratelimit-remaining": str(window.remaining if self._limited else window.steady),
            "ratelimit-reset": str(window.reset),
        }
        return Response(answer.status, {**answer.headers, **limits}, answer.body)

    def troubled(self, answer: Response) -> Response:
        """Trouble in the vendor's shape."""
        return errors(answer.status, [], answer.headers)

    # Whether a request is taken at all

    def _admit(self, heard: Heard) -> None:
        scheme, _, key = heard.headers.get("authorization", "").partition(" ")
        if scheme != "Klaviyo-API-Key" or not key or (self._keys is not None and key not in self._keys):
            raise Refused(401, [Refusal("not_authenticated", "Missing or invalid private key.")])
        revision = heard.headers.get("revision")
        if not revision:
            raise Refused(400, [Refusal("invalid", "The revision header is required.")])
        if revision in self._retired:
            raise Refused(410, [Refusal("gone", "This revision is retired.")])

    def _body(self, heard: Heard) -> Any:
        if heard.method == "GET":
            return dict(parse_qsl(heard.path.partition("?")[2]))
        if heard.headers.get("content-type", "").partition(";")[0] != JSON_API:
            raise Refused(415, [Refusal("unsupported_media_type", f"Send {JSON_API}.")])
        if len(heard.body) > MOST_BYTES:
            raise Refused(413, [Refusal("payload_too_large", "More than 5 MB.")])
        body = heard.json
        if not isinstance(body, dict):
            raise Refused(400, [Refusal("parse_error", "The body is no JSON object.")])
        if self._contract is not None:
            wrong = self._contract.faults(heard.method, heard.path, heard.headers, heard.body)
            _refuse([Refusal("invalid", what, where) for where, what in wrong])
        return body

    # Events

    def _event(self, body: Any) -> Response:
        pointer = "/data/attributes"
        said = inside(body, "data", "attributes")
        who = inside(said, "profile", "data", "attributes")
        self._check([Item(said, pointer)], [Item(who, f"{pointer}/profile/data/attributes")])
        self._keep_event(who, said)
        return Response(202)

    def _events(self, body: Any) -> Response:
        rows = items(body, "data", "attributes", "events-bulk-create", "data", most=1000)
        people, events, whose = [], [], []
        for row in rows:
            who = inside(row.attributes, "profile", "data", "attributes")
            people.append(Item(who, f"{row.pointer}/profile/data/attributes"))
            found = items(row.attributes, "events", "data", most=1000)
            events += [Item(one.attributes, row.pointer + one.pointer) for one in found]
            whose += [who] * len(found)
        if len(events) > 1000:
            raise Refused(400, [Refusal("invalid", "More than 1,000 events.", "/data/attributes")])
        self._check(events, people)
        self._check_repeats(events, whose)
        for item, who in zip(events, whose, strict=True):
            self._keep_event(who, item.attributes)
        return Response(202)

    def _check(self, events: Sequence[Item], people: Sequence[Item]) -> None:
        now = datetime.now(UTC)
        wrong = [refusal for item in people for refusal in checked_profile(item)]
        wrong += [refusal for item in events for refusal in checked_event(item, now)]
        _refuse(wrong + self._unwanted_of([*people, *events]))

    def _check_repeats(self, events: Sequence[Item], whose: Sequence[Mapping[str, Any]]) -> None:
        """In a job a repeated event fails the whole request."""
        seen: set[tuple[str, str, str]] = set()
        repeated = []
        for item, who in zip(events, whose, strict=True):
            metric, unique_id = metric_of(item.attributes), _unique(item.attributes)
            key = (repr(sorted(who.items())), metric, unique_id)
            if key in seen or self._memory.has(who, metric, unique_id):
                repeated.append(
                    Refusal("duplicate_event", "The event is there already.", item.pointer + "/unique_id")
                )
            seen.add(key)
        if repeated:
            raise Refused(409, repeated)

    def _keep_event(self, who: Mapping[str, Any], said: Mapping[str, Any]) -> None:
        profile, _ = self._memory.profile(who)
        self._memory.learn(profile, who)
        self._memory.happen(
            Event(
                profile,
                metric_of(said),
                _unique(said),
                said.get("time") or datetime.now(UTC).isoformat(),
                said["properties"],
                said.get("value"),
                said.get("value_currency"),
                bool(said.get("backfill")),
            )
        )

    # People

    def _profile(self, body: Any) -> Response:
        said = inside(body, "data", "attributes")
        item = Item(said, "/data/attributes")
        _refuse([*checked_profile(item), *_too_long(item), *self._unwanted_of([item])])
        try:
            profile, is_new = self._memory.profile(said, strict=True)
        except Conflict:
            why = "A profile already exists with one of these identifiers."
            raise Refused(409, [Refusal("duplicate_profile", why, "/data/attributes")]) from None
        self._memory.learn(profile, said)
        return answered(201 if is_new else 200, {"data": shown(profile)})

    def _profiles(self, body: Any) -> Response:
        people = items(body, "data", "attributes", "profiles", "data", most=10_000)
        wrong = [refusal for item in people for refusal in (*checked_profile(item), *_too_long(item))]
        _refuse(wrong + self._unwanted_of(people))
        for item in people:
            self._memory.learn(self._memory.profile(item.attributes)[0], item.attributes)
        job = {"status": "complete", "created_at": _iso(), "total_count": len(people)}
        said = {"type": "profile-bulk-import-job", "id": f"job-{len(self.heard)}", "attributes": job}
        return answered(202, {"data": {**said, "links": {"self": "https://a.klaviyo.com/api/jobs"}}})

    def _subscribe(self, body: Any) -> Response:
        people = items(body, "data", "attributes", "profiles", "data", most=1000)
        wanted = self._list(body)
        for profile in self._consent(people):
            if wanted is not None:
                profile.lists.add(wanted)
        return Response(202)

    def _unsubscribe(self, body: Any) -> Response:
        people = items(body, "data", "attributes", "profiles", "data", most=100)
        unwanted = self._list(body)
        for profile in self._consent(people):
            profile.lists -= profile.lists if unwanted is None else {unwanted}
        return Response(202)

    def _consent(self, people: Sequence[Item]) -> list[Profile]:
        wrong = [refusal for item in people for refusal in checked_subscription(item)]
        _refuse(wrong + self._unwanted_of(people))
        profiles = []
        for item in people:
            profile, _ = self._memory.profile(item.attributes)
            for channel, purposes in inside(item.attributes, "subscriptions").items():
                for purpose, said in purposes.items():
                    profile.subscriptions[f"{channel}/{purpose}"] = inside(said, "consent")
            profiles.append(profile)
        return profiles

    def _list(self, body: Any) -> str | None:
        related = inside(body, "data").get("relationships")
        if not related:
            return None
        wanted = str(inside(related, "list", "data", "id"))
        if self._lists is not None and wanted not in self._lists:
            raise Refused(404, [Refusal("not_found", "A list with this id does not exist.")])
        return wanted

    def _unwanted_of(self, items: Sequence[Item]) -> list[Refusal]:
        unwanted = self._unwanted
        if unwanted is None:
            return []
        return [
            Refusal("invalid", "Refused as told.", one.pointer) for one in items if unwanted(one.attributes)
        ]

    # What can be asked

    def _accounts(self, _: Any) -> Response:
        return answered(200, {"data": [ACCOUNT]})

    def _list_events(self, _: Any) -> Response:
        return answered(200, {"data": [happened(*one) for one in enumerate(self._memory.events, 1)]})

    def _list_profiles(self, query: Mapping[str, str]) -> Response:
        wanted = chosen(query.get("filter", ""))
        found = [one for one in self._memory.profiles if wanted is None or wanted(one)]
        return answered(200, {"data": [shown(profile) for profile in found]})

    def _delete(self, body: Any) -> Response:
        profile = inside(body, "data", "attributes", "profile", "data")
        named = {name: profile["attributes"].get(name) for name in ("email", "phone_number")}
        named = {name: value for name, value in {"id": profile.get("id"), **named}.items() if value}
        if len(named) != 1:
            pointer = "/data/attributes/profile/data"
            raise Refused(400, [Refusal("invalid", "Name a profile by exactly one identifier.", pointer)])
        [(name, value)] = named.items()
        self._memory.forget(lambda one: value == (one.id if name == "id" else one.names.get(name)))
        return Response(202)


def _refuse(refusals: Sequence[Refusal]) -> None:
    if refusals:
        raise Refused(400, refusals)


def _too_long(item: Item) -> list[Refusal]:
    if len(msgspec.json.encode(item.attributes)) <= MOST_PROFILE_BYTES:
        return []
    return [Refusal("invalid", "A profile has more than 100 KB.", item.pointer)]


def _unique(event: Mapping[str, Any]) -> str:
    """Without an id of its own, an event is known by the second in which it happened."""
    return str(event.get("unique_id") or str(event.get("time") or _iso())[:19])


def _iso() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
