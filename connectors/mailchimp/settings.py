"""What the sink can be told."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import model_validator

import hub

Status = Literal["subscribed", "unsubscribed", "pending", "transactional"]

STEP = re.compile(r"\d{1,20}/\d{1,20}", re.ASCII)
"""A journey and one of its steps."""
UNSET = "unset-"
"""What a secret that is not set is replaced by, where nothing is sent."""

_SERVER = re.compile(r"-([a-z]{2,4}\d{1,3})$", re.ASCII)
_TAG = re.compile(r"[A-Z][A-Z0-9_]{0,9}", re.ASCII)


class Settings(hub.Settings):
    api_key: hub.Secret = hub.Option("API key (…-us6), from Profile > Extras > API keys.")
    list_id: str = hub.Option(
        "The audience's id, from Audience > Settings > Audience name and defaults.",
        pattern=r"^[A-Za-z0-9]+$",
    )
    server: str | None = hub.Option(
        "The account's data centre (us6), where the key does not end in it.",
        default=None,
        pattern=r"^[a-z]{2,4}\d{1,3}$",
    )
    status_if_new: Status = hub.Option(
        "What somebody becomes who is not in the audience yet; `transactional` gets no marketing.",
        default="transactional",
    )
    add_unknown: bool = hub.Option(
        "Whether an event, a tag or a journey adds somebody who is not in the audience yet.", default=True
    )
    confirmation: Literal["never", "again", "always"] = hub.Option(
        "Whom Mailchimp asks by e-mail to confirm a subscription: nobody, those who once left and agree "
        "again, or everybody.",
        default="never",
    )
    merge_fields: dict[str, str] = hub.Option(
        "Trait → the merge tag that takes it, beside first_name → FNAME and last_name → LNAME.", default={}
    )
    other_traits: bool = hub.Option(
        "Whether all other traits are sent too, under merge tags made of their names.", default=False
    )
    events: dict[str, str] = hub.Option(
        "Name of an event or template → the name of the event in Mailchimp, of 2 to 30 characters.",
        default={},
    )
    tag: str | None = hub.Option(
        "The tag that `add` and `remove` mean.", default=None, min_length=1, max_length=100
    )
    tags: dict[str, str] = hub.Option(
        "Name of a segment → its tag, for segment_entered and segment_left; by default the segment's name.",
        default={},
    )
    journey: str | None = hub.Option(
        "The journey and step that `start` triggers, as in the trigger's address: 123/456.",
        default=None,
        pattern=rf"^{STEP.pattern}$",
    )
    journeys: dict[str, str] = hub.Option(
        "Name of an event or template → the journey and step that it triggers: 123/456.", default={}
    )

    @model_validator(mode="after")
    def _whole(self) -> Settings:
        """Says what is missing together, and what no name at Mailchimp can be."""
        key = self.api_key.reveal()
        if self.server is None and not key.startswith(UNSET) and _SERVER.search(key) is None:
            raise ValueError(
                "the api_key does not end in its data centre (-us6); copy it whole, or give server"
            )
        for trait, tag in self.merge_fields.items():
            if _TAG.fullmatch(tag) is None:
                raise ValueError(f"merge_fields.{trait}: a merge tag has 1 to 10 of A-Z, 0-9 and _: PLAN")
        for name, theirs in self.events.items():
            if not 2 <= len(theirs) <= 30:
                raise ValueError(f"events.{name}: an event's name has 2 to 30 characters at Mailchimp")
        for name, step in self.journeys.items():
            if STEP.fullmatch(step) is None:
                raise ValueError(f"journeys.{name}: write the ids of the journey and the step: 123/456")
        return self

    @property
    def data_centre(self) -> str:
        """Where the account is; us1 stands for that of a key that is not set."""
        found = _SERVER.search(self.api_key.reveal())
        return self.server or (found[1] if found is not None else "us1")
