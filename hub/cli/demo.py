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
import tomllib
from contextlib import redirect_stderr
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from hub.cli.demo_telling import Show
    from hub.cli.demo_vendors import Vendors


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
            show = _play(config, folder, vendors)
            who = _sum_up(show, config, vendors)
            _stay_up(config, where, who)
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


def _play(config: Path, folder: Path, vendors: Vendors) -> Show:
    """The day, from twenty-four hours ago to now; returns what happened."""
    import asyncio

    from hub.cli.demo_telling import LEGEND, Show
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
    with Show(folder / "data", from_start=True) as show:

        def passed(now: int) -> None:
            vendors.now = now / 1e6
            show.until(now)

        vendors.now = day[0][0] / 1e6
        # What the log says is on the screen in better words, and at the day's own time.
        with (folder / "day.log").open("w") as log, redirect_stderr(log):
            asyncio.run(live(good, day, until, passed=passed))
    vendors.now = None
    return show


def _rules(config: Path) -> dict[str, Any]:
    rules: dict[str, Any] = tomllib.loads(config.read_text(encoding="utf-8"))["rules"]
    return rules


def _sum_up(show: Show, config: Path, vendors: Vendors) -> str:
    """What a newcomer should see at a glance; returns somebody to ask about."""
    from hub.cli import stores
    from hub.cli.demo_telling import sum_up, tell, tell_one

    rules = tomllib.loads(config.read_text(encoding="utf-8"))["rules"]
    with stores.state(config.parent / "data") as state:
        people = list(state.all_profiles())
    sum_up(show.rows, people, rules)
    tell()
    tell("What each vendor received:")
    for name, received in vendors.received():
        tell(f"  {name:<20} {received}")
    if vendors.fcm is None:
        tell("  (no push: pip install 'eventhub-esp[fcm]' brings what signs it)")
    return tell_one(show, rules) or "customer-7"


def _stay_up(config: Path, listen: str, who: str) -> None:
    """The same hub on the wall clock, watched; ends with this process."""
    from hub.cli.demo_telling import Show

    data = config.parent / "data"
    words = [sys.executable, "-m", "hub.cli", "run", "--config", str(config), "--data", str(data)]
    log = (data.parent / "hub.log").open("w")
    process = subprocess.Popen([*words, "--listen", listen], stdout=log, stderr=log)
    try:
        if not _is_up(process, data):
            print((data.parent / "hub.log").read_text(), file=sys.stderr)
            raise click.ClickException(f"the hub could not start on {listen}")
        with Show(data, from_start=False) as show:
            show.all()
            _say_what_next(config, listen, who)
            while process.poll() is None:
                show.all()
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


def _say_what_next(config: Path, listen: str, who: str) -> None:
    body = f'{{"userId":"{who}","event":"Product Added","properties":{{"name":"Trail shoe"}}}}'
    hub = _typed()
    print(
        f"""
The hub stays up on http://{listen}. In another terminal, in this folder, try:

  {hub} why {who} --config {config}
  {hub} person show {who} --config {config}
  curl -u pk_shop: http://{listen}/v1/track -d '{body}'
  {hub} tail --config {config}

Edit the rules in {config}, then
  {hub} reload --config {config}

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
