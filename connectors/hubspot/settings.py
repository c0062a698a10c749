"""What the sink can be told."""

from __future__ import annotations

from typing import Literal

from pydantic import model_validator

import hub

LegalBasis = Literal[
    "LEGITIMATE_INTEREST_PQL",
    "LEGITIMATE_INTEREST_CLIENT",
    "PERFORMANCE_OF_CONTRACT",
    "CONSENT_WITH_NOTICE",
    "NON_GDPR",
    "PROCESS_AND_STORE",
    "LEGITIMATE_INTEREST_OTHER",
]

_NAME = r"^[a-z][a-z0-9_]*$"


class Settings(hub.Settings):
    token: hub.Secret = hub.Option(
        "Access token of a private app (pat-…), from Settings > Integrations > Private Apps."
    )
    portal_id: str | None = hub.Option(
        "The account's Hub ID: events go out as pe{portal_id}_{name}; without it only those of `events` do.",
        default=None,
        pattern=r"^\d+$",
    )
    events: dict[str, str] = hub.Option(
        "Name of an event or template → the full name of the event in HubSpot.", default={}
    )
    properties: dict[str, str] = hub.Option(
        "Property of an event → its internal name in HubSpot, where that is another.", default={}
    )
    other_properties: bool = hub.Option(
        "Whether properties that `properties` does not name are sent too; the event must have them all.",
        default=True,
    )
    traits: dict[str, str] = hub.Option(
        "Trait → the contact property that takes it, beside the usual ones (first_name → firstname …).",
        default={},
    )
    other_traits: bool = hub.Option(
        "Whether all other traits are sent too, under their own names; the account must have them all.",
        default=False,
    )
    unique_property: str | None = hub.Option(
        "The contact property with unique values that holds the user id; without it the e-mail address "
        "says who it is.",
        default=None,
        pattern=_NAME,
    )
    list_id: str | None = hub.Option(
        "The list that `add` and `remove` mean, by its id; a static one.", default=None, pattern=r"^\d+$"
    )
    lists: dict[str, str] = hub.Option(
        "Name of a segment → the id of its list, for segment_entered and segment_left.", default={}
    )
    subscriptions: dict[str, str] = hub.Option(
        "Purpose (marketing …) → the id of the subscription type.", default={}
    )
    legal_basis: LegalBasis | None = hub.Option(
        "Why people may be subscribed; needed where the account's data privacy settings are on.", default=None
    )
    legal_basis_explanation: str = hub.Option(
        "The same in words, where the event has none.", default="Agreed to receive e-mail."
    )

    @model_validator(mode="after")
    def _whole(self) -> Settings:
        """Says what can be no id at HubSpot."""
        ids = {"lists": self.lists, "subscriptions": self.subscriptions}
        for option, table in ids.items():
            for name, known in table.items():
                if not (known.isascii() and known.isdecimal()):
                    raise ValueError(f"{option}.{name}: an id at HubSpot is a number; its address ends in it")
        return self

    @property
    def id_property(self) -> str:
        """The contact property by which people are known."""
        return self.unique_property or "email"

    @property
    def named(self) -> frozenset[str]:
        """The contact properties that these settings name: the account must have them."""
        return frozenset({*self.traits.values(), self.id_property})
