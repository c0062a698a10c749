"""The examination of sources that ask: their questions, their pages, and what any answer makes of them."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from time import process_time
from typing import Any, ClassVar
from urllib.parse import urlsplit

from hub.connector import Page, Pages, PollingSource
from hub.delivery.verdicts import verdict
from hub.errors import BadEvent, DeliveryError, RetryLater
from hub.event import Event
from hub.testing import odd, samples
from hub.testing.checking import check, left_open, refuse, told
from hub.testing.conformance import Conformance, said_meanwhile
from hub.testing.golden import compared, is_writing, keep, plain, read
from hub.testing.runs import written
from hub.testing.sink_answers import AGREED, GARBAGE
from hub.wire import Inbound, Request, Response

_MOST_PAGES = 1_000


@dataclass(slots=True)
class Round:
    """One round of questions: what was asked, what came, and why it ended early, if it did."""

    requests: list[Request] = field(default_factory=list)
    pages: list[Page] = field(default_factory=list)
    used: list[int] = field(default_factory=list)
    """For each page how many answers had been given before it."""
    fault: str = ""
    wait: timedelta | None = None
    """How long it asks to wait, where it ended early."""


class PollingConformance(Conformance):
    """Examines a source that asks, by the answers in its golden files, as they are and in every odd form.

    A golden file is `golden/NAME_source/CASE.json` beside the test. The author writes how far the source was
    read, and what the system answers in turn; `pytest --hub-write` adds what is asked, and the pages:

        {"cursor": null, "answers": [{"status": 200, "json": {"letters": [], "next": "7"}}]}
    """

    hosts: ClassVar[Sequence[str]] = ()
    """The hosts that it asks."""

    # The checks

    @check("bronze")
    def test_golden_pages(self) -> None:
        """Every golden file's answers become exactly its questions and pages."""
        for path in self._cases():
            said = read(path)
            done = self._round(said["cursor"], _answers(said))
            made: dict[str, Any] = {
                "requests": [written(request, "") for request in done.requests],
                "pages": [_shown(page) for page in done.pages],
            }
            made |= {"fault": done.fault} if done.fault else {}
            if is_writing():
                keep(path, {"cursor": said["cursor"], "answers": said["answers"], **made})
            else:
                refuse(compared(path, {"cursor": said["cursor"], "answers": said["answers"], **made}))

    @check("bronze")
    def test_same_answers_same_ids(self) -> None:
        """The same answers give the same events, with ids that make a repeat a duplicate."""
        faults = []
        for path in self._cases():
            said = read(path)
            first, again = (self._round(said["cursor"], _answers(said)) for _ in range(2))
            if _all_shown(first.pages) != _all_shown(again.pages):
                faults.append(f"{path.name}: another time other events")
            if any(not event.id for event in _events(first)):
                faults.append(f"{path.name}: an event has no id of its own")
        refuse(faults)

    @check("bronze")
    def test_exact_host(self) -> None:
        """It asks the hosts in `hosts` alone, by https."""
        faults = []
        for path in self._cases():
            said = read(path)
            for request in self._round(said["cursor"], _answers(said)).requests:
                there = urlsplit(request.path)
                if there.scheme != "https" or there.netloc not in self.hosts:
                    faults.append(f"{path.name}: asks {there.scheme}://{there.netloc}, not in `hosts`")
        refuse(faults)

    @check("bronze")
    def test_odd_answers_are_survived(self) -> None:
        """Whatever is answered: pages, or a fault that says what happens next, and nothing else."""
        refuse(
            f"{path.name}: {done}: {fault}"
            for path in self._cases()
            for done, answers in self._odd(read(path))
            for fault in self._stumbles(read(path)["cursor"], answers)
        )

    @check("bronze")
    def test_reasons_hold_no_secret_and_nobodys_data(self) -> None:
        """No reason of a fault, and no log, has a secret or anybody's data."""
        refuse(
            f"{path.name}: {done}: a reason shows {one}"
            for path in self._cases()
            for done, answers in self._odd(read(path))
            for one in self._shown_by(read(path)["cursor"], answers)
        )

    @check("silver")
    def test_a_restart_loses_and_repeats_nothing(self) -> None:
        """Begun anew behind any page, it goes on with the next one."""
        faults, most = [], 0
        for path in self._cases():
            answers = _answers(said := read(path))
            whole = self._round(said["cursor"], answers)
            most = max(most, len(whole.pages))
            for number, (page, used) in enumerate(zip(whole.pages, whole.used, strict=True), 1):
                rest = self._round(page.cursor, answers[used:]).pages
                if plain([_shown(one) for one in rest]) != plain(
                    [_shown(one) for one in whole.pages[number:]]
                ):
                    faults.append(f"{path.name}: begun anew behind page {number}, it goes on elsewhere")
        refuse(faults)
        if most < 2:
            left_open("no golden file has several pages")

    @check("silver")
    def test_back_off_is_honoured(self) -> None:
        """Where the system asks for patience, the round ends, and Retry-After is waited for."""
        faults = []
        for path in self._cases():
            said = read(path)
            for status in (429, 503):
                patience = Response(status, {"retry-after": "7"})
                done = self._round(said["cursor"], [patience, *_answers(said)])
                if done.wait != timedelta(seconds=7) or done.pages:
                    faults.append(f"{path.name}: {status} with Retry-After 7: waits {done.wait}")
        refuse(faults)

    @check("gold")
    def test_throughput_is_measured(self) -> None:
        """A hundred events are read within a second of the processor's time."""
        said = max(map(read, self._cases()), key=lambda one: len(_events(self._whole(one))))
        count, started = 0, process_time()
        while count < 100:
            found = len(_events(self._whole(said)))
            if not found:
                left_open("no golden answers bring an event")
            count += found
        took = process_time() - started
        if took > 1.0:
            refuse([f"a hundred events take {took:.1f} s"])

    # How it is done

    def _whole(self, said: Mapping[str, Any]) -> Round:
        """The round of a golden file."""
        return self._round(said["cursor"], _answers(said))

    def _cases(self) -> list[Path]:
        files = sorted(self.golden().glob("*.json"))
        found = [file for file in files if file.name != "settings.schema.json"]
        if not found:
            refuse([f"there are no golden answers in {self.golden()}: see PollingConformance"])
        return found

    def _round(self, cursor: str | None, answers: Sequence[Response]) -> Round:
        """Rounds as the hub drives them, while more is waiting; they end when there are no more answers."""
        source: PollingSource[Any] = self.made()
        done, left = Round(), list(answers)
        while len(done.pages) < _MOST_PAGES:
            before = len(done.pages)
            try:
                _spoken(source.pages(cursor), left, done)
            except DeliveryError as fault:
                done.fault = f"{type(fault).__name__}: {fault}"
                done.wait = fault.after if isinstance(fault, RetryLater) else None
                break
            if len(done.pages) == before or not done.pages[-1].more or not left:
                break
            cursor = done.pages[-1].cursor
        return done

    def _odd(self, said: Mapping[str, Any]) -> Iterator[tuple[str, list[Response]]]:
        answers = _answers(said)
        for place, right in enumerate(answers):
            before, behind = answers[:place], answers[place + 1 :]
            for status in AGREED:
                yield f"answer {place} is {status}", [*before, Response(status), *behind]
            for body in GARBAGE:
                yield f"answer {place} is {body!r}", [*before, replace(right, body=body), *behind]
            for done, changed in odd.odd_fields(Inbound("POST", "/", body=right.body)):
                yield f"answer {place}: {done}", [*before, replace(right, body=changed.body), *behind]

    def _shown_by(self, cursor: str | None, answers: list[Response]) -> list[str]:
        """Secrets and people's data in what is said of these answers."""
        heard = Round()
        with said_meanwhile() as said, contextlib.suppress(Exception):
            # What makes it stumble is told by another check.
            heard = self._round(cursor, answers)
        bad = [one.reason for page in heard.pages for one in page.events if isinstance(one, BadEvent)]
        text = "\n".join([said(), heard.fault, *bad])
        return [*self.leaks(text), *(one for one in samples.PERSONAL if one in text)]

    def _stumbles(self, cursor: str | None, answers: list[Response]) -> list[str]:
        try:
            done = self._round(cursor, answers)
            if len(done.pages) >= _MOST_PAGES:
                return ["it never ends"]
            return [fault for event in _events(done) for fault in odd.odd_event(event)]
        except Exception as bug:
            return [told(bug)]


def _spoken(pages: Pages, left: list[Response], done: Round) -> None:
    """One round, until it is over, or there are not enough answers left."""
    try:
        step = next(pages)
        while len(done.pages) < _MOST_PAGES:
            if isinstance(step, Page):
                done.pages.append(step)
                done.used.append(len(done.requests))
                step = next(pages)
                continue
            asked = step if isinstance(step, list) else [step]
            if len(left) < len(asked):
                return
            given, left[: len(asked)] = left[: len(asked)], []
            done.requests += asked
            fault = _fault(asked, given)
            said = given if isinstance(step, list) else given[0]
            step = pages.send(said) if fault is None else pages.throw(fault)
    except StopIteration:
        return
    finally:
        pages.close()


def _fault(asked: Sequence[Request], given: Sequence[Response]) -> DeliveryError | None:
    for request, answer in zip(asked, given, strict=True):
        if not 200 <= answer.status < 300 and answer.status not in request.expect:
            return verdict(answer, samples.NOW) or RetryLater(f"answered {answer.status}")
    return None


def _answers(said: Mapping[str, Any]) -> list[Response]:
    return [
        Response(
            one.get("status", 200),
            {name.lower(): value for name, value in one.get("headers", {}).items()},
            json.dumps(one["json"]).encode() if "json" in one else one.get("body", "").encode(),
        )
        for one in said["answers"]
    ]


def _events(done: Round) -> list[Event]:
    return [one for page in done.pages for one in page.events if not isinstance(one, BadEvent)]


def _shown(page: Page) -> dict[str, Any]:
    """A page as a golden file keeps it."""
    bad = [one.reason for one in page.events if isinstance(one, BadEvent)]
    events = [one for one in page.events if not isinstance(one, BadEvent)]
    return {"cursor": page.cursor, "more": page.more, "events": events, **({"bad": bad} if bad else {})}


def _all_shown(pages: Sequence[Page]) -> Any:
    return plain([_shown(page) for page in pages])
