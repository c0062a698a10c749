"""Paths into a body: `data.id`, `items.0.sku`, `data["a.b"].id`."""

from __future__ import annotations

import re
from typing import Annotated, Any, NamedTuple

from pydantic import AfterValidator

Steps = tuple[str, ...]

_STEP = re.compile(
    r"""(?:^|(?!^)\.) (?P<plain> (?: [^.\[\]\\] | \\. )+ )
      | \[ (?: (?P<index> -?[0-9]{1,9} )
           | "(?P<double> (?: [^"\\] | \\. )* )"
           | '(?P<single> (?: [^'\\] | \\. )* )' ) \]
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_INDEX = re.compile(r"-?[0-9]{1,9}")


class Path(NamedTuple):
    """A path as it is written, for reasons, and the steps it takes."""

    text: str
    steps: Steps


def steps(text: str) -> Steps:
    """The steps of a path; none for the empty one, which is the body itself. Raises ValueError."""
    found = []
    at = 0
    while at < len(text):
        step = _STEP.match(text, at)
        if step is None:
            raise ValueError(f'character {at + 1}: a path is written data.id, items.0.sku or data["a.b"].id')
        found.append(_ESCAPED.sub(r"\1", step[step.lastgroup or 0]))
        at = step.end()
    return tuple(found)


def _checked(text: str) -> str:
    steps(text)
    return text


Place = Annotated[str, AfterValidator(_checked)]
"""A path as it is written in the settings."""


def path(text: str) -> Path:
    """A path of the settings; names of headers are those of any spelling."""
    found = steps(text)
    if len(found) == 2 and found[0] == "header":
        found = ("header", found[1].lower())
    return Path(text, found)


def find(there: Any, steps: Steps) -> Any:
    """What lies there; None where nothing does. Items of a list are counted from 0, or from -1 at its end."""
    for step in steps:
        if there.__class__ is dict:
            there = there.get(step)
        elif there.__class__ is list and _INDEX.fullmatch(step):
            number = int(step)
            there = there[number] if -len(there) <= number < len(there) else None
        else:
            return None
    return there
