"""Whether a sink's credentials work, asked before anything is sent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hub.clock import Clock
from hub.config import SinkBlock
from hub.connector import HttpSink
from hub.delivery.run import HttpRunner
from hub.errors import DeliveryError
from hub.event import Instant
from hub.transport import Client, Guard, Network
from hub.wire import Request, Response


def client_for(block: SinkBlock, sink: HttpSink[Any], allow_private: Sequence[Network]) -> Client:
    """The way out to a sink."""
    return Client(
        block.base_url or sink.address() or sink.base_url,
        Guard(allow_private),
        connections=max((limits.in_flight for limits in block.limits.values()), default=1),
        deadline=sink.deadline,
    )


def can_be_asked(block: SinkBlock) -> bool:
    """Whether the connector knows a harmless question."""
    return issubclass(block.connector, HttpSink) and block.connector.check is not HttpSink.check


async def ask(block: SinkBlock, allow_private: Sequence[Network], clock: Clock) -> DeliveryError | None:
    """What is wrong with a sink's credentials or address; None where nothing is."""
    sink = block.connector(block.settings, block.label)
    assert isinstance(sink, HttpSink)
    client = client_for(block, sink, allow_private)
    runner = HttpRunner(sink, client.aclose)
    try:
        await runner.check(_Question(client, clock))
    except DeliveryError as fault:
        return fault
    finally:
        await runner.close()
    return None


class _Question:
    """A channel that asks at once and remembers nothing."""

    def __init__(self, client: Client, clock: Clock) -> None:
        self._client = client
        self._clock = clock

    async def send(self, request: Request) -> Response:
        return await self._client.send(request)

    async def turn(self) -> None:
        """A question or two keep within any limit."""

    def heard(self, response: Response) -> None:
        """The status is all that matters, and the run has it."""

    def now(self) -> Instant:
        return self._clock.now()
