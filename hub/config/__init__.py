"""Reads, checks and explains plugins.toml: every fault at once, each with its place and what to do.

The tables are read one after the other; each reader notes its faults and goes on. A new table gets a line
in `tables.TABLES`, a reader of its own, and a place in `_build`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from hub.config.blocks import read_sinks, read_sources, read_transforms
from hub.config.files import File, included, load
from hub.config.following import read_channels, read_rules
from hub.config.hub_table import overridden, plugin_folders, read_hub
from hub.config.listing import OptionHelp, explain, hub_options, schema
from hub.config.model import (
    Config,
    Connectors,
    HubTable,
    IdentifierKind,
    IdentityTable,
    Route,
    SinkBlock,
    SourceBlock,
    Sync,
    Target,
    TransformBlock,
    UnknownConnector,
)
from hub.config.people import read_categories, read_identity
from hub.config.reading import Reading, Unset
from hub.config.resolved import in_stored_order, resolve, version_of
from hub.config.routes import read_routes
from hub.config.syncs import read_syncs
from hub.config.tables import merged
from hub.config.template_uses import warn_of_templates
from hub.config.templates import read_templates
from hub.errors import ConfigFault, ConfigRefused

__all__ = [
    "Config",
    "Connectors",
    "Discover",
    "HubTable",
    "IdentifierKind",
    "IdentityTable",
    "OptionHelp",
    "Route",
    "SinkBlock",
    "SourceBlock",
    "Sync",
    "Target",
    "TransformBlock",
    "UnknownConnector",
    "Unset",
    "explain",
    "from_resolved",
    "hub_options",
    "read",
    "schema",
]

Discover = Callable[[Sequence[Path]], Connectors]
"""Finds connectors, also in the folders that `[hub] plugins` names: `hub.plugins.discover`."""


def read(
    path: Path,
    discover: Discover,
    *,
    environ: Mapping[str, str] = os.environ,
    unset: Unset = "fault",
    overrides: Mapping[str, Any] = {},
) -> Config:
    """The configuration in this file and those it includes; raises ConfigRefused with every fault.

    `overrides` are options of `[hub]` from the command line; they win over the environment, which wins over
    the file. Raises PluginBroken where a connector that a block names cannot be used.
    """
    main = load(path)
    if isinstance(main, ConfigFault):
        hint = "" if path.exists() else "; --config names another"
        raise ConfigRefused([replace(main, problem=main.problem + hint)])
    written = main.tables.get("hub", {})
    hub, elsewhere = overridden(written if isinstance(written, dict) else {}, environ, overrides)
    reading = Reading(
        files=[main], base=path.parent.resolve(), environ=environ, unset=unset, elsewhere=elsewhere
    )
    reading.files += _include(path, hub.get("include"), reading)
    reading.tables = merged(reading.files, reading)
    if hub:
        reading.tables["hub"] = hub
    return _build(reading, discover)


def from_resolved(
    resolved: bytes,
    discover: Discover,
    *,
    base: Path,
    environ: Mapping[str, str] = os.environ,
    unset: Unset = "fault",
) -> Config:
    """The same configuration from a CONFIG entry of the journal; `base` is where relative paths start.

    The environment gives secrets only: what it and the command line said of `[hub]` is in the entry.
    """
    reading = Reading(files=[], base=base, environ=environ, unset=unset)
    reading.tables = in_stored_order(resolved)
    return _build(reading, discover, resolved)


def _include(main: Path, patterns: Any, reading: Reading) -> list[File]:
    if not isinstance(patterns, list) or not all(isinstance(one, str) for one in patterns):
        return []  # the [hub] table's own options say so
    files = []
    for number, (pattern, paths) in enumerate(included(main, patterns)):
        keys = ("hub", "include", number)
        if not paths:
            reading.warn(keys, f"no file matches '{pattern}'")
        for path in paths:
            file = load(path)
            if isinstance(file, File):
                files.append(file)
            elif file.line:
                reading.faults.append(file)
            else:
                reading.fault(keys, f"{file.file}: {file.problem}")
    return files


def _build(reading: Reading, discover: Discover, resolved: bytes | None = None) -> Config:
    folders = plugin_folders(reading)
    hub = read_hub(reading, folders)
    reading.connectors = discover(folders)
    identity = read_identity(reading)
    sources = read_sources(reading, identity)
    sinks = read_sinks(reading)
    transforms = read_transforms(reading, sources, sinks)
    routes = read_routes(reading, sources, sinks)
    categories = read_categories(reading)
    channels = read_channels(reading, sinks)
    read_templates(reading)
    vias = read_rules(reading, sinks, channels)
    warn_of_templates(reading)
    syncs = read_syncs(reading, sinks)
    reading.refuse_faults()
    assert hub is not None
    if resolved is None:
        transform_names = list(transforms.blocks)
        resolved = resolve(
            reading.tables,
            routes.values(),
            transform_names,
            (identity, categories),
            (channels, vias),
            syncs=syncs.values(),
        )
    return Config(
        hub=hub,
        sources=sources.blocks,
        sinks=sinks.blocks,
        routes=tuple(routes.values()),
        transforms=tuple(transforms.blocks.values()),
        identity=identity,
        categories=categories,
        channels=channels,
        syncs=tuple(syncs.values()),
        consent=reading.table("settings").get("consent", "unknown"),
        base=reading.base,
        resolved=resolved,
        version=version_of(resolved),
        warnings=tuple(reading.in_order(reading.warnings)),
    )
