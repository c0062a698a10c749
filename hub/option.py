"""One declaration gives a setting its validation, help, schema, form and reference page.

class Settings(hub.Settings):
    api_key: hub.Secret = hub.Option("Private API key, from Settings > API keys.")
    revision: str = hub.Option("Which revision of the API to speak.", default="2026-07-15")
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, SecretStr
from pydantic_core import PydanticUndefined

_UNITS = {
    "ms": timedelta(milliseconds=1),
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}
_PART = re.compile(r"(\d+)(ms|[smhdw])", re.ASCII)
_LONGEST = timedelta(days=36_500)


class Secret(SecretStr):
    """A credential: given by `{ env = … }` or `{ file = … }`, never shown; `reveal()` is for the wire."""

    def reveal(self) -> str:
        """The secret itself; only for a header, a signature or a comparison."""
        return self.get_secret_value()


class Settings(BaseModel):
    """What a connector can be told; unknown options are refused, values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


def Option(help: str, *, default: Any = PydanticUndefined, **limits: Any) -> Any:
    """An option with its explanation; without a default it is required.

    `limits` are pydantic's (`ge`, `le`, `min_length`, `pattern` …).
    """
    if isinstance(default, list | dict | set):
        kept = default
        return Field(default_factory=kept.copy, description=help, **limits)
    return Field(default, description=help, **limits)


def duration(text: str) -> timedelta:
    """`90s`, `15m`, `1h30m`, `24h`, `30d`, `2w` as a timedelta; raises ValueError with the right form."""
    parts = _PART.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ValueError(f"'{text}' is not a duration; write 90s, 15m, 1h30m, 24h, 30d or 2w")
    try:
        span = sum((int(number) * _UNITS[unit] for number, unit in parts), timedelta())
    except (OverflowError, ValueError):
        span = timedelta.max
    if span > _LONGEST:
        raise ValueError("must be at most 100 years, as a duration: 36500d")
    return span


def duration_text(span: timedelta) -> str:
    """A timedelta as `duration` reads it."""
    left = span // timedelta(milliseconds=1)
    parts = []
    for unit, size in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)):
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"


def _as_duration(value: Any) -> Any:
    return duration(value) if isinstance(value, str) else value


Duration = Annotated[
    timedelta,
    BeforeValidator(_as_duration, json_schema_input_type=str),
    PlainSerializer(duration_text, return_type=str, when_used="json"),
]
"""A length of time, written as text: `15m`, `1h30m`, `30d`."""
