"""A whole gateway on real sockets, with a small source of its own and the real journal behind it."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import hub
from hub.clock import Clock, WallClock
from hub.config import Config, HubTable, IdentityTable, SourceBlock, TransformBlock
from hub.ingest import Bounds, Gateway, Server, command_socket, listening_socket
from hub.store.port import Kind
from hub.store.sqlite.journal import SqliteJournal, SqliteJournalWriter
from hub.telemetry import Health, Metrics

TOKEN = "tok_0123456789abcdef0123456789abcdef"
PUBLIC, SECRET = "pk_public_0123456789", "sk_secret_0123456789"


class ShopSettings(hub.Settings):
    public_keys: list[str] = hub.Option("Keys of web pages.", default=[])
    secret_keys: list[str] = hub.Option("Keys of servers.", default=[])
    word: str = hub.Option("What signs requests at /in/…", default="")


class Shop(hub.Source[ShopSettings]):
    """A small source: a JSON object is one event, a list several."""

    name = "shop"
    paths = ("/collect", "/collect/below/")
    browser = True

    @classmethod
    def key(cls, inbound: hub.Inbound) -> str | None:
        said = inbound.query.get("key")
        if said == "bug":
            raise RuntimeError(inbound.body.decode())
        return said

    def keys(self) -> Mapping[str, str]:
        return dict.fromkeys(self.settings.public_keys, "public") | dict.fromkeys(
            self.settings.secret_keys, "secret"
        )

    def authenticate(self, inbound: hub.Inbound) -> str:
        if inbound.header("x-word") != self.settings.word:
            raise hub.BadSignature("the word is wrong")
        return "secret" if self.settings.word else "public"

    def receive(self, inbound: hub.Inbound) -> Iterable[hub.Event | hub.BadEvent]:
        said = inbound.json()
        for one in said if isinstance(said, list) else [said]:
            yield self._event(one)

    def _event(self, one: Any) -> hub.Event | hub.BadEvent:
        if not isinstance(one, dict):
            return hub.BadEvent("not an object", body=json.dumps(one).encode())
        if one.get("name") == "bug":
            raise KeyError("ann@example.com")
        return hub.Event(
            id=one.get("id", ""),
            type="track",
            name=one.get("name", "product_added"),
            properties=one.get("properties", {}),
            trust="secret",
            historical=one.get("historical", False),
        )


class Pixel(hub.Source[ShopSettings]):
    """Always answers with an image."""

    name = "pixel"
    paths = ("/p.gif",)

    @classmethod
    def key(cls, inbound: hub.Inbound) -> str | None:
        return inbound.query.get("key")

    def keys(self) -> Mapping[str, str]:
        return dict.fromkeys(self.settings.public_keys, "public")

    def receive(self, inbound: hub.Inbound) -> Iterable[hub.Event | hub.BadEvent]:
        yield hub.Event(id="", type="page", name="page_viewed")

    def respond(self, inbound: hub.Inbound, accepted: int, quarantined: int) -> hub.Response:
        return hub.Response(200, {"content-type": "image/gif"}, b"GIF89a")

    @classmethod
    def refuse(cls, inbound: hub.Inbound, status: int, reason: str) -> hub.Response:
        return hub.Response(200, {"content-type": "image/gif"}, b"GIF89a")


class Forget(hub.Transform[hub.Settings]):
    """Drops what is called secret, and blots out a property."""

    name = "forget"

    def change(self, event: hub.Event) -> hub.Event | None:
        if event.name == "explode":
            raise ValueError("ann@example.com")
        event.properties.pop("card", None)
        return None if event.name == "secret" else event


def settings(data: Path, **changed: Any) -> HubTable:
    values: dict[str, Any] = {
        "listen": "127.0.0.1:8080",
        "data_dir": data,
        "public_url": "https://hub.example.com",
        "include": (),
        "plugins": (),
        "allow_private": (),
        "trusted_proxies": (),
        "free_space": 0,
        "per_address": 1024,
        "drain": timedelta(seconds=8),
        "log": "json",
    }
    return HubTable(**(values | changed))


def block(
    label: str,
    connector: Any = Shop,
    *,
    max_event: int = 32 * 1024,
    max_request: int = 10 << 20,
    **options: Any,
) -> SourceBlock:
    return SourceBlock(label, connector, connector.Settings(**options), max_event, max_request)


SHOP = block("shop", public_keys=[PUBLIC], secret_keys=[SECRET])
SIGNED = block("signed", word="open sesame")
PIXEL = block("pixel", Pixel, public_keys=[PUBLIC])


def config(
    data: Path, *sources: SourceBlock, transforms: tuple[TransformBlock, ...] = (), **table: Any
) -> Config:
    return Config(
        hub=settings(data, **table),
        sources={one.label: one for one in sources or (SHOP, SIGNED, PIXEL)},
        sinks={},
        routes=(),
        channels={},
        transforms=transforms,
        identity=IdentityTable(()),
        categories={},
        base=data,
        resolved=b"{}",
        version="1",
    )


class GatewayHouse:
    """A running gateway; `ask` sends one request and reads one answer."""

    def __init__(self, gateway: Gateway, server: Server, data: Path, port: int) -> None:
        self.gateway = gateway
        self.server = server
        self.data = data
        self.port = port

    async def raw(self, sent: bytes, *, path: Path | None = None) -> bytes:
        """What the gateway says to these bytes until it closes."""
        reader, writer = await self.connect(path)
        writer.write(sent)
        try:
            return await asyncio.wait_for(reader.read(), 10)
        except ConnectionResetError:
            return b""
        finally:
            writer.close()

    async def connect(self, path: Path | None = None) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if path is not None:
            return await asyncio.open_unix_connection(str(path))
        return await asyncio.open_connection("127.0.0.1", self.port)

    async def ask(
        self, method: str, target: str, body: Any = b"", *, path: Path | None = None, **headers: str
    ) -> Reply:
        """One request on a connection of its own; header names are written with underscores."""
        sent = body if isinstance(body, bytes) else json.dumps(body).encode()
        named = {"host": "127.0.0.1", "content-length": str(len(sent)), "connection": "close"}
        named |= {name.replace("_", "-"): value for name, value in headers.items()}
        head = "".join(f"{name}: {value}\r\n" for name, value in named.items())
        return Reply(await self.raw(f"{method} {target} HTTP/1.1\r\n{head}\r\n".encode() + sent, path=path))

    async def post(self, body: Any, *, key: str = SECRET, **headers: str) -> Reply:
        return await self.ask("POST", f"/collect?key={key}", body, **headers)

    async def api(self, method: str, target: str, body: Any = b"", **headers: str) -> Reply:
        return await self.ask(method, target, body, **{"authorization": f"Bearer {TOKEN}"} | headers)

    @property
    def events(self) -> list[dict[str, Any]]:
        """The accepted events, as they are on disk."""
        return [json.loads(entry.body) for entry in self.entries if entry.kind is Kind.EVENT]

    @property
    def entries(self) -> list[Any]:
        journal = SqliteJournal(self.data)
        try:
            return journal.read(0, None, 100_000)
        finally:
            journal.close()

    @property
    def quarantine(self) -> list[Any]:
        journal = SqliteJournal(self.data)
        try:
            return journal.quarantine(0, 0, 100_000)
        finally:
            journal.close()

    def count(self, name: str, *labels: str) -> float:
        reading = self.gateway.metrics.readings().get(name, {}).get(labels, 0.0)
        return reading if isinstance(reading, float | int) else sum(reading[:-1])


class Reply:
    """One answer."""

    def __init__(self, whole: bytes) -> None:
        self.whole = whole
        head, _, self.body = whole.partition(b"\r\n\r\n")
        status, *lines = head.decode("latin-1").split("\r\n")
        self.status = int(status.split(" ")[1]) if status else 0
        self.headers = {line.partition(": ")[0]: line.partition(": ")[2] for line in lines}

    def json(self) -> Any:
        return json.loads(self.body)


@asynccontextmanager
async def running(
    data: Path,
    *,
    given: Config | None = None,
    clock: Clock | None = None,
    bounds: Bounds | None = None,
    journal: Any = None,
    reload: Any = None,
) -> AsyncIterator[GatewayHouse]:
    """A gateway that runs while the block lasts."""
    clock = clock or WallClock()
    journal = journal or SqliteJournalWriter(data, clock.now, durable=False)
    gateway = Gateway(
        given or config(data),
        journal,
        clock,
        Metrics(),
        health=Health(clock),
        token=TOKEN,
        reload=reload or _nothing,
    )
    listening = listening_socket("127.0.0.1", 0)
    commands = command_socket(data / "hub.sock")
    stop = asyncio.Event()
    server = Server(gateway, [listening, commands], bounds=bounds)
    serving = asyncio.create_task(server.serve(stop))
    try:
        yield GatewayHouse(gateway, server, data, listening.getsockname()[1])
    finally:
        stop.set()
        await asyncio.wait_for(serving, 15)
        listening.close()
        commands.close()
        journal.close()


async def _nothing() -> None:
    pass


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
