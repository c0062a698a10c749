"""The examination of sinks: those that speak HTTP, and those with a client of their own."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace
from time import process_time
from typing import Any
from urllib.parse import urlsplit

import msgspec

from hub.connector import Delivery, HttpSink, Sink, actions
from hub.delivery.run import HttpRunner
from hub.errors import CredentialsRejected, DeliveryError
from hub.testing import samples
from hub.testing.checking import check, left_open, refuse, told
from hub.testing.conformance import said_meanwhile
from hub.testing.examined_sink import ExaminedSink
from hub.testing.golden import compared, differences, plain
from hub.testing.odd import ODD_VALUES
from hub.testing.rehearsal import Answer, Rehearsal, nothing, waited
from hub.testing.runs import Run, address, headers, run, word, written
from hub.testing.sink_answers import AnswerChecks
from hub.testing.vendors.standin import Heard
from hub.wire import Request, Response


class SinkConformance(AnswerChecks):
    """Examines a sink: what it asks for, what it makes of answers, and what it never says.

    For an `HttpSink` every sample delivery goes through every action, and the requests are held against the
    golden files, the address, and the vendor's contract. For a `Sink` the author says what arrived.
    """

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
        if not self.contract and type(self).faults is ExaminedSink.faults:
            refuse(["name the vendor's OpenAPI document in `contract`, or exempt fits_the_contract"])
        if type(self).faults is ExaminedSink.faults and not self._contracts():
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
        faults: dict[str, str] = {}
        for action, _, delivery in self._cases("delivery_id_travels"):
            sent = self._sent(action, delivery, 0)
            if sent and delivery.id not in json.dumps(sent):
                faults.setdefault(
                    action,
                    f"{action}: the id {delivery.id} is nowhere; send it as the vendor's idempotency key, or "
                    f'exempt "delivery_id_travels:{action}"',
                )
        refuse(faults.values())

    @check("bronze")
    def test_odd_events_are_survived(self) -> None:
        """Odd values in what happened, is known or is said: requests or a verdict, and nothing else."""
        faults = []
        for action, delivery in self._working():
            for odd in ODD_VALUES:
                try:
                    self._done(action, [_odd(delivery, odd)])
                except Exception as bug:
                    faults.append(f"{action}: full of {odd!r:.20}: {told(bug)}")
        refuse(faults)

    @check("bronze", only=Sink)
    def test_golden_deliveries(self) -> None:
        """Every sample delivery arrives exactly as the golden files say."""
        for action in self._actions():
            made = {
                name: waited(self._carried(action, [delivery]))
                for name, delivery in self.deliveries().items()
            }
            refuse(compared(self.golden() / f"{action}.json", made))

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
        """`check` is content with good answers, and says so of credentials that are refused."""
        if self.made().check() is None:
            left_open("it has no check() of its credentials")
        content = self._checked(self.answer)
        faults = [] if content is None else [f"where all is well it says: {content}"]
        refused = self._checked(lambda request: self.complaint(401, "refused"))
        if not isinstance(refused, CredentialsRejected):
            faults.append(f"401 is {word(refused)} where credentials are checked, agreed is credentials")
        refuse(faults)

    @check("silver")
    def test_batches_are_exact(self) -> None:
        """One, the most, and a batch of which one is refused: exactly that one is not delivered."""
        if not issubclass(self.connector, HttpSink):
            refuse(self._batches_that_differ())
            return
        faults: list[str] = []
        known = False
        for action, delivery in self._working():
            most = min(self._batch(action), 1000)
            done = self._run(action, samples.several(delivery, most))
            faults += [f"{action}: of {most}, {count} were not delivered" for count in _lost(done)]
            for place in {0, most // 2, most - 1}:
                refused = self._one_refused(action, samples.several(delivery, most), place)
                known = known or refused is not None
                if refused not in (None, [place]):
                    faults.append(f"{action}: of {most}, number {place} was refused, and {refused} failed")
        refuse(faults)
        if not known:
            left_open("`partial` says nothing of a batch that is refused in part")

    @check("silver")
    def test_people_can_be_forgotten(self) -> None:
        """There is an action `forget`, or a written reason why not."""
        if "forget" not in actions(self.connector):
            left_open("it has no action `forget`, and no exemption says why")

    # Gold

    @check("gold", only=HttpSink)
    def test_a_repeat_has_one_effect(self) -> None:
        """A stand-in for the vendor that is sent the same twice keeps it once."""
        stand_in = self.stand_in()
        if stand_in is None:
            left_open("there is no `stand_in` for the vendor")
        faults, most = [], 0
        for action, _ in self._working():
            for name, delivery in self.deliveries().items():
                once, twice = (self._kept(action, [delivery] * times) for times in (1, 2))
                most = max(most, once)
                if once != twice:
                    faults.append(f"{action}, {name}: {once} at the vendor, and {twice} after a repeat")
        refuse(faults)
        if not most:
            left_open("`effects` sees nothing of what the stand-in was sent")

    @check("gold", only=HttpSink)
    def test_agrees_with_the_vendors_library(self) -> None:
        """What it sends is what the vendor's official library sends for the same."""
        known = list(self.recorded())
        if not known:
            left_open("`recorded` has no request of the vendor's official library")
        faults: list[str] = []
        for number, (action, delivery, parts) in enumerate(known, 1):
            [*_, request] = self._run(action, [delivery]).requests
            ours = written(request, self._base())
            said = plain({name: ours.get(name) for name in parts})
            faults += [f"recording {number}: {line}" for line in differences(plain(parts), said)]
        refuse(faults)

    @check("gold")
    def test_throughput_is_measured(self) -> None:
        """A hundred deliveries take at most a second of the processor's time."""
        for action, delivery in self._working():
            many = samples.several(delivery, 100)
            size = self._batch(action)
            started = process_time()
            for first in range(0, len(many), size):
                self._done(action, many[first : first + size])
            took = process_time() - started
            if took > 1.0:
                refuse([f"{action}: a hundred deliveries take {took:.1f} s"])

    # How it is done

    def _checked(self, answer: Answer) -> DeliveryError | None:
        """What its check of the credentials says to such answers; None where it is content."""
        sink = self.made()
        try:
            waited(HttpRunner(sink, nothing).check(Rehearsal(sink, answer, samples.NOW)))
        except DeliveryError as fault:
            return fault
        return None

    def _batches_that_differ(self) -> Iterator[str]:
        """The actions of a sink with its own client by which a batch does not arrive as its parts do."""
        for action, delivery in self._working():
            many = samples.several(delivery, min(self._batch(action), 20))
            together, *alone = (
                waited(self._carried(action, some)) for some in (many, *([one] for one in many))
            )
            if not all(isinstance(one, list) for one in (together, *alone)):
                left_open("`arrived` gives no list, of which a batch has as many as its parts")
            if together != [part for one in alone for part in one]:
                yield f"{action}: {len(many)} together arrive otherwise than one by one"

    def _done(self, action: str, deliveries: list[Delivery]) -> None:
        if issubclass(self.connector, HttpSink):
            for request in run(self.made(), action, deliveries, self.answer).requests:
                request.body()
        else:
            waited(self._carried(action, deliveries))

    def _kept(self, action: str, deliveries: list[Delivery]) -> int:
        stand_in = self.stand_in()
        assert stand_in is not None

        def answer(request: Request) -> Response:
            stand_in.heard.append(_heard(request))
            return stand_in.answer(stand_in.heard[-1])

        for delivery in deliveries:
            run(self.made(), action, [delivery], answer)
        return self.effects(stand_in)

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


def _lost(done: Run) -> list[int]:
    lost = sum(outcome is not None for outcome in done.outcomes.values())
    return [lost] if lost else []


def _odd(delivery: Delivery, value: Any) -> Delivery:
    """The same delivery with this in every field of its event and its message, and of its person's traits."""
    event, message = delivery.event, delivery.message
    names = dict.fromkeys([*event.properties, *event.context, *delivery.traits, "products", "added"], value)
    fields = {"properties": names, "context": names, "traits": names}
    if message is not None:
        message = msgspec.structs.replace(message, variables=names)
    changed = msgspec.structs.replace(event, **fields)
    return replace(delivery, event=changed, traits=names, message=message)


def _heard(request: Request) -> Heard:
    raw, _ = request.body()
    return Heard(request.method, address(request, ""), headers(request), raw)
