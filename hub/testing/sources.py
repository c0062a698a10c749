"""The examination of sources: what becomes of a request, a forged one, and of any odd one."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from time import process_time
from typing import Any, ClassVar, cast

from hub.connector import Source
from hub.errors import BadEvent, InboundError, UnknownKey
from hub.event import Event
from hub.testing import odd, samples
from hub.testing.checking import check, left_open, refuse, told
from hub.testing.conformance import Conformance, said_meanwhile
from hub.testing.golden import compared, is_writing, keep, plain, read
from hub.wire import Inbound

_AUTHORS = ("inbound", "signed", "recorded_from")
"""What the author writes into a golden file; all else is what the source makes of it."""
_MOST_ODD = 4_000
"""Odd requests in one check; of more a part is tried, spread over all of them."""


@dataclass(frozen=True, slots=True)
class Case:
    """A golden file: a request, and whether it carries a signature."""

    path: Path
    inbound: Inbound
    signed: bool


@dataclass(slots=True)
class Heard:
    """What a source makes of a request: events, or a refusal of the whole."""

    trust: str = ""
    events: list[Event] = field(default_factory=list)
    bad: list[str] = field(default_factory=list)
    refused: str = ""

    @property
    def reasons(self) -> list[str]:
        """All that it says of what it does not take."""
        return [*self.bad, self.refused]


class SourceConformance(Conformance):
    """Examines a source by the requests in its golden files, as they are and in every odd form.

    A golden file is `golden/NAME_source/CASE.json` beside the test. The author writes the request:

        {"inbound": {"method": "POST", "path": "/in/shop", "headers": {"x-topic": "orders/create"},
                     "body": "{…}"}, "signed": true}

    (`json` instead of `body` for a body whose bytes do not matter, `query`, `received_at`), and
    `pytest --hub-write` adds what becomes of it. `signed` says that a signature over the body proves it;
    where `sign` is overridden the signature need not stand in the file.
    """

    tolerance: ClassVar[timedelta | None] = None
    """How old what is signed may be; needed unless old_timestamps_are_refused is exempted."""

    # What authors may override

    def sign(self, inbound: Inbound) -> Inbound:
        """The request with its signature, for golden files that are `signed`."""
        return inbound

    # The checks

    @check("bronze")
    def test_golden_events(self) -> None:
        """Every golden request becomes exactly the events of its file."""
        for case in self._cases():
            heard = self._heard(self.made(), case.inbound)
            made = {"trust": heard.trust, "events": heard.events, "bad": heard.bad, "refused": heard.refused}
            shown = {name: value for name, value in made.items() if value}
            kept = read(case.path)
            if is_writing():
                request = {name: kept[name] for name in _AUTHORS if name in kept}
                keep(case.path, {**request, **shown})
                continue
            found = {name: value for name, value in kept.items() if name not in _AUTHORS}
            if found != plain(shown):
                refuse(compared(case.path, {**kept, **shown}))
                refuse([f"{case.path.name}: has more than the source makes of it"])

    @check("bronze")
    def test_same_inbound_same_ids(self) -> None:
        """The same request gives the same events, with ids that make a repeat a duplicate."""
        faults = []
        for case in self._cases():
            first, second = (self._heard(self.made(), case.inbound) for _ in range(2))
            if plain(first.events) != plain(second.events):
                faults.append(f"{case.path.name}: another time other events")
            ids = [event.id for event in first.events]
            if "" in ids or len(set(ids)) < len(ids):
                faults.append(f"{case.path.name}: an event has no id of its own; derive it from the request")
        refuse(faults)

    @check("bronze")
    def test_hostile_bodies_are_survived(self) -> None:
        """Whatever the body: events or a refusal, and nothing else."""
        refuse(
            fault
            for case in self._cases()
            for body in odd.HOSTILE_BODIES
            for fault in self._stumbles(f"the body {body[:20]!r}", replace(case.inbound, body=body))
        )

    @check("bronze")
    def test_odd_headers_are_survived(self) -> None:
        """Each header missing or odd: events or a refusal, and nothing else."""
        self._survives(odd.odd_headers)

    @check("bronze")
    def test_odd_fields_are_survived(self) -> None:
        """Each field and parameter missing or odd: events or a refusal, and nothing else."""
        self._survives(lambda inbound: [*odd.odd_fields(inbound), *odd.odd_parameters(inbound)])

    @check("bronze")
    def test_altered_bodies_are_refused(self) -> None:
        """What is signed is believed as it was signed, and not otherwise."""
        signed = self._signed("altered_bodies_are_refused")
        if not signed:
            return
        refuse(line for case in signed for line in self._believed(case))

    @check("bronze")
    def test_old_timestamps_are_refused(self) -> None:
        """What was signed long ago, or is said to come from the future, is refused."""
        signed = self._signed("old_timestamps_are_refused")
        if not signed:
            return
        if self.tolerance is None:
            refuse(
                ["say in `tolerance` how old a signed request may be, or exempt this check with the reason"]
            )
            return
        faults = []
        for case in signed:
            far, near = self.tolerance + timedelta(minutes=1), self.tolerance / 2
            for late, wanted in ((far, False), (-far, False), (near, True), (-near, True)):
                at = case.inbound.received_at + late // timedelta(microseconds=1)
                if self._proves(self.made(), replace(case.inbound, received_at=at)) is not wanted:
                    said = "believed" if not wanted else "refused"
                    faults.append(f"{case.path.name}: received {late} after it was signed: it is {said}")
        refuse(faults)

    @check("bronze")
    def test_reasons_hold_no_secret_and_nobodys_data(self) -> None:
        """No reason of a refusal, no log and no error has a secret or anybody's data."""
        faults = []
        for case in self._cases():
            texts = set(samples.PERSONAL) | _personal(case.inbound.body)
            for done, changed in [*odd.odd_fields(case.inbound)][:: _stride(case, 400)]:
                with said_meanwhile() as said:
                    proven = self._heard(self.made(), changed)
                    unproven = self._heard(self.made(), changed, proven=False)
                text = "\n".join([said(), *proven.reasons, *unproven.reasons])
                shown = [*self.leaks(text), *(one for one in texts if one in text)]
                faults += [f"{case.path.name}: {done}: a reason shows {one}" for one in shown]
        refuse(faults)

    # Silver and gold

    @check("silver")
    def test_a_bad_event_costs_nobody_else(self) -> None:
        """A request of several events, one of them bad, brings all the others."""
        for case in self._cases():
            heard = self._heard(self.made(), case.inbound)
            if heard.bad and len(heard.events) > 1:
                return
        left_open("no golden request has several events and a bad one among them")

    @check("gold")
    def test_agrees_with_the_vendors_library(self) -> None:
        """Golden requests were recorded from the vendor's official library; such a file says from which."""
        if not any(read(case.path).get("recorded_from") for case in self._cases()):
            left_open('no golden request says "recorded_from": the library and its version')

    @check("gold")
    def test_throughput_is_measured(self) -> None:
        """A hundred events are taken in within a second of the processor's time."""
        case = max(self._cases(), key=lambda one: len(self._heard(self.made(), one.inbound).events))
        source, count, started = self.made(), 0, process_time()
        while count < 100:
            found = len(self._heard(source, case.inbound).events)
            if not found:
                left_open("no golden request brings an event")
            count += found
        took = process_time() - started
        if took > 1.0:
            refuse([f"a hundred events take {took:.1f} s"])

    # How it is done

    def _cases(self) -> list[Case]:
        files = sorted(self.golden().glob("*.json"))
        found = [self._case(file) for file in files if file.name != "settings.schema.json"]
        if not found:
            refuse([f"there is no golden request in {self.golden()}: see SourceConformance"])
        return found

    def _case(self, path: Path) -> Case:
        said = read(path)
        request: Mapping[str, Any] = said["inbound"]
        body = request.get("body", "")
        raw = json.dumps(request["json"]).encode() if "json" in request else body.encode()
        inbound = Inbound(
            request.get("method", "POST"),
            request.get("path", f"/in/my_{self.connector.name}"),
            {name.lower(): value for name, value in request.get("headers", {}).items()},
            request.get("query", ""),
            raw,
            request.get("received_at", samples.NOW),
            "192.0.2.1",
        )
        signed = bool(said.get("signed"))
        return Case(path, self.sign(inbound) if signed else inbound, signed)

    def _signed(self, name: str) -> list[Case]:
        """The signed cases; none are needed where the settings hold no secret."""
        found = [case for case in self._cases() if case.signed]
        if not found and self.secrets():
            refuse([f'a golden request needs "signed": true, or {name} an exemption with its reason'])
        return found

    def _heard(self, source: Source[Any], inbound: Inbound, *, proven: bool = True) -> Heard:
        """What the gateway would hear from the source; whatever is no refusal comes out.

        Where it need not be proven, the source is asked as if its signature were right.
        """
        heard = Heard()
        try:
            trust, key = self._trust(source, inbound) if proven else ("public", None)
            heard.trust = trust
            for one in source.receive(replace(inbound, key=key, trust=cast(Any, trust))):
                if isinstance(one, BadEvent):
                    heard.bad.append(one.reason)
                else:
                    heard.events.append(one)
        except BadEvent as bad:
            heard.bad.append(bad.reason)
        except InboundError as refusal:
            heard.refused = f"{refusal.status} {refusal.reason}"
        return heard

    def _trust(self, source: Source[Any], inbound: Inbound) -> tuple[str, str | None]:
        if inbound.path.startswith("/in/"):
            return source.authenticate(inbound), None
        said = type(source).key(inbound)
        known = source.keys()
        for key in (said,) if isinstance(said, str) else said or ():
            if key in known:
                return known[key], key
        raise UnknownKey("no source has this key")

    def _survives(self, changes: Any) -> None:
        faults: list[str] = []
        every = [(case, *change) for case in self._cases() for change in changes(case.inbound)]
        for _, done, changed in every[:: max(1, -(-len(every) // _MOST_ODD))]:
            faults += self._stumbles(done, changed)
        refuse(faults)

    def _stumbles(self, done: str, inbound: Inbound) -> Iterator[str]:
        """What is wrong with what becomes of an odd request, also where nobody asked for its proof."""
        source = self.made()
        try:
            heard = self._heard(source, inbound)
            yield from (f"{done}: {fault}" for event in heard.events for fault in odd.odd_event(event))
            unproven = self._heard(source, inbound, proven=False)
            yield from (f"{done}: {fault}" for event in unproven.events for fault in odd.odd_event(event))
            source.respond(inbound, len(heard.events), len(heard.bad))
            type(source).refuse(inbound, 401, "refused")
        except Exception as bug:
            yield f"{done}: {told(bug)}"

    def _believed(self, case: Case) -> Iterator[str]:
        """What is believed that was not signed."""
        name, inbound = case.path.name, case.inbound
        if not self._proves(self.made(), inbound):
            yield f"{name}: its own signature is refused"
            return
        for at in {0, len(inbound.body) // 2, len(inbound.body) - 1}:
            other = bytearray(inbound.body)
            other[at] ^= 1
            if self._proves(self.made(), replace(inbound, body=bytes(other))):
                yield f"{name}: byte {at} of the body was changed, and it is believed"
        for header in self._proving(inbound):
            for value in ("", "x", "ä", "\xff", inbound.headers[header][:-2]):
                if self._proves(self.made(), replace(inbound, headers={**inbound.headers, header: value})):
                    yield f"{name}: the header {header} was changed to {value[:10]!r}, and it is believed"

    def _proving(self, inbound: Inbound) -> list[str]:
        """The headers without which nothing is proven."""
        return [
            name
            for name in inbound.headers
            if not self._proves(
                self.made(), replace(inbound, headers={k: v for k, v in inbound.headers.items() if k != name})
            )
        ]

    def _proves(self, source: Source[Any], inbound: Inbound) -> bool:
        try:
            return source.authenticate(inbound) == "secret"
        except InboundError:
            return False


def _personal(body: bytes) -> set[str]:
    """Addresses in a body: what must not come back in a reason."""
    import re

    return {found.decode() for found in re.findall(rb"[\w.+-]+@[\w.-]+\.\w+", body)}


def _stride(case: Case, most: int) -> int:
    return max(1, len(case.inbound.body) // most)
