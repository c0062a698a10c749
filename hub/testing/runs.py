"""One run of a sink's action as the hub does it, in words that can be compared."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import parse_qsl, urlencode

from hub.connector import Delivery, HttpSink
from hub.errors import CredentialsRejected, DeliveryError, GiveUp, RetryLater, Skip
from hub.testing.rehearsal import Answer, Rehearsal
from hub.testing.samples import NOW
from hub.wire import Request

Verdict = Literal["delivered", "retry", "give_up", "credentials", "skip"]


@dataclass(slots=True)
class Run:
    """What an action asked for, and what became of each delivery (None: it arrived)."""

    requests: list[Request] = field(default_factory=list)
    outcomes: dict[str, DeliveryError | None] = field(default_factory=dict)

    @property
    def verdicts(self) -> set[Verdict]:
        """The outcomes as words."""
        return {word(outcome) for outcome in self.outcomes.values()}

    @property
    def said(self) -> str:
        """All reasons."""
        return "\n".join(str(outcome) for outcome in self.outcomes.values() if outcome is not None)


def run(
    sink: HttpSink[Any], action: str, deliveries: Sequence[Delivery], answer: Answer, *, now: int = NOW
) -> Run:
    """Plays an action through; whatever is no DeliveryError is a bug of the connector, and comes out."""
    rehearsal = Rehearsal(sink, answer, now)
    outcomes: dict[str, DeliveryError | None] = {one.id: None for one in deliveries}
    try:
        outcomes |= rehearsal.run(action, deliveries)
    except DeliveryError as fault:
        outcomes = {one.id: fault for one in deliveries}
    return Run(rehearsal.requests, outcomes)


def word(outcome: DeliveryError | None) -> Verdict:
    """An outcome as a word."""
    names: Mapping[type[DeliveryError], Verdict] = {
        CredentialsRejected: "credentials",
        GiveUp: "give_up",
        RetryLater: "retry",
        Skip: "skip",
    }
    found = (name for kind, name in names.items() if isinstance(outcome, kind))
    return "delivered" if outcome is None else next(found, "retry")


def address(request: Request, base: str) -> str:
    """The whole address of a request, with its query."""
    whole = request.path.startswith(("https://", "http://"))
    url = request.path if whole else (base.rstrip("/") + request.path if request.path else base)
    if request.query:
        url += ("&" if "?" in url else "?") + urlencode(request.query)
    return url


def headers(request: Request) -> dict[str, str]:
    """The headers as they are sent, by lower-case names."""
    _, content_type = request.body()
    told = {} if content_type is None else {"content-type": content_type}
    return {**told, **{name.lower(): value for name, value in request.headers.items()}}


def written(request: Request, base: str) -> dict[str, Any]:
    """A request as a golden file keeps it."""
    raw, _ = request.body()
    said = headers(request)
    form: dict[str, Any] = {"method": request.method, "url": address(request, base), "headers": said}
    if raw:
        form |= _body(raw, said.get("content-type", ""))
    return form


def _body(raw: bytes, content_type: str) -> dict[str, Any]:
    if "form-urlencoded" in content_type:
        return {"form": parse_qsl(raw.decode("utf-8", "replace"), keep_blank_values=True)}
    try:
        return {"json": json.loads(raw)}
    except ValueError:
        return {"body": raw.decode("utf-8", "replace")}
