"""One run of a sink's action through the hub's own way out, or a bare request, to whoever listens there."""

from __future__ import annotations

from collections.abc import Mapping
from http.client import HTTPConnection
from ipaddress import ip_network

import hub
from hub.clock import Clock, DrivenClock
from hub.config import SinkBlock
from hub.delivery.credentials import client_for
from hub.delivery.run import HttpRunner
from hub.event import Instant
from hub.testing.vendors.standin import StandIn
from hub.transport import Client
from hub.wire import Request, Response


async def carried(
    block: SinkBlock, action: str, *deliveries: hub.Delivery, clock: Clock | None = None
) -> hub.Verdicts:
    """What became of those that did not arrive; raises what is said of all of them."""
    sink = block.connector(block.settings, block.label)
    assert isinstance(sink, hub.HttpSink)
    client = client_for(block, sink, (ip_network("127.0.0.0/8"),))
    runner = HttpRunner(sink, client.aclose)
    try:
        return await runner.run(action, deliveries, _Open(client, clock or DrivenClock())) or {}
    finally:
        await runner.close()


def sent(
    vendor: StandIn, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] = {}
) -> Response:
    """A request over a real socket, and its answer."""
    connection = HTTPConnection("127.0.0.1", vendor.port, timeout=10)
    try:
        connection.request(method, path, body, dict(headers))
        answer = connection.getresponse()
        return Response(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
    finally:
        connection.close()


class _Open:
    """A channel without limits."""

    def __init__(self, client: Client, clock: Clock) -> None:
        self._client = client
        self._clock = clock

    async def send(self, request: Request) -> Response:
        return await self._client.send(request)

    async def turn(self) -> None:
        """Nobody waits."""

    def heard(self, response: Response) -> None:
        """Nobody learns."""

    def now(self) -> Instant:
        return self._clock.now()
