"""Values as Mailchimp takes them: names of merge tags and events, and texts."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any
from unicodedata import combining, normalize

import hub

LONGEST_TAG = 10
"""https://mailchimp.com/help/manage-audience-signup-form-fields/"""
LONGEST_FIELD = 255
"""Bytes of a text field. https://mailchimp.com/help/manage-audience-signup-form-fields/"""

_ODD = re.compile(r"[^A-Z0-9_]+")
_DAY = re.compile(r"(?:\d{4}-)?(\d\d)[-/](\d\d)(?:T.*)?")
_ADDRESS = {
    "addr1": ("street", "address1", "addr1"),
    "addr2": ("address2", "addr2"),
    "city": ("city",),
    "state": ("state", "region"),
    "zip": ("postal_code", "zip"),
    "country": ("country",),
}
_NEEDED = ("addr1", "city", "state", "zip")


def merge_tag(trait: str) -> str:
    """A trait's name as a merge tag: `Lifetime Value` → `LIFETIME_V`; empty where nothing is left of it."""
    plain = "".join(one for one in normalize("NFKD", trait.upper()) if not combining(one))
    said = _ODD.sub("_", plain).strip("_")[:LONGEST_TAG].rstrip("_")
    return said if said[:1].isalpha() else ""


def text(said: Any) -> str | None:
    """A value as text; None where there is none. What has structure is JSON."""
    if said is None or isinstance(said, str):
        return said
    if isinstance(said, bool):
        return "true" if said else "false"
    if isinstance(said, float) and said.is_integer() and abs(said) < 1e15:
        return str(int(said))
    if isinstance(said, int | float):
        return str(said)
    return json.dumps(said, ensure_ascii=False, separators=(",", ":"), default=str)


def field(tag: str, said: Any) -> Any:
    """A trait's value for a merge field; None where there is none that Mailchimp would take.

    An address travels only whole, for half of one is refused; a birthday has no year.
    https://mailchimp.com/developer/marketing/docs/merge-fields/
    """
    if isinstance(said, Mapping) and (tag == "ADDRESS" or any(name in said for name in ("street", "addr1"))):
        return _address(said)
    if tag == "BIRTHDAY":
        found = _DAY.fullmatch(said) if isinstance(said, str) else None
        return f"{found[1]}/{found[2]}" if found is not None else None
    if isinstance(said, int | float) and not isinstance(said, bool):
        return said
    if isinstance(said, list) and not any(isinstance(one, Mapping | list) for one in said):
        said = ", ".join(part for one in said if (part := text(one)) is not None)
    value = text(said)
    return None if value is None else value.encode()[:LONGEST_FIELD].decode(errors="ignore")


def email_of(delivery: hub.Delivery) -> str | None:
    """The e-mail address, by which Mailchimp knows people."""
    return delivery.identifier("email")


def _address(said: Mapping[str, Any]) -> dict[str, str] | None:
    found = {}
    for name, ours in _ADDRESS.items():
        texts = [text(said.get(one)) for one in ours if not isinstance(said.get(one), Mapping | list)]
        found[name] = next((one.strip() for one in texts if one and one.strip()), "")
    if not all(found[name] for name in _NEEDED):
        return None
    return {name: value for name, value in found.items() if value}
