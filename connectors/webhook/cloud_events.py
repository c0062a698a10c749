"""CloudEvents 1.0 over HTTP: in headers, as an object, as a list of objects.

https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

import hub

_JSON = re.compile(r"[^;]*[/+]json\s*(?:;|$)", re.IGNORECASE)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_REQUIRED = ("specversion", "id", "source", "type")


@dataclass(frozen=True, slots=True)
class CloudEvent:
    """One event: what is said of it (`attributes`), and what it says (`data`)."""

    attributes: dict[str, Any]
    data: Any

    @property
    def id(self) -> str:
        """What is the same of a repeat, and of nothing else: a source has no space in it."""
        return f"{self.attributes['source']} {self.attributes['id']}"


def is_structured(body: Any) -> bool:
    """An object that says it is a CloudEvent, whatever the content type."""
    return isinstance(body, dict) and "specversion" in body and ("type" in body or "source" in body)


def from_object(body: dict[str, Any]) -> CloudEvent:
    """The CloudEvent in an object; raises BadEvent where something required is missing."""
    attributes = {name: value for name, value in body.items() if name not in ("data", "data_base64")}
    return _whole(attributes, _data(body))


def _data(body: Mapping[str, Any]) -> Any:
    coded = body.get("data_base64")
    if not isinstance(coded, str):
        return body.get("data")
    try:
        data = base64.b64decode(coded, validate=True)
    except (binascii.Error, ValueError):
        raise hub.BadEvent("the CloudEvent's data_base64 is no base64") from None
    kind = body.get("datacontenttype")
    return _parsed(data, kind if isinstance(kind, str) else "")


def from_headers(inbound: hub.Inbound) -> CloudEvent | None:
    """The CloudEvent whose attributes are headers (ce-…); None where there is none. Raises BadEvent."""
    if inbound.header("ce-specversion") is None:
        return None
    attributes: dict[str, Any] = {
        name[3:]: _text(value) for name, value in inbound.headers.items() if name.startswith("ce-")
    }
    kind = inbound.header("content-type") or ""
    if kind:
        attributes["datacontenttype"] = _text(kind)
    return _whole(attributes, _parsed(inbound.body, kind))


def _whole(attributes: dict[str, Any], data: Any) -> CloudEvent:
    for name in _REQUIRED:
        value = attributes.get(name)
        if not isinstance(value, str) or not value.strip():
            raise hub.BadEvent(f"the CloudEvent has no {name}")
    return CloudEvent(attributes, data)


def _parsed(data: bytes, kind: str) -> Any:
    """Data as JSON; as text, or base64, only where it is not said to be JSON."""
    if not data.strip():
        return None
    try:
        return hub.Inbound("POST", "", body=data).json()
    except hub.BadPayload:
        if _JSON.match(kind):
            raise hub.BadEvent("the CloudEvent's data is no JSON") from None
    try:
        return data.decode().replace("\0", "")
    except UnicodeDecodeError:
        return base64.b64encode(data).decode()


def _text(header: str) -> str:
    """A header's value: its bytes are UTF-8, quotes are undone, and then percent signs."""
    text = header.encode("latin-1", "replace").decode("utf-8", "replace").strip()
    if len(text) > 1 and text[0] == text[-1] == '"':
        text = _ESCAPED.sub(r"\1", text[1:-1])
    return unquote(text, errors="replace").replace("\0", "")
