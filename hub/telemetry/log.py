"""The log: changes of state, once down and once up, with nobody's data in it."""

from __future__ import annotations

import re
import sys
import traceback
from collections.abc import Iterable, Mapping, MutableMapping
from contextlib import suppress
from typing import Any, Literal

from hub.errors import HubError

_HIDDEN_KEYS = re.compile(
    r"secret|token|passw|authoriz|cookie|api_?key|write_?key|^key$|signature|email|phone|identifier|traits"
    r"|propert|payload|body|^address$",
    re.IGNORECASE,
)
_EMAIL = re.compile(r"[^\s@<>\"']{1,64}@[^\s@<>\"']{1,255}")
_guarded: set[str] = set()


def guard(values: Iterable[str]) -> None:
    """From now on these secrets are blotted out wherever they would be logged."""
    _guarded.update(value for value in values if len(value) >= 4)


def redacted(value: Any, key: str = "") -> Any:
    """A value as it may be logged: no secret, nobody's data."""
    if key and _HIDDEN_KEYS.search(key):
        return "[hidden]"
    if isinstance(value, str):
        for secret in _guarded:
            if secret in value:
                value = value.replace(secret, "[hidden]")
        return _EMAIL.sub("[email]", value) if "@" in value else value
    if isinstance(value, Mapping):
        return {redacted(str(name)): redacted(item, str(name)) for name, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [redacted(item) for item in value]
    return value if isinstance(value, int | float | type(None)) else redacted(str(value))


def where(fault: BaseException) -> str:
    """A traceback without the values that the fault's own text may hold.

    Only the errors of our tree are told with their text: it is made for people.
    """
    frames = "".join(traceback.format_tb(fault.__traceback__))
    text = f": {fault}" if isinstance(fault, HubError) else ""
    return f"{frames}{type(fault).__name__}{text}"


def place(fault: BaseException) -> str:
    """The innermost line of code of a fault, to tell one bug from another."""
    frames = traceback.extract_tb(fault.__traceback__)
    return (
        f"{type(fault).__name__} at {frames[-1].filename}:{frames[-1].lineno}"
        if frames
        else type(fault).__name__
    )


class Log:
    """Says what changed; the library behind it is loaded with the first line."""

    def __init__(self) -> None:
        self._logger: Any = None
        self._form: str = "auto"

    def set_up(self, form: Literal["auto", "json", "text"] = "auto") -> None:
        """Chooses JSON lines or text; `auto` is text where a person looks on."""
        self._form, self._logger = form, None
        _listen_to_libraries(self)

    def info(self, event: str, **fields: Any) -> None:
        """Good to know."""
        self._ready().info(event, **fields)

    def warning(self, event: str, **fields: Any) -> None:
        """Somebody should look at it today."""
        self._ready().warning(event, **fields)

    def error(self, event: str, **fields: Any) -> None:
        """Somebody should look at it now."""
        self._ready().error(event, **fields)

    def bug(self, event: str, fault: BaseException, **fields: Any) -> None:
        """A fault that nobody foresaw, with where it happened."""
        self._ready().error(event, **fields, fault=type(fault).__name__, where=where(fault))

    def _ready(self) -> Any:
        if self._logger is None:
            self._logger = _structlog(self._form)
        return self._logger


log = Log()
"""The one log of the house."""


def _blot(_: Any, __: str, said: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return {key: redacted(value, key) for key, value in said.items()}


class _Stderr:
    """The error output of this moment; one that is gone costs a line and nothing more."""

    def write(self, text: str) -> None:
        with suppress(OSError, ValueError):
            sys.stderr.write(text)

    def flush(self) -> None:
        with suppress(OSError, ValueError):
            sys.stderr.flush()


def _structlog(form: str) -> Any:
    import structlog

    if form == "auto":
        form = "text" if sys.stderr.isatty() else "json"
    renderer: Any = (
        structlog.processors.JSONRenderer(serializer=_json)
        if form == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    return structlog.wrap_logger(
        structlog.WriteLogger(_Stderr()),  # type: ignore[arg-type]
        wrapper_class=structlog.make_filtering_bound_logger("info"),
        processors=[
            structlog.processors.add_log_level,
            _blot,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
            renderer,
        ],
    )


def _json(said: Any, **_: Any) -> str:
    import msgspec

    return msgspec.json.encode(said).decode()


def _listen_to_libraries(log: Log) -> None:
    import logging

    class Ear(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            # The words without what was filled into them: that may be anybody's data.
            fault = record.exc_info[1] if record.exc_info else None
            fields = {"library": record.name, "said": str(record.msg)}
            if fault is None:
                log.warning("library said", **fields)
            else:
                log.bug("library said", fault, **fields)

    root = logging.getLogger()
    root.handlers = [Ear(logging.WARNING)]
    root.setLevel(logging.WARNING)
