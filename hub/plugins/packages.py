"""Where connectors come from: built in, in folders, and installed; found by name, imported when needed."""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import TypeVar

from hub import __version__
from hub.connector import ConnectorType
from hub.errors import PluginBroken
from hub.plugins import quiet_import

BUILT_IN = "connectors"
GROUP = "hub"

T = TypeVar("T")


@dataclass(slots=True)
class Package:
    """Something that brings connectors: which names it may bring, and how it is imported."""

    text: str
    """How people know it: a module, a file, or a distribution."""
    module: str
    names: set[str]
    version: str
    load: Callable[[], ModuleType]
    built_in: bool = False
    place: Path | None = None
    """Its file or folder, where that can be told without importing it."""
    connectors: tuple[ConnectorType, ...] | None = None
    """None until the package is enabled."""


def built_in() -> Iterator[Package]:
    """The connectors that come with the hub, one module or folder each."""
    spec = importlib.util.find_spec(BUILT_IN)
    places = spec.submodule_search_locations if spec else None
    for found in pkgutil.iter_modules(places):
        if not found.name.startswith("_"):
            yield _importable(f"{BUILT_IN}.{found.name}", found.name)


def _importable(module: str, name: str) -> Package:
    return Package(module, module, {name}, __version__, _loader(module), built_in=True)


def in_folders(folders: Sequence[Path]) -> Iterator[Package]:
    """The modules and packages in these folders; a folder that is a package itself is one."""
    for folder in folders:
        if not folder.is_dir():
            raise PluginBroken(f"{folder}: no such folder; [hub] plugins names folders that hold connectors")
        for place in _modules(folder):
            # A name of its own, so that it hides nothing that is installed.
            digest = blake2b(str(place.resolve()).encode(), digest_size=6).hexdigest()
            module = f"hub_plugin_{digest}_{place.stem}"
            yield Package(str(place), module, {place.stem}, "", _from_file(place, module), place=place)


def _modules(folder: Path) -> list[Path]:
    if (folder / "__init__.py").is_file():
        return [folder]
    modules = [file for file in folder.glob("*.py") if not file.name.startswith("_")]
    packages = [file.parent for file in folder.glob("*/__init__.py")]
    return sorted([*modules, *packages])


def _from_file(place: Path, name: str) -> Callable[[], ModuleType]:
    file, inside = (place / "__init__.py", [str(place)]) if place.is_dir() else (place, None)

    def load() -> ModuleType:
        if name in sys.modules:
            return sys.modules[name]
        spec = importlib.util.spec_from_file_location(name, file, submodule_search_locations=inside)
        assert spec is not None and spec.loader is not None
        module = sys.modules[name] = importlib.util.module_from_spec(spec)
        try:
            spec.loader.exec_module(module)
        except BaseException:
            del sys.modules[name]
            raise
        return module

    return load


def installed() -> Iterator[Package]:
    """Installed packages; the entry points that lead to one module are one package."""
    packages: dict[tuple[str, str], Package] = {}
    for point in metadata.entry_points(group=GROUP):
        name, version = (point.dist.name, point.dist.version) if point.dist else (point.module, "")
        made = packages.setdefault(
            (name, point.module),
            Package(name, point.module, set(), version, _loader(point.module), place=_place(point.module)),
        )
        made.names.add(point.name)
    yield from packages.values()


def _place(module: str) -> Path | None:
    """The file or folder of the package that a module is part of; None where there is no such thing."""
    try:
        spec = importlib.util.find_spec(module.partition(".")[0])
    except (ImportError, ValueError):
        return None
    if spec is None or spec.origin is None:
        return None
    file = Path(spec.origin)
    return file.parent if file.name == "__init__.py" else file


def _loader(module: str) -> Callable[[], ModuleType]:
    return lambda: importlib.import_module(module)


def quietly(package: Package, step: Callable[[], T], doing: str) -> T:
    """The result of a step of loading; PluginBroken where it fails, or does more than define things."""
    try:
        with quiet_import.watched() as done:
            result = step()
    except quiet_import.NotQuiet:
        pass
    except (Exception, SystemExit) as fault:
        told = f"{type(fault).__name__}: {' '.join(str(fault).split())}"
        raise PluginBroken(f"{package.text}: {doing} failed: {told}; repair or remove it") from fault
    if done:
        # What is left of it would pass the next time, since it would not be imported again.
        for name in [one for one in sys.modules if f"{one}.".startswith(f"{package.module}.")]:
            del sys.modules[name]
        raise PluginBroken(f"{package.text}: {doing} {done[0]}; that belongs in open(), not here")
    return result
