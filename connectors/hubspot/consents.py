"""Which subscription types somebody agreed to, or took back."""

from __future__ import annotations

from typing import Any, Literal

import hub

from .settings import Settings

State = Literal["granted", "denied"]


def subscriptions(delivery: hub.Delivery, state: State, settings: Settings) -> list[dict[str, Any]]:
    """The bodies of the requests, one a subscription type; raises Skip where there is nothing to say.

    What the event says of consent to e-mail decides; one that says nothing means marketing.
    """
    email = delivery.identifier("email")
    if email is None:
        raise hub.Skip("no e-mail address")
    said = delivery.event.consent or (hub.Consent("email", "marketing", state),)
    meant = [one for one in said if one.channel in ("email", "*") and one.state == state]
    found: dict[str, dict[str, Any]] = {}
    for purpose, known in settings.subscriptions.items():
        chosen = next((one for one in meant if one.purpose in (purpose, "*")), None)
        if chosen is not None:
            body = {"emailAddress": email, "subscriptionId": known}
            found[known] = body | (_basis(chosen, settings) if state == "granted" else {})
    if not found:
        raise hub.Skip(f"its event says nothing {state} that `subscriptions` has a type for")
    return list(found.values())


def _basis(consent: hub.Consent, settings: Settings) -> dict[str, str]:
    if settings.legal_basis is None:
        return {}
    return {
        "legalBasis": settings.legal_basis,
        "legalBasisExplanation": consent.wording or settings.legal_basis_explanation,
    }
