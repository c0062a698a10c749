"""GA4's browser hits: an event in the query, or one in each line of the body, which share the query.

Google documents the protocol nowhere; its parameters are those that gtag.js and others send.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl

import hub

from .commerce import Thing, goods, number
from .consent import from_codes
from .said import MOST_SHARED, Said, browser, digest, written

_LINE = re.compile(rb"[^\r\n]+")
_MOST_PARAMETERS = 2000

_KNOWN = {
    "cid": "client_id",
    "uid": "user_id",
    "sid": "session_id",
    "sct": "ga_session_number",
    "dl": "page_location",
    "dt": "page_title",
    "dr": "page_referrer",
    "dp": "page_path",
    "ul": "language",
    "sr": "screen_resolution",
    "_uip": "ip_override",
    "cn": "campaign",
    "cs": "campaign_source",
    "cm": "campaign_medium",
    "ck": "campaign_term",
    "cc": "campaign_content",
    "ci": "campaign_id",
}
_ITEM = {
    "id": "item_id",
    "nm": "item_name",
    "br": "item_brand",
    "va": "item_variant",
    "ca": "item_category",
    **{f"c{level}": f"item_category{level}" for level in range(2, 6)},
    "pr": "price",
    "qt": "quantity",
    "cp": "coupon",
    "ds": "discount",
    "af": "affiliation",
    "lp": "index",
    "li": "item_list_id",
    "ln": "item_list_name",
    "lo": "location_id",
    "pi": "promotion_id",
    "pn": "promotion_name",
    "cn": "creative_name",
    "cs": "creative_slot",
}
_AMOUNTS = frozenset({"pr", "qt", "ds", "lp"})
_ITEM_PART = re.compile(r"(?:[^~]|~~)+")
_ITEM_KEY = re.compile(r"pr(\d{1,3})", re.ASCII)


def receive(inbound: hub.Inbound) -> Iterator[Said | hub.BadEvent]:
    """What each hit of a request says."""
    if len(inbound.query_string) > MOST_SHARED:
        raise hub.BadPayload(f"the address of a hit has at most {MOST_SHARED} bytes")
    agent = browser(inbound)
    around: dict[str, str] = {}
    for place, line in enumerate(_lines(inbound)):
        try:
            around = around or _parameters(inbound.query_string)
            own = _parameters(line)
        except ValueError:
            yield hub.BadEvent(f"a hit has at most {_MOST_PARAMETERS} parameters", body=line.encode())
            continue
        yield _hit({**around, **own}, (inbound.query_string, place, line), agent)


def _parameters(text: str) -> dict[str, str]:
    """Parameters, without the NUL characters that no store takes; raises ValueError for too many."""
    pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=_MOST_PARAMETERS)
    if "%00" in text or "\0" in text:
        return {key.replace("\0", ""): value.replace("\0", "") for key, value in pairs}
    return dict(pairs)


def _lines(inbound: hub.Inbound) -> Iterator[str]:
    """The body's lines that are not empty; one empty line where there is none."""
    found = _LINE.finditer(inbound.body) if inbound.method == "POST" else iter(())
    first = next(found, None)
    yield "" if first is None else first[0].decode("utf-8", "replace")
    for line in found:
        yield line[0].decode("utf-8", "replace")


def _hit(sent: Thing, place: tuple[Any, ...], agent: Thing) -> Said | hub.BadEvent:
    sent.pop("api_secret", None)
    if not sent.get("en"):
        return hub.BadEvent("the hit has no event name (en)", body=written(sent))
    shared = {ours: sent[key] for key, ours in _KNOWN.items() if sent.get(key)} | agent
    said = Said(sent["en"], _params(sent), shared, traits=_told(sent, "up"), context=_context(sent))
    said.choice = from_codes(sent.get("gcd"), sent.get("gcs"))
    # gtag.js counts the hits of a page, others make up a page for each hit: without both, two hits that look
    # the same may well be two events, and no library repeats them.
    if sent.get("_p") and sent.get("_s"):
        said.id = digest(*place)
    return said


def _told(sent: Thing, kind: str) -> Thing:
    """`ep.name` (text) and `epn.name` (a number), or the same of `up`."""
    start, length = f"{kind}n.", len(kind) + 1
    found: Thing = {}
    for key, value in sent.items():
        if key.startswith(kind):
            if key[length - 1 : length] == ".":
                found[key[length:]] = value
            elif key.startswith(start):
                found[key[length + 1 :]] = number(value)
    return found


def _params(sent: Thing) -> Thing:
    params = _told(sent, "ep")
    if "_et" in sent:
        params["engagement_time_msec"] = number(sent["_et"])
    if sent.get("cu"):
        params.setdefault("currency", sent["cu"])
    for key, name in (("_fv", "first_visit"), ("_ss", "session_start")):
        if sent.get(key):
            params[name] = True
    items = [_item(sent[key]) for key in _item_keys(sent)]
    if items:
        params["items"] = items
    return goods(params)


def _item_keys(sent: Thing) -> list[str]:
    found = [(int(match[1]), key) for key in sent if (match := _ITEM_KEY.fullmatch(key)) is not None]
    return [key for _, key in sorted(found)]


def _item(text: str) -> Thing:
    """`idA1~nmShirt~pr19.9~k0size~v0XL` as an item; `k0` names what `v0` says, `~~` is a `~`."""
    item: Thing = {}
    names: dict[str, str] = {}
    values: dict[str, str] = {}
    for part in _ITEM_PART.findall(text):
        code, value = part[:2], part[2:].replace("~~", "~")
        if code in _ITEM:
            item[_ITEM[code]] = number(value) if code in _AMOUNTS else value
        elif code[:1] == "k":
            names[code[1:]] = value
        elif code[:1] == "v":
            values[code[1:]] = value
    for place, name in names.items():
        if name and place in values:
            item.setdefault(name, values[place])
    return item


def _context(sent: Thing) -> Thing:
    context: Thing = {}
    if sent.get("uamb") == "1":
        context["device"] = {"type": "mobile", "model": sent.get("uam") or None}
    if sent.get("uap"):
        context["os"] = {"name": sent["uap"], "version": sent.get("uapv") or None}
    rest = {key: value for key, value in sent.items() if not _is_ours(key)}
    if rest:
        context["ga4"] = rest
    return context


def _is_ours(key: str) -> bool:
    """The parameter stands elsewhere in the event already."""
    return (
        key in _KNOWN
        or key in ("v", "tid", "en", "_et", "cu")
        or key.startswith(("ep.", "epn.", "up.", "upn."))
        or _ITEM_KEY.fullmatch(key) is not None
    )
