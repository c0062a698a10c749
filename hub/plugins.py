"""Finds, checks and enables connectors: built in, in folders, and installed (entry points "hub")."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from hub.config.model import SinkType, SourceType, TransformType


@dataclass(frozen=True, slots=True)
class Known:
    """One connector in the listing; `kind` is empty while its package is not loaded."""

    name: str
    kind: Literal["source", "sink", "transform", ""]
    package: str
    version: str
    loaded: bool


class Registry:
    """The connectors that can be had; a package is imported when one of its names is first asked for."""

    def source(self, name: str) -> SourceType:
        raise NotImplementedError

    def sink(self, name: str) -> SinkType:
        raise NotImplementedError

    def transform(self, name: str) -> TransformType:
        raise NotImplementedError

    def known(self) -> list[Known]:
        raise NotImplementedError


def discover(folders: Sequence[Path] = ()) -> Registry:
    """What there is: nothing is imported yet."""
    raise NotImplementedError
