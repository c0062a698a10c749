"""All errors, named for what happens next.

    HubError
    ├── DeliveryError          said by a sink about deliveries
    │   ├── RetryLater         a passing fault: tried again, after a while
    │   ├── GiveUp             this delivery will never do: dead letter
    │   ├── CredentialsRejected our settings are wrong: the sink pauses, its events wait
    │   └── Skip               not sending is right: counted, nothing is kept waiting
    ├── InboundError           said by a source about a request
    │   ├── BadPayload         answers 400
    │   ├── BadSignature       answers 401
    │   ├── UnknownKey         answers 401
    │   ├── TooLarge           answers 413
    │   └── TooFast            answers 429
    ├── BadEvent               one event of a good request: quarantined with its reason
    ├── RuleFault              one fault of a rule's text, at a character of it
    ├── ConfigFault            one fault of the configuration; several travel in ConfigRefused
    ├── ConfigRefused          exit code 2: nothing is started, nothing is changed
    ├── PluginBroken           exit code 3
    └── StoreUnavailable       exit code 4, or 503 while running

The text of an error is read by people and goes to logs: it never holds a secret or a person's data.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any


class HubError(Exception):
    """The root of the tree."""

    @property
    def reason(self) -> str:
        """What happened, in one line, without anybody's data."""
        return str(self)


class DeliveryError(HubError):
    """What a sink says of a delivery that did not arrive.

    `answer` is the vendor's answer (a `hub.Response`) that the hub read the error from, None where there was
    none: an action that catches the error reads there what exactly was refused. Where several requests were
    sent at once, `answers` tells what became of each, in their order: its answer, or its own error.
    """

    answer: Any = None
    answers: Sequence[Any] = ()


class RetryLater(DeliveryError):
    """A passing fault: the hub tries again, `after` this long or with its own backoff."""

    def __init__(self, reason: str, *, after: timedelta | None = None) -> None:
        super().__init__(reason)
        self.after = after


class GiveUp(DeliveryError):
    """This delivery will never do: it becomes a dead letter and can be replayed by hand."""


class CredentialsRejected(DeliveryError):
    """The vendor refuses our credentials: the sink pauses, its events wait, people are told."""


class Skip(DeliveryError):
    """Not sending is right: the delivery ends as skipped, with this reason."""


class InboundError(HubError):
    """A request that a source does not accept; `status` is what the sender hears."""

    status = 400


class BadPayload(InboundError):
    """The body is not what this source understands."""

    status = 400


class BadSignature(InboundError):
    """The request is not proven to come from who it says."""

    status = 401


class UnknownKey(InboundError):
    """No source has this key."""

    status = 401


class TooLarge(InboundError):
    """The request is longer than this source takes."""

    status = 413


class TooFast(InboundError):
    """The sender must slow down; `after` is what it hears in Retry-After."""

    status = 429

    def __init__(self, reason: str, *, after: timedelta = timedelta(seconds=1)) -> None:
        super().__init__(reason)
        self.after = after


class BadEvent(HubError):
    """One event of a good request cannot be used; its neighbours are kept.

    `body` is that event as the sender sent it, for the quarantine; without it the whole request is kept.
    """

    def __init__(self, reason: str, *, body: bytes = b"") -> None:
        super().__init__(reason)
        self.body = body


class RuleFault(HubError):
    """A rule's text cannot be understood; `character` counts from 1, `problem` says what to write."""

    def __init__(self, character: int, problem: str) -> None:
        super().__init__(f"character {character}: {problem}")
        self.character = character
        self.problem = problem


@dataclass(frozen=True, slots=True)
class ConfigFault:
    """One fault: the file, the line (0 where none can be named), the dotted key, and what to do."""

    file: str
    line: int
    key: str
    problem: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place}: {self.key}: {self.problem}" if self.key else f"{place}: {self.problem}"


class ConfigRefused(HubError):
    """The configuration has faults; all of them are in `faults`, in the order of the file."""

    def __init__(self, faults: Sequence[ConfigFault]) -> None:
        super().__init__("\n".join(str(fault) for fault in faults))
        self.faults = tuple(faults)


class PluginBroken(HubError):
    """A connector package cannot be used as it is; the text says which and why."""


class StoreUnavailable(HubError):
    """A store cannot be opened, read or written."""
