"""[sync.*]: profile fields to a sink, as they change."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from pydantic import StrictBool

from hub.config.blocks import Declared
from hub.config.lines import Path as Keys
from hub.config.model import SinkBlock, Sync
from hub.config.options import read_options
from hub.config.reading import Reading, near
from hub.connector import actions
from hub.errors import RuleFault
from hub.option import Duration, Option, Settings

_OTHERWISE = "profile"


class SyncOptions(Settings):
    """Profile fields to a sink."""

    to: str = Option("The sink: label.action; a bare label is profile.")
    fields: dict[str, str] = Option(
        "The sink's name of a field → what it holds: person.x, or as in a rule's if: count(order_completed).",
        min_length=1,
    )
    every: Duration = Option("At most so often for one person.", default=timedelta(0))
    enabled: StrictBool = Option("false leaves the sync out; it is still checked.", default=True)


def read_syncs(reading: Reading, sinks: Declared[SinkBlock]) -> dict[str, Sync]:
    """[sync.*], in the order of the file; faults are noted in `reading`."""
    syncs = {}
    for name, raw in reading.blocks("sync").items():
        keys = ("sync", name)
        options = read_options(SyncOptions, raw, keys, reading)
        # As they are written: a fault in one option hides none in another.
        _check_fields(raw.get("fields"), (*keys, "fields"), reading)
        label, _, action = str(raw.get("to", "")).partition(".")
        good = bool(label) and _is_target(label, action or _OTHERWISE, (*keys, "to"), (sinks, reading))
        if options is None or not good:
            continue
        if options.enabled and label in sinks.off:
            reading.warn((*keys, "to"), f"sinks.{label} is switched off, so nothing is synced")
        elif options.enabled:
            syncs[name] = Sync(name, label, action or _OTHERWISE, options.fields, options.every)
    return syncs


def _is_target(label: str, action: str, keys: Keys, among: tuple[Declared[SinkBlock], Reading]) -> bool:
    sinks, reading = among
    if label not in sinks.connectors:
        reading.fault(keys, f"no sink '{label}'; {near(label, sinks.connectors)}")
        return False
    connector = sinks.connectors[label]
    if connector is None:
        return False
    offered = actions(connector)
    if action not in offered:
        reading.fault(keys, f"{label} has no action '{action}'; {near(action, offered)}")
    return action in offered


def _check_fields(fields: Any, keys: Keys, reading: Reading) -> None:
    # Loaded only where there is a sync.
    from hub.rules import express

    for name, text in fields.items() if isinstance(fields, dict) else ():
        if not name:
            reading.fault(keys, "a field has a name")
        if not isinstance(text, str):
            continue  # the options say so
        try:
            express(text, reading.table("events"))
        except RuleFault as fault:
            reading.fault((*keys, name), str(fault))
