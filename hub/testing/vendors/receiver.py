"""A receiver of webhooks: takes everything, and keeps it."""

from __future__ import annotations

from typing import Any

from hub.testing.vendors.standin import Heard, StandIn
from hub.wire import Response


class Receiver(StandIn):
    """Any system that takes JSON; `objects` has what it was sent, in order."""

    @property
    def objects(self) -> list[dict[str, Any]]:
        """Everything that arrived."""
        bodies = [heard.json for heard in self.heard]
        return [one for body in bodies for one in (body if isinstance(body, list) else [body])]

    def answer(self, heard: Heard) -> Response:
        """Thanks."""
        return Response(204)
