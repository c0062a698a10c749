"""What the sink can be told."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import field_validator

import hub

Status = Literal["subscribed", "pending", "transactional", "unsubscribed"]

_KEY = re.compile(r"[^\s:]+-([a-z]{2,8}\d{1,4})", re.ASCII)
_STEP = re.compile(r"\d+/\d+", re.ASCII)
_TAG = re.compile(r"[A-Z][A-Z0-9_]{0,9}", re.ASCII)


class Settings(hub.Settings):
    api_key: hub.Secret = hub.Option("API key (…-us6), from Account & billing > Extras > API keys.")
    list_id: str = hub.Option(
        "The audience's id, from Audience > Settings > Audience name and defaults.",
        pattern=r"^[A-Za-z0-9]+$",
    )
    status_if_new: Status = hub.Option(
        "The status of people who are not in the audience yet; `transactional` gets no marketing.",
        default="transactional",
    )
    add_members: bool = hub.Option(
        "Whether an event, a tag or a journey adds people who are not in the audience yet.", default=True
    )
    double_opt_in: bool = hub.Option(
        "Whether `subscribe` lets Mailchimp ask people by e-mail to confirm it.", default=False
    )
    merge_fields: dict[str, str] = hub.Option(
        "Trait → merge tag, beside first_name → FNAME and last_name → LNAME.", default={}
    )
    events: dict[str, str] = hub.Option(
        "Name of an event or template → the name of the event in Mailchimp (2 to 30 characters).", default={}
    )
    tag: str | None = hub.Option(
        "The tag that `add` and `remove` mean.", default=None, min_length=1, max_length=100
    )
    tags: dict[str, str] = hub.Option(
        "Name of a segment → its tag, for segment_entered and segment_left; by default the segment's name.",
        default={},
    )
    journeys: dict[str, str] = hub.Option(
        "Name of an event or template → the journey that `start` means, as journey/step (two numbers).",
        default={},
    )

    @property
    def data_centre(self) -> str:
        """Where the account lives: `us6`."""
        found = _KEY.fullmatch(self.api_key.reveal())
        return found[1] if found is not None else ""

    @property
    def tags_by_trait(self) -> dict[str, str]:
        """Trait → merge tag, the usual ones and those of the settings."""
        return {"first_name": "FNAME", "last_name": "LNAME", **self.merge_fields}

    @field_validator("api_key")
    @classmethod
    def _names_its_data_centre(cls, key: hub.Secret) -> hub.Secret:
        if _KEY.fullmatch(key.reveal()) is None:
            raise ValueError("a key ends with its data centre, as in …-us6; copy it whole")
        return key

    @field_validator("merge_fields")
    @classmethod
    def _are_merge_tags(cls, said: dict[str, str]) -> dict[str, str]:
        for tag in said.values():
            if _TAG.fullmatch(tag) is None:
                raise ValueError("a merge tag has up to 10 capital letters, digits, underscores: FNAME")
        return said

    @field_validator("events")
    @classmethod
    def _are_event_names(cls, said: dict[str, str]) -> dict[str, str]:
        if not all(2 <= len(name) <= 30 for name in said.values()):
            raise ValueError("an event's name has 2 to 30 characters in Mailchimp")
        return said

    @field_validator("journeys")
    @classmethod
    def _are_steps(cls, said: dict[str, str]) -> dict[str, str]:
        if not all(_STEP.fullmatch(step) for step in said.values()):
            raise ValueError("write a journey as journey/step, two numbers: 123/456")
        return said
