"""What pydantic objects to and what a type is called, in the words of someone who writes TOML."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from enum import Enum
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, SecretStr

from hub.config.sizes import size
from hub.liquid import Template

_DURATION = "must be a duration in quotes: 90s, 15m, 1h30m, 24h, 30d or 2w"
_EXPECTED = {
    "string_type": "must be text in quotes",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "list_type": "must be a list: [ … ]",
    "tuple_type": "must be a list: [ … ]",
    "set_type": "must be a list: [ … ]",
    "frozen_set_type": "must be a list: [ … ]",
    "dict_type": "must be a table: { … }",
    "model_type": "must be a table: { … }",
    "model_attributes_type": "must be a table: { … }",
    "path_type": "must be a path in quotes",
    "time_delta_type": _DURATION,
    "time_delta_parsing": _DURATION,
}
_BOUNDS: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "greater_than": lambda c: f"must be more than {_bound(c['gt'])}",
    "greater_than_equal": lambda c: f"must be at least {_bound(c['ge'])}",
    "less_than": lambda c: f"must be less than {_bound(c['lt'])}",
    "less_than_equal": lambda c: f"must be at most {_bound(c['le'])}",
    "string_too_short": lambda c: "must not be empty" if c["min_length"] == 1 else _length(c, "min"),
    "string_too_long": lambda c: _length(c, "max"),
    "too_short": lambda c: "must not be empty" if c["min_length"] == 1 else _length(c, "min", "items"),
    "too_long": lambda c: _length(c, "max", "items"),
    "string_pattern_mismatch": lambda c: f"must look like {c['pattern']}",
    "literal_error": lambda c: f"must be {c['expected']}",
    "enum": lambda c: f"must be {c['expected']}",
    "value_error": lambda c: str(c["error"]),
    "assertion_error": lambda c: str(c["error"]),
}


def _bound(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _length(context: Mapping[str, Any], bound: str, what: str = "characters") -> str:
    return f"must have at {'least' if bound == 'min' else 'most'} {context[f'{bound}_length']} {what}"


def said(error: Mapping[str, Any], declared: Any) -> str:
    """An error of pydantic's, and what to do; never the value, which may be a secret."""
    kind = error["type"]
    if kind == "missing":
        return f"required: {getattr(declared, 'description', None) or type_text(declared)}"
    if kind in _BOUNDS:
        return _BOUNDS[kind](error.get("ctx", {}))
    if kind == "string_type" and type_text(getattr(declared, "annotation", declared)) == "secret":
        return 'must be { env = "NAME" } or { file = "path" }'
    if kind in _EXPECTED:
        return _EXPECTED[kind]
    message = str(error["msg"])
    return message[:1].lower() + message[1:]


_NAMES: Mapping[Any, str] = {
    str: "text",
    bool: "true or false",
    int: "whole number",
    float: "number",
    timedelta: "duration",
    Path: "path",
    Template: "template",
    Any: "anything",
}


def type_text(kind: Any) -> str:
    """What an option takes: `text`, `list of secret`, `duration`, `'auto' or 'json'` …"""
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return "size" if any(getattr(mark, "func", None) is size for mark in inner) else type_text(inner[0])
    if origin in (Union, UnionType):
        return " or ".join(dict.fromkeys(type_text(one) for one in inner if one is not NoneType))
    if origin is Literal:
        return " or ".join(f"'{one}'" if isinstance(one, str) else str(one) for one in inner)
    if origin in (list, tuple, set, frozenset):
        return f"list of {type_text(inner[0])}"
    if origin in (dict, Mapping) or (isinstance(kind, type) and issubclass(kind, dict | BaseModel)):
        return f"table of {type_text(inner[1])}" if inner else "table"
    if isinstance(kind, type) and issubclass(kind, SecretStr):
        return "secret"
    if isinstance(kind, type) and issubclass(kind, Enum):
        return " or ".join(f"'{one.value}'" for one in kind)
    return _NAMES.get(kind, getattr(kind, "__name__", "anything"))


def alternatives(kind: Any) -> tuple[Any, ...]:
    """The types that an annotation allows, without Annotated and None."""
    origin = get_origin(kind)
    if origin is Annotated:
        return alternatives(get_args(kind)[0])
    if origin in (Union, UnionType):
        return tuple(one for part in get_args(kind) for one in alternatives(part))
    return () if kind is NoneType else (kind,)


def kind_of(model: type[BaseModel], name: str) -> Any:
    """The type of a model's option, by the name it has in TOML."""
    for field_name, field in model.model_fields.items():
        if name == (field.alias or field_name):
            return field.annotation
    return Any
