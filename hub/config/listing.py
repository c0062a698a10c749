"""What a connector can be told: for people as a listing, for editors as JSON schema."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from typing import Annotated, Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from hub.config.blocks import SinkOptions, SourceOptions, TransformOptions
from hub.config.hub_table import HubOptions
from hub.config.people import ConsentOptions, IdentityOptions, KindOptions
from hub.config.routes import RouteOptions
from hub.config.syncs import SyncOptions
from hub.config.templates import TemplateOptions
from hub.config.words import alternatives, type_text
from hub.connector import ConnectorType
from hub.option import duration_text

_SECRET = {
    "type": "object",
    "description": "A secret, by reference.",
    "minProperties": 1,
    "maxProperties": 1,
    "additionalProperties": False,
    "properties": {"env": {"type": "string"}, "file": {"type": "string"}},
}
_TABLES: Mapping[str, type[BaseModel]] = {
    "hub": HubOptions,
    "sources.LABEL": SourceOptions,
    "sinks.LABEL": SinkOptions,
    "transforms.NAME": TransformOptions,
    "routes.NAME": RouteOptions,
    "templates.NAME": TemplateOptions,
    "sync.NAME": SyncOptions,
    "identity": IdentityOptions,
    "identity.kinds.NAME": KindOptions,
    "consent": ConsentOptions,
}


@dataclass(frozen=True, slots=True)
class OptionHelp:
    """One option: what it takes, its default as TOML (None where there is none), what it is for."""

    name: str
    type: str
    default: str | None
    required: bool
    help: str


def explain(connector: ConnectorType) -> tuple[OptionHelp, ...]:
    """The connector's own options, in the order in which it declares them; those of a table are dotted."""
    return tuple(_options(connector.Settings))


def hub_options() -> dict[str, tuple[OptionHelp, ...]]:
    """The hub's own options in each table: those that every source, sink, route … has."""
    return {name: tuple(_options(model)) for name, model in _TABLES.items()}


def schema(connector: ConnectorType) -> dict[str, Any]:
    """The JSON schema of the connector's options as they are written; secrets are references."""
    made = connector.Settings.model_json_schema()
    written: dict[str, Any] = _with_references(made)
    if written != made:
        written.setdefault("$defs", {})["Secret"] = _SECRET
    return written


def _with_references(part: Any) -> Any:
    if isinstance(part, list):
        return [_with_references(one) for one in part]
    if not isinstance(part, dict):
        return part
    if part.get("format") == "password" and part.get("type") == "string":
        told = {key: part[key] for key in ("title", "description") if key in part}
        return {"$ref": "#/$defs/Secret", **told}
    return {key: _with_references(one) for key, one in part.items()}


def _options(model: type[BaseModel], prefix: str = "") -> Iterator[OptionHelp]:
    for field_name, field in model.model_fields.items():
        name = prefix + (field.alias or field_name)
        kind = Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation
        yield OptionHelp(name, type_text(kind), _default(field), field.is_required(), field.description or "")
        for inner in alternatives(field.annotation):
            if isinstance(inner, type) and issubclass(inner, BaseModel):
                yield from _options(inner, f"{name}.")


def _default(field: FieldInfo) -> str | None:
    value = None if field.is_required() else field.get_default(call_default_factory=True)
    return None if value is None or isinstance(value, BaseModel) else _toml(value)


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return f"{value:g}" if isinstance(value, float) else str(value)
    if isinstance(value, timedelta):
        return f'"{duration_text(value)}"'
    if isinstance(value, list | tuple | set | frozenset):
        return f"[{', '.join(_toml(one) for one in value)}]"
    if isinstance(value, Mapping):
        pairs = ", ".join(f"{key} = {_toml(one)}" for key, one in value.items())
        return f"{{ {pairs} }}" if pairs else "{}"
    text = str(value.value if isinstance(value, Enum) else value)
    return f"'{text}'" if '"' in text or "\\" in text else f'"{text}"'
