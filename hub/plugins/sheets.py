"""What there is to say of a connector: its options, actions and limits, and a block that works."""

from __future__ import annotations

from dataclasses import asdict, fields
from inspect import cleandoc
from typing import Any

from hub.config.listing import OptionHelp, explain
from hub.connector import ConnectorType, Delivery, HttpSink, Limits, Sink, actions, kind

_SAMPLES = {"whole number": "1", "number": "1.0", "true or false": "true", "duration": '"1h"'}
_GIVEN = [field.name for field in fields(Delivery)]
"""What an action is given: nobody maps fields, for each reads the delivery itself."""


def sheet(connector: ConnectorType) -> dict[str, Any]:
    """Everything about a connector, ready for JSON."""
    sink = connector if issubclass(connector, HttpSink | Sink) else None
    return {
        "name": connector.name,
        "kind": kind(connector),
        "summary": cleandoc(connector.__doc__ or "").partition("\n")[0],
        "options": [asdict(option) for option in explain(connector)],
        "actions": [
            {
                "name": action.name,
                "summary": action.summary,
                "fields": _GIVEN,
                "limits": _limits(action.limits),
            }
            for action in (actions(sink).values() if sink else ())
        ],
        "limits": _limits(sink.limits) if sink else {},
        "example": example(connector),
    }


def example(connector: ConnectorType) -> str:
    """Its own example, else the shortest block that names everything required."""
    if connector.example.strip():
        return connector.example.strip()
    what, name = kind(connector), connector.name
    lines = [f"[{what}s.my_{name}]", f'connector = "{name}"']
    if what == "transform":
        lines.append('on = ["source:site"]')
    lines += [f"{option.name} = {_sample(name, option)}" for option in explain(connector) if option.required]
    return "\n".join(lines)


def _sample(connector: str, option: OptionHelp) -> str:
    if option.type == "secret":
        return f'{{ env = "{connector.upper()}_{option.name.upper()}" }}'
    return _SAMPLES.get(option.type, '"…"')


def _limits(limits: Limits | None) -> dict[str, Any]:
    return {name: value for name, value in asdict(limits).items() if value} if limits else {}
