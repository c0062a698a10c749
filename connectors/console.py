"""Deliveries as lines on the terminal: to watch, and to try things out."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import hub

LONGEST = 100
"""Characters of each of a message's words that are shown."""


class Console(hub.Sink[hub.Settings]):
    """Prints each delivery as a line of its own, also into a pipe."""

    name = "console"
    limits = hub.Limits(in_flight=1, batch=100)

    @hub.action("send")
    async def send(self, deliveries: Sequence[hub.Delivery]) -> None:
        """Prints the event, or the message that a rule wants to say."""
        # One write and one flush: whoever reads the pipe sees whole lines at once.
        sys.stdout.write("".join(f"{_line(delivery)}\n" for delivery in deliveries))
        sys.stdout.flush()


def _line(delivery: hub.Delivery) -> str:
    event, message = delivery.event, delivery.message
    if message is None:
        parts, said = [hub.iso(event.time), event.name], event.properties
    else:
        parts = [hub.iso(message.created_at), f"message {message.rule} by {message.channel}:"]
        parts.append(message.template or "(no template)")
        said = {**message.variables, **{name: _short(text) for name, text in message.words.items()}}
    if delivery.person is not None:
        parts.append(f"person={delivery.person}")
    parts += [str(identifier) for identifier in event.identifiers]
    parts += [f"{name}={value!r}" for name, value in said.items()]
    # A newline or an escape in a stranger's text must not look like a line of ours.
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in "  ".join(parts))


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


@hub.hookimpl
def connectors() -> list[type[hub.Sink[hub.Settings]]]:
    return [Console]
