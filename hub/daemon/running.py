"""`hub run`: from a configuration to processes that run its roles."""

from __future__ import annotations

import os
import secrets
import socket
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from hub.clock import WallClock
from hub.config import Config
from hub.daemon.configuration import Configuration
from hub.daemon.engine_process import EngineProcess
from hub.daemon.locks import ROLES, Locks, made
from hub.daemon.pipes import Wires
from hub.daemon.supervisor import Child, Supervisor
from hub.errors import StoreUnavailable
from hub.ingest import command_socket, listening_socket
from hub.store.sqlite.deliveries import SqliteDeliveriesWriter
from hub.store.sqlite.journal import SqliteJournal
from hub.store.sqlite.work import SqliteState
from hub.telemetry import guard, log

SOCKET = "hub.sock"
TOKEN = "token"
CLOCK = "clock"


def run(path: Path, *, roles: Sequence[str] = ROLES, overrides: Mapping[str, Any] | None = None) -> int:
    """Runs these roles until SIGTERM or SIGINT; returns the exit code.

    Raises ConfigRefused, PluginBroken or StoreUnavailable before anything is started.
    """
    configuration = Configuration(path, overrides or {})
    config = configuration.config
    log.set_up(config.hub.log)
    folder = made(config.hub.data_dir)
    for warning in config.warnings:
        log.warning("config warning", problem=str(warning))
    locks = Locks(folder, roles)
    locks.take()
    with locks:
        clock = WallClock(folder / CLOCK, floor=_prepared(folder))
        wires = Wires()
        sockets = _sockets(config, folder) if "gateway" in roles else []
        children = _children(configuration, roles, (clock, wires, sockets))
        supervisor = Supervisor(
            children,
            wires,
            drain=config.hub.drain.total_seconds(),
            said=lambda name, what: log.error("role ended", role=name, reason=what),
            ready=partial(_announce, config, roles),
        )
        supervisor.run()
        if "gateway" in roles:
            (folder / SOCKET).unlink(missing_ok=True)
        log.info("hub stopped")
        return 0


def _children(
    configuration: Configuration,
    roles: Sequence[str],
    shared: tuple[WallClock, Wires, Sequence[socket.socket]],
) -> list[Child]:
    clock, wires, sockets = shared
    config = configuration.config
    started_at = clock.now()
    children = []
    if "engine" in roles:
        children.append(Child("engine", EngineProcess(config.hub.data_dir, clock, wires).run))
    serving = [role for role in ("gateway", "delivery") if role in roles]
    if serving:
        token = _token(config.hub.data_dir) if "gateway" in roles else ""

        def serve() -> int:
            # Imported behind the fork: the supervisor and the engine need no loop and no HTTP.
            from hub.daemon.serving import Serving
            from hub.daemon.serving import serve as run_loop

            return run_loop(
                lambda: Serving(
                    configuration,
                    roles,
                    clock,
                    wires,
                    sockets=sockets,
                    token=token,
                    started_at=started_at,
                )
            )

        children.append(Child(" and ".join(serving), serve))
    return children


def _prepared(folder: Path) -> int:
    """Makes or brings forward the stores; returns the newest instant in them.

    Everything is closed again before the fork: no connection is ever shared between processes.
    """
    SqliteDeliveriesWriter(folder).close()
    journal, state = SqliteJournal(folder, readonly=False), SqliteState(folder)
    try:
        return max(journal.end()[1], state.horizon) + 1
    finally:
        journal.close()
        state.close()


def _sockets(config: Config, folder: Path) -> list[socket.socket]:
    try:
        return [listening_socket(config.hub.host, config.hub.port), command_socket(folder / SOCKET)]
    except OSError as fault:
        raise StoreUnavailable(
            f"cannot listen on {config.hub.listen}: {fault.strerror or fault};"
            " is another program there? (hub.listen, --listen or HUB_LISTEN choose another address)"
        ) from None


def _token(folder: Path) -> str:
    path = folder / TOKEN
    token = path.read_text().strip() if path.exists() else ""
    if not token:
        token = secrets.token_urlsafe(32)
        fresh = folder / f"{TOKEN}.new"
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(token)
        # Whole or not at all: an empty one would keep everybody out for ever.
        fresh.replace(path)
    guard([token])
    return token


def _announce(config: Config, roles: Sequence[str]) -> None:
    where = f"listens on http://{config.hub.listen}" if "gateway" in roles else "runs " + ", ".join(roles)
    print(f"hub {where}, data in {config.hub.data_dir}", file=sys.stderr, flush=True)
    log.info("hub ready", listen=config.hub.listen, roles=list(roles))
