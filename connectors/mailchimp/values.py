"""Values as Mailchimp takes them: merge tags and their fields, texts, times."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any
from unicodedata import combining, normalize

import hub

LONGEST_TAG = 10
LONGEST_FIELD = 255
"""Bytes of a text field, and characters of a merge tag.

https://mailchimp.com/help/manage-audience-signup-form-fields/
"""

_ODD = re.compile(r"[^A-Z0-9_]+")
_DAY = re.compile(r"(?:\d{4}[-/])?(\d\d)[-/](\d\d)(?:T.*)?", re.ASCII)
_ADDRESS = {
    "addr1": ("street", "address1", "addr1"),
    "addr2": ("address2", "addr2"),
    "city": ("city",),
    "state": ("state", "region"),
    "zip": ("postal_code", "zip"),
    "country": ("country",),
}
"""Parts of an address at Mailchimp ← ours."""
_NEEDED = ("addr1", "city", "state", "zip")


def merge_tag(trait: str) -> str:
    """A trait's name as a merge tag: `Lifetime Value` → `LIFETIME_V`; empty where it makes none."""
    plain = "".join(one for one in normalize("NFKD", trait.upper()) if not combining(one))
    said = _ODD.sub("_", plain).strip("_")[:LONGEST_TAG].rstrip("_")
    # The address is EMAIL at Mailchimp, and nothing else.
    return said if said[:1].isalpha() and said != "EMAIL" else ""


def merge_field(tag: str, said: Any) -> Any:
    """A trait's value for a merge field; None where there is none that Mailchimp would take.

    An address travels only whole, for half of one is refused; a birthday has no year.
    https://mailchimp.com/developer/marketing/docs/merge-fields/
    """
    if isinstance(said, Mapping) and (tag == "ADDRESS" or "street" in said or "address1" in said):
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


def second(at: int) -> str:
    """An instant as Mailchimp writes it, in whole seconds: `2026-11-21T10:00:00Z`."""
    return f"{hub.iso(at)[:19]}Z"


def _address(said: Mapping[str, Any]) -> dict[str, str] | None:
    found = {}
    for name, ours in _ADDRESS.items():
        values = [said.get(one) for one in ours]
        texts = [text(one) for one in values if isinstance(one, str | int) and not isinstance(one, bool)]
        value = next((one.strip() for one in texts if one and one.strip()), "")
        if value:
            found[name] = value
    return found if all(name in found for name in _NEEDED) else None
