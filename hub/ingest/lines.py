"""A file of what a source receives, a message a line, taken in outside of any request."""

from __future__ import annotations

from hub.config import Config
from hub.errors import InboundError
from hub.ingest.admission import Admission
from hub.ingest.bugs import Bugs
from hub.ingest.intake import Intakes
from hub.store.port import Draft
from hub.telemetry import Metrics
from hub.wire import Inbound


async def lines(config: Config, label: str, text: bytes) -> tuple[list[Draft], list[tuple[int, str]]]:
    """The events of the lines, which count as proven, and the lines that cannot be used with why."""
    metrics = Metrics()
    intake = Intakes(config, metrics).by_label[label]
    admission = Admission(Bugs(metrics))
    drafts: list[Draft] = []
    bad: list[tuple[int, str]] = []
    for number, line in enumerate(text.split(b"\n"), 1):
        if not line.strip():
            continue
        inbound = Inbound("POST", f"/in/{label}", body=line, trust="secret")
        try:
            admitted = await admission.admit(intake, inbound)
        except InboundError as fault:
            bad.append((number, fault.reason))
            continue
        drafts += admitted.drafts
        bad += [(number, refused.reason) for refused in admitted.refused]
    return drafts, bad
