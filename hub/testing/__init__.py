"""What connectors are tried out with: the examination, vendors' contracts, stand-ins, rehearsals.

    from hub.testing import SinkConformance

    class TestKlaviyo(SinkConformance):
        connector = Klaviyo
        settings = {"api_key": "pk_test"}
        contract = "klaviyo/klaviyo-2026-07-15.json"

Everything an author may use is here. The classes and the fixtures (`clock`, `far_side`) need pytest, which
comes with the package's extra `testing`. Names are loaded when they are first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hub.clock import DrivenClock
    from hub.testing.contracts import Contract
    from hub.testing.polling import PollingConformance
    from hub.testing.rehearsal import Rehearsal
    from hub.testing.sinks import SinkConformance
    from hub.testing.sources import SourceConformance
    from hub.testing.transforms import TransformConformance
    from hub.testing.vendors.receiver import Receiver
    from hub.testing.vendors.standin import Heard, StandIn

__all__ = [
    "Contract",
    "DrivenClock",
    "Heard",
    "PollingConformance",
    "Receiver",
    "Rehearsal",
    "SinkConformance",
    "SourceConformance",
    "StandIn",
    "TransformConformance",
]

_HOMES = {
    "Contract": "hub.testing.contracts",
    "DrivenClock": "hub.clock",
    "Heard": "hub.testing.vendors.standin",
    "PollingConformance": "hub.testing.polling",
    "Receiver": "hub.testing.vendors.receiver",
    "Rehearsal": "hub.testing.rehearsal",
    "SinkConformance": "hub.testing.sinks",
    "SourceConformance": "hub.testing.sources",
    "StandIn": "hub.testing.vendors.standin",
    "TransformConformance": "hub.testing.transforms",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'hub.testing' has no attribute {name!r}")
    value = getattr(import_module(home), name)
    globals()[name] = value
    return value
