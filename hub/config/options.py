"""Validates a table with the pydantic model that declares its options, secrets looked up on the way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar, get_args, get_origin

from pydantic import BaseModel, ValidationError

from hub.config.lines import Path as Keys
from hub.config.reading import Reading, near
from hub.config.secrets import Secrets
from hub.config.words import alternatives, kind_of, said
from hub.errors import PluginBroken
from hub.option import Settings

M = TypeVar("M", bound=Settings)


def read_options(
    model: type[M],
    raw: Mapping[str, Any],
    keys: Keys,
    reading: Reading,
    *,
    also: Sequence[str] = (),
    off: bool = False,
) -> M | None:
    """The options, or None where there is a fault (noted in `reading`) or a secret that is not set.

    `also` are further options of the same table, to suggest when one is misspelt; in a block that is `off`
    a secret need not be set.
    """
    secrets = Secrets(reading, off=off)
    filled = {name: secrets.fill(kind_of(model, name), value, (*keys, name)) for name, value in raw.items()}
    try:
        options = model.model_validate(filled)
    except ValidationError as refused:
        _explain(refused, model, raw, _Told(keys, reading, secrets, tuple(also)))
        # What can be left out hides no fault in the rest.
        left = {name: value for name, value in raw.items() if name not in _not_needed(refused, model)}
        return read_options(model, left, keys, reading, off=off) if len(left) < len(raw) else None
    except Exception as fault:
        # Not `from fault`: its text may repeat a secret.
        raise PluginBroken(
            f"{model.__module__}: its options cannot be checked: {type(fault).__name__}; repair the connector"
        ) from None
    return None if secrets.hollow else options


def _not_needed(refused: ValidationError, model: type[BaseModel]) -> set[int | str]:
    """The options that have faults, where none of them has to be there."""
    required = {field.alias or name for name, field in model.model_fields.items() if field.is_required()}
    places = [error["loc"] for error in refused.errors(include_url=False, include_input=False)]
    wrong = {place[0] if place else "" for place in places}
    return set() if wrong & {*required, ""} else wrong


@dataclass(frozen=True)
class _Told:
    """Where faults of one table go, and what is not said again."""

    keys: Keys
    reading: Reading
    secrets: Secrets
    also: tuple[str, ...]

    def is_hollow(self, keys: Keys) -> bool:
        """Whether a secret without a value explains a fault here."""
        hollow = self.secrets.hollow
        return any(keys[: len(one)] == one or one[: len(keys)] == keys for one in hollow)


def _explain(refused: ValidationError, model: type[BaseModel], raw: Mapping[str, Any], told: _Told) -> None:
    problems: dict[Keys, list[str]] = {}
    for error in refused.errors(include_url=False, include_input=False):
        inside, kind = _locate(error["loc"], model, raw)
        keys = (*told.keys, *inside)
        if told.is_hollow(keys):
            continue
        if error["type"] == "extra_forbidden":
            words = [*_names(kind), *(told.also if len(inside) == 1 else ())]
            problem = f"unknown option; {near(str(inside[-1]), words)}"
        else:
            problem = said(error, kind)
        for secret, unset in told.secrets.placeholders.items():
            if keys[: len(secret)] == secret or secret[: len(keys)] == keys:
                problem = f"{unset}, and this connector does not take a placeholder"
        if problem not in problems.setdefault(keys, []):
            problems[keys].append(problem)
    for keys, several in problems.items():
        told.reading.fault(keys, told.secrets.hidden(", or ".join(several)))


def _locate(loc: tuple[int | str, ...], model: type[BaseModel], raw: Any) -> tuple[Keys, Any]:
    """pydantic's location without the names of types that it puts in between, and what is declared there."""
    inside: list[int | str] = []
    kind: Any = model
    for number, step in enumerate(loc):
        there = isinstance(raw, dict) and step in raw or isinstance(raw, list) and step in range(len(raw))
        declared = _declared(kind, step)
        last = number == len(loc) - 1
        if there:
            raw = raw[step]
        elif not (last and declared is not None and isinstance(raw, dict)):
            continue
        inside.append(step)
        kind = declared if declared is not None else kind
    return tuple(inside), kind


def _declared(kind: Any, step: int | str) -> Any:
    """The field (for a model's option) or type (for an item) that stands there; None where nothing does."""
    for one in alternatives(getattr(kind, "annotation", kind)):
        if _is_model(one):
            named = {field.alias or name: field for name, field in one.model_fields.items()}
            if step in named:
                return named[str(step)]
        elif get_args(one) and get_origin(one) is not Literal:
            return get_args(one)[-1 if isinstance(step, str) else 0]
    return None


def _names(kind: Any) -> list[str]:
    for one in alternatives(getattr(kind, "annotation", kind)):
        if _is_model(one):
            return [field.alias or name for name, field in one.model_fields.items()]
    return []


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)
