"""Who is measured: the hub, and what people would otherwise write, both in the same way."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tests.bench.processes import ROOT, Process, children, free_port, module, opened
from tests.bench.traffic import KEY

SINKS = ("one", "two", "three")


class Contestant:
    """A running service: where it listens, and which process does what."""

    def __init__(self, process: Process, port: int) -> None:
        self.process = process
        self.port = port
        try:
            self.start_seconds = process.ready(port)
        except BaseException:
            process.stop()
            raise

    def roles(self) -> dict[str, list[int]]:
        """The processes by what they do."""
        return {"service": [self.process.pid]}

    def stop(self) -> None:
        """Ends it."""
        self.process.stop()


class Hub(Contestant):
    """The hub with one Segment source and a webhook sink for each address."""

    def __init__(self, folder: Path, sinks: Sequence[str], *, roles: str = "gateway,engine,delivery") -> None:
        port = free_port()
        folder.mkdir(parents=True, exist_ok=True)
        config = folder / "plugins.toml"
        config.write_text(configuration(port, sinks), encoding="utf-8")
        command = [str(ROOT / ".venv/bin/hub"), "run", "--config", str(config), "--role", roles]
        super().__init__(Process(command, log=folder / "log", BENCH_KEY=KEY), port)

    def roles(self) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {"supervisor": [self.process.pid]}
        for child in children(self.process.pid):
            files = opened(child)
            serving = any(name.startswith("deliveries.db") for name in files)
            # The journal's writer and delivery share a process; the engine never opens the deliveries.
            found["gateway and delivery" if serving else "engine"] = [child]
        return found


class Peer(Contestant):
    """FastAPI, httpx and tenacity."""

    def __init__(self, folder: Path, sinks: Sequence[str], *, batched: bool) -> None:
        port = free_port()
        folder.mkdir(parents=True, exist_ok=True)
        flags = ["--batched"] if batched else []
        command = module("peer", str(port), *sinks, *flags)
        super().__init__(Process(command, log=folder / "log"), port)


def configuration(port: int, sinks: Sequence[str]) -> str:
    """One Segment source, a webhook sink and a route for each address."""
    lines = [
        "[hub]",
        f'listen = "127.0.0.1:{port}"',
        'data_dir = "data"',
        'allow_private = ["127.0.0.1"]',
        "[sources.shop]",
        'connector = "segment"',
        'secret_keys = [{ env = "BENCH_KEY" }]',
    ]
    for name, url in zip(SINKS, sinks, strict=False):
        lines += [
            f"[sinks.{name}]",
            'connector = "webhook"',
            f'url = "{url}"',
            "limits = { batch = 100 }",
            f"[routes.{name}]",
            f'to = "{name}.send"',
        ]
    return "\n".join(lines) + "\n"
