"""The vendors of the demo: stand-ins on this machine, and what each of them received."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from importlib.util import find_spec
from typing import TYPE_CHECKING, Self

from hub.testing.vendors.hubspot import HubSpot
from hub.testing.vendors.klaviyo import Klaviyo
from hub.testing.vendors.mailchimp import Mailchimp
from hub.testing.vendors.receiver import Receiver
from hub.testing.vendors.twilio import Twilio

if TYPE_CHECKING:
    from hub.testing.vendors.fcm import Fcm

GONE = 4
"""Every fourth phone has lost the shop's app."""


class Vendors:
    """All stand-ins of the shop, started together.

    `now` is what time it is for them, in seconds since 1970, while the demo's clock is not ours; None where
    it is.
    """

    def __init__(self) -> None:
        self.now: float | None = None
        self.klaviyo = Klaviyo()
        self.hubspot = HubSpot(now=self._time)
        self.mailchimp = Mailchimp()
        self.twilio = Twilio()
        self.orders = Receiver()
        self.fcm = _fcm(self._time) if has_push() else None
        self._running = ExitStack()

    def __enter__(self) -> Self:
        for vendor in (self.klaviyo, self.hubspot, self.mailchimp, self.twilio, self.orders, self.fcm):
            if vendor is not None:
                self._running.enter_context(vendor)
        if self.fcm is not None:
            for number in range(0, 300, GONE):
                self.fcm.unregister(f"token-{number}")
        return self

    def __exit__(self, *_: object) -> None:
        self._running.close()

    def addresses(self) -> dict[str, str]:
        """Each address in the shop's configuration, and where its stand-in listens."""
        found = {
            "http://127.0.0.1:9301": self.klaviyo.url,
            "http://127.0.0.1:9302": self.orders.url,
            "http://127.0.0.1:9303": self.hubspot.url,
            "http://127.0.0.1:9304/3.0": self.mailchimp.url,
            "http://127.0.0.1:9305": self.twilio.url,
        }
        return found if self.fcm is None else {**found, "http://127.0.0.1:9306": self.fcm.url}

    def keys(self) -> dict[str, str]:
        """The environment in which the shop's configuration works."""
        found = {
            "SHOP_KEY": "sk_shop_demo",
            "KLAVIYO_KEY": "pk_demo",
            "HUBSPOT_TOKEN": "pat-demo",
            "MAILCHIMP_KEY": "demo-us6",
            "TWILIO_TOKEN": "demo",
        }
        return found if self.fcm is None else {**found, "FIREBASE_ACCOUNT": self.fcm.service_account}

    def _time(self) -> float:
        return self.now or time.time()

    def received(self) -> Iterator[tuple[str, str]]:
        """Who received what, in words; behind each name the label of its sink."""
        metrics = _counted(event.metric for event in self.klaviyo.events)
        yield "Klaviyo (news)", f"{len(self.klaviyo.profiles)} profiles; as events: {metrics}"
        # HubSpot's full name of an event begins with the account's number.
        events = _counted(event.name.partition("_")[2] for event in self.hubspot.events)
        yield "HubSpot (crm)", f"{len(self.hubspot.contacts)} contacts; as events: {events}"
        yield "Mailchimp (letters)", _members(self.mailchimp)
        if self.fcm is not None:
            yield "Firebase (app)", _messages([f"{one.title} {one.body}" for one in self.fcm.messages])
        yield "Twilio (texts)", _messages([one.body for one in self.twilio.messages])
        yield "The shop (orders)", f"{len(self.orders.objects)} orders, by webhook"


def has_push() -> bool:
    """Whether the extra is there without which nobody can sign for Firebase."""
    return find_spec("jwt") is not None and find_spec("cryptography") is not None


def _fcm(wall: Callable[[], float]) -> Fcm:
    from hub.testing.vendors.fcm import Fcm

    return Fcm(wall=wall)


def _counted(names: Iterable[str]) -> str:
    counted = sorted(Counter(names).items(), key=lambda one: (-one[1], one[0]))
    return ", ".join(f"{count} {name}" for name, count in counted)


def _members(mailchimp: Mailchimp) -> str:
    members = mailchimp.members
    buyers = sum("buyer" in member.tags for member in members)
    return f"{len(members)} members, {buyers} of them tagged buyer"


def _messages(texts: list[str]) -> str:
    return f'{len(texts)} messages, such as "{texts[-1]}"' if texts else "no messages"
