"""Sizes as people write them: `32KB`, `10MB`, `1GB`."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BeforeValidator

_SIZE = re.compile(r"(\d+) ?(B|KB|MB|GB)")
_SIZES = {"B": 1, "KB": 1024, "MB": 1024**2, "GB": 1024**3}


def size(value: Any) -> Any:
    """`32KB`, `10MB`, `1GB` as bytes (1 KB is 1,024 bytes); a number is bytes already."""
    if not isinstance(value, str):
        return value
    found = _SIZE.fullmatch(value.strip())
    if found is None:
        raise ValueError(f"'{value}' is not a size; write 512B, 32KB, 10MB or 1GB")
    return int(found[1]) * _SIZES[found[2]]


Size = Annotated[int, BeforeValidator(size, json_schema_input_type=int | str)]
"""Bytes, as a number or as text: `32KB`."""
