"""What people would otherwise write: FastAPI in, httpx and tenacity out, nothing durable.

    python -m tests.bench.peer PORT SINK_URL... [--batched]

Every event goes to every sink in a background task of its own, with retries. `--batched` is the careful
variant: a queue and a worker for each sink, up to a hundred events a request.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import httpx
import uvicorn
from fastapi import BackgroundTasks, FastAPI
from pydantic import BaseModel
from tenacity import retry, retry_if_exception_type, stop_after_attempt, wait_exponential_jitter

AT_ONCE = 4
MOST = 100


class Message(BaseModel, extra="allow"):
    type: str
    event: str
    messageId: str
    userId: str | None = None
    anonymousId: str | None = None
    timestamp: str
    properties: dict[str, Any] = {}
    context: dict[str, Any] = {}


class Batch(BaseModel):
    batch: list[Message]


class Sender:
    """Sends to sinks, with retries."""

    def __init__(self) -> None:
        self.client = httpx.AsyncClient()

    @retry(
        retry=retry_if_exception_type(httpx.HTTPError),
        wait=wait_exponential_jitter(initial=0.1, max=10),
        stop=stop_after_attempt(8),
        reraise=True,
    )
    async def send(self, url: str, body: Any) -> None:
        """Returns when it has arrived."""
        answer = await self.client.post(url, json=body)
        answer.raise_for_status()


def plain(sinks: Sequence[str]) -> FastAPI:
    """Every event by itself."""
    sender, room = Sender(), asyncio.Semaphore(AT_ONCE)
    app = FastAPI()

    async def forward(event: dict[str, Any]) -> None:
        async with room:
            await asyncio.gather(*(sender.send(url, event) for url in sinks))

    @app.post("/v1/batch")
    async def take_in(batch: Batch, tasks: BackgroundTasks) -> dict[str, Any]:
        async def forward_all() -> None:
            await asyncio.gather(*(forward(message.model_dump()) for message in batch.batch))

        tasks.add_task(forward_all)
        return {"success": True}

    return app


def batched(sinks: Sequence[str]) -> FastAPI:
    """A queue and a worker for each sink."""
    sender = Sender()
    queues: dict[str, asyncio.Queue[dict[str, Any]]] = {url: asyncio.Queue() for url in sinks}

    async def work(url: str) -> None:
        queue = queues[url]
        while True:
            events = [await queue.get()]
            while len(events) < MOST and not queue.empty():
                events.append(queue.get_nowait())
            await sender.send(url, events)

    @asynccontextmanager
    async def working(_: FastAPI) -> AsyncIterator[None]:
        workers = [asyncio.create_task(work(url)) for url in sinks]
        yield
        for worker in workers:
            worker.cancel()

    app = FastAPI(lifespan=working)

    @app.post("/v1/batch")
    async def take_in(batch: Batch) -> dict[str, Any]:
        for message in batch.batch:
            event = message.model_dump()
            for queue in queues.values():
                queue.put_nowait(event)
        return {"success": True}

    return app


def main() -> None:
    port, *rest = sys.argv[1:]
    careful = "--batched" in rest
    sinks = [word for word in rest if word != "--batched"]
    app = (batched if careful else plain)(sinks)

    @app.get("/readyz")
    async def ready() -> dict[str, bool]:
        return {"ready": True}

    uvicorn.run(
        app,
        host="127.0.0.1",
        port=int(port),
        log_level="warning",
        access_log=False,
        timeout_keep_alive=75,
    )


if __name__ == "__main__":
    main()
