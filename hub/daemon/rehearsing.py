"""What a sink would be asked, played through without a network."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any
from urllib.parse import quote, quote_plus, urlencode

import msgspec

from hub.config import Config
from hub.connector import Delivery, HttpSink
from hub.daemon.virtual import VirtualHouse
from hub.delivery.reading import Desk, Transforms
from hub.delivery.run import HttpRunner
from hub.delivery.work import Job
from hub.errors import DeliveryError
from hub.event import Event, Instant
from hub.option import Secret, Settings
from hub.store.port import Draft
from hub.wire import Request, Response

ANSWER = Response(200, {"content-type": "application/json"}, b"{}")
"""What every request hears: it was accepted."""
HIDDEN = "[hidden]"
_AT_ONCE = 1000
_SIGNED = re.compile(r"\beyJ[\w-]+\.eyJ[\w-]+\.[\w-]+")
"""A JSON Web Token."""
_event = msgspec.json.Decoder(Event).decode


def claimed_at(draft: Draft, otherwise: Instant) -> Instant:
    """When an event says that it happened."""
    return _event(draft.body).occurred_at or otherwise


class Stage:
    """Plays the deliveries of one sink as they are decided; `requests` has what was asked for."""

    house: VirtualHouse

    def __init__(self, config: Config, sink: str) -> None:
        block = config.sinks[sink]
        self._sink = sink
        self._consent = config.consent
        self._block = block
        made = block.connector(block.settings, block.label)
        assert isinstance(made, HttpSink)
        made.allowed = block.limits
        self._base = block.base_url or made.address() or made.base_url
        self._runner = HttpRunner(made, _nothing)
        shown = {form for secret in _secrets(block.settings) for form in _forms(secret)}
        # The longest first: where one begins with another, the rest of it would stay.
        self._secrets = sorted(shown, key=len, reverse=True)
        self._transforms: Transforms = [
            (one.name, one.connector(one.settings, one.name))
            for one in config.transforms
            if sink in one.sinks
        ]
        self._position = 0
        self._playing: tuple[str, list[str]] = ("", [])
        self.requests: list[dict[str, Any]] = []

    def play(self) -> None:
        """Delivers whatever was decided since the last time."""
        while self._play_some():
            pass

    def _play_some(self) -> bool:
        sets = self.house.state.route_sets()
        mine = [number for number, legs in sets.items() if any(leg.sink == self._sink for leg in legs)]
        rows = self.house.state.outbox(self._position, mine, _AT_ONCE) if mine else []
        if not rows:
            return False
        self._position = rows[-1].seq
        jobs = []
        for row in rows:
            for leg in sets[row.routes]:
                if leg.sink == self._sink:
                    job = Job(row.seq, row.entry, row.person, leg.action, identifiers=row.identifiers)
                    job.message, job.sync, job.attempts = row.message, row.sync, 1
                    jobs.append(job)
        desk = Desk(self.house.journal, self.house.state, self.house.clock, self._consent)
        for action, some in groupby(sorted(jobs, key=lambda job: job.action), key=lambda job: job.action):
            ready, _ = desk.prepare(list(some), self._sink, self._transforms)
            size = self._block.limits[action].batch
            for start in range(0, len(ready), size):
                asyncio.run(self._run(action, ready[start : start + size]))
        return True

    async def _run(self, action: str, deliveries: Sequence[Delivery]) -> None:
        self._playing = (action, [delivery.id for delivery in deliveries])
        try:
            said = await self._runner.run(action, deliveries, self)
        except DeliveryError as fault:
            said = dict.fromkeys(self._playing[1], fault)
        for id, verdict in (said or {}).items():
            self.requests.append(
                {
                    "sink": self._sink,
                    "action": action,
                    "method": None,
                    "url": None,
                    "headers": {},
                    "body": None,
                    "deliveries": [id],
                    "reason": f"{type(verdict).__name__}: {verdict}",
                }
            )

    # What a run asks of its lane.

    async def send(self, request: Request) -> Response:
        """Notes the request; it is answered as if it was accepted."""
        body, content_type = request.body()
        headers = {"content-type": content_type} if content_type else {}
        query = f"?{urlencode(request.query)}" if request.query else ""
        whole = request.path.startswith(("https://", "http://"))
        url = (request.path if whole else self._base.rstrip("/") + request.path) + query
        action, deliveries = self._playing
        self.requests.append(
            {
                "sink": self._sink,
                "action": action,
                "method": request.method,
                "url": self._shown(url),
                "headers": {
                    name: self._header(value) for name, value in {**headers, **request.headers}.items()
                },
                "body": _parsed(self._shown(body.decode("utf-8", "replace"))),
                "deliveries": deliveries,
            }
        )
        return ANSWER

    async def turn(self) -> None:
        """There are no limits to wait for."""

    def heard(self, response: Response) -> None:
        """Nobody learns from an answer of ours."""

    def now(self) -> Instant:
        """The driven clock."""
        return self.house.clock.now()

    def _header(self, value: str) -> str:
        # A name and password of HTTP are only spelled otherwise, not hidden.
        return f"Basic {HIDDEN}" if value.startswith("Basic ") else self._shown(value)

    def _shown(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, HIDDEN)
        # What was signed with a secret opens doors too, for as long as it holds.
        return _SIGNED.sub(HIDDEN, text)


def _secrets(value: Any) -> Iterator[str]:
    """Every secret in some settings, wherever it stands."""
    if isinstance(value, Secret):
        if value.reveal():
            yield value.reveal()
    elif isinstance(value, Settings):
        for name in type(value).model_fields:
            yield from _secrets(getattr(value, name))
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _secrets(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _secrets(inner)


def _forms(secret: str) -> set[str]:
    """A secret as it may be spelled in a header, an address, a form and in JSON."""
    return {secret, quote(secret, safe=""), quote_plus(secret), json.dumps(secret)[1:-1]}


def _parsed(body: str) -> Any:
    """JSON as what it says, anything else as text."""
    try:
        return json.loads(body)
    except ValueError:
        return body or None


async def _nothing() -> None:
    return None
