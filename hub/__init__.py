"""Hub: turns what people do into the right message, at the right second, without losing one.

Everything a connector author may use is here, and nothing else of the package is meant for them.
Names are loaded when they are first used, so that `import hub` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hub.connector import (
        Delivery,
        HttpSink,
        Limits,
        Page,
        Pages,
        PollingSource,
        Requests,
        Sink,
        Source,
        Transform,
        Verdicts,
        action,
    )
    from hub.errors import (
        BadEvent,
        BadPayload,
        BadSignature,
        CredentialsRejected,
        DeliveryError,
        GiveUp,
        HubError,
        RetryLater,
        Skip,
        TooFast,
        TooLarge,
        UnknownKey,
    )
    from hub.event import Consent, Event, Identifier, Message, iso
    from hub.hooks import hookimpl
    from hub.liquid import Template
    from hub.option import Duration, Option, Secret, Settings
    from hub.schema import normalise
    from hub.wire import Inbound, Request, Response

__version__ = "0.1.0"

__all__ = [
    "BadEvent",
    "BadPayload",
    "BadSignature",
    "Consent",
    "CredentialsRejected",
    "Delivery",
    "DeliveryError",
    "Duration",
    "Event",
    "GiveUp",
    "HttpSink",
    "HubError",
    "Identifier",
    "Inbound",
    "Limits",
    "Message",
    "Option",
    "Page",
    "Pages",
    "PollingSource",
    "Request",
    "Requests",
    "Response",
    "RetryLater",
    "Secret",
    "Settings",
    "Sink",
    "Skip",
    "Source",
    "Template",
    "TooFast",
    "TooLarge",
    "Transform",
    "UnknownKey",
    "Verdicts",
    "action",
    "hookimpl",
    "iso",
    "normalise",
]

_HOMES = {
    "connector": (
        "Delivery HttpSink Limits Page Pages PollingSource Requests Sink Source Transform Verdicts action"
    ),
    "errors": (
        "BadEvent BadPayload BadSignature CredentialsRejected DeliveryError GiveUp HubError RetryLater Skip "
        "TooFast TooLarge UnknownKey"
    ),
    "event": "Consent Event Identifier Message iso",
    "hooks": "hookimpl",
    "liquid": "Template",
    "option": "Duration Option Secret Settings",
    "schema": "normalise",
    "wire": "Inbound Request Response",
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names.split()}


def __getattr__(name: str) -> Any:
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module 'hub' has no attribute {name!r}")
    value = getattr(import_module(f"hub.{home}"), name)
    globals()[name] = value
    return value
