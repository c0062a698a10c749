"""Limits of a sink: the connector's own, which are the vendor's, lowered by what the block says."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields, replace

from hub.config.lines import Path as Keys
from hub.config.model import SinkType
from hub.config.reading import Reading
from hub.config.sizes import Size
from hub.connector import Limits, actions
from hub.option import Option, Settings

_NAMES = tuple(one.name for one in fields(Limits))
_WITHOUT = {"in_flight": 4, "batch": 1}
"""What holds where neither the vendor nor the block says anything: there is always some bound."""


class LimitsOptions(Settings):
    """How fast and how much at once; each at most the vendor's own."""

    per_second: float | None = Option("Requests in a second.", default=None, gt=0)
    per_minute: float | None = Option("Requests in a minute.", default=None, gt=0)
    per_hour: float | None = Option("Requests in an hour.", default=None, gt=0)
    per_day: float | None = Option("Requests in a day.", default=None, gt=0)
    in_flight: int | None = Option("Requests at once.", default=None, ge=1)
    batch: int | None = Option("Deliveries in one request.", default=None, ge=1)
    bytes: Size | None = Option("Bytes of one request.", default=None, ge=1)


def effective_limits(
    sink: SinkType, lowered: LimitsOptions, keys: Keys, reading: Reading
) -> dict[str, Limits]:
    """The limits of each action; a limit above every action's own is a fault that names the vendor's."""
    own = {name: action.limits or sink.limits for name, action in actions(sink).items()}
    for name in _NAMES:
        asked = getattr(lowered, name)
        most = _highest(getattr(limits, name) for limits in own.values())
        if asked is not None and most and asked > most:
            reading.fault((*keys, name), f"{asked:g} is above the vendor's own limit; at most {most:g}")
    return {action: _lower(limits, lowered) for action, limits in own.items()}


def _highest(limits: Iterable[float]) -> float:
    """The highest limit; 0 where one of them is no limit."""
    each = list(limits)
    return 0 if 0 in each else max(each, default=0)


def _lower(limits: Limits, lowered: LimitsOptions) -> Limits:
    changed = {}
    for name in _NAMES:
        asked, own = getattr(lowered, name), getattr(limits, name)
        if asked is not None:
            changed[name] = min(asked, own) if own else asked
        elif not own and name in _WITHOUT:
            changed[name] = _WITHOUT[name]
    return replace(limits, **changed)
