"""How the gateway starts, stops, and looks after itself."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import threading

import pytest
from gateway_house import SECRET, Shop, block, config, running

import hub
from hub.clock import WallClock
from hub.ingest import Server, command_socket, listening_socket, server
from hub.store.sqlite.journal import SqliteJournalWriter


async def test_requests_under_way_are_answered_before_the_end(tmp_path):
    class Slow(SqliteJournalWriter):
        def write(self, batches):
            begun.set()
            assert go_on.wait(5)
            super().write(batches)

    begun, go_on = threading.Event(), threading.Event()
    async with running(tmp_path, journal=Slow(tmp_path, WallClock().now)) as house:
        asking = asyncio.create_task(house.post({"id": "1"}))
        await asyncio.to_thread(begun.wait, 5)
        asyncio.get_running_loop().call_later(0.3, go_on.set)

    assert (await asking).status == 200


async def test_the_socket_goes_on_listening_while_the_gateway_is_away(tmp_path):
    async with running(tmp_path) as house:
        listening = house.server._sockets[0].dup()
    reader, writer = await asyncio.open_connection(*listening.getsockname())
    writer.write(f"POST /collect?key={SECRET} HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{{}}".encode())

    stop = asyncio.Event()
    (tmp_path / "again").mkdir()
    async with running(tmp_path / "again") as again:
        serving = asyncio.create_task(Server(again.gateway, [listening]).serve(stop))
        assert (await reader.readline()) == b"HTTP/1.1 200 OK\r\n"
        stop.set()
        await serving

    writer.close()
    listening.close()


async def test_a_new_configuration_is_in_force_from_the_next_request_on(tmp_path):
    entered, leave = asyncio.Event(), asyncio.Event()

    class Slow(SqliteJournalWriter):
        async def append(self, drafts, refused=(), cursors=None):
            entered.set()
            await leave.wait()
            await super().append(drafts, refused, cursors)

    async with running(tmp_path, journal=Slow(tmp_path, WallClock().now)) as house:
        asking = asyncio.create_task(house.post({"id": "old"}))
        await entered.wait()
        house.gateway.replace(config(tmp_path, block("shop", secret_keys=["new"])))
        leave.set()

        assert (await asking).status == 200
        assert (await house.post({"id": "new"}, key="new")).status == 200
        assert (await house.post({}, key=SECRET)).status == 401


async def test_sources_know_where_the_world_reaches_the_hub(tmp_path):
    class Curious(Shop):
        def respond(self, inbound: hub.Inbound, accepted: int, quarantined: int) -> hub.Response:
            return hub.Response(200, {}, self.public_url.encode())

    async with running(
        tmp_path, given=config(tmp_path, block("shop", Curious, secret_keys=[SECRET]))
    ) as house:
        assert (await house.post([])).body == b"https://hub.example.com"


async def test_a_background_task_that_fails_shows_in_health_and_is_started_again(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(server, "RESTART_SECONDS", 0.05)
    async with running(tmp_path) as house:
        watch, kept = house.server.watch, house.server.watch.keep
        rounds = []

        async def failing():
            rounds.append(1)
            if len(rounds) < 3:
                raise RuntimeError("broken")
            await kept()

        keeping = asyncio.create_task(house.server._for_ever("deadlines", failing))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert house.gateway.health.verdict().status == "failing"

        await eventually(lambda: len(rounds) == 3 and house.gateway.health.verdict().status == "ok")
        assert watch.bounds.per_address == 1024
        keeping.cancel()
    assert "task ended" in capsys.readouterr().err


def test_two_hubs_may_share_an_address_when_both_say_so():
    first = listening_socket("127.0.0.1", 0, shared=True)
    second = listening_socket("127.0.0.1", first.getsockname()[1], shared=True)

    assert first.getsockname() == second.getsockname()
    with pytest.raises(OSError):
        listening_socket("127.0.0.1", first.getsockname()[1])
    first.close()
    second.close()


def test_the_socket_of_a_killed_hub_is_replaced(tmp_path):
    command_socket(tmp_path / "hub.sock").close()
    again = command_socket(tmp_path / "hub.sock")

    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(tmp_path / "hub.sock"))
    again.close()


def test_a_socket_that_systemd_opened_is_used():
    script = (
        "import os; os.environ['LISTEN_PID'] = str(os.getpid()); os.environ['LISTEN_FDS'] = '1'\n"
        "from hub.ingest import listening_socket\n"
        "print(listening_socket('127.0.0.1', 1).getsockname()[1], 'LISTEN_FDS' in os.environ)"
    )
    with socket.create_server(("127.0.0.1", 0)) as opened:

        def pass_on() -> None:
            os.dup2(opened.fileno(), 3)

        said = subprocess.run(
            [sys.executable, "-c", script],
            capture_output=True,
            text=True,
            preexec_fn=pass_on,
            close_fds=False,
            check=True,
        )

        assert said.stdout.split() == [str(opened.getsockname()[1]), "False"]


def test_a_socket_meant_for_another_process_is_left_alone(monkeypatch):
    monkeypatch.setenv("LISTEN_PID", "1")
    monkeypatch.setenv("LISTEN_FDS", "1")
    own = listening_socket("127.0.0.1", 0)

    assert own.getsockname()[1] != 0
    own.close()


async def eventually(true):
    for _ in range(500):
        if true():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not come true")
