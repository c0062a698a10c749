"""Finds, checks and enables connectors: built in, in folders, and installed (entry points "hub").

Finding reads names only. A package is imported when a block names one of its connectors, and it is refused
when it does more on import than define things: a hub that starts must be able to trust what it loads.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any, Literal, cast

import pluggy

from hub import hooks
from hub.config.model import SinkType, SourceType, TransformType, UnknownConnector
from hub.connector import ConnectorType, kind
from hub.errors import PluginBroken
from hub.plugins.examine import examine
from hub.plugins.packages import GROUP, Package, built_in, in_folders, installed, quietly

__all__ = ["Kind", "Known", "Registry", "discover"]

Kind = Literal["source", "sink", "transform"]


@dataclass(frozen=True, slots=True)
class Known:
    """One connector in the listing; `kind` is None while its package is not loaded."""

    name: str
    kind: Kind | None
    package: str
    version: str
    loaded: bool
    place: Path | None = field(default=None, compare=False)
    """Where its code stands, where that can be told without loading it."""


class Registry:
    """The connectors that can be had; a package is imported when one of its names is first asked for."""

    def __init__(self, packages: Iterable[Package]) -> None:
        self._packages = list(packages)
        self._found: dict[tuple[str, str], tuple[ConnectorType, Package]] = {}
        self._plugins = pluggy.PluginManager(GROUP)
        self._plugins.add_hookspecs(hooks)

    def source(self, name: str) -> SourceType:
        """The source of this name; raises UnknownConnector, or PluginBroken."""
        return cast(SourceType, self._get("source", name))

    def sink(self, name: str) -> SinkType:
        """The sink of this name; raises UnknownConnector, or PluginBroken."""
        return cast(SinkType, self._get("sink", name))

    def transform(self, name: str) -> TransformType:
        """The transform of this name; raises UnknownConnector, or PluginBroken."""
        return cast(TransformType, self._get("transform", name))

    def all(self, name: str) -> list[ConnectorType]:
        """Every connector of this name: a source, a sink and a transform may share it."""
        self._load(name)
        return [self._found[key][0] for key in sorted(self._found) if key[1] == name]

    def known(self) -> list[Known]:
        """What there is, by name; built-in connectors are loaded for it, others only listed."""
        for package in self._packages:
            if package.built_in:
                self._enable(package)
        loaded = [
            Known(name, cast(Kind, what), package.text, package.version, True)
            for (what, name), (_, package) in self._found.items()
        ]
        listed = [
            Known(name, None, package.text, package.version, False, package.place)
            for package in self._packages
            if package.connectors is None
            for name in package.names
        ]
        return sorted(loaded + listed, key=lambda one: (one.name, one.kind or ""))

    @property
    def names(self) -> set[str]:
        """Every name that can be asked for; nothing is loaded for it."""
        return {name for package in self._packages for name in package.names}

    def near(self, name: str) -> str | None:
        """The known name that looks most like this one."""
        from difflib import get_close_matches

        close = get_close_matches(name, sorted(self.names), 1)
        return close[0] if close else None

    def _get(self, what: Kind, name: str) -> ConnectorType:
        self._load(name)
        if (what, name) in self._found:
            return self._found[what, name][0]
        others = [other for other, known in sorted(self._found) if known == name]
        if others:
            raise UnknownConnector(f"'{name}' is a {' and a '.join(others)}, not a {what}")
        near = self.near(name)
        hint = f"did you mean '{near}'?" if near else "`hub connectors list` shows what there is"
        raise UnknownConnector(f"no connector '{name}' is installed; {hint}")

    def _load(self, name: str) -> None:
        for package in self._packages:
            if name in package.names:
                self._enable(package)

    def _enable(self, package: Package) -> None:
        if package.connectors is not None:
            return
        module = quietly(package, package.load, "its import")
        try:
            offered = self._offered(package, module)
        except PluginBroken:
            # pluggy would blame its unknown hooks on the next one.
            if self._plugins.is_registered(module):
                self._plugins.unregister(module)
            raise
        for connector in offered:
            self._found[kind(connector), connector.name] = (connector, package)
        package.connectors = tuple(offered)

    def _offered(self, package: Package, module: ModuleType) -> list[ConnectorType]:
        """The package's connectors, if its hooks, names and classes are in order."""
        self._check_hooks(package, module)
        ours = [hook for hook in self._plugins.hook.connectors.get_hookimpls() if hook.plugin is module]
        if not ours:
            raise PluginBroken(
                f"{package.text}: brings nothing; add `@hub.hookimpl def connectors(): return [...]`"
            )
        ask: Any = ours[0].function
        offered = quietly(package, lambda: list(ask()), "its connectors()")
        for connector in offered:
            examine(connector, package.text)
        self._check_names(offered, package)
        return offered

    def _check_hooks(self, package: Package, module: ModuleType) -> None:
        try:
            self._plugins.register(module)
            self._plugins.check_pending()
        except pluggy.PluginValidationError as fault:
            told = " ".join(str(fault).split())
            raise PluginBroken(
                f"{package.text}: {told}; hub/hooks.py has the hooks and their arguments"
            ) from None

    def _check_names(self, offered: Sequence[ConnectorType], package: Package) -> None:
        brought: set[tuple[str, str]] = set()
        for connector in offered:
            what, name = kind(connector), connector.name
            if name not in package.names:
                raise PluginBroken(
                    f"{package.text}: brings the {what} '{name}', but no file, folder or entry point is "
                    "named so; give them the same name"
                )
            if (what, name) in brought or (what, name) in self._found:
                other = package if (what, name) in brought else self._found[what, name][1]
                raise PluginBroken(
                    f"{package.text}: brings a {what} '{name}', and so does {other.text}; rename one"
                )
            brought.add((what, name))
        missing = package.names - {name for _, name in brought}
        if missing:
            raise PluginBroken(
                f"{package.text}: brings no connector named '{min(missing)}', as its file, folder or "
                "entry point is; give them the same name"
            )


def discover(folders: Sequence[Path] = ()) -> Registry:
    """What there is: names are read, nothing is imported yet."""
    return Registry([*built_in(), *in_folders(folders), *installed()])
