"""What FCM means by its answers.

https://firebase.google.com/docs/reference/fcm/rest/v1/ErrorCode
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import hub

STALE = "the device's token is stale: the app is gone from it, or has a newer token"
QUOTA = timedelta(seconds=60)
"""How long to wait where the quota is used up and no header says it."""

_FINAL = {
    "UNREGISTERED": STALE,
    "INVALID_ARGUMENT": "the device's token or the message is none that FCM takes",
    "SENDER_ID_MISMATCH": "the device's token belongs to another Firebase project",
    "THIRD_PARTY_AUTH_ERROR": "Firebase lacks the key for this kind of device (APNs or web push); add it in "
    "its console under Project settings > Cloud Messaging",
}
"""Faults of this device; other devices may be reached."""


def code_of(response: hub.Response) -> str:
    """FCM's own code in an answer, else Google's status; empty where there is neither."""
    error = _object(_object(response.json()).get("error"))
    details = error.get("details")
    for detail in details if isinstance(details, list) else ():
        said = _object(detail)
        if str(said.get("@type", "")).endswith("google.firebase.fcm.v1.FcmError"):
            return _word(said.get("errorCode"))
    return _word(error.get("status"))


def verdict(response: hub.Response) -> hub.DeliveryError | None:
    """What an answer means; None where its status says it."""
    status, code = response.status, code_of(response)
    told = f"answered {status}: {code}" if code else f"answered {status}"
    if status == 404:
        return hub.GiveUp(f"{told}, {STALE}")
    if code in _FINAL:
        return hub.GiveUp(f"{told}, {_FINAL[code]}")
    if status == 429:
        after = None if response.header("retry-after") else QUOTA
        return hub.RetryLater(f"{told}, the project's quota is used up", after=after)
    if status == 403:
        return hub.CredentialsRejected(
            f"{told}: the service account may not send for this project; give it the role Firebase Cloud "
            "Messaging API Admin, and switch that API on"
        )
    if 500 <= status < 600 and code:
        return hub.RetryLater(told)
    return None


def _object(said: Any) -> dict[str, Any]:
    return said if isinstance(said, dict) else {}


def _word(said: Any) -> str:
    known = isinstance(said, str) and said.isascii() and said.replace("_", "").isalpha() and len(said) < 60
    return said if known else ""
