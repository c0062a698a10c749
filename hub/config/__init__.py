"""Reads, checks and explains plugins.toml: every fault at once, each with its place and what to do."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from hub.config.model import (
    Config,
    Connectors,
    HubTable,
    IdentifierKind,
    IdentityTable,
    Route,
    SinkBlock,
    SourceBlock,
    TransformBlock,
    UnknownConnector,
)

__all__ = [
    "Config",
    "Connectors",
    "Discover",
    "HubTable",
    "IdentifierKind",
    "IdentityTable",
    "Route",
    "SinkBlock",
    "SourceBlock",
    "TransformBlock",
    "UnknownConnector",
    "Unset",
    "from_resolved",
    "read",
]

Unset = Literal["fault", "warn", "placeholder"]
"""What a secret means whose environment variable or file is not there: `run`, `check`, `preview`."""

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
    raise NotImplementedError


def from_resolved(
    resolved: bytes,
    discover: Discover,
    *,
    base: Path,
    environ: Mapping[str, str] = os.environ,
    unset: Unset = "fault",
) -> Config:
    """The same configuration from a CONFIG entry of the journal."""
    raise NotImplementedError
