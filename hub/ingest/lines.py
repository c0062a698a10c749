"""A file of what a source receives, a message a line, taken in outside of any request."""

from __future__ import annotations

from dataclasses import replace

import msgspec

from hub.config import Config
from hub.errors import InboundError
from hub.ingest.admission import Admission
from hub.ingest.bugs import Bugs
from hub.ingest.intake import Intakes
from hub.store.port import Draft
from hub.telemetry import Metrics
from hub.wire import Inbound


class _Request(msgspec.Struct, forbid_unknown_fields=True):
    headers: dict[str, str]
    body: msgspec.Raw


_request = msgspec.json.Decoder(_Request).decode
_text = msgspec.json.Decoder(str).decode


def request_of(line: bytes, like: Inbound) -> Inbound:
    """The request that a line stands for: one with this body, or, as `{"headers", "body"}`, with both."""
    if b'"headers"' not in line:
        return replace(like, body=line)
    try:
        found = _request(line)
    except msgspec.MsgspecError:
        return replace(like, body=line)
    body = bytes(found.body)
    # A text is the body as it was sent; anything else is the JSON that it was.
    body = _text(body).encode("utf-8", "replace") if body.startswith(b'"') else body
    return replace(like, headers={name.lower(): value for name, value in found.headers.items()}, body=body)


async def lines(config: Config, label: str, text: bytes) -> tuple[list[Draft], list[tuple[int, str]]]:
    """The events of the lines, which count as proven, and the lines that cannot be used with why."""
    metrics = Metrics()
    intake = Intakes(config, metrics).by_label[label]
    admission = Admission(Bugs(metrics))
    drafts: list[Draft] = []
    bad: list[tuple[int, str]] = []
    like = Inbound("POST", f"/in/{label}", trust="secret")
    for number, line in enumerate(text.split(b"\n"), 1):
        if not line.strip():
            continue
        try:
            admitted = await admission.admit(intake, request_of(line, like))
        except InboundError as fault:
            bad.append((number, fault.reason))
            continue
        drafts += admitted.drafts
        bad += [(number, refused.reason) for refused in admitted.refused]
    return drafts, bad
