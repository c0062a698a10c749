"""What a connector author writes: sources, transforms and sinks.

A source turns bytes into events. An HTTP sink is a generator that yields requests and is sent the
answers. Neither opens a socket, waits, retries or logs: the hub does that, for all of them alike.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, TypeVar

from hub.errors import BadEvent, DeliveryError
from hub.event import Event, Identifier, Instant, Message
from hub.option import Settings
from hub.wire import Inbound, Request, Response

S = TypeVar("S", bound=Settings)


@dataclass(frozen=True, slots=True)
class Delivery:
    """One action for one event of one person, under an id that every attempt keeps.

    `event` and `identifiers` are as planned; `traits` are the person's as they are now.
    """

    id: str
    event: Event
    person: str | None = None
    identifiers: tuple[Identifier, ...] = ()
    traits: Mapping[str, Any] = field(default_factory=dict)
    attempt: int = 1
    message: Message | None = None
    """What a rule wants to say; None for an event that takes a route."""

    def identifier(self, kind: str) -> str | None:
        """The first identifier of this kind, the event's own before the person's others."""
        for known in (*self.event.identifiers, *self.identifiers):
            if known.kind == kind:
                return known.value
        return None


Verdicts = Mapping[str, DeliveryError]
"""Which deliveries did not arrive, by their ids, and what happens next; all others are delivered."""

Requests = Generator[Request | list[Request], Any, Verdicts | None]
"""What an HTTP action is: it yields a request (or a list, sent at once) and is sent the answer (or answers).

Returning None says that all were delivered; raising a DeliveryError speaks for all of them.
"""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a vendor takes: requests per time, requests at once, deliveries and bytes in one request.

    Every window that is given holds. Zero means no limit.
    """

    per_second: float = 0
    per_minute: float = 0
    per_hour: float = 0
    per_day: float = 0
    in_flight: int = 4
    batch: int = 1
    bytes: int = 0


@dataclass(frozen=True, slots=True)
class Action:
    """What a sink can do: its name, the method that does it, and limits of its own."""

    name: str
    method: str
    summary: str
    limits: Limits | None = None
    alone: Limits | None = None


F = TypeVar("F", bound=Callable[..., Any])


def action(name: str, *, limits: Limits | None = None, alone: Limits | None = None) -> Callable[[F], F]:
    """Marks a method of a sink as the action `name`; `limits` replace the sink's for this action.

    `alone` holds for one delivery that travels alone, where the vendor takes those by another way than
    several together: what comes in now and then need not wait for a batch's turn.
    """

    def mark(method: F) -> F:
        summary = (method.__doc__ or "").strip().partition("\n")[0]
        method.hub_action = Action(name, method.__name__, summary, limits, alone)  # type: ignore[attr-defined]
        return method

    return mark


class _Connector(Generic[S]):
    """What all connectors have: a name, settings, a label."""

    name: ClassVar[str]
    """The connector's name: its file's or folder's, snake_case."""
    Settings: ClassVar[type[Settings]] = Settings
    """Found from `Source[MySettings]`; set it by hand only where that cannot work."""
    example: ClassVar[str] = ""
    """A block of TOML that works as it is, for `hub connectors show`; empty makes one from the settings."""
    settings: S
    """What its block says, checked."""
    label: str
    """What its block is called: `news` of `[sinks.news]`."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for base in vars(cls).get("__orig_bases__", ()):
            for argument in getattr(base, "__args__", ()):
                if isinstance(argument, type) and issubclass(argument, Settings):
                    cls.Settings = argument

    def __init__(self, settings: S, label: str = "") -> None:
        self.settings = settings
        self.label = label or self.name


class Source(_Connector[S]):
    """Turns what one system sends into events.

    The hub has undone gzip, kept the limits and found the key before `receive` is called; it adds the
    source's label to each event afterwards and lowers its trust to what the key or signature proves.
    """

    paths: ClassVar[tuple[str, ...]] = ()
    """Paths at the root that this system's client libraries fix; a trailing slash means all below.
    Every source answers at /in/{label} besides."""
    max_event: int = 32 * 1024
    """Bytes of one event: the connector's default, on a source in use its block's."""
    max_request: ClassVar[int] = 10 * 1024 * 1024
    """Bytes of one request after inflating, by default."""
    browser: ClassVar[bool] = False
    """Called by web pages: answers carry CORS headers."""
    public_url: str = ""
    """Where the world reaches this hub (`public_url` of `[hub]`); set before the first request."""
    categories: Mapping[str, str] = {}
    """A consent banner's categories → our purposes (`[consent.categories]`); for `hub.normalise`."""

    @classmethod
    def key(cls, inbound: Inbound) -> str | tuple[str, ...] | None:
        """The key in a request at one of `paths`, which names the source; None where there is none.

        Of several, the first one counts that a source has.
        """
        return None

    def keys(self) -> Mapping[str, str]:
        """Our keys: key → `public` or `secret`."""
        return {}

    def kinds(self) -> Mapping[str, str]:
        """The kinds of identifier that the settings name: kind → the option that names it."""
        return {}

    def authenticate(self, inbound: Inbound) -> str:
        """Proves a request at /in/{label}: returns `public` or `secret`, raises BadSignature."""
        return "public"

    def receive(self, inbound: Inbound) -> Iterable[Event | BadEvent]:
        """The events of a request; BadPayload where the request as a whole is no good.

        A bad event is yielded as a `BadEvent` in its place, so that its neighbours are kept.
        """
        raise NotImplementedError

    def respond(self, inbound: Inbound, accepted: int, quarantined: int) -> Response | None:
        """The answer once everything is durable; None for the hub's own JSON."""
        return None

    @classmethod
    def refuse(cls, inbound: Inbound, status: int, reason: str) -> Response | None:
        """The answer to a refused request, also if its key names no source; None for the hub's own JSON."""
        return None


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a polled system: its events, where to go on, and whether more is waiting now."""

    events: Sequence[Event | BadEvent]
    cursor: str
    more: bool = False


Pages = Generator[Request | list[Request] | Page, Any, None]


class PollingSource(_Connector[S]):
    """Asks a system for what is new; the cursor is kept together with the events it stands behind."""

    max_event: ClassVar[int] = 32 * 1024
    """Bytes of one event, by default."""
    every: ClassVar[float] = 60.0
    """Seconds from one round of questions to the next."""
    deadline: ClassVar[float] = 300.0
    """Seconds for a whole round."""

    def pages(self, cursor: str | None) -> Pages:
        """Yields requests (and is sent their answers) and pages; None is the very beginning."""
        raise NotImplementedError


class Transform(_Connector[S]):
    """Changes events on their way: pure, keeps the id."""

    def change(self, event: Event) -> Event | None:
        """The event as it goes on; None drops it (counted)."""
        raise NotImplementedError


class HttpSink(_Connector[S]):
    """A sink that speaks HTTP: each action is a generator of requests.

        class Slack(hub.HttpSink[Settings]):
            name = "slack"
            base_url = "https://slack.com/api"
            limits = hub.Limits(per_second=1, batch=1)

            @hub.action("send")
            def send(self, deliveries: Sequence[hub.Delivery]) -> hub.Requests:
                [delivery] = deliveries
                answer = yield hub.Request("POST", "/chat.postMessage", json=words(delivery))
                if not answer.json().get("ok"):
                    raise hub.GiveUp(answer.json().get("error"))

    The hub answers for statuses: an answer that is neither 2xx nor expected by its request is raised inside
    the generator as the default error for its status (RetryLater, GiveUp, CredentialsRejected …), or as
    what `judge` says. An action may catch it, read the error's `answer`, and raise it again: a refused
    request of several deliveries is then tried again in halves. Of requests that were sent at once the first
    error is raised when all have ended; its `answers` holds, in their order, what became of each: the answer,
    or its own error.
    """

    base_url: ClassVar[str] = ""
    """Scheme and host (and a path that is put in front); `base_url` in the sink's block replaces it."""
    limits: ClassVar[Limits] = Limits()
    deadline: ClassVar[float] = 30.0
    """Seconds for a whole run of an action."""
    allowed: Mapping[str, Limits] = {}
    """What holds for each action: our limits, lowered by the block; set before the first run."""

    def address(self) -> str:
        """Where requests go, when the settings decide it; empty for `base_url`."""
        return ""

    def check(self) -> Requests | None:
        """Asks for something harmless that only good credentials get; None where there is no such thing."""
        return None

    def judge(self, response: Response) -> DeliveryError | None:
        """Where this vendor means something else by a status than everybody: the verdict, else None."""
        return None

    def sign(self, request: Request, now: Instant) -> Request:
        """The request with its credentials; called once for each request, just before it is sent.

        `now` is the hub's clock, for schemes that sign the time: connectors have no clock of their own.
        """
        return request


class Sink(_Connector[S]):
    """A sink with a client of its own (a broker, a file, a terminal): open, deliver, close.

    `open` and `close` are safe to call twice, and `close` without `open`.
    """

    limits: ClassVar[Limits] = Limits()
    deadline: ClassVar[float] = 30.0

    async def open(self) -> None:
        """Gets ready; raises a DeliveryError where it cannot."""

    async def deliver(self, action: str, deliveries: Sequence[Delivery]) -> Verdicts | None:
        """Does `action` for all of them: the methods marked with `@hub.action` by default."""
        done: Verdicts | None = await getattr(self, actions(type(self))[action].method)(deliveries)
        return done

    async def close(self) -> None:
        """Lets go of everything."""


def actions(sink: type[HttpSink[Any]] | type[Sink[Any]]) -> dict[str, Action]:
    """The actions that a sink offers, by name."""
    marked = (getattr(getattr(sink, name, None), "hub_action", None) for name in dir(sink))
    return {mark.name: mark for mark in marked if isinstance(mark, Action)}


Connector = Source[Any] | PollingSource[Any] | Transform[Any] | HttpSink[Any] | Sink[Any]
ConnectorType = (
    type[Source[Any]]
    | type[PollingSource[Any]]
    | type[Transform[Any]]
    | type[HttpSink[Any]]
    | type[Sink[Any]]
)


def kind(connector: ConnectorType) -> str:
    """`source`, `transform` or `sink`."""
    if issubclass(connector, Source | PollingSource):
        return "source"
    return "transform" if issubclass(connector, Transform) else "sink"
