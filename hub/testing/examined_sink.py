"""A sink under examination: what its author says of the vendor, and how its actions are played through."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from hub.connector import Delivery, HttpSink, Sink, Verdicts, actions
from hub.delivery.run import SinkRunner
from hub.errors import DeliveryError
from hub.testing import samples
from hub.testing.checking import refuse, told
from hub.testing.conformance import Conformance
from hub.testing.contracts import Contract
from hub.testing.rehearsal import waited
from hub.testing.runs import Run, Verdict, address, headers, run, word, written
from hub.testing.vendors.standin import StandIn
from hub.wire import Request, Response


class ExaminedSink(Conformance):
    """What the checks of sinks share."""

    contract: ClassVar[str | Sequence[str]] = ()
    """The vendor's OpenAPI documents: files beside the test, or below `contracts` of HUB_SHARED."""
    hosts: ClassVar[Sequence[str]] = ()
    """Hosts that it asks besides its base_url's, such as the one that gives out tokens."""
    verdicts: ClassVar[Mapping[int | tuple[str, int], tuple[Verdict, str]]] = {}
    """Status, or (action, status) → what this vendor means by it, and why; all others mean `AGREED`."""

    # What authors may override

    def deliveries(self) -> dict[str, Delivery]:
        """The sample deliveries by name; add those that matter to this vendor."""
        return samples.deliveries()

    def answer(self, request: Request) -> Response:
        """What the vendor says when all is well."""
        return Response(202)

    def complaint(self, status: int, text: str) -> Response:
        """What the vendor says when all is not well, with a text that quotes what it was sent."""
        one = {"message": text, "detail": text, "title": text, "code": text}
        body = {**one, "error": text, "errors": [one], "error_description": text}
        return Response(status, {}, json.dumps(body).encode())

    def partial(self, request: Request, place: int) -> Response | None:
        """The vendor's answer to a batch that refuses the delivery at this place alone; None is unknown."""
        return None

    def stand_in(self) -> StandIn | None:
        """A stand-in for the vendor that takes what these settings send; None where there is none."""
        return None

    def effects(self, stand_in: StandIn) -> int:
        """How many things the stand-in keeps of what it was sent."""
        return len(stand_in.heard)

    def recorded(self) -> Iterator[tuple[str, Delivery, dict[str, Any]]]:
        """Requests that the vendor's official library makes: action, delivery, and parts of the request.

        The parts are those of a golden file: `method`, `url`, `headers`, `json`.
        """
        yield from ()

    def faults(self, request: Request) -> list[str]:
        """What the vendor's contract has against a request."""
        url = address(request, self._base())
        found = [one for one in self._contracts() if one.covers(url)]
        if not found:
            return [f"{url}: no contract of {self.contract} is for this host"]
        raw, _ = request.body()
        faults = found[0].faults(request.method, found[0].below(url), headers(request), raw)
        return [f"{fault.where}: {fault.what}" for fault in faults]

    async def arrived(self, folder: Path, printed: str) -> Any:
        """For a `Sink`: what has come out at the far side, as JSON; by default the lines that it printed."""
        return printed.splitlines()

    # How it is done

    def _actions(self) -> list[str]:
        return list(actions(self.connector))

    def _base(self) -> str:
        sink = self.made()
        return str(sink.address() or sink.base_url)

    def _contracts(self) -> list[Contract]:
        names = [self.contract] if isinstance(self.contract, str) else list(self.contract)
        beside = self.golden().parents[1]
        files = [beside / name if (beside / name).is_file() else name for name in names]
        try:
            found = [Contract.at(one) if isinstance(one, Path) else Contract.of(one) for one in files]
        except FileNotFoundError as fault:
            refuse([f"there is no contract {fault.filename}, nor one beside the test in {beside}"])
        return [one for one in found if one is not None]

    def _run(self, action: str, deliveries: Sequence[Delivery]) -> Run:
        done = self._try(action, deliveries, self.answer)
        if isinstance(done, str):
            refuse([f"{action}: where all is well it stumbles: {done}"])
        assert isinstance(done, Run)
        return done

    def _try(self, action: str, deliveries: Sequence[Delivery], answer: Any) -> Run | str:
        """The run, or what it stumbled over."""
        try:
            return run(self.made(), action, deliveries, answer)
        except Exception as bug:
            return told(bug)

    def _cases(self, exempted: str = "") -> Iterator[tuple[str, str, Delivery]]:
        """Each sample delivery for each action that is not exempted."""
        for action in self._actions():
            if f"{exempted}:{action}" not in self.exempt:
                yield from ((action, name, delivery) for name, delivery in self.deliveries().items())

    def _all_requests(self) -> Iterator[tuple[str, Request]]:
        for action, name, delivery in self._cases():
            for request in self._run(action, [delivery]).requests:
                yield f"{action}, {name}", request

    def _working(self) -> Iterator[tuple[str, Delivery]]:
        """For each action the first sample that it asks something for, or that arrives."""
        for action in self._actions():
            for delivery in self.deliveries().values():
                if self._arrives(action, delivery):
                    yield action, delivery
                    break
            else:
                refuse([f"{action}: no sample delivery causes a request; add one in `deliveries`"])

    def _arrives(self, action: str, delivery: Delivery) -> bool:
        if issubclass(self.connector, HttpSink):
            return bool(self._run(action, [delivery]).requests)
        return not isinstance(waited(self._carried(action, [delivery])), str)

    def _wanted(self, action: str, status: int, agreed: Verdict) -> str:
        own = self.verdicts.get((action, status)) or self.verdicts.get(status)
        return own[0] if own else agreed

    def _sent(self, action: str, delivery: Delivery, later: int) -> Any:
        """What is sent for a delivery: without what the time of day changes in its signature."""
        if not issubclass(self.connector, HttpSink):
            return waited(self._carried(action, [delivery]))
        sink = self.made()
        sink.sign = lambda request, now: request
        done = run(sink, action, [delivery], self.answer, now=samples.NOW + later * 1_000_000)
        return [written(request, self._base()) for request in done.requests]

    async def _carried(self, action: str, deliveries: Sequence[Delivery]) -> Any:
        """What has arrived of these at the far side of a sink with its own client."""
        sink: Sink[Any] = self.made()
        out = io.StringIO()
        nothing_here(self.folder)
        try:
            with contextlib.redirect_stdout(out):
                said: Verdicts | None = await SinkRunner(sink).run(action, deliveries, _Nowhere())
        except DeliveryError as fault:
            return f"{word(fault)}: {fault}"
        finally:
            await sink.close()
        if said:
            return [f"{word(fault)}: {fault}" for fault in said.values()]
        return await self.arrived(self.folder, out.getvalue())


class _Nowhere:
    """A channel that no sink with a client of its own uses."""

    async def send(self, request: Request) -> Response:
        raise AssertionError("a Sink has a client of its own")

    async def turn(self) -> None: ...

    def heard(self, response: Response) -> None: ...

    def now(self) -> int:
        return samples.NOW


def nothing_here(folder: Path) -> None:
    """Empties a folder."""
    for file in sorted(folder.rglob("*"), reverse=True):
        file.rmdir() if file.is_dir() else file.unlink()
