"""One id for one delivery, whoever asks and however often."""

from __future__ import annotations

from hashlib import blake2b


def delivery_id(source: str, event_id: str, sink: str, action: str) -> str:
    """The same event, sink and action always get the same id: 32 hexadecimal digits."""
    said = f"{source}\0{event_id}\0{sink}\0{action}"
    return blake2b(said.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
