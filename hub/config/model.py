"""What the configuration says, once it is read and found good: plain values, nothing to look up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Any, Literal, Protocol

from hub.connector import HttpSink, Limits, PollingSource, Sink, Source, Transform
from hub.errors import ConfigFault, HubError
from hub.option import Settings

Network = IPv4Network | IPv6Network
SourceType = type[Source[Any]] | type[PollingSource[Any]]
SinkType = type[HttpSink[Any]] | type[Sink[Any]]
TransformType = type[Transform[Any]]


class UnknownConnector(HubError):
    """No package brings a connector of this name and kind; the text has the nearest name."""


class Connectors(Protocol):
    """Where the connectors that blocks name come from: `hub.plugins.Registry`."""

    def source(self, name: str) -> SourceType:
        """Raises UnknownConnector, or PluginBroken."""
        ...

    def sink(self, name: str) -> SinkType:
        """Raises UnknownConnector, or PluginBroken."""
        ...

    def transform(self, name: str) -> TransformType:
        """Raises UnknownConnector, or PluginBroken."""
        ...


@dataclass(frozen=True, slots=True)
class HubTable:
    """The `[hub]` table with its defaults, after the environment and the command line had their say."""

    listen: str
    """HOST:PORT; an IPv6 host stands in brackets."""
    data_dir: Path
    public_url: str
    """Where senders and people reach the hub; no slash at the end."""
    include: tuple[str, ...]
    plugins: tuple[Path, ...]
    allow_private: tuple[Network, ...]
    """Addresses inside that sinks may call."""
    trusted_proxies: tuple[Network, ...]
    """Whose X-Forwarded-For is believed."""
    free_space: int
    """Bytes of disk below which nothing more is accepted (or 5 % of the disk, where that is less)."""
    per_address: int
    """Connections of one address."""
    drain: timedelta
    """How long an orderly stop may take."""
    log: Literal["auto", "json", "text"]

    @property
    def host(self) -> str:
        return self.listen.rpartition(":")[0].strip("[]")

    @property
    def port(self) -> int:
        return int(self.listen.rpartition(":")[2])


@dataclass(frozen=True, slots=True)
class SourceBlock:
    """One `[sources.LABEL]` that is switched on."""

    label: str
    connector: SourceType
    settings: Settings
    max_event: int
    """Bytes of one event."""
    max_request: int
    """Bytes of one request after inflating."""


@dataclass(frozen=True, slots=True)
class SinkBlock:
    """One `[sinks.LABEL]` that is switched on."""

    label: str
    connector: SinkType
    settings: Settings
    base_url: str | None
    """What the block says; None leaves it to the settings (`address()`) and then to the connector."""
    limits: Mapping[str, Limits]
    """For each action the connector's own, lowered by the block. `batch` and `in_flight` are never zero."""
    ordered: bool = True
    """In order per person."""


@dataclass(frozen=True, slots=True)
class Route:
    """Events straight to a sink."""

    name: str
    sink: str
    action_for: Mapping[str, str]
    """Event type → action; a type that is absent does not take this route."""
    when: str | None = None
    """A selector; None is every event."""
    sources: frozenset[str] | None = None
    """Labels of sources, and `hub` for its own events; None is every source, without the hub's own events."""


@dataclass(frozen=True, slots=True)
class Target:
    """An action of a sink that takes messages."""

    sink: str
    action: str


@dataclass(frozen=True, slots=True)
class Sync:
    """Profile fields to a sink, as they change."""

    name: str
    sink: str
    action: str
    fields: Mapping[str, str]
    """The sink's name of a field → the expression that it holds."""
    every: timedelta
    """The shortest distance between two for one person."""


@dataclass(frozen=True, slots=True)
class TransformBlock:
    """One `[transforms.NAME]`, and the sources and sinks that it stands at."""

    name: str
    connector: TransformType
    settings: Settings
    sources: frozenset[str]
    sinks: frozenset[str]


@dataclass(frozen=True, slots=True)
class IdentifierKind:
    """A kind of identifier: whether it names a person, and how many of it a person may have."""

    name: str
    strong: bool
    max: int


@dataclass(frozen=True, slots=True)
class IdentityTable:
    """Whose event is it: the kinds of identifier, by precedence, and values that point at nobody."""

    kinds: tuple[IdentifierKind, ...]
    blocked: frozenset[str] = frozenset()
    protected: frozenset[str] = frozenset()
    """Folded names of events that under a public key complete nothing and sum nothing."""


@dataclass(frozen=True, slots=True)
class Config:
    """A configuration without faults.

    `resolved` is all of it as canonical JSON, with secrets as references and paths as written: the body of
    the journal's CONFIG entry. It has the keys

    * `tables`: the merged tables;
    * `plan`: what the engine needs, ready to use and without any connector: `routes` (a list of
      `{"name", "sink", "lane": "forward", "actions": {type: action}, "when": text or null,
      "from": [labels] or null}`), `identity` (`{"kinds": [{"name", "strong", "max"}] by precedence,
      "blocked": [values], "protected": [names]}`), `categories` (a sender's name → ours), `transforms` (their
      names in order), `channels` (for each a list of `{"sink", "action"}`, the next where the first gives
      up), `vias` (the same for each `via` of a rule) and `syncs` (a list of `{"name", "sink", "action",
      "fields": {field: expression}, "every": microseconds}`).

    `version` is a hash of `resolved`.
    """

    hub: HubTable
    sources: Mapping[str, SourceBlock]
    sinks: Mapping[str, SinkBlock]
    routes: tuple[Route, ...]
    transforms: tuple[TransformBlock, ...]
    identity: IdentityTable
    categories: Mapping[str, str]
    base: Path
    """The folder that relative paths start from: that of plugins.toml."""
    resolved: bytes = field(repr=False)
    version: str
    warnings: tuple[ConfigFault, ...] = ()
    channels: Mapping[str, tuple[Target, ...]] = field(default_factory=dict)
    """By which actions a message leaves, the next where the one before gives up."""
    syncs: tuple[Sync, ...] = ()
    consent: str = "unknown"
    """Of people of whom none is recorded: `unknown`, `granted` or `denied`."""
