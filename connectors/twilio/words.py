"""What a text message says: the words of the hub, or a template that Twilio keeps."""

from __future__ import annotations

import json
import re
from typing import Any

import hub

LONGEST_BODY = 1600
"""https://www.twilio.com/docs/messaging/api/message-resource#create-a-message-resource"""

_CONTENT_SID = re.compile(r"HX[0-9a-fA-F]{32}")


def said(message: hub.Message) -> dict[str, str]:
    """The words as Twilio's parameters; raises GiveUp where there are none, or too many.

    Without a template of these words the variables `text` or `body` speak for themselves.
    """
    words = message.words
    vendor = words.get("vendor")
    if vendor:
        return _kept_there(vendor, message.variables)
    for said in (words.get("text"), words.get("body"), *map(message.variables.get, ("text", "body"))):
        if isinstance(said, str) and said.strip():
            return {"Body": _short_enough(said)}
    name = message.template or message.rule
    raise hub.GiveUp(f"'{name}' has no words for a text message; give its template a `text`")


def _short_enough(text: str) -> str:
    if len(text) > LONGEST_BODY:
        raise hub.GiveUp(f"the text has {len(text)} characters, and Twilio takes {LONGEST_BODY}")
    return text


def _kept_there(vendor: str, variables: dict[str, Any]) -> dict[str, str]:
    if _CONTENT_SID.fullmatch(vendor) is None:
        raise hub.GiveUp("the template's `vendor` is no ContentSid of Twilio (HX and 32 digits)")
    kept = {"ContentSid": vendor}
    if variables:
        texts = {name: _text(value) for name, value in variables.items()}
        kept["ContentVariables"] = json.dumps(texts, ensure_ascii=False, separators=(",", ":"))
    return kept


def _text(value: Any) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    return json.dumps(value, ensure_ascii=False)
