"""The gateway: what is asked under which path, and what its sender hears."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from math import ceil
from typing import Any

from hub.clock import Clock
from hub.config import Config
from hub.errors import BadSignature, HubError, InboundError, StoreUnavailable, TooFast, TooLarge, UnknownKey
from hub.ingest.admission import Admission
from hub.ingest.answers import (
    Answer,
    accepted,
    asks_to_send,
    from_response,
    json,
    let_read,
    may_send,
    preflight,
    refusal,
)
from hub.ingest.body import Budget, Gone, Held, Receive, read
from hub.ingest.bugs import Bugs
from hub.ingest.caller import Caller
from hub.ingest.commands import Api
from hub.ingest.commands import refused as api_refusal
from hub.ingest.guard import Guard
from hub.ingest.intake import Claim, Intake, Intakes, Misses, SourceType, prove
from hub.ingest.room import Room
from hub.ingest.senders import Senders, group
from hub.ingest.writing import Writing
from hub.store.port import JournalWriter
from hub.telemetry import Health, Metrics, names
from hub.wire import Inbound

HEAVY = 1024 * 1024
"""Requests of more bytes are taken apart one at a time: parsed, they are several times their size."""
UNAVAILABLE_SECONDS = 2
_METHODS = frozenset({"GET", "POST", "PUT", "HEAD", "OPTIONS"})


class Gateway:
    """Everything that comes in by HTTP; an ASGI application.

    `reload` reads the configuration again and applies it whole or raises ConfigRefused. While it is on
    its way, a key that is unknown is answered 503, since the new configuration may know it.
    """

    def __init__(
        self,
        config: Config,
        journal: JournalWriter,
        clock: Clock,
        metrics: Metrics,
        *,
        health: Health,
        token: str,
        reload: Callable[[], Awaitable[None]],
        status: Callable[[], Mapping[str, object]] = dict,
    ) -> None:
        self._clock = clock
        self.metrics = metrics
        self.health = health
        self.bugs = Bugs(metrics)
        self.admission = Admission(self.bugs)
        self.writing = Writing(
            journal, Room(config.hub.data_dir, config.hub.free_space, clock), metrics, health
        )
        self._budget = Budget()
        self._misses = Misses()
        self._missed = metrics.cell(names.KEYS_MISSED)
        self._one_heavy = asyncio.Lock()
        self._undecided = 0
        self._reload = reload
        self._status = status
        self._token = token
        self._pages = {"/healthz": self._healthz, "/readyz": self._readyz, "/metrics": self._metrics_text}
        self.replace(config)

    def replace(self, config: Config) -> None:
        """From the next request on this configuration is in force; those under way end with the old one."""
        intakes = Intakes(config, self.metrics)
        guard = Guard(self._token, (config.hub.public_url, config.hub.listen))
        senders = Senders(config.hub.trusted_proxies)
        self.config, self.intakes, self.senders, self._guard = config, intakes, senders, guard
        self._api = Api(
            intakes.by_label,
            self.admission,
            self.writing,
            self._clock.now,
            reload=self.reload,
            status=self._tell,
        )

    async def reload(self) -> None:
        """Applies a changed configuration whole, or raises ConfigRefused."""
        self._undecided += 1
        try:
            await self._reload()
        finally:
            self._undecided -= 1

    async def __call__(self, scope: Any, receive: Receive, send: Callable[[Any], Awaitable[None]]) -> None:
        try:
            answer = await self._answer(Caller(scope, receive, self.senders))
        except Gone:
            return
        except Exception as bug:
            self.bugs.met("gateway", bug)
            answer = refusal(500, "internal error")
            answer.head.append((b"connection", b"close"))
        await send({"type": "http.response.start", "status": answer.status, "headers": answer.head})
        await send({"type": "http.response.body", "body": answer.body})

    async def _answer(self, caller: Caller) -> Answer:
        page = self._pages.get(caller.path)
        if page is not None:
            return page() if caller.method in ("GET", "HEAD") else _no_method("GET, HEAD")
        claim = self.intakes.claim(caller.path)
        if claim is not None:
            return await self._ingest(caller, claim)
        if caller.path.startswith("/in/"):
            intake = self.intakes.by_label.get(caller.path[4:])
            if intake is not None:
                return await self._ingest(caller, intake)
            if self._undecided:
                return refusal(503, "a changed configuration is on its way", UNAVAILABLE_SECONDS)
            return refusal(404, "no source has this label")
        if caller.path.startswith("/api/"):
            return await self._at_api(caller)
        return refusal(404, "there is nothing here")

    # Events.

    async def _ingest(self, caller: Caller, entrance: Claim | Intake) -> Answer:
        browser = entrance.browser
        if caller.method == "POST":
            answer = await self._take_in(caller, entrance)
        elif caller.method == "OPTIONS" and isinstance(entrance, Intake) and asks_to_send(caller.headers):
            return may_send(caller.headers)
        elif caller.method == "OPTIONS" and browser:
            return preflight(caller.headers)
        elif caller.method not in _METHODS or caller.method == "OPTIONS":
            return _no_method("GET, POST, PUT")
        elif caller.method == "HEAD":
            # Some vendors ask so whether a webhook's address exists; it brings no event.
            answer = Answer(200, [(b"content-length", b"0")], b"")
        else:
            answer = await self._take_in(caller, entrance)
        origin = caller.headers.get("origin") if browser else None
        if origin is not None:
            let_read(answer.head, origin)
        return answer

    async def _take_in(self, caller: Caller, entrance: Claim | Intake) -> Answer:
        held = Held(self._budget, group(caller.address))
        inbound: Inbound | None = None
        intake = entrance if isinstance(entrance, Intake) else None
        try:
            body = await read(caller.receive, caller.headers, entrance.max_request, held)
            inbound = caller.inbound(body, self._clock.now())
            if intake is None:
                intake, inbound = entrance.open(inbound, self.bugs)  # type: ignore[union-attr]
            else:
                inbound = prove(intake, inbound, self.bugs)
            answer = await self._write_down(intake, inbound, labelled=intake is entrance)
        except (InboundError, StoreUnavailable, MemoryError) as fault:
            answer = self._refuse(fault, entrance, intake, inbound or caller.inbound(b"", self._clock.now()))
            if inbound is None:
                # Nobody reads the rest of the body; the connection ends with this answer.
                answer.head.append((b"connection", b"close"))
        finally:
            held.release()
        if intake is not None:
            intake.answered(answer.status)
        return answer

    async def _write_down(self, intake: Intake, inbound: Inbound, *, labelled: bool) -> Answer:
        size = len(inbound.body)
        if size > intake.max_request:
            raise TooLarge(f"a request has at most {intake.max_request} bytes")
        intake.received(size)
        if size <= HEAVY:
            return await self._write_all(intake, inbound, labelled)
        async with self._one_heavy:
            return await self._write_all(intake, inbound, labelled)

    async def _write_all(self, intake: Intake, inbound: Inbound, labelled: bool) -> Answer:
        admitted = await self.admission.admit(intake, inbound, keep_raw=labelled)
        drafts, refused = admitted.drafts, admitted.refused
        if drafts or refused:
            await self.writing.write(drafts, refused)
            intake.written(len(drafts), len(refused))
        try:
            response = intake.source.respond(inbound, len(drafts), len(refused))
        except Exception as bug:
            self.bugs.met(intake.source.name, bug)
            response = None
        return accepted(len(drafts), len(refused)) if response is None else from_response(response)

    def _refuse(
        self, fault: Exception, entrance: Claim | Intake, intake: Intake | None, inbound: Inbound
    ) -> Answer:
        status, after = self._verdict(fault, inbound.address, at_label=isinstance(entrance, Intake))
        reason = fault.reason if isinstance(fault, HubError) else "out of memory"
        if status == 503:
            reason = "events cannot be written down at the moment"
        refusers: Iterable[SourceType] = () if intake is None else (type(intake.source),)
        if intake is None and isinstance(entrance, Claim):
            refusers = entrance.keyrings
        for refuser in refusers:
            try:
                response = refuser.refuse(inbound, status, reason)
            except Exception as bug:
                self.bugs.met(refuser.name, bug)
                continue
            if response is not None:
                return from_response(response)
        return refusal(status, reason, after)

    def _verdict(self, fault: Exception, address: str, *, at_label: bool) -> tuple[int, int | None]:
        if isinstance(fault, TooFast):
            return 429, max(1, ceil(fault.after.total_seconds()))
        if isinstance(fault, UnknownKey | BadSignature):
            if self._undecided:
                return 503, UNAVAILABLE_SECONDS
            if at_label:
                # A signature cannot be guessed, and its sender must hear each time that it is wrong.
                self._missed.n += 1
                return fault.status, None
            after = self.missed(address)
            return (fault.status, None) if after is None else (429, after)
        if isinstance(fault, InboundError):
            return fault.status, None
        return 503, UNAVAILABLE_SECONDS

    def missed(self, address: str) -> int | None:
        """Counts an unknown key; the seconds to wait where this address has tried too many."""
        self._missed.n += 1
        return self._misses.again(group(address), self._clock.now())

    # The house's own pages.

    async def _at_api(self, caller: Caller) -> Answer:
        refused = self._guard.refusal(caller.headers)
        if refused is not None:
            status, reason = refused
            after = self.missed(caller.address) if status == 401 else None
            answer = api_refusal(status if after is None else 429, reason, after=after)
            answer.head.append((b"connection", b"close"))
            return answer
        held = Held(self._budget, group(caller.address))
        try:
            return await self._api.answer(caller, held)
        finally:
            held.release()

    def _tell(self) -> Mapping[str, object]:
        verdict = self.health.verdict()
        return {
            "status": verdict.status,
            "roles": verdict.roles,
            "reasons": verdict.reasons,
            "config": self.config.version,
            "sources": sorted(self.config.sources),
            "sinks": sorted(self.config.sinks),
            **self._status(),
        }

    def _healthz(self) -> Answer:
        verdict = self.health.verdict()
        return json(verdict._asdict(), 503 if verdict.status == "failing" else 200)

    def _readyz(self) -> Answer:
        obstacle = self.writing.obstacle()
        if obstacle is None:
            return json({"ready": True})
        answer = json({"ready": False, "reason": obstacle}, 503)
        answer.head.append((b"retry-after", b"%d" % UNAVAILABLE_SECONDS))
        return answer

    def _metrics_text(self) -> Answer:
        body, content_type = self.metrics.text()
        return Answer(
            200, [(b"content-type", content_type.encode()), (b"content-length", b"%d" % len(body))], body
        )


def _no_method(allowed: str) -> Answer:
    answer = refusal(405, f"this path answers {allowed}")
    answer.head.extend([(b"allow", allowed.encode()), (b"connection", b"close")])
    return answer
