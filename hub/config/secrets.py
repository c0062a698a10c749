"""Secrets come by reference: from the environment or from a file, never from the text itself."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, get_args, get_origin

from pydantic import BaseModel

from hub.config.lines import Path as Keys
from hub.config.reading import Reading
from hub.config.words import alternatives, kind_of
from hub.option import Secret

_PLAIN = (str, int, float, bool, Path)
_LISTS = (list, tuple, set, frozenset, Sequence)
_TABLES = (dict, Mapping)


class Secrets:
    """Puts secrets in place of their references, and whole paths in place of relative ones."""

    def __init__(self, reading: Reading, *, off: bool = False) -> None:
        self.reading = reading
        self.off = off
        self.hollow: set[Keys] = set()
        """Secrets without a value, which was told already."""
        self.placeholders: dict[Keys, str] = {}
        self._found: set[str] = set()

    def fill(self, kind: Any, value: Any, keys: Keys) -> Any:
        kinds = alternatives(kind)
        reference = _reference(value)
        if any(_is_secret(one) for one in kinds):
            if reference:
                return self._look_up(*reference, keys)
            if isinstance(value, str) and str not in kinds:
                self.reading.fault(
                    keys, 'a secret is not written here; give { env = "NAME" } or { file = "path" }'
                )
                self.hollow.add(keys)
                return Secret("")
        if reference and kinds and all(one in _PLAIN for one in kinds):
            self.reading.fault(keys, "only secrets are given by reference; write the value itself")
            self.hollow.add(keys)
            return value
        if isinstance(value, str) and Path in kinds:
            return self.reading.base / value
        return self._fill_inside(kinds, value, keys)

    def hidden(self, text: str) -> str:
        """A text without the secrets that a connector's own check may have put into it."""
        for secret in sorted(self._found, key=len, reverse=True):
            text = text.replace(secret, "…")
        return text

    def _fill_inside(self, kinds: Sequence[Any], value: Any, keys: Keys) -> Any:
        if isinstance(value, list):
            item = next((get_args(one)[0] for one in kinds if get_origin(one) in _LISTS), Any)
            return [self.fill(item, one, (*keys, number)) for number, one in enumerate(value)]
        if not isinstance(value, dict):
            return value
        models = [one for one in kinds if isinstance(one, type) and issubclass(one, BaseModel)]
        if models:
            # Of several tables the one that knows these options, so that its own faults are shown.
            fits = [one for one in models if all(kind_of(one, name) is not Any for name in value)]
            model = (fits or models)[0]
            return {name: self.fill(kind_of(model, name), v, (*keys, name)) for name, v in value.items()}
        item = next((get_args(one)[1] for one in kinds if get_origin(one) in _TABLES), Any)
        return {name: self.fill(item, one, (*keys, name)) for name, one in value.items()}

    def _look_up(self, place: str, name: str, keys: Keys) -> Secret:
        found, problem = self._from_environment(name) if place == "env" else self._from_file(name, keys)
        if not problem:
            self._found.add(found)
            return Secret(found)
        if self.reading.unset == "placeholder" and not self.off:
            self.placeholders[keys] = problem
            return Secret(f"unset-{re.sub('[^A-Za-z0-9]+', '-', name).strip('-')}")
        self.hollow.add(keys)
        if not self.off:
            note = self.reading.fault if self.reading.unset == "fault" else self.reading.warn
            note(keys, problem)
        return Secret("")

    def _from_environment(self, name: str) -> tuple[str, str]:
        value = self.reading.environ.get(name)
        if value is None:
            return "", f"the environment variable {name} is not set"
        # As from a file: an end of line came along unasked, and no header can hold it.
        value = value.rstrip("\r\n")
        return value, "" if value else f"the environment variable {name} is empty"

    def _from_file(self, name: str, keys: Keys) -> tuple[str, str]:
        path = self.reading.base / name
        try:
            value = path.read_text("utf-8").rstrip("\r\n")
            mode = path.stat().st_mode
        except (OSError, UnicodeDecodeError, ValueError) as fault:
            why = fault.strerror if isinstance(fault, OSError) else "it is not UTF-8 text"
            return "", f"the secret's file {name} cannot be read: {why}"
        if mode & 0o004:
            self.reading.warn(keys, f"everyone on this machine can read {name}; chmod 600 {name}")
        return value, "" if value else f"the secret's file {name} is empty"


def _is_secret(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Secret)


def _reference(value: Any) -> tuple[str, str] | None:
    if isinstance(value, dict) and len(value) == 1:
        [(place, name)] = value.items()
        if place in ("env", "file") and isinstance(name, str) and name:
            return place, name
    return None
