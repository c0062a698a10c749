"""[rules], [settings], [events], [places] and [channels]: what follows from what, and how it leaves."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from hub.config.blocks import Declared
from hub.config.files import load
from hub.config.lines import Path as Keys
from hub.config.model import SinkBlock, Target
from hub.config.reading import Reading, near
from hub.config.tables import merged
from hub.connector import actions
from hub.errors import ConfigFault, ConfigRefused

RULE_TABLES = ("settings", "events", "places", "rules")
"""The tables that the engine compiles; in `resolved`, each in the order of the file."""

_CHANNEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_ITEM = re.compile(r"([^\[]+)\[(\d+)\]")


def read_channels(reading: Reading, sinks: Declared[SinkBlock]) -> dict[str, tuple[Target, ...]]:
    """[channels]: for each road the actions that take a message, the next where the first gives up."""
    channels = {}
    for channel, value in reading.table("channels").items():
        keys = ("channels", channel)
        if not _CHANNEL.fullmatch(channel):
            reading.fault(keys, "a channel has letters, digits, _ and - only, such as email")
        listed = value if isinstance(value, list) else [value]
        if not listed or not all(isinstance(one, str) for one in listed):
            reading.fault(keys, 'must be an action such as "news.track", or a list of them')
            continue
        places: list[Keys] = [(*keys, n) for n in range(len(listed))] if isinstance(value, list) else [keys]
        targets = [read_target(to, at, sinks, reading) for to, at in zip(listed, places, strict=True)]
        channels[channel] = tuple(target for target in targets if target is not None)
    return channels


def read_target(to: str, keys: Keys, sinks: Declared[SinkBlock], reading: Reading) -> Target | None:
    """A sink's action that takes messages: `label.action`; a bare label is send, else track."""
    label, dot, action = to.partition(".")
    if label not in sinks.connectors:
        reading.fault(keys, f"no sink '{label}'; {near(label, sinks.connectors)}")
        return None
    connector = sinks.connectors[label]
    if connector is None:
        return None
    offered = actions(connector)
    if not dot:
        action = next((one for one in ("send", "track") if one in offered), "send")
    if action not in offered:
        reading.fault(keys, f"{label} has no action '{action}'; {near(action, offered)}")
        return None
    if label in sinks.off:
        reading.warn(keys, f"sinks.{label} is switched off, so it takes no message")
        return None
    return Target(label, action)


def read_rules(
    reading: Reading, sinks: Declared[SinkBlock], channels: Mapping[str, Sequence[Target]]
) -> dict[str, Target]:
    """Checks the rules, and finds what each `via` means: by the text, the action of a sink."""
    tables = {name: reading.tables[name] for name in RULE_TABLES if name in reading.tables}
    if not tables:
        return {}
    # Loaded only where there are rules: most commands need none of it.
    from hub.rules import compile

    try:
        compile(tables, 0)
    except ConfigRefused as refused:
        for fault in refused.faults:
            reading.fault(_keys(fault.key), fault.problem)
    vias: dict[str, Target] = {}
    for keys, send in sends_of(tables.get("rules")):
        via, channel = send.get("via"), send.get("channel")
        if isinstance(via, str):
            target = read_target(via, (*keys, "via"), sinks, reading)
            if target is not None:
                vias[via] = target
        elif isinstance(channel, str) and channel not in channels:
            hint = near(channel, channels) if channels else "there is no [channels] table"
            reading.fault((*keys, "channel"), f"no channel '{channel}'; {hint}")
    return vias


def rules_alone(path: Path) -> dict[str, Any]:
    """The tables of a rules file that stands by itself; raises ConfigRefused with every fault."""
    from hub.rules import compile

    main = load(path)
    if isinstance(main, ConfigFault):
        raise ConfigRefused([main])
    reading = Reading(files=[main], base=path.parent, environ={}, unset="placeholder")
    tables = merged(reading.files, reading)
    reading.tables = tables = {name: tables[name] for name in RULE_TABLES if name in tables}
    try:
        compile(tables, 0)
    except ConfigRefused as refused:
        for fault in refused.faults:
            reading.fault(_keys(fault.key), fault.problem)
    reading.refuse_faults()
    return tables


def sends_of(rules: Any) -> Iterator[tuple[Keys, Mapping[str, Any]]]:
    """Every `send` of every rule that is one, with the keys under which it stands."""
    for name, rule in rules.items() if isinstance(rules, dict) else ():
        send = rule.get("send") if isinstance(rule, dict) else None
        if isinstance(send, dict):
            yield ("rules", name, "send"), send
        for number, one in enumerate(send if isinstance(send, list) else ()):
            if isinstance(one, dict):
                yield ("rules", name, "send", number), one


def _keys(dotted: str) -> Keys:
    """`rules.cart.send[2].channel` as the keys under which it stands in the file."""
    keys: list[str | int] = []
    for part in dotted.split("."):
        item = _ITEM.fullmatch(part)
        if item is None:
            keys.append(part)
        else:
            keys += [item[1], int(item[2]) - 1]
    return tuple(keys)
