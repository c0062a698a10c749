"""What Twilio means by the code of an error, whatever the status it comes with.

https://www.twilio.com/docs/api/errors
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import hub

_SETTINGS = {
    10001: "the account is not active",
    20003: "the account SID and its secret do not fit together, or the key may not send messages",
    20005: "the account is not active",
    20008: "these are test credentials, which send nothing",
    20404: "there is no such account; correct account_sid",
    21212: "sender is no number or name that can send",
    21603: "a sender is missing; set sender or messaging_service",
    21607: "sender is no number of this account",
    21609: "status_callback is no address that can be called",
    21660: "sender belongs to another account",
    21701: "there is no such messaging service; correct messaging_service",
    21703: "the messaging service has no sender",
    21704: "the messaging service has no number to send from",
    21705: "there is no such messaging service; correct messaging_service",
    90010: "the account is not active",
}
"""Faults that every message would meet: the sink pauses."""

_FINAL = {
    21211: "the number is none that exists",
    21217: "the number is none that exists",
    21408: "its region is switched off; Twilio's console has it under Messaging > Geo permissions",
    21602: "the message has no text",
    21606: "sender cannot send to this number",
    21608: "a trial account sends only to numbers that were verified",
    21612: "sender cannot reach this number",
    21614: "the number is not one of a mobile telephone",
    21617: "the text is longer than 1,600 characters",
    21619: "the message has no text",
    21635: "the number is one of a landline",
    21655: "the template's vendor is no ContentSid of this account",
    21656: "the template does not take these variables",
    21659: "sender cannot send to this number's country",
    21661: "sender cannot send text messages",
}
"""Faults of this message, or of this number."""

_UNSUBSCRIBED = 21610
_TOO_MUCH = {
    14107: timedelta(seconds=5),
    20429: timedelta(seconds=5),
    # The sender has ten hours' work before it.
    21611: timedelta(minutes=5),
}
"""Patience is asked for: the code, and how long for where no header says so."""


def code_of(said: Any, name: str = "code") -> int | None:
    """The code in a body; None where there is none."""
    code = said.get(name) if isinstance(said, dict) else None
    return code if isinstance(code, int) and not isinstance(code, bool) else None


def verdict(code: int, response: hub.Response) -> hub.DeliveryError | None:
    """What this code means; None where its status says it."""
    told = f"answered {response.status}: {code}"
    if code == _UNSUBSCRIBED:
        # Another sink of the channel must not write to who said STOP, so that this is no GiveUp.
        return hub.Skip(f"{told}, the person has unsubscribed at Twilio")
    if code in _SETTINGS:
        return hub.CredentialsRejected(f"{told}, {_SETTINGS[code]}")
    if code in _FINAL:
        return hub.GiveUp(f"{told}, {_FINAL[code]}")
    if code in _TOO_MUCH:
        after = None if response.header("retry-after") else _TOO_MUCH[code]
        return hub.RetryLater(f"{told}, too many messages at once", after=after)
    if 400 <= response.status < 500 and response.status not in (401, 403, 408, 425, 429):
        return hub.GiveUp(told)
    return None
