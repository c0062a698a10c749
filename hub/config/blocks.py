"""Sources, sinks and transforms: for each block its connector, and that connector's own settings."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeVar

from pydantic import StrictBool

from hub.config.hub_table import WebAddress
from hub.config.limits import LimitsOptions, effective_limits
from hub.config.model import (
    IdentityTable,
    SinkBlock,
    SinkType,
    SourceBlock,
    SourceType,
    TransformBlock,
    UnknownConnector,
)
from hub.config.options import read_options
from hub.config.reading import Reading, near
from hub.config.sizes import Size
from hub.connector import HttpSink, PollingSource, Source
from hub.errors import PluginBroken
from hub.option import Option, Settings

_LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")

Block = TypeVar("Block", SourceBlock, SinkBlock, TransformBlock)
C = TypeVar("C", bound=type[Any])
O = TypeVar("O", bound="BlockOptions")  # noqa: E741


class BlockOptions(Settings):
    """What every block may say."""

    connector: str | None = Option("Which connector; by default the one named as the label.", default=None)
    enabled: StrictBool = Option("false leaves the block out; it is still checked.", default=True)


class SourceOptions(BlockOptions):
    """What every source may say, whatever its connector."""

    max_event: Size | None = Option(
        "The largest event; by default as the connector says.", default=None, gt=0
    )
    max_request: Size | None = Option(
        "The largest request, inflated; by default as the connector says.", default=None, gt=0
    )


class SinkOptions(BlockOptions):
    """What every sink may say, whatever its connector."""

    base_url: WebAddress | None = Option(
        "Another host, for stand-ins and proxies; a path in it is put in front. Only for HTTP sinks.",
        default=None,
    )
    limits: LimitsOptions = Option("Lower limits than the vendor's own.", default=LimitsOptions())
    ordered: StrictBool = Option("Deliver in order per person.", default=True)


class TransformOptions(BlockOptions):
    """What every transform may say, whatever its connector."""

    on: list[str] = Option('Where it stands: "source:LABEL", "sink:LABEL".', min_length=1)


@dataclass
class Declared(Generic[Block]):
    """The blocks of one table: those in force, and all labels, so that references can be checked."""

    blocks: dict[str, Block] = field(default_factory=dict)
    connectors: dict[str, Any] = field(default_factory=dict)
    """Every label's connector; None where it is unknown."""
    off: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class _Block:
    """One block as it stands in the file."""

    label: str
    keys: tuple[str, str]
    raw: Mapping[str, Any]
    off: bool


@dataclass(frozen=True)
class _Found(Generic[C, O]):
    """One block taken apart: its connector, the hub's own options, the connector's."""

    label: str
    keys: tuple[str, str]
    connector: C
    options: O
    settings: Settings


def read_sources(reading: Reading, identity: IdentityTable) -> Declared[SourceBlock]:
    """[sources.*]; faults are noted in `reading`."""
    declared: Declared[SourceBlock] = Declared()
    for found in _blocks("sources", SourceOptions, reading, declared):
        if found.label == "hub":
            reading.fault(found.keys, "'hub' means the hub's own events; choose another label")
        connector: SourceType = found.connector
        # A polled system has no limits of its own: its pages are asked for.
        own = connector if issubclass(connector, Source) else Source
        declared.blocks[found.label] = SourceBlock(
            found.label,
            connector,
            found.settings,
            found.options.max_event or own.max_event,
            found.options.max_request or own.max_request,
        )
    _refuse_shared_keys(declared.blocks.values(), reading)
    _refuse_unknown_kinds(declared.blocks.values(), {kind.name for kind in identity.kinds}, reading)
    return _without_off(declared)


def read_sinks(reading: Reading) -> Declared[SinkBlock]:
    """[sinks.*]; faults are noted in `reading`."""
    declared: Declared[SinkBlock] = Declared()
    for found in _blocks("sinks", SinkOptions, reading, declared):
        connector: SinkType = found.connector
        _check_base_url(found, reading)
        declared.blocks[found.label] = SinkBlock(
            found.label,
            connector,
            found.settings,
            found.options.base_url,
            effective_limits(connector, found.options.limits, (*found.keys, "limits"), reading),
            found.options.ordered,
        )
    return _without_off(declared)


def read_transforms(
    reading: Reading, sources: Declared[SourceBlock], sinks: Declared[SinkBlock]
) -> Declared[TransformBlock]:
    """[transforms.*], in the order of the file; faults are noted in `reading`."""
    declared: Declared[TransformBlock] = Declared()
    for found in _blocks("transforms", TransformOptions, reading, declared):
        places: dict[str, set[str]] = {"source": set(), "sink": set()}
        for number, place in enumerate(found.options.on):
            what, _, label = place.partition(":")
            keys = (*found.keys, "on", number)
            if what not in places or not label:
                reading.fault(keys, 'must be "source:LABEL" or "sink:LABEL"')
                continue
            labels = (sources if what == "source" else sinks).connectors
            if label not in labels:
                reading.fault(keys, f"no {what} '{label}'; {near(label, labels)}")
            places[what].add(label)
        declared.blocks[found.label] = TransformBlock(
            found.label,
            found.connector,
            found.settings,
            frozenset(places["source"]),
            frozenset(places["sink"]),
        )
    return _without_off(declared)


def _without_off(declared: Declared[Block]) -> Declared[Block]:
    for label in declared.off:
        declared.blocks.pop(label, None)
    return declared


def _blocks(
    table: str, model: type[O], reading: Reading, declared: Declared[Any]
) -> Iterable[_Found[Any, O]]:
    """The blocks of a table that have no fault of their own; all are declared."""
    connectors = reading.connectors
    assert connectors is not None
    find: Mapping[str, Callable[[str], Any]] = {
        "sources": connectors.source,
        "sinks": connectors.sink,
        "transforms": connectors.transform,
    }
    for label, raw in reading.blocks(table).items():
        keys = (table, label)
        if not _LABEL.fullmatch(label):
            reading.fault(keys, "a label has letters, digits, _ and - only, at most 64")
        if raw.get("enabled") is False:
            declared.off.add(label)
        name = raw.get("connector", label)
        declared.connectors[label] = connector = _connector(name, find[table], keys, reading)
        found = _read(_Block(label, keys, raw, label in declared.off), model, connector, reading)
        if found is not None:
            yield found


def _read(block: _Block, model: type[O], connector: Any, reading: Reading) -> _Found[Any, O] | None:
    """The block's two kinds of options; None where one of them has a fault, or there is no connector."""
    own = {name: value for name, value in block.raw.items() if name in model.model_fields}
    rest = {name: value for name, value in block.raw.items() if name not in own}
    options = read_options(model, own, block.keys, reading)
    if connector is None:
        return None
    settings: Settings | None = read_options(
        connector.Settings, rest, block.keys, reading, also=tuple(model.model_fields), off=block.off
    )
    if options is None or settings is None:
        return None
    return _Found(block.label, block.keys, connector, options, settings)


def _connector(name: Any, find: Callable[[str], Any], keys: tuple[str, str], reading: Reading) -> Any:
    if not isinstance(name, str):
        return None  # the block's own options say so
    try:
        return find(name)
    except UnknownConnector as fault:
        reading.fault((*keys, "connector"), fault.reason)
        return None


def _check_base_url(found: _Found[Any, SinkOptions], reading: Reading) -> None:
    connector = found.connector
    if not issubclass(connector, HttpSink):
        if found.options.base_url is not None:
            reading.fault((*found.keys, "base_url"), "unknown option; only sinks that speak HTTP have it")
        return
    decides_itself = connector.address is not HttpSink.address
    if not (found.options.base_url or connector.base_url or decides_itself):
        reading.fault((*found.keys, "base_url"), "required: where its requests go, https://host")


def _refuse_shared_keys(blocks: Iterable[SourceBlock], reading: Reading) -> None:
    """A key names one source: two of them could not be told apart."""
    owners: dict[tuple[str, str], str] = {}
    for block in blocks:
        mine = {(path, key) for key in _told(block, "keys") for path in getattr(block.connector, "paths", ())}
        for other in sorted({owners[place] for place in mine if place in owners}):
            reading.fault(
                ("sources", block.label),
                f"has a key that sources.{other} has too; a key names one source, so give each its own",
            )
        owners |= dict.fromkeys(mine, block.label)


def _refuse_unknown_kinds(blocks: Iterable[SourceBlock], known: set[str], reading: Reading) -> None:
    """An identifier of a kind that nobody knows points at no person: its events would be nobody's."""
    for block in blocks:
        for kind, option in _told(block, "kinds").items():
            if kind not in known:
                problem = (
                    f"no such kind of identifier; {near(kind, known)} (or declare [identity.kinds.{kind}])"
                )
                reading.fault(("sources", block.label, option, kind), problem)


def _told(block: SourceBlock, what: Literal["keys", "kinds"]) -> Mapping[str, str]:
    """What a source says of its settings; a polled one says nothing."""
    if issubclass(block.connector, PollingSource):
        return {}
    try:
        told: Mapping[str, str] = getattr(block.connector(block.settings, block.label), what)()
    except Exception as fault:
        raise PluginBroken(
            f"{block.connector.name}: {what}() failed with {type(fault).__name__}; repair it"
        ) from fault
    return told
