"""One run of an action: the connector speaks, the hub does what it says, within one deadline."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Protocol

from hub.connector import Delivery, HttpSink, Requests, Sink, Verdicts, actions
from hub.delivery.verdicts import retry_after, verdict
from hub.errors import DeliveryError, RetryLater
from hub.event import Instant
from hub.wire import Request, Response


class Ended(Exception):
    """A connector asked the whole process to end."""


class BadVerdicts(Exception):
    """A connector answered with something that is no verdict, or about deliveries it was not given."""


class Channel(Protocol):
    """What a run needs of its lane: the way out, and somebody who listens to answers."""

    async def send(self, request: Request) -> Response:
        """Sends now."""
        ...

    async def turn(self) -> None:
        """Returns when one more request may go; raises RetryLater where that is too far off."""
        ...

    def heard(self, response: Response) -> None:
        """An answer came."""
        ...

    def now(self) -> Instant: ...


class Runner(Protocol):
    """Does an action for deliveries and says what became of them."""

    async def run(self, action: str, deliveries: Sequence[Delivery], channel: Channel) -> Verdicts | None:
        """As `Sink.deliver`; raises a DeliveryError for all of them, or whatever a bug raises."""
        ...

    async def close(self) -> None: ...


class HttpRunner:
    """Runs the generators of an HTTP sink."""

    def __init__(self, sink: HttpSink[Any], close: Callable[[], Awaitable[None]]) -> None:
        self._sink = sink
        self._close = close
        self._methods = {name: getattr(sink, mark.method) for name, mark in actions(type(sink)).items()}

    async def run(self, action: str, deliveries: Sequence[Delivery], channel: Channel) -> Verdicts | None:
        """Drives the generator; an answer that is not fine is raised where it was asked for."""
        conversation = _Conversation(self._sink, channel)
        spoken = self._methods[action](deliveries)
        return _checked(await _in_time(conversation.hold(spoken), self._sink.deadline), deliveries)

    async def check(self, channel: Channel) -> None:
        """Asks the sink's own question about its credentials; raises what the answer means."""
        asking = self._sink.check()
        if asking is not None:
            await _in_time(_Conversation(self._sink, channel).hold(asking), self._sink.deadline)

    async def close(self) -> None:
        """Closes the connections."""
        await self._close()


class _Conversation:
    """One run: what the generator asks for is sent, and what is answered is told to it."""

    def __init__(self, sink: HttpSink[Any], channel: Channel) -> None:
        self._sink = sink
        self._channel = channel
        self._asked = 0

    async def hold(self, spoken: Requests) -> Verdicts | None:
        """Until the generator has nothing more to ask."""
        try:
            step = next(spoken)
            while True:
                try:
                    answer = await self._answer(step)
                except DeliveryError as fault:
                    step = spoken.throw(fault)
                else:
                    step = spoken.send(answer)
        except StopIteration as end:
            said: Verdicts | None = end.value
            return said
        finally:
            spoken.close()

    async def _answer(self, step: Request | list[Request]) -> Response | list[Response]:
        if isinstance(step, Request):
            return await self._ask(step)
        answers = await asyncio.gather(*map(self._ask, step), return_exceptions=True)
        faults = [answer for answer in answers if isinstance(answer, BaseException)]
        # A bug goes before what the vendor said: nobody can tell what came of that request.
        for fault in sorted(faults, key=lambda fault: isinstance(fault, DeliveryError)):
            if isinstance(fault, DeliveryError):
                fault.answers = answers
            raise fault
        return [answer for answer in answers if isinstance(answer, Response)]

    async def _ask(self, request: Request) -> Response:
        self._asked += 1
        if self._asked > 1:
            # The lane has waited for the first request's turn; the others wait here.
            await self._channel.turn()
        channel = self._channel
        response = await channel.send(self._sink.sign(request, channel.now()))
        channel.heard(response)
        if 200 <= response.status < 300 or response.status in request.expect:
            return response
        fault = self._sink.judge(response) or verdict(response, channel.now())
        if isinstance(fault, RetryLater) and fault.after is None:
            fault.after = retry_after(response, channel.now())
        if fault is None:
            return response
        fault.answer = response
        raise fault


class SinkRunner:
    """Runs a sink that has a client of its own; opened with the first delivery."""

    def __init__(self, sink: Sink[Any]) -> None:
        self._sink = sink
        self._opening = asyncio.Lock()
        self._open = False

    async def run(self, action: str, deliveries: Sequence[Delivery], channel: Channel) -> Verdicts | None:
        """Opens where needed, then delivers."""
        return _checked(await _in_time(self._deliver(action, deliveries), self._sink.deadline), deliveries)

    async def close(self) -> None:
        """Lets go of everything; safe without `run`."""
        await self._sink.close()
        self._open = False

    async def _deliver(self, action: str, deliveries: Sequence[Delivery]) -> Verdicts | None:
        async with self._opening:
            if not self._open:
                await self._sink.open()
                self._open = True
        return await self._sink.deliver(action, deliveries)


async def _in_time(work: Awaitable[Verdicts | None], deadline: float) -> Verdicts | None:
    try:
        async with asyncio.timeout(deadline):
            return await work
    except SystemExit as end:
        raise Ended from end
    except TimeoutError:
        raise RetryLater(f"no answer within {timedelta(seconds=deadline).total_seconds():g} s") from None


def _checked(said: Any, deliveries: Sequence[Delivery]) -> Verdicts | None:
    if said is None:
        return None
    if not isinstance(said, Mapping) or not all(isinstance(fault, DeliveryError) for fault in said.values()):
        raise BadVerdicts("a run returns None or a mapping of delivery ids to DeliveryErrors")
    if said and not said.keys() <= {delivery.id for delivery in deliveries}:
        raise BadVerdicts("a run returned verdicts about deliveries that it was not given")
    return said
