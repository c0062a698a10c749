"""Which source a request is for: by its label, or by the key in it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from hub.config import Config, SourceBlock
from hub.connector import Source, Transform
from hub.errors import BadPayload, BadSignature, HubError, UnknownKey
from hub.event import Instant, Trust
from hub.ingest.bugs import Bugs
from hub.telemetry import Cell, Metrics, names
from hub.wire import Inbound

SourceType = type[Source[Any]]


class Origin:
    """What every source in use has: its limit of an event, the transforms behind it, its counts."""

    def __init__(self, block: SourceBlock, config: Config, metrics: Metrics) -> None:
        self.label = block.label
        self.connector = block.connector.name
        self.max_event = block.max_event
        self.metrics = metrics
        self.transforms: list[Transform[Any]] = [
            made.connector(made.settings, made.name)
            for made in config.transforms
            if block.label in made.sources
        ]
        self._accepted = metrics.cell(names.EVENTS_ACCEPTED, block.label)
        self._quarantined = metrics.cell(names.EVENTS_QUARANTINED, block.label)

    def written(self, accepted: int, quarantined: int) -> None:
        """Counts what is on disk."""
        self._accepted.n += accepted
        self._quarantined.n += quarantined


class Intake(Origin):
    """A source that is sent to, in use."""

    def __init__(self, block: SourceBlock, config: Config, metrics: Metrics) -> None:
        super().__init__(block, config, metrics)
        assert issubclass(block.connector, Source)
        self.source: Source[Any] = block.connector(block.settings, block.label)
        self.source.public_url = config.hub.public_url
        self.source.categories = config.categories
        self.source.max_event = block.max_event
        self.max_request = block.max_request
        self.browser = self.source.browser
        self._received = metrics.cell(names.REQUESTS_RECEIVED_BYTES, block.label)
        self._answered: dict[int, Cell] = {}

    def received(self, size: int) -> None:
        """Counts the bytes of a request."""
        self._received.n += size

    def answered(self, status: int) -> None:
        """Counts what a sender heard."""
        cell = self._answered.get(status)
        if cell is None:
            cell = self._answered[status] = self.metrics.cell(
                names.REQUESTS_ANSWERED, self.label, str(status)
            )
        cell.n += 1


class Keyring:
    """The keys of one connector's sources.

    Keys are looked up by a keyed hash, so that how long a miss takes tells nothing about any key.
    """

    def __init__(self, intakes: Iterable[Intake]) -> None:
        self._salt = os.urandom(32)
        self._of: dict[bytes, tuple[Intake, Trust]] = {}
        for intake in intakes:
            for key, trust in intake.source.keys().items():
                self._of[self._hash(key)] = (intake, "secret" if trust == "secret" else "public")

    def find(self, key: str) -> tuple[Intake, Trust] | None:
        """The source that this key names, and what it proves."""
        return self._of.get(self._hash(key))

    def _hash(self, key: str) -> bytes:
        return blake2b(key.encode("utf-8", "replace"), key=self._salt, digest_size=16).digest()


@dataclass(frozen=True, slots=True)
class Claim:
    """A path at the root that connectors claim: the key decides between their sources."""

    keyrings: Mapping[SourceType, Keyring]
    max_request: int
    browser: bool

    def open(self, inbound: Inbound, bugs: Bugs) -> tuple[Intake, Inbound]:
        """The source, and the request with its key and trust; raises UnknownKey."""
        missing = True
        for connector, keyring in self.keyrings.items():
            for key in _keys(connector, inbound, bugs):
                missing = False
                found = keyring.find(key)
                if found is not None:
                    intake, trust = found
                    return intake, _proven(inbound, key, trust)
        raise UnknownKey("there is no key in the request" if missing else "no source has this key")


def _keys(connector: SourceType, inbound: Inbound, bugs: Bugs) -> tuple[str, ...]:
    try:
        key = connector.key(inbound)
    except HubError:
        raise
    except Exception as bug:
        bugs.met(connector.name, bug)
        raise BadPayload("the key cannot be read") from None
    if key is None:
        return ()
    return (key,) if isinstance(key, str) else key


def prove(intake: Intake, inbound: Inbound, bugs: Bugs) -> Inbound:
    """A request at /in/{label} with what its signature proves; raises BadSignature."""
    try:
        trust = intake.source.authenticate(inbound)
    except HubError:
        raise
    except Exception as bug:
        bugs.met(intake.source.name, bug)
        raise BadSignature("the signature cannot be read") from None
    return _proven(inbound, None, "secret") if trust == "secret" else inbound


def _proven(inbound: Inbound, key: str | None, trust: Trust) -> Inbound:
    # `dataclasses.replace` takes four times as long, and this is done for each request.
    return Inbound(
        inbound.method,
        inbound.path,
        inbound.headers,
        inbound.query_string,
        inbound.body,
        inbound.received_at,
        inbound.address,
        key,
        trust,
    )


class Intakes:
    """All sources of one configuration; made whole and swapped as one."""

    def __init__(self, config: Config, metrics: Metrics) -> None:
        self.by_label = {
            block.label: Intake(block, config, metrics)
            for block in config.sources.values()
            if issubclass(block.connector, Source)
        }
        self._exact: dict[str, Claim] = {}
        self._below: dict[str, Claim] = {}
        by_connector: dict[SourceType, list[Intake]] = {}
        for intake in self.by_label.values():
            by_connector.setdefault(type(intake.source), []).append(intake)
        keyrings = {connector: Keyring(intakes) for connector, intakes in by_connector.items()}
        for path in {path for connector in by_connector for path in connector.paths}:
            claimed = {connector: ring for connector, ring in keyrings.items() if path in connector.paths}
            claim = Claim(
                claimed,
                max(intake.max_request for connector in claimed for intake in by_connector[connector]),
                any(connector.browser for connector in claimed),
            )
            (self._below if path.endswith("/") else self._exact)[path] = claim

    def claim(self, path: str) -> Claim | None:
        """The claim that a path falls under: itself, else the longest that it lies below."""
        claim = self._exact.get(path)
        end = len(path)
        while claim is None and end > 0:
            end = path.rfind("/", 0, end)
            claim = self._below.get(path[: end + 1])
        return claim


class Misses:
    """Who has tried too many keys that do not exist; the right key is never asked."""

    def __init__(self, *, most: int = 20, seconds: int = 60, addresses: int = 10_000) -> None:
        self._most = most
        self._span = seconds * 1_000_000
        self._addresses = addresses
        self._of: dict[str, tuple[Instant, int]] = {}

    def again(self, address: str, now: Instant) -> int | None:
        """Counts a miss; the seconds to wait where there were too many, else None."""
        since, count = self._of.get(address, (now, 0))
        if now - since >= self._span:
            since, count = now, 0
        if len(self._of) >= self._addresses and address not in self._of:
            self._forget(now)
        self._of[address] = (since, count + 1)
        return None if count < self._most else max(1, (since + self._span - now + 999_999) // 1_000_000)

    def _forget(self, now: Instant) -> None:
        self._of = {address: kept for address, kept in self._of.items() if now - kept[0] < self._span}
        if len(self._of) >= self._addresses:
            self._of.clear()
