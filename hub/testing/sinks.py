"""The examination of sinks: those that speak HTTP, and those with a client of their own."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlsplit

from hub.connector import Delivery, HttpSink, Sink, Verdicts, actions
from hub.delivery.run import SinkRunner
from hub.errors import CredentialsRejected, DeliveryError, RetryLater
from hub.testing import samples
from hub.testing.checking import check, left_open, refuse, told
from hub.testing.conformance import Conformance, said_meanwhile
from hub.testing.contracts import Contract
from hub.testing.golden import compared
from hub.testing.rehearsal import Answer
from hub.testing.runs import Run, Verdict, address, headers, run, waited, word, written
from hub.wire import Request, Response

AGREED: Mapping[int, Verdict] = {
    202: "delivered",
    301: "credentials",
    400: "give_up",
    401: "credentials",
    403: "credentials",
    404: "give_up",
    408: "retry",
    409: "give_up",
    410: "credentials",
    413: "give_up",
    422: "give_up",
    429: "retry",
    503: "retry",
}
"""What a status means for a lone delivery, where the vendor says nothing else of it."""

GARBAGE = (
    b"",
    b"\x00\xff",
    b"<html>",
    b"null",
    b"[]",
    b"{}",
    b'"x"',
    b'{"errors": 5, "error": [], "id": {}}',
)
HTTP_DATE = "Sat, 21 Nov 2026 10:00:07 GMT"
"""Seven seconds after `samples.NOW`."""


class SinkConformance(Conformance):
    """Examines a sink: what it asks for, what it makes of answers, and what it never says.

    For an `HttpSink` every sample delivery goes through every action, and the requests are held against the
    golden files, the address, and the vendor's contract. For a `Sink` the author says what arrived.
    """

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

    # The checks of what is sent

    @check("bronze", only=HttpSink)
    def test_golden_requests(self) -> None:
        """Every sample delivery becomes exactly the requests of the golden files."""
        for action in self._actions():
            made: dict[str, Any] = {}
            for name, delivery in self.deliveries().items():
                done = self._run(action, [delivery])
                made[name] = {"requests": [written(request, self._base()) for request in done.requests]}
                [outcome] = done.outcomes.values()
                if outcome is not None:
                    made[name]["outcome"] = f"{word(outcome)}: {outcome}"
            refuse(compared(self.golden() / f"{action}.json", made))

    @check("bronze", only=HttpSink)
    def test_exact_host(self) -> None:
        """Every request goes to the sink's own host, by https."""
        base = urlsplit(self._base())
        hosts = {base.netloc, *self.hosts}
        faults = [] if base.scheme == "https" else [f"the address {base.scheme}://{base.netloc} is not https"]
        for name, request in self._all_requests():
            there = urlsplit(address(request, self._base()))
            if there.netloc not in hosts or there.scheme != "https":
                faults.append(
                    f"{name}: asks {there.scheme}://{there.netloc}; `hosts` has those that it may ask"
                )
        refuse(faults)

    @check("bronze", only=HttpSink)
    def test_fits_the_contract(self) -> None:
        """Every request is one that the vendor's own contract describes."""
        if not self.contract and type(self).faults is SinkConformance.faults:
            refuse(["name the vendor's OpenAPI document in `contract`, or exempt fits_the_contract"])
        if type(self).faults is SinkConformance.faults and not self._contracts():
            left_open("HUB_SHARED names no folder of contracts")
        refuse(f"{name}: {line}" for name, request in self._all_requests() for line in self.faults(request))

    @check("bronze")
    def test_the_second_attempt_sends_the_same(self) -> None:
        """A later attempt asks for exactly what the first one asked for."""
        faults = []
        for action, name, delivery in self._cases("the_second_attempt_sends_the_same"):
            again = replace(delivery, attempt=2)
            if self._sent(action, delivery, 0) != self._sent(action, again, 3_600):
                faults.append(f"{action}, {name}: another request the second time")
        refuse(faults)

    @check("bronze")
    def test_delivery_id_travels(self) -> None:
        """The delivery's id is in what is sent, so that the far side can tell a repeat."""
        faults = {}
        for action, _, delivery in self._cases("delivery_id_travels"):
            sent = self._sent(action, delivery, 0)
            if sent and delivery.id not in json.dumps(sent):
                faults[action] = (
                    f"{action}: the id {delivery.id} is nowhere; send it as the vendor's idempotency key, or "
                    f'exempt "delivery_id_travels:{action}"'
                )
        refuse(faults.values())

    # The checks of answers

    @check("bronze", only=HttpSink)
    def test_statuses_mean_what_was_agreed(self) -> None:
        """Thirteen statuses have the agreed verdict, or the vendor's own with its reason."""
        faults = []
        for action, delivery in self._working():
            for status, agreed in AGREED.items():
                wanted = self._wanted(action, status, agreed)
                answer = self.answer if status == 202 else _always(self.complaint(status, "refused"))
                found = _shown(self._try(action, [delivery], answer))
                if found != wanted:
                    faults.append(f"{action}: {status} is {found}, agreed is {wanted}")
        refuse(faults)

    @check("bronze", only=HttpSink)
    def test_broken_answers_are_survived(self) -> None:
        """A time-out and a reset are tried again; a garbage body never makes it stumble."""
        faults = []
        for action, delivery in self._working():
            for reason in ("no answer in time", "the connection broke (ReadError)"):
                done = self._try(action, [delivery], _raising(RetryLater(reason)))
                if isinstance(done, str) or done.verdicts != {"retry"}:
                    faults.append(f"{action}: {reason}: {_shown(done)}, agreed is retry")
            for body in GARBAGE:
                for status in (200, 207, 400, 429, 500):
                    done = self._try(action, [delivery], _always(Response(status, {}, body)))
                    if isinstance(done, str):
                        faults.append(f"{action}: {status} with the body {body!r}: {done}")
                    elif status >= 429 and done.verdicts != {"retry"}:
                        faults.append(f"{action}: {status} with the body {body!r} is {_shown(done)}")
        refuse(faults)

    @check("bronze", only=HttpSink)
    def test_retry_after_is_obeyed(self) -> None:
        """Retry-After, in seconds or as a date, is waited for."""
        faults = []
        for action, delivery in self._working():
            for status in (429, 503):
                for said in ("7", HTTP_DATE):
                    answer = replace(self.complaint(status, "later"), headers={"retry-after": said})
                    done = self._try(action, [delivery], _always(answer))
                    waits = (
                        {getattr(one, "after", None) for one in done.outcomes.values()}
                        if isinstance(done, Run)
                        else {done}
                    )
                    if waits != {timedelta(seconds=7)} and self._wanted(action, status, "retry") == "retry":
                        faults.append(f"{action}: {status} with Retry-After {said}: waits {waits}")
        refuse(faults)

    @check("bronze", only=HttpSink)
    def test_reasons_hold_no_secret_and_nobodys_data(self) -> None:
        """What a vendor quotes in its answer gets into no reason, no log, and so into no dead letter."""
        faults = []
        for action, delivery in self._working():
            for status in (200, 400, 401, 403, 404, 409, 422, 429, 500):
                quoted = " ".join([*self.secrets(), *samples.PERSONAL])
                with said_meanwhile() as said:
                    done = self._try(action, [delivery], _always(self.complaint(status, quoted)))
                text = said() + (done if isinstance(done, str) else done.said)
                faults += [f"{action}: {status}: a reason shows {leak}" for leak in self.leaks(text)]
                faults += [
                    f"{action}: {status}: a reason shows {one}" for one in samples.PERSONAL if one in text
                ]
        refuse(faults)

    @check("bronze")
    def test_open_and_close_are_safe(self) -> None:
        """It can be closed unopened, twice, and while a delivery is cancelled."""
        if issubclass(self.connector, HttpSink):
            refuse(self._stumbles_when_stopped())
            return
        try:
            with said_meanwhile():
                waited(self._opened_and_closed())
        except Exception as bug:
            refuse([told(bug)])

    # Silver

    @check("silver", only=HttpSink)
    def test_check_tells_good_from_bad_credentials(self) -> None:
        """`check` is content with a good answer, and says so of credentials that are refused."""
        sink = self.made()
        asking = sink.check()
        if asking is None:
            left_open("it has no check() of its credentials")
        try:
            request = next(asking)
        except StopIteration:
            refuse(["check() asks nothing"])
            return
        asking.close()
        signed = sink.sign(request, samples.NOW)
        with contextlib.suppress(StopIteration):
            good = sink.check()
            next(good)
            good.send(self.answer(signed))
        verdict = sink.judge(Response(401))
        if verdict is not None and not isinstance(verdict, CredentialsRejected):
            refuse([f"401 is {word(verdict)} where credentials are checked"])

    @check("silver", only=HttpSink)
    def test_batches_are_exact(self) -> None:
        """One, the most, and a batch of which one is refused: exactly that one is not delivered."""
        faults: list[str] = []
        known = False
        for action, delivery in self._working():
            most = min(self._batch(action), 1000)
            done = self._run(action, samples.several(delivery, most))
            faults += [f"{action}: of {most}, {count} were not delivered" for count in _lost(done)]
            for place in {0, most // 2, most - 1}:
                refused = self._one_refused(action, samples.several(delivery, most), place)
                known = known or refused is not None
                if refused and refused != [place]:
                    faults.append(f"{action}: of {most}, number {place} was refused, and {refused} failed")
        refuse(faults)
        if not known:
            left_open("`partial` says nothing of a batch that is refused in part")

    @check("silver")
    def test_people_can_be_forgotten(self) -> None:
        """There is an action `forget`, or a written reason why not."""
        if "forget" not in actions(self.connector):
            left_open("it has no action `forget`, and no exemption says why")

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
        found = [Contract.at(one) if isinstance(one, Path) else Contract.of(one) for one in files]
        return [one for one in found if one is not None]

    def _run(self, action: str, deliveries: Sequence[Delivery]) -> Run:
        return run(self.made(), action, deliveries, self.answer)

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
        """For each action the first sample that it asks something for."""
        for action in self._actions():
            for delivery in self.deliveries().values():
                if self._run(action, [delivery]).requests:
                    yield action, delivery
                    break
            else:
                refuse([f"{action}: no sample delivery causes a request; add one in `deliveries`"])

    def _wanted(self, action: str, status: int, agreed: Verdict) -> str:
        own = self.verdicts.get((action, status)) or self.verdicts.get(status)
        return own[0] if own else agreed

    def _sent(self, action: str, delivery: Delivery, later: int) -> Any:
        """What is sent for a delivery: without what the time of day changes in its signature."""
        if not issubclass(self.connector, HttpSink):
            return waited(self._carried(action, delivery))
        sink = self.made()
        sink.sign = lambda request, now: request
        done = run(sink, action, [delivery], self.answer, now=samples.NOW + later * 1_000_000)
        return [written(request, self._base()) for request in done.requests]

    def _batch(self, action: str) -> int:
        return int((actions(self.connector)[action].limits or self.connector.limits).batch or 1)

    def _one_refused(self, action: str, deliveries: list[Delivery], place: int) -> list[int] | None:
        """The places that were not delivered; None where the vendor's answer is not known."""
        asked = 0

        def answer(request: Request) -> Response:
            nonlocal asked
            asked += 1
            partly = self.partial(request, place) if asked == 1 else None
            return self.answer(request) if partly is None else partly

        first = self._run(action, deliveries).requests
        if not first or self.partial(first[0], place) is None:
            return None
        done = run(self.made(), action, deliveries, answer)
        return [number for number, one in enumerate(deliveries) if done.outcomes[one.id] is not None]

    def _stumbles_when_stopped(self) -> Iterator[str]:
        for action, delivery in self._working():
            spoken = getattr(self.made(), actions(self.connector)[action].method)([delivery])
            next(spoken)
            try:
                spoken.close()
            except Exception as bug:
                yield f"{action}: when it is cancelled: {told(bug)}"

    async def _opened_and_closed(self) -> None:
        sink: Sink[Any] = self.made()
        await sink.close()
        await sink.open()
        await sink.open()
        [delivery, *_] = self.deliveries().values()
        working = asyncio.ensure_future(sink.deliver(self._actions()[0], [delivery]))
        await asyncio.sleep(0)
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)
        await sink.close()
        await sink.close()

    # A sink with a client of its own

    @check("bronze", only=Sink)
    def test_golden_deliveries(self) -> None:
        """Every sample delivery arrives exactly as the golden files say."""
        for action in self._actions():
            made = {
                name: waited(self._carried(action, delivery)) for name, delivery in self.deliveries().items()
            }
            refuse(compared(self.golden() / f"{action}.json", made))

    async def _carried(self, action: str, delivery: Delivery) -> Any:
        sink: Sink[Any] = self.made()
        out = io.StringIO()
        nothing_here(self.folder)
        try:
            with contextlib.redirect_stdout(out):
                said: Verdicts | None = await SinkRunner(sink).run(action, [delivery], _Nowhere())
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


def _always(answer: Response) -> Answer:
    return lambda _: answer


def _raising(fault: DeliveryError) -> Answer:
    def answer(request: Request) -> Response:
        raise fault

    return answer


def _shown(done: Run | str) -> str:
    return done if isinstance(done, str) else ", ".join(sorted(done.verdicts))


def _lost(done: Run) -> list[int]:
    lost = sum(outcome is not None for outcome in done.outcomes.values())
    return [lost] if lost else []
