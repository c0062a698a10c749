"""Who agreed to marketing by e-mail, or took it back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import hub

State = Literal["granted", "denied"]


def meant(
    deliveries: Sequence[hub.Delivery], state: State
) -> tuple[list[hub.Delivery], dict[str, hub.DeliveryError]]:
    """Those that say this of marketing by e-mail, and a Skip for all others.

    What the event says of consent decides; one that says nothing of it, such as a form, means marketing.
    """
    wanted = [one for one in deliveries if _says(one.event.consent, state)]
    ids = {one.id for one in wanted}
    nothing = hub.Skip(f"its event says nothing {state} of marketing by e-mail")
    return wanted, {one.id: nothing for one in deliveries if one.id not in ids}


def _says(said: Sequence[hub.Consent], state: State) -> bool:
    return not said or any(
        one.channel in ("email", "*") and one.purpose in ("marketing", "*") and one.state == state
        for one in said
    )
