"""Deliveries as lines on the terminal: to watch, and to try things out."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import hub


class Console(hub.Sink[hub.Settings]):
    """Prints each delivery as a line of its own, also into a pipe."""

    name = "console"
    limits = hub.Limits(in_flight=1, batch=100)

    @hub.action("send")
    async def send(self, deliveries: Sequence[hub.Delivery]) -> None:
        """Prints the event."""
        # One write and one flush: whoever reads the pipe sees whole lines at once.
        sys.stdout.write("".join(f"{_line(delivery)}\n" for delivery in deliveries))
        sys.stdout.flush()


def _line(delivery: hub.Delivery) -> str:
    event = delivery.event
    parts = [hub.iso(event.time), event.name]
    if delivery.person is not None:
        parts.append(f"person={delivery.person}")
    parts += [str(identifier) for identifier in event.identifiers]
    parts += [f"{name}={value!r}" for name, value in event.properties.items()]
    # A newline or an escape in a stranger's text must not look like a line of ours.
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in "  ".join(parts))


@hub.hookimpl
def connectors() -> list[type[hub.Sink[hub.Settings]]]:
    return [Console]
