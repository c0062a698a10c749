"""Routes: which events go straight to which action of which sink."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, get_args

from pydantic import StrictBool

from hub.config.blocks import Declared
from hub.config.lines import Path as Keys
from hub.config.model import Route, SinkBlock, SourceBlock
from hub.config.options import read_options
from hub.config.reading import Reading, near
from hub.connector import actions
from hub.errors import RuleFault
from hub.event import EventType
from hub.option import Option, Settings

_PREFERRED = {"identify": ("profile", "track", "send")}
_OTHERWISE = ("track", "send")


class RouteOptions(Settings):
    """Events straight to a sink."""

    to: str = Option("The sink: label.action; a bare label is profile for identify, else track, else send.")
    when: str | None = Option("Which events, a selector as in rules; default: every event.", default=None)
    sources: list[str] | None = Option(
        'Labels of sources; default: every source. The hub\'s own events only where "hub" is named.',
        default=None,
        alias="from",
        min_length=1,
    )
    enabled: StrictBool = Option("false leaves the route out; it is still checked.", default=True)


def read_routes(
    reading: Reading, sources: Declared[SourceBlock], sinks: Declared[SinkBlock]
) -> dict[str, Route]:
    """[routes.*], in the order of the file; faults are noted in `reading`."""
    routes = {}
    for name, raw in reading.blocks("routes").items():
        keys = ("routes", name)
        options = read_options(RouteOptions, raw, keys, reading)
        if options is None:
            continue
        sink, action_for = _target(options.to, keys, sinks, reading)
        _check_when(options.when, keys, reading)
        _check_sources(options.sources or (), keys, sources.connectors, reading)
        if not options.enabled:
            continue
        if sink in sinks.off:
            reading.warn((*keys, "to"), f"sinks.{sink} is switched off, so nothing takes this route")
            continue
        chosen = None if options.sources is None else frozenset(options.sources)
        routes[name] = Route(name, sink, action_for, options.when, chosen)
    return routes


def _target(to: str, keys: Keys, sinks: Declared[SinkBlock], reading: Reading) -> tuple[str, dict[str, str]]:
    """The sink's label, and the action for each type of event."""
    label, dot, action = to.partition(".")
    if label not in sinks.connectors:
        reading.fault((*keys, "to"), f"no sink '{label}'; {near(label, sinks.connectors)}")
        return label, {}
    connector = sinks.connectors[label]
    if connector is None:
        return label, {}
    offered = actions(connector)
    if dot:
        if action not in offered:
            reading.fault((*keys, "to"), f"{label} has no action '{action}'; {near(action, offered)}")
        return label, dict.fromkeys(get_args(EventType), action)
    action_for = _by_type(offered)
    if not action_for:
        listed = " or ".join(f'"{label}.{one}"' for one in sorted(offered))
        reading.fault((*keys, "to"), f"{label} has neither profile, track nor send; write {listed}")
    return label, action_for


def _by_type(offered: Collection[str]) -> dict[str, str]:
    found = {}
    for kind in get_args(EventType):
        fits = [one for one in _PREFERRED.get(kind, _OTHERWISE) if one in offered]
        if fits:
            found[kind] = fits[0]
    return found


def _check_when(when: str | None, keys: Keys, reading: Reading) -> None:
    if when is None:
        return
    from hub.rules import selector

    try:
        selector(when)
    except RuleFault as fault:
        reading.fault((*keys, "when"), fault.reason)


def _check_sources(labels: Collection[str], keys: Keys, sources: dict[str, Any], reading: Reading) -> None:
    known = {*sources, "hub"}
    for number, label in enumerate(labels):
        if label not in known:
            reading.fault((*keys, "from", number), f"no source '{label}'; {near(label, known)}")
