"""What an event is worth: an amount, and the currency it is in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from math import isfinite
from typing import Any, NamedTuple

_CODES = (
    "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD "
    "CAD CDF CHF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD "
    "GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT "
    "LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR "
    "NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP "
    "STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VES VND VUV WST XAF XCD XCG "
    "XOF XPF YER ZAR ZMW ZWG"
)
CURRENCIES = frozenset(_CODES.split())
"""The currencies of ISO 4217 that people pay with."""

_SAYS_WORTH = ("revenue", "total", "value", "subtotal", "price")
"""The properties that say what an event is worth, the first one that holds an amount."""

_PLAIN = re.compile(r"[+-]?\d{1,15}(?:\.\d{1,9})?")
_GROUPED = re.compile(r"[+-]?\d{1,3}(?:,\d{3})+(?:\.\d{1,9})?")
_COMMA = re.compile(r"[+-]?\d{1,15},\d{1,2}")


class Worth(NamedTuple):
    """An amount of money; the currency is None where nobody said one that exists."""

    amount: float
    currency: str | None


def worth(properties: Mapping[str, Any]) -> Worth | None:
    """What an event with these properties is worth; None where no property holds an amount."""
    for name in _SAYS_WORTH:
        found = amount(properties.get(name))
        if found is not None:
            return Worth(found, currency(properties.get("currency")))
    return None


def amount(said: Any) -> float | None:
    """A number, or a text that can only be one: `19.90`, `1,299.00`, `19,90`; None for everything else."""
    kind = said.__class__
    if kind is int or kind is float:
        return said if isfinite(said) and abs(said) < 1e15 else None
    if kind is not str or len(said) > 32:
        return None
    text = said.strip()
    if _PLAIN.fullmatch(text):
        return float(text)
    if _GROUPED.fullmatch(text):
        return float(text.replace(",", ""))
    return float(text.replace(",", ".")) if _COMMA.fullmatch(text) else None


def currency(said: Any) -> str | None:
    """A currency's code in capitals; None where it is none of ISO 4217."""
    code = said.strip().upper() if said.__class__ is str else ""
    return code if code in CURRENCIES else None
