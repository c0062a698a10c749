"""Refuses what is no connector, or one that people could not understand."""

from __future__ import annotations

import re
from typing import Any

from hub.config.blocks import SinkOptions, SourceOptions, TransformOptions
from hub.connector import ConnectorType, HttpSink, PollingSource, Sink, Source, Transform, actions, kind
from hub.errors import PluginBroken
from hub.option import Settings

SNAKE_CASE = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
OWN_OPTIONS = {
    "source": set(SourceOptions.model_fields),
    "sink": set(SinkOptions.model_fields),
    "transform": set(TransformOptions.model_fields),
}
"""Options that the hub understands in every block; a connector has none of these names."""


def examine(connector: Any, text: str) -> None:
    """Raises PluginBroken, which says what to change."""
    said = _objection(connector)
    if said:
        raise PluginBroken(f"{text}: {getattr(connector, '__name__', repr(connector))}: {said}")


def _objection(connector: Any) -> str | None:
    if not isinstance(connector, type) or not issubclass(
        connector, Source | PollingSource | Transform | HttpSink | Sink
    ):
        return "is no Source, PollingSource, Transform, HttpSink or Sink; connectors() returns classes"
    name = getattr(connector, "name", None)
    if not isinstance(name, str):
        return 'has no name; add name = "…" in its class'
    if not SNAKE_CASE.fullmatch(name):
        return f"the name {name!r} is not in snake_case; use a-z, 0-9 and _"
    if not (connector.__doc__ or "").strip():
        return "has no docstring; its first line is the summary that people read"
    if not isinstance(connector.Settings, type) or not issubclass(connector.Settings, Settings):
        return "its Settings are no hub.Settings"
    return _odd_parts(connector)


def _odd_parts(connector: ConnectorType) -> str | None:
    taken = OWN_OPTIONS[kind(connector)] & set(connector.Settings.model_fields)
    if taken:
        return f"the option '{min(taken)}' is the hub's own; choose another name"
    if issubclass(connector, HttpSink | Sink):
        offered = actions(connector)
        if not offered:
            return "offers no action; mark a method with @hub.action"
        odd = [name for name in offered if not SNAKE_CASE.fullmatch(name)]
        if odd:
            return f"the action {odd[0]!r} is not in snake_case; use a-z, 0-9 and _"
    return None
