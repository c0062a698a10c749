"""A configuration as one canonical text: what the journal keeps, and what its version is the hash of."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from hashlib import blake2b
from typing import Any

from hub.config.model import IdentityTable, Route, Sync, Target

ORDERED = ("transforms", "routes", "rules", "sync")
"""Tables whose blocks have an order, which canonical JSON does not keep: `order` does."""


def resolve(
    tables: Mapping[str, Any],
    routes: Iterable[Route],
    transforms: Sequence[str],
    people: tuple[IdentityTable, Mapping[str, str]],
    messages: tuple[Mapping[str, Sequence[Target]], Mapping[str, Target]],
    *,
    syncs: Iterable[Sync] = (),
) -> bytes:
    """The body of the journal's CONFIG entry; see `Config`."""
    identity, categories = people
    channels, vias = messages
    plan = {
        "routes": [_route(route) for route in routes],
        "transforms": list(transforms),
        "identity": {
            "kinds": [{"name": one.name, "strong": one.strong, "max": one.max} for one in identity.kinds],
            "blocked": sorted(identity.blocked),
            "protected": sorted(identity.protected),
        },
        "channels": {name: [_target(one) for one in targets] for name, targets in channels.items()},
        "vias": {via: _target(target) for via, target in vias.items()},
        "syncs": [_sync(sync) for sync in syncs],
        "categories": dict(categories),
    }
    order = {name: list(tables[name]) for name in ORDERED if name in tables}
    whole = {"tables": tables, "order": order, "plan": plan}
    return json.dumps(
        whole, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=_plain
    ).encode()


def _route(route: Route) -> dict[str, Any]:
    return {
        "name": route.name,
        "sink": route.sink,
        "lane": "forward",
        "actions": dict(route.action_for),
        "when": route.when,
        "from": None if route.sources is None else sorted(route.sources),
    }


def _sync(sync: Sync) -> dict[str, Any]:
    return {
        "name": sync.name,
        "sink": sync.sink,
        "action": sync.action,
        "fields": dict(sync.fields),
        "every": sync.every // timedelta(microseconds=1),
    }


def _target(target: Target) -> dict[str, str]:
    return {"sink": target.sink, "action": target.action}


def _plain(value: object) -> str:
    # TOML has dates and times; JSON writes them as text, which settings read the same.
    assert isinstance(value, datetime | date | time)
    return value.isoformat()


def version_of(resolved: bytes) -> str:
    """A short name for exactly this configuration."""
    return blake2b(resolved, digest_size=8).hexdigest()


def in_stored_order(resolved: bytes) -> dict[str, Any]:
    """The tables of a CONFIG entry, their blocks in the order of the files."""
    stored = json.loads(resolved)
    tables: dict[str, Any] = stored["tables"]
    for name, labels in stored["order"].items():
        tables[name] = {label: tables[name][label] for label in labels}
    return tables
