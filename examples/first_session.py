"""A small shop session through a real hub: what `make run` shows.

Starts `hub run` with the repository's plugins.toml, watches it with `hub tail`, sends what a shop's page
would send with Segment's library, and stays up until Ctrl-C (SIGINT) or SIGTERM.

    python examples/first_session.py             the session
    python examples/first_session.py my.toml     your own configuration, watched; nobody visits
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
import tomllib
import urllib.error
import urllib.request
import uuid
from pathlib import Path
from typing import IO, Any

ROOT = Path(__file__).resolve().parents[1]
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


def settings(config: Path) -> tuple[str, Path, dict[str, Any]]:
    """Where the hub listens, its data folder, and its sources."""
    try:
        tables = tomllib.loads(config.read_text(encoding="utf-8"))
    except (OSError, ValueError) as fault:
        print(f"run: {config}: {fault}", file=sys.stderr)
        sys.exit(2)
    hub = tables.get("hub", {})
    listen = os.environ.get("HUB_LISTEN") or hub.get("listen", "127.0.0.1:8080")
    data = os.environ.get("HUB_DATA_DIR") or config.parent / hub.get("data_dir", "data")
    host, _, port = listen.rpartition(":")
    address = f"http://{host if host not in ('', '0.0.0.0') else '127.0.0.1'}:{port}"
    return address, Path(data), tables.get("sources", {})


def public_key(sources: dict[str, Any]) -> str:
    """The key that a page would use."""
    keys = [source["public_keys"][0] for source in sources.values() if source.get("public_keys")]
    return str(keys[0])


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


def show(lines: IO[str]) -> None:
    """Shows what is said, line by line."""
    for line in lines:
        print(line, end="", flush=True)


class Stopped(Exception):
    """Somebody wants us to end."""


def stop(*_: object) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        # A second one, as make sends it, must not keep us from ending what we started.
        signal.signal(number, signal.SIG_IGN)
    raise Stopped


class Running:
    """The hub, and who watches it."""

    def __init__(self, config: Path) -> None:
        self.config = config
        self.address, self.data, self.sources = settings(config)
        self.children: list[subprocess.Popen[str]] = []

    def start(self, *words: str, **more: Any) -> subprocess.Popen[str]:
        """Starts a command of the hub; Ctrl-C reaches this script alone, which ends them in order."""
        command = [str(HUB), *words, "--config", str(self.config)]
        child = subprocess.Popen(command, text=True, start_new_session=True, **more)
        self.children.append(child)
        return child

    def watched(self) -> None:
        """Somebody's own configuration: the hub says what it has to say, and deliveries are shown."""
        hub = self.start("run")
        self.watch(hub)
        sys.exit(hub.wait())

    def session(self) -> None:
        """The repository's configuration, with a visitor."""
        key = public_key(self.sources)
        print(f"run: starting a hub on {self.address} with {self.config.name}, data in {self.data}")
        self.data.mkdir(parents=True, exist_ok=True, mode=0o700)
        log = self.data / "hub.log"
        with log.open("w", encoding="utf-8") as output:
            hub = self.start("run", stdout=output, stderr=output)
        try:
            self.watch(hub)
            self.await_ready(hub)
        except SystemExit:
            # Where it cannot start, its own words are the best answer.
            print(log.read_text(encoding="utf-8"), file=sys.stderr)
            raise
        print("run: a visitor comes to the shop: what happens becomes an event, a person and deliveries\n")
        for message in session():
            send(self.address, key, message)
            time.sleep(PAUSE)
        time.sleep(2 * PAUSE)
        print("\nrun: and this is what is known of her now: hub person show\n", flush=True)
        self.start("person", "show", f"email:{EMAIL}", "--limit", "6").wait()
        self.say_what_next(key, log)
        sys.exit(hub.wait())

    def await_ready(self, hub: subprocess.Popen[str]) -> None:
        """Waits until the hub takes events."""
        deadline = time.monotonic() + PATIENCE
        while not is_ready(self.address):
            if hub.poll() is not None or time.monotonic() > deadline:
                sys.exit(hub.poll() or 1)
            time.sleep(0.05)

    def watch(self, hub: subprocess.Popen[str]) -> None:
        """Shows what `hub tail` says, from the moment at which there is something to watch."""
        while hub.poll() is None:
            if (self.data / "state.db").exists():
                tail = self.start("tail", stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
                assert tail.stdout is not None
                if tail.stdout.readline().startswith("watching"):
                    threading.Thread(target=show, args=(tail.stdout,), daemon=True).start()
                    return
            time.sleep(0.05)

    def say_what_next(self, key: str, log: Path) -> None:
        event = {"userId": "ann", "event": "Product Viewed", "properties": {"product_id": "hat-1"}}
        print(
            f"""
The hub stays up. In another terminal, try:

  curl -u {key}: {self.address}/v1/track -d '{json.dumps(event)}'
  .venv/bin/hub export events
  .venv/bin/hub audit

Then edit {self.config.name}, say `.venv/bin/hub reload`, and send again. The hub's log is {log}.
Ctrl-C ends it; docs/tutorial/first_steps.md goes on from here.
""",
            flush=True,
        )

    def end(self) -> None:
        """The hub first: the watcher still shows what it finishes."""
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
    own = sys.argv[1:]
    running = Running(Path(own[0]) if own else ROOT / "plugins.toml")
    try:
        if own:
            running.watched()
        else:
            running.session()
    except Stopped:
        print("run: stopping")
    finally:
        running.end()


if __name__ == "__main__":
    main()
