"""[templates.*]: words for messages, each field written here or in a file beside."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from hub.config.lines import Path as Keys
from hub.config.options import read_options
from hub.config.reading import Reading, near
from hub.errors import ConfigFault
from hub.option import Option, Settings

_FIELD = re.compile(r"[a-z][a-z0-9_]{0,63}")
_PATH = re.compile(r"[^.\s]+(\.[^.\s]+)*")


class TemplateOptions(Settings):
    """Words for a message. Any other name is a field too; `{ file = "path" }` reads one from a file."""

    subject: str | None = Option("A field: the subject line, in Liquid.", default=None)
    html: str | None = Option("A field in HTML: what values hold is escaped.", default=None)
    text: str | None = Option("A field: plain text.", default=None)
    title: str | None = Option("A field: the headline of a push message.", default=None)
    body: str | None = Option("A field: what a push message says.", default=None)
    vendor: str | None = Option("The id of the template that is kept at the vendor.", default=None)
    needs: list[str] = Option(
        "Variables or paths, such as person.first_name, without which nothing is said.", default=[]
    )
    fallback: str | None = Option("The template that is used where what it needs is missing.", default=None)
    mobile: dict[str, str] = Option(
        "Fields that are used instead where person.last_device is mobile.", default={}
    )


NOT_FIELDS = ("vendor", "needs", "fallback", "mobile")


def read_templates(reading: Reading) -> None:
    """Checks [templates.*] and reads its files into the tables, so that what is in force stays as it is."""
    blocks = reading.blocks("templates")
    files = _inline(blocks, reading)
    for name, raw in blocks.items():
        keys = ("templates", name)
        fields = {key: text for key, text in raw.items() if key not in NOT_FIELDS}
        own = {key: value for key, value in raw.items() if key in TemplateOptions.model_fields}
        read_options(TemplateOptions, own, keys, reading)
        for key in fields:
            if not _check_name(key, (*keys, key), reading):
                continue
            if key not in TemplateOptions.model_fields and not isinstance(raw[key], str):
                reading.fault((*keys, key), 'must be text in quotes, or { file = "path" }')
        _check_needs(raw.get("needs"), (*keys, "needs"), reading)
        mobile = raw.get("mobile")
        for key in mobile if isinstance(mobile, dict) else ():
            _check_mobile(key, (*keys, "mobile", key), reading)
    for place, text in _texts(blocks):
        _check_text(place, text, files.get(place), reading)
    _check_fallbacks(blocks, reading)


def _inline(blocks: Mapping[str, dict[str, Any]], reading: Reading) -> dict[Keys, Path]:
    """Puts the text of files in place of their names; says which text came from where."""
    files: dict[Keys, Path] = {}
    for keys, table in _tables(blocks):
        for key, value in table.items():
            named = value.get("file") if isinstance(value, dict) and len(value) == 1 else None
            if isinstance(named, str) and key not in NOT_FIELDS:
                # Relative to the file that names it, which may be an included one.
                files[*keys, key] = path = Path(reading.place((*keys, key))[0]).parent / named
                table[key] = _content(path, (*keys, key), reading)
    return files


def _tables(blocks: Mapping[str, dict[str, Any]]) -> Iterator[tuple[Keys, dict[str, Any]]]:
    """Each template, and its table for small screens."""
    for name, raw in blocks.items():
        yield ("templates", name), raw
        mobile = raw.get("mobile")
        if isinstance(mobile, dict):
            yield ("templates", name, "mobile"), mobile


def _content(path: Path, keys: Keys, reading: Reading) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError:
        reading.fault(keys, f"{path} is not UTF-8; save it as UTF-8")
    except (OSError, ValueError) as fault:
        why = fault.strerror if isinstance(fault, OSError) and fault.strerror else type(fault).__name__
        reading.fault(keys, f"{path} cannot be read: {why}")
    return ""


def _texts(blocks: Mapping[str, dict[str, Any]]) -> Iterator[tuple[Keys, str]]:
    for keys, table in _tables(blocks):
        for key, value in table.items():
            if key not in NOT_FIELDS and isinstance(value, str):
                yield (*keys, key), value


def _check_text(keys: Keys, text: str, file: Path | None, reading: Reading) -> None:
    from hub.liquid import Template, TemplateRefused

    try:
        Template(text)
    except TemplateRefused as fault:
        if file is None:
            reading.fault(keys, str(fault))
        else:
            where = reading.place(keys)
            problem = f"{fault.problem} (used by {'.'.join(map(str, keys))}, {where[0]}:{where[1]})"
            reading.faults.append(ConfigFault(str(file), fault.line, "", problem))


def _check_name(name: str, keys: Keys, reading: Reading) -> bool:
    if not _FIELD.fullmatch(name):
        reading.fault(keys, "a field has a-z, 0-9 and _ only, such as subject")
        return False
    meant = get_close_matches(name, NOT_FIELDS, 1, cutoff=0.75)
    if name in TemplateOptions.model_fields or not meant:
        return True
    # A slip here would be taken for one more field.
    reading.fault(keys, f"unknown option; did you mean '{meant[0]}'?")
    return False


def _check_needs(written: Any, keys: Keys, reading: Reading) -> None:
    for number, path in enumerate(written if isinstance(written, list) else ()):
        if isinstance(path, str) and not _PATH.fullmatch(path):
            # Nothing is ever found there, so nothing would ever be said.
            reading.fault((*keys, number), "must be a variable or a path, such as person.first_name")


def _check_mobile(name: str, keys: Keys, reading: Reading) -> None:
    if name in NOT_FIELDS:
        reading.fault(keys, f"only fields stand here; '{name}' belongs to the template")
    else:
        _check_name(name, keys, reading)


def _check_fallbacks(blocks: Mapping[str, Mapping[str, Any]], reading: Reading) -> None:
    for name, raw in blocks.items():
        keys = ("templates", name, "fallback")
        further = raw.get("fallback")
        if isinstance(further, str) and further not in blocks:
            reading.fault(keys, f"no template '{further}'; {near(further, blocks)}")
        circle = _circle(name, blocks)
        # Each of a circle's templates leads around it: the first one tells it.
        if circle and name == min(circle):
            reading.fault(keys, f"falls back in a circle: {' → '.join([*circle, name])}; end it somewhere")


def _circle(name: str, blocks: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The templates that lead from one back to itself by their fallbacks; none where they do not."""
    way = [name]
    while isinstance(further := blocks[way[-1]].get("fallback"), str) and further in blocks:
        if further == name:
            return way
        if further in way:
            break
        way.append(further)
    return []
