"""`hub demo`: a day of a small shop at high speed, with stand-ins for the vendors; then it stays up."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hub.cli.watching import Watch, line_of

if TYPE_CHECKING:
    from hub.cli.demo_vendors import Vendors

QUIET = frozenset({"page_viewed", "product_viewed", "checkout_started"})
"""Events that are counted, and not shown: there are too many to read."""

WHY = {
    "dropped (consent)": ": they never agreed to it",
    "dropped (unreachable)": ": no number of theirs is known, or no phone with the app",
}
"""What the reasons mean, in a newcomer's words."""

LEGEND = """
  event      came in, and belongs to this person (views and checkouts are only counted)
  firing     a rule found what it looks for; skip: it did, and its `if` (guard) or `repeat` said no
  message    what the firing wants to say: sent, or dropped by a gate such as consent
  delivery   a sink (label.action) received it
"""


@click.command()
@click.option("--listen", metavar="HOST:PORT", help="Where to listen afterwards; HUB_LISTEN too.")
def demo(listen: str | None) -> None:
    """Plays a day of a small shop, with no account anywhere, and stays up.

    The day takes some seconds on a clock of its own; the vendors are stand-ins on this machine. Then the hub
    runs on as it is, for you to try. Ctrl-C ends it.
    """
    from hub.cli.demo_vendors import Vendors

    where = listen or os.environ.get("HUB_LISTEN", "127.0.0.1:8080")
    _refuse_taken(where)
    signal.signal(signal.SIGTERM, _interrupt)
    with tempfile.TemporaryDirectory(prefix="hub-demo-") as name, Vendors() as vendors:
        folder = Path(name)
        config = prepared(folder, vendors)
        try:
            counted = _play(config, folder, vendors)
            _sum_up(counted, folder / "data", vendors)
            _stay_up(config, folder / "data", where)
        except KeyboardInterrupt:
            print("\nthe demo is over; nothing of it is kept")


def _refuse_taken(listen: str) -> None:
    """Says before the day, and not after it, that the hub could not stay up."""
    host, _, port = listen.rpartition(":")
    if not port.isdigit() or int(port) > 65_535:
        raise click.UsageError(f"--listen or HUB_LISTEN: '{listen}' must be HOST:PORT, as 127.0.0.1:8080")
    try:
        socket.create_server((host.strip("[]"), int(port)), family=_family(host)).close()
    except OSError as fault:
        raise click.UsageError(
            f"cannot listen on {listen}: {os.strerror(fault.errno or 0)}; choose another address with "
            "--listen or HUB_LISTEN, as HUB_LISTEN=127.0.0.1:8090"
        ) from None


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _shop() -> Path:
    """The example shop: inside the installed package, or in the checkout."""
    inside = Path(str(resources.files("hub"))) / "examples" / "shop"
    return inside if inside.is_dir() else Path(__file__).parents[2] / "examples" / "shop"


def prepared(folder: Path, vendors: Vendors) -> Path:
    """The shop's configuration with the stand-ins' addresses, in the demo's own folder."""
    text = (_shop() / "shop.toml").read_text()
    for written, real in vendors.addresses().items():
        text = text.replace(written, real)
    if vendors.fcm is None:
        text = text.replace("[sinks.app]", "[sinks.app]\nenabled = false", 1)
    config = folder / "shop.toml"
    config.write_text(text)
    os.environ.update({name: os.environ.get(name, value) for name, value in vendors.keys().items()})
    return config


def _play(config: Path, folder: Path, vendors: Vendors) -> Counter[str]:
    """The day, from twenty-four hours ago to now; returns what happened how often."""
    import asyncio

    from hub.config import read
    from hub.daemon.day import live, moved
    from hub.ingest import lines
    from hub.plugins import discover

    good = read(config, discover, overrides={"data_dir": str(folder / "data")})
    (folder / "data").mkdir(mode=0o700)
    drafts, _ = asyncio.run(lines(good, "shop", (_shop() / "day.jsonl").read_bytes()))
    until = time.time_ns() // 1000
    day = moved(drafts, until)
    print(f"a day of a small shop: {len(day)} events in 24 hours, at high speed")
    print(LEGEND, flush=True)
    with _watched(folder / "data") as show:

        def passed(now: int) -> None:
            vendors.now = now / 1e6
            show.until(now)

        vendors.now = day[0][0] / 1e6
        # What the log says is on the screen in better words, and at the day's own time.
        with (folder / "day.log").open("w") as log, redirect_stderr(log):
            asyncio.run(live(good, day, until, passed=passed))
    vendors.now = None
    return show.counted


@contextmanager
def _watched(data: Path) -> Iterator[_Show]:
    show = _Show(data)
    try:
        yield show
    finally:
        show.close()


class _Show:
    """Prints what is worth reading, and counts everything."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self._watch: Watch | None = None
        self._opened: Any = None
        self.counted: Counter[str] = Counter()

    def until(self, now: int) -> None:
        """Everything that has happened by now is shown."""
        from hub.cli import stores
        from hub.event import iso

        if self._watch is None:
            self._opened = stores.all_of(self._data)
            self._watch = Watch(self._opened.__enter__(), from_start=True)
        for row in self._watch.news():
            if row["kind"] == "delivery":
                row["at"] = iso(now)
            self._count(row)
            if not (row["kind"] == "event" and row["name"] in QUIET):
                print(line_of(row), flush=True)

    def _count(self, row: dict[str, Any]) -> None:
        kind = row["kind"]
        self.counted[kind] += 1
        if kind == "event":
            self.counted[f"event {row['name']}"] += 1
        elif kind == "message":
            self.counted[f"message {row['rule']}: {_fate(row)}"] += 1

    def close(self) -> None:
        if self._opened is not None:
            self._opened.__exit__(None, None, None)


def _fate(message: dict[str, Any]) -> str:
    return f"{message['outcome']} ({message['reason']})" if message["reason"] else message["outcome"]


def _sum_up(counted: Counter[str], data: Path, vendors: Vendors) -> None:
    """What a newcomer should see at a glance."""
    from hub.cli import stores

    with stores.state(data) as state:
        people = list(state.all_profiles())
    known = sum(any(one.kind == "user_id" for one in person.identifiers) for person in people)
    events = ", ".join(
        f"{count} {name.removeprefix('event ')}"
        for name, count in counted.most_common()
        if name.startswith("event ")
    )
    _tell("What came in:", events, before="\n")
    _tell("Who it was:", f"{len(people)} people, {known} of them known by name")
    _tell("What followed:", f"{counted['firing']} firings of rules")
    for name, count in sorted(counted.items()):
        if name.startswith("message "):
            why = WHY.get(name.rpartition(": ")[2], "")
            _tell("", f"{count:>4}  {name.removeprefix('message ')}{why}")
    for name, received in vendors.received():
        _tell(f"{name} received:", received)
    if vendors.fcm is None:
        _tell("", "(no push: pip install 'eventhub-esp[fcm]' brings what signs it)")


def _tell(name: str, text: str, *, before: str = "") -> None:
    print(f"{before}{name:<19} {text}", flush=True)


def _stay_up(config: Path, data: Path, listen: str) -> None:
    """The same hub on the wall clock, watched; ends with this process."""
    from hub.cli import stores

    words = [sys.executable, "-m", "hub.cli", "run", "--config", str(config), "--data", str(data)]
    log = (data.parent / "hub.log").open("w")
    process = subprocess.Popen([*words, "--listen", listen], stdout=log, stderr=log)
    try:
        if not _is_up(process, data):
            print((data.parent / "hub.log").read_text(), file=sys.stderr)
            raise click.ClickException(f"the hub could not start on {listen}")
        _say_what_next(config, data, listen)
        with stores.all_of(data) as opened:
            watch = Watch(opened)
            while process.poll() is None:
                for row in watch.news():
                    print(line_of(row), flush=True)
                time.sleep(0.1)
    finally:
        process.terminate()
        process.wait(15)
        log.close()


def _is_up(process: subprocess.Popen[bytes], data: Path) -> bool:
    from hub.cli.calling import is_running

    until = time.monotonic() + 20
    while process.poll() is None and time.monotonic() < until:
        if is_running(data):
            return True
        time.sleep(0.05)
    return False


def _say_what_next(config: Path, data: Path, listen: str) -> None:
    where = f"--config {config} --data {data}"
    body = '{"userId":"%s","event":"Product Added","properties":{"name":"Trail shoe"}}'
    who = _somebody(data)
    hub = _typed()
    print(
        f"""
The hub stays up on http://{listen}. In another terminal, try:

  {hub} why {who} {where}
  {hub} person show {who} {where}
  curl -u pk_shop: http://{listen}/v1/track -d '{body % who}'
  {hub} tail {where}

Edit the rules in {config}, then
  {hub} reload {where}

http://{listen}/healthz says how it is, http://{listen}/metrics counts. Ctrl-C ends it.
What happens from now on:
""",
        flush=True,
    )


def _typed() -> str:
    """How the hub can be called in another terminal, in the folder of this one."""
    own = Path(sys.argv[0])
    found = shutil.which("hub")
    if own.name != "hub" or (found is not None and Path(found).resolve() == own.resolve()):
        return "hub"
    here = Path.cwd()
    return str(own.resolve().relative_to(here) if own.resolve().is_relative_to(here) else own.resolve())


def _somebody(data: Path) -> str:
    """A customer to whom something was said, by the name that the shop knows."""
    from hub.cli import stores

    with stores.state(data) as state:
        sent = [one.person for _, one in state.decisions_since(0, 10_000) if one.outcome == "sent"]
        profiles = state.profiles(sent[-20:])
    for profile in profiles.values():
        for one in profile.identifiers:
            if one.kind == "user_id":
                return one.value
    return "customer-7"
