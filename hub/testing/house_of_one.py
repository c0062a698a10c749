"""Where a connector under examination comes from, and a configuration in which it is the only new one."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import Any, cast

from hub.config.model import SinkType, SourceType, TransformType
from hub.connector import ConnectorType, kind
from hub.plugins import Registry, discover
from hub.plugins.grades import home
from hub.plugins.packages import GROUP, Package


def loaded_anew(connector: ConnectorType) -> list[ConnectorType]:
    """What the connector's package brings when a hub loads it for the first time; raises PluginBroken."""
    top = home(connector)
    module, names = _entry(connector.name, top)
    with _put_aside(top):
        package = Package(module, module, names, "", lambda: importlib.import_module(module))
        return Registry([package]).all(connector.name)


def _entry(name: str, top: str) -> tuple[str, set[str]]:
    """The module that the hub imports, and the names that it may bring."""
    points = [
        point for point in metadata.entry_points(group=GROUP) if f"{point.module}.".startswith(f"{top}.")
    ]
    for point in points:
        if point.name == name:
            return point.module, {one.name for one in points if one.module == point.module}
    return top, {top.rpartition(".")[2]}


@contextmanager
def _put_aside(top: str) -> Iterator[None]:
    """As if a package had never been imported, until the block ends."""
    kept = _modules(top)
    parent, _, child = top.rpartition(".")
    for name in kept:
        del sys.modules[name]
    try:
        yield
    finally:
        for name in _modules(top):
            del sys.modules[name]
        sys.modules.update(kept)
        if parent:
            setattr(sys.modules[parent], child, kept[top])


def _modules(top: str) -> dict[str, Any]:
    return {name: module for name, module in sys.modules.items() if f"{name}.".startswith(f"{top}.")}


class HouseOfOne:
    """What is built in and installed, and this connector besides, installed or not."""

    def __init__(self, connector: ConnectorType) -> None:
        self._connector = connector
        self._others = discover()

    def __call__(self, folders: Sequence[Path]) -> HouseOfOne:
        """Stands for `hub.plugins.discover`."""
        return self

    def source(self, name: str) -> SourceType:
        return cast(SourceType, self._get("source", name))

    def sink(self, name: str) -> SinkType:
        return cast(SinkType, self._get("sink", name))

    def transform(self, name: str) -> TransformType:
        return cast(TransformType, self._get("transform", name))

    def _get(self, what: str, name: str) -> Any:
        if (kind(self._connector), self._connector.name) == (what, name):
            return self._connector
        return getattr(self._others, what)(name)
