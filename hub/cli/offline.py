"""A hub that is there for one command: the same API over stores that nobody else has open."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hub.cli.calling import Refusal
from hub.config import Config, read
from hub.daemon import House
from hub.daemon import offline as house_of
from hub.errors import HubError
from hub.ingest import Gateway
from hub.plugins import discover
from hub.store.port import Draft, Refused
from hub.telemetry import Health, Metrics


class _Journal:
    """The journal as the gateway knows it, over the stores of a hub that does not run."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def append(
        self,
        drafts: Sequence[Draft],
        refused: Sequence[Refused] = (),
        cursors: Mapping[str, str] | None = None,
    ) -> None:
        self._house.write(drafts, refused)

    def close(self) -> None:
        """The house closes its stores itself."""


class Api:
    """Posts to the API in this process; the engine applies what was written."""

    def __init__(self, config: Config, house: House) -> None:
        self._house = house
        self._token = secrets.token_urlsafe(32)
        self._host = config.hub.listen
        self._gateway = Gateway(
            config,
            _Journal(house),
            house.clock,
            Metrics(),
            health=Health(house.clock),
            token=self._token,
            reload=_nothing_to_reload,
        )

    def __call__(self, path: str, body: bytes) -> Any:
        status, said = asyncio.run(self._post(path, body))
        answer = json.loads(said)
        if status >= 400:
            raise Refusal(status, answer)
        self._house.apply()
        return answer

    async def _post(self, path: str, body: bytes) -> tuple[int, bytes]:
        place, _, query = path.partition("?")
        headers = [(b"host", self._host.encode()), (b"authorization", f"Bearer {self._token}".encode())]
        scope = {
            "type": "http",
            "method": "POST",
            "path": place,
            "query_string": query.encode(),
            "headers": headers,
            "client": ("127.0.0.1", 0),
        }
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        await self._gateway(scope, receive, send)
        return sent[0]["status"], sent[1]["body"]


async def _nothing_to_reload() -> None:
    raise HubError("no hub is running")


@contextmanager
def api(config: Path, data: Path | None) -> Iterator[Api]:
    """The API, for as long as this process holds the locks; raises StoreUnavailable where another does."""
    overrides = {"data_dir": str(data)} if data else {}
    good = read(config, discover, overrides=overrides)
    with house_of(good) as house:
        yield Api(good, house)
