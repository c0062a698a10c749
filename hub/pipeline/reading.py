"""An entry of the journal as the event that it is."""

from __future__ import annotations

import msgspec

from hub.event import Event
from hub.store.port import Entry

_event = msgspec.json.Decoder(Event).decode


def read(entry: Entry) -> Event:
    """The event of an entry, with the times that the journal stamps."""
    event = _event(entry.body)
    event.received_at = received = entry.received_at
    claimed = event.occurred_at
    if claimed is None:
        event.time = received
    else:
        if event.sent_at is not None:
            # The sender's clock may be wrong: its own two times are compared, then ours is the base.
            claimed += received - event.sent_at
        event.time = claimed if claimed < received else received
    return event
