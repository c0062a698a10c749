"""A small shop session through a real hub: what `make run` shows.

Starts `hub run` with the repository's plugins.toml, watches it with `hub tail`, sends what a shop's page
would send with Segment's library, and stays up until Ctrl-C (SIGINT) or SIGTERM.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import tomllib
import urllib.error
import urllib.request
import uuid
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
CONFIG = ROOT / "plugins.toml"
HUB = Path(sys.executable).with_name("hub")
PATIENCE = 30.0
PAUSE = 0.3
"""Seconds between two steps of the session, so that people can follow it."""

EMAIL = "ann@example.com"
COAT: dict[str, Any] = {"product_id": "coat-7", "name": "Raincoat", "price": 89.0, "currency": "EUR"}
ORDER: dict[str, Any] = {"revenue": 89.0, "currency": "EUR", "products": [{**COAT, "quantity": 1}]}


def session() -> list[dict[str, Any]]:
    """A visitor looks around, says who she is, and buys."""
    run = uuid.uuid4().hex[:8]
    steps: list[dict[str, Any]] = [
        {"type": "page", "name": "Home", "properties": {"path": "/", "url": "https://shop.example/"}},
        {"type": "track", "event": "Product Viewed", "properties": COAT},
        {"type": "track", "event": "Product Added", "properties": {**COAT, "quantity": 1}},
        {"type": "identify", "userId": "ann", "traits": {"email": EMAIL, "first_name": "Ann"}},
        {"type": "track", "event": "Checkout Started", "userId": "ann", "properties": ORDER},
        {
            "type": "track",
            "event": "Order Completed",
            "userId": "ann",
            "properties": {**ORDER, "order_id": f"order-{run}"},
        },
    ]
    return [
        {"messageId": f"{run}-{n}", "anonymousId": f"visitor-{run}", **step} for n, step in enumerate(steps)
    ]


def settings() -> tuple[str, str, Path]:
    """Where the hub listens, the key of its Segment source, and its data folder."""
    tables = tomllib.loads(CONFIG.read_text(encoding="utf-8"))
    hub = tables.get("hub", {})
    listen = os.environ.get("HUB_LISTEN") or hub.get("listen", "127.0.0.1:8080")
    data = os.environ.get("HUB_DATA_DIR") or ROOT / hub.get("data_dir", "data")
    keys = [
        source["public_keys"][0]
        for label, source in tables["sources"].items()
        if source.get("connector", label) == "segment" and source.get("public_keys")
    ]
    host, _, port = listen.rpartition(":")
    return f"http://{host if host not in ('', '0.0.0.0') else '127.0.0.1'}:{port}", keys[0], Path(data)


def is_ready(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}/readyz", timeout=2) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        return False


def send(address: str, key: str, message: dict[str, Any]) -> None:
    """One message, as Segment's libraries send it."""
    body = json.dumps({"writeKey": key, "batch": [message]}).encode()
    request = urllib.request.Request(
        f"{address}/v1/batch", body, {"Content-Type": "application/json"}, method="POST"
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        answer.read()


class Stopped(Exception):
    """Somebody wants us to end."""


def stop(*_: object) -> None:
    raise Stopped


class Session:
    """The hub, and who watches it."""

    def __init__(self) -> None:
        self.address, self.key, self.data = settings()
        self.children: list[subprocess.Popen[str]] = []

    def start(self, *words: str, **more: Any) -> subprocess.Popen[str]:
        """Starts a command of the hub; Ctrl-C reaches this script alone, which ends them in order."""
        child = subprocess.Popen(
            [str(HUB), *words, "--config", str(CONFIG)], text=True, start_new_session=True, **more
        )
        self.children.append(child)
        return child

    def run(self) -> None:
        print(f"run: starting a hub on {self.address} with {CONFIG.name}, data in {self.data}")
        self.data.mkdir(parents=True, exist_ok=True, mode=0o700)
        log = self.data / "hub.log"
        with log.open("w", encoding="utf-8") as output:
            hub = self.start("run", stdout=output, stderr=output)
        self.await_ready(hub, log)
        tail = self.start("tail", stderr=subprocess.PIPE)
        assert tail.stderr is not None
        tail.stderr.readline()
        print("run: a visitor comes to the shop: what happens becomes an event, a person and deliveries\n")
        for message in session():
            send(self.address, self.key, message)
            time.sleep(PAUSE)
        time.sleep(2 * PAUSE)
        self.say_what_next()
        sys.exit(hub.wait())

    def await_ready(self, hub: subprocess.Popen[str], log: Path) -> None:
        """Waits until the hub takes events; where it cannot start, its own words are the best answer."""
        deadline = time.monotonic() + PATIENCE
        while not is_ready(self.address):
            if hub.poll() is not None or time.monotonic() > deadline:
                print(log.read_text(encoding="utf-8"), file=sys.stderr)
                sys.exit(hub.poll() or 1)
            time.sleep(0.05)

    def say_what_next(self) -> None:
        event = {"userId": "ann", "event": "Product Viewed", "properties": {"product_id": "hat-1"}}
        print(f"""
The hub stays up. In another terminal, try:

  curl -u {self.key}: {self.address}/v1/track -d '{json.dumps(event)}'
  .venv/bin/hub person show email:{EMAIL}
  .venv/bin/hub export events
  .venv/bin/hub audit

Then edit {CONFIG.name}, say `.venv/bin/hub reload`, and send again. Its log is {self.data / "hub.log"}.
Ctrl-C ends it; docs/tutorial/first_steps.md goes on from here.
""")

    def end(self) -> None:
        """The watcher last: it still shows what the hub finishes."""
        for child in self.children:
            if child.poll() is None:
                child.terminate()
            try:
                child.wait(timeout=15)
            except subprocess.TimeoutExpired:
                child.kill()


def main() -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    running = Session()
    try:
        running.run()
    except Stopped:
        print("run: stopping")
    finally:
        running.end()


if __name__ == "__main__":
    main()
