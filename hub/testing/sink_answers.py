"""The checks of what a sink makes of answers: statuses, patience, garbage, and what must not be repeated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import product

from hub.connector import HttpSink
from hub.errors import DeliveryError, RetryLater
from hub.testing import samples
from hub.testing.checking import check, refuse
from hub.testing.conformance import said_meanwhile
from hub.testing.examined_sink import ExaminedSink
from hub.testing.rehearsal import Answer
from hub.testing.runs import Run, Verdict
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


class AnswerChecks(ExaminedSink):
    """What a sink makes of answers."""

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
            for body, status in product(GARBAGE, (200, 207, 400, 429, 500)):
                done = self._try(action, [delivery], _always(Response(status, {}, body)))
                wanted = self._wanted(action, status, "retry")
                if isinstance(done, str) or (status >= 429 and _shown(done) != wanted):
                    faults.append(f"{action}: {status} with the body {body!r}: {_shown(done)}")
        refuse(faults)

    @check("bronze", only=HttpSink)
    def test_retry_after_is_obeyed(self) -> None:
        """Retry-After, in seconds or as a date, is waited for."""
        faults = []
        for action, delivery in self._working():
            for status, said in product((429, 503), ("7", HTTP_DATE)):
                answer = replace(self.complaint(status, "later"), headers={"retry-after": said})
                waits = _waits(self._try(action, [delivery], _always(answer)))
                if waits != "0:00:07" and self._wanted(action, status, "retry") == "retry":
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


def _always(answer: Response) -> Answer:
    return lambda _: answer


def _raising(fault: DeliveryError) -> Answer:
    def answer(request: Request) -> Response:
        raise fault

    return answer


def _shown(done: Run | str) -> str:
    return done if isinstance(done, str) else ", ".join(sorted(done.verdicts))


def _waits(done: Run | str) -> str:
    """How long the hub is told to wait; None where it is not told."""
    if isinstance(done, str):
        return done
    return ", ".join({str(getattr(outcome, "after", None)) for outcome in done.outcomes.values()})
