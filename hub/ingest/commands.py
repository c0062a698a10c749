"""The API: what operators tell a running hub, and what they ask it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from difflib import get_close_matches
from math import ceil
from typing import Any
from urllib.parse import parse_qs

import msgspec

from hub.errors import (
    BadPayload,
    ConfigRefused,
    HubError,
    InboundError,
    PluginBroken,
    StoreUnavailable,
    TooFast,
)
from hub.event import Instant
from hub.ingest.admission import Admission, Admitted
from hub.ingest.answers import Answer, json
from hub.ingest.body import Held, read
from hub.ingest.caller import Caller
from hub.ingest.intake import Intake
from hub.ingest.lines import request_of
from hub.ingest.writing import Writing
from hub.store.port import Draft, Kind
from hub.wire import Inbound

COMMANDS = ("replay", "drop", "resume")
"""What `/api/commands` puts into the journal; each role applies those that are meant for it."""
MOST = 10 * 1024 * 1024
_SHOWN = 20


class Api:
    """Answers whoever has passed the guard."""

    def __init__(
        self,
        intakes: Mapping[str, Intake],
        admission: Admission,
        writing: Writing,
        now: Callable[[], Instant],
        *,
        reload: Callable[[], Awaitable[None]],
        status: Callable[[], Mapping[str, object]],
    ) -> None:
        self._intakes = intakes
        self._admission = admission
        self._writing = writing
        self._now = now
        self._reload = reload
        self._status = status
        self._routes: dict[tuple[str, str], Callable[[Caller, Held], Awaitable[Answer]]] = {
            ("POST", "/api/commands"): self._command,
            ("POST", "/api/reload"): self._apply,
            ("POST", "/api/send"): self._send,
            ("GET", "/api/status"): self._tell,
        }

    async def answer(self, caller: Caller, held: Held) -> Answer:
        """Does what is asked; everything that is not in the list is refused."""
        route = self._routes.get((caller.method, caller.path))
        if route is None:
            return refused(404, "the API has no such call")
        try:
            return await route(caller, held)
        except TooFast as fault:
            return refused(429, fault.reason, after=ceil(fault.after.total_seconds()))
        except InboundError as fault:
            return refused(fault.status, fault.reason)
        except StoreUnavailable as fault:
            return refused(503, fault.reason, after=2)

    async def _command(self, caller: Caller, held: Held) -> Answer:
        said = _json(await read(caller.receive, caller.headers, MOST, held))
        command = said.get("command") if isinstance(said, dict) else None
        if command not in COMMANDS:
            near = get_close_matches(str(command), COMMANDS, 1)
            hint = f"; did you mean '{near[0]}'?" if near else f"; there are {', '.join(COMMANDS)}"
            raise BadPayload(f"unknown command{hint}")
        await self._writing.write([Draft(Kind.COMMAND, msgspec.json.encode(said))])
        return json({"success": True})

    async def _apply(self, caller: Caller, held: Held) -> Answer:
        try:
            await self._reload()
        except ConfigRefused as fault:
            return refused(422, fault.reason, faults=[str(one) for one in fault.faults])
        except HubError as fault:
            broken = isinstance(fault, PluginBroken)
            return refused(422, fault.reason, faults=[fault.reason], plugin_broken=broken)
        return json({"success": True})

    async def _tell(self, caller: Caller, held: Held) -> Answer:
        return json(self._status())

    async def _send(self, caller: Caller, held: Held) -> Answer:
        """JSON lines for a source; they count as proven, since only operators get here."""
        label = parse_qs(caller.query.decode("latin-1")).get("source", [""])[-1]
        intake = self._intakes.get(label)
        if intake is None:
            near = get_close_matches(label, self._intakes, 1)
            raise BadPayload("no source has this label" + (f"; did you mean '{near[0]}'?" if near else ""))
        body = await read(caller.receive, caller.headers, MOST, held)
        sent = await self._lines(intake, caller.inbound(b"", self._now()), body)
        if sent.drafts or sent.refused:
            await self._writing.write(sent.drafts, sent.refused)
        intake.written(len(sent.drafts), len(sent.refused))
        return json(
            {
                "success": True,
                "accepted": len(sent.drafts),
                "quarantined": len(sent.refused),
                "reasons": sent.reasons,
            }
        )

    async def _lines(self, intake: Intake, caller: Inbound, body: bytes) -> _Sent:
        sent = _Sent()
        like = replace(caller, method="POST", path=f"/in/{intake.label}", query_string="", trust="secret")
        for number, line in enumerate(body.split(b"\n"), 1):
            if not line.strip():
                continue
            try:
                admitted = await self._admission.admit(intake, request_of(line, like), keep_raw=True)
            except InboundError as fault:
                raise BadPayload(f"line {number}: {fault.reason}") from None
            sent.add(number, admitted)
        return sent


class _Sent:
    """What a file of lines brings."""

    def __init__(self) -> None:
        self.drafts: list[Draft] = []
        self.refused: list[Any] = []
        self.reasons: list[dict[str, object]] = []

    def add(self, number: int, admitted: Admitted) -> None:
        self.drafts += admitted.drafts
        self.refused += admitted.refused
        told = [{"line": number, "reason": one.reason} for one in admitted.refused]
        self.reasons += told[: _SHOWN - len(self.reasons)]


def _json(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise BadPayload("the body is not JSON") from None


def refused(status: int, reason: str, *, after: int | None = None, **more: object) -> Answer:
    """An operator's refusal."""
    answer = json({"success": False, "reason": reason, **more}, status)
    if after is not None:
        answer.head.append((b"retry-after", b"%d" % after))
    return answer
