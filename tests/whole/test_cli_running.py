"""The commands against a hub that runs: as people type them, each in a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import IO, Any

import pytest
from running_hub import HUB, SITE, RunningHub, free_port, wait_for

Hubs = Callable[..., RunningHub]
ROOT = Path(__file__).parents[2]

FILE = SITE + '[sinks.kept]\nconnector = "file"\npath = "kept.jsonl"\n[routes.keep]\nto = "kept.send"\n'
HOOK = SITE + '[sinks.hook]\nconnector = "webhook"\nurl = "URL"\n[routes.hook]\nto = "hook.send"\n'
MESSAGE = {"type": "track", "event": "Order Completed", "userId": "ann"}


class FarSide:
    """A receiver that answers what it is told to."""

    def __init__(self) -> None:
        self.status = 200
        self.ids: list[str] = []
        far = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                far.ids.append(self.headers["webhook-id"])
                self.send_response(far.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Says nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/hook"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,))

    def __enter__(self) -> FarSide:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def far() -> Iterator[FarSide]:
    with FarSide() as side:
        yield side


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def write(hub: RunningHub, *messages: dict[str, Any]) -> str:
    path = hub.folder / "sent.jsonl"
    path.write_text("".join(json.dumps(message) + "\n" for message in messages))
    return str(path)


@contextmanager
def tail(hub: RunningHub, *options: str) -> Iterator[subprocess.Popen[str]]:
    """`hub tail`, from the moment at which it watches; ended by Ctrl-C."""
    process = subprocess.Popen(
        [str(HUB), "tail", "--config", str(hub.config), *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None and process.stderr is not None
    try:
        assert process.stderr.readline().startswith("watching")
        yield process
    finally:
        process.send_signal(signal.SIGINT)
        process.stdout.close()
        process.stderr.close()
        process.wait(10)


def test_what_is_sent_to_a_running_hub_is_proven_and_delivered(hubs: Hubs):
    hub = hubs(FILE).start()
    said = hub.command("send", write(hub, *({**MESSAGE, "messageId": f"m{n}"} for n in range(1200))))
    events = hub.exported("events")

    assert said == "accepted 1200, quarantined 0\n"
    assert [event["id"] for event in events] == [f"m{n}" for n in range(1200)]
    assert {event["trust"] for event in events} == {"secret"}
    wait_for(lambda: all(row["state"] == "delivered" for row in hub.exported("deliveries")))
    hub.command("audit")


def test_a_message_sent_twice_counts_once(hubs: Hubs):
    hub = hubs(FILE).start()
    file = write(hub, {**MESSAGE, "messageId": "m1"})
    hub.command("send", file)
    hub.command("send", file)

    assert len(hub.exported("events")) == 1
    assert lines(hub.command("audit", "--json"))[0]["duplicate"] == 1


def test_tail_calls_a_copy_a_copy_and_not_nobodys(hubs: Hubs):
    hub = hubs(FILE).start()
    with tail(hub) as watching:
        assert watching.stdout is not None
        for _ in range(2):
            hub.track("ann", "Product Added", messageId="m1")
        copy = next(line for line in watching.stdout if "duplicate" in line)

    assert copy.endswith("product_added  from site  was here before, and changes nothing\n")


def test_tail_shows_an_event_and_then_its_delivery(hubs: Hubs):
    hub = hubs(FILE).start()
    with tail(hub, "--json") as watching:
        assert watching.stdout is not None
        hub.track("ann", "Product Added", messageId="m1")
        event, delivery = (json.loads(watching.stdout.readline()) for _ in range(2))

    assert (event["kind"], event["id"], event["name"]) == ("event", "m1", "product_added")
    assert (delivery["kind"], delivery["sink"], delivery["state"]) == ("delivery", "kept", "delivered")
    assert event["person"] == delivery["person"]
    assert watching.returncode == 0


def test_tail_shows_what_goes_wrong(hubs: Hubs, far: FarSide):
    far.status = 400
    hub = hubs(HOOK.replace("URL", far.url)).start()
    with tail(hub) as watching:
        assert watching.stdout is not None
        hub.track("ann", "Product Added")
        event, delivery = (watching.stdout.readline() for _ in range(2))

    assert "product_added  from site" in event
    assert "product_added  to hook.send  dead" in delivery


def test_dead_letters_are_replayed_under_their_ids(hubs: Hubs, far: FarSide):
    far.status = 400
    hub = hubs(HOOK.replace("URL", far.url)).start()
    hub.track("ann", "Product Added")
    hub.track("ben", "Product Added")
    letters = wait_for(lambda: len(found := lines(hub.command("dead", "list", "--json"))) == 2 and found)
    far.status = 200
    said = hub.command("dead", "replay", letters[0]["id"])

    wait_for(lambda: len(hub.command("dead", "list").splitlines()) == 1)
    wait_for(lambda: far.ids.count(letters[0]["id"]) == 2)
    assert said == "1 delivery (hook 1) to be sent again\n"
    wait_for(lambda: "delivered" in {row["state"] for row in hub.exported("deliveries")})
    hub.command("audit")


def test_dropped_dead_letters_are_never_sent(hubs: Hubs, far: FarSide):
    far.status = 400
    hub = hubs(HOOK.replace("URL", far.url)).start()
    hub.track("ann", "Product Added")
    wait_for(lambda: lines(hub.command("dead", "list", "--json")))
    hub.command("dead", "drop", "--all", "--yes")

    assert hub.command("dead", "list", "--json") == ""
    [delivery] = hub.exported("deliveries")
    assert delivery["state"] == "skipped"
    assert len(far.ids) == 1
    hub.command("audit")


def test_a_reload_applies_a_good_change(hubs: Hubs):
    hub = hubs(SITE).start()
    hub.configure(FILE)

    assert hub.command("reload") == "applied\n"
    hub.track("ann", "Product Added")
    assert wait_for(lambda: hub.exported("deliveries"))


def test_a_reload_with_a_broken_plugin_says_so_as_a_start_does(hubs: Hubs):
    hub = hubs(FILE).start()
    (hub.folder / "own").mkdir()
    (hub.folder / "own" / "mine.py").write_text("raise SystemExit(0)\n")
    hub.configure('plugins = ["own"]\n' + FILE + "[sinks.mine]\n")

    assert "mine.py: its import failed: SystemExit: 0" in hub.command("reload", code=3)


def test_a_reload_with_faults_names_them_and_changes_nothing(hubs: Hubs):
    hub = hubs(FILE).start()
    hub.configure(FILE + '[sinks.other]\nconnector = "flie"\n')
    said = hub.command("reload", code=2)

    assert "sinks.other.connector" in said and "did you mean 'file'?" in said
    hub.track("ann", "Product Added")
    assert wait_for(lambda: hub.exported("deliveries"))


def test_a_second_hub_on_the_same_data_is_refused_by_commands_that_change(hubs: Hubs):
    hub = hubs(FILE).start()
    other = hubs(FILE, folder=hub.folder.parent / "other")
    (hub.folder / "data" / "hub.sock").unlink()
    said = subprocess.run(
        [str(HUB), "send", write(other, MESSAGE), "--config", str(hub.config)], capture_output=True, text=True
    )

    assert said.returncode == 4
    assert "another hub" in said.stderr


def test_a_config_with_faults_is_not_run(hubs: Hubs):
    hub = hubs(FILE + "[sinks.kept2]\n")
    said = hub.command("run", code=2)

    assert f"{hub.config}:" in said
    assert "sinks.kept2" in said


def test_an_unknown_role_is_not_run(hubs: Hubs):
    assert "'engin' is no role" in hubs(FILE).command("run", "--role", "engin", code=2)


def test_a_reader_that_has_enough_is_no_error(hubs: Hubs):
    hub = hubs(FILE).start()
    hub.command("send", write(hub, *({**MESSAGE, "messageId": f"m{n}"} for n in range(2000))))
    pipe = f'"{HUB}" export events --config "{hub.config}" | head -1'
    done = subprocess.run(["bash", "-o", "pipefail", "-c", pipe], capture_output=True, text=True)

    assert done.returncode == 0
    assert done.stderr == ""
    assert len(done.stdout.splitlines()) == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_make_run_plays_the_demo_and_ends_when_told(number: signal.Signals):
    environment = {**os.environ, "HUB_LISTEN": f"127.0.0.1:{free_port()}"}
    run = started("run", environment)
    assert run.stdout is not None
    seen = until(run.stdout, "Ctrl-C ends it")
    run.send_signal(number)
    run.wait(30)
    rest = run.stdout.read()
    run.stdout.close()

    assert "order_completed" in seen
    assert "the demo is over" in rest


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_make_run_with_a_configuration_shows_its_deliveries(hubs: Hubs, number: signal.Signals):
    hub = hubs(FILE)
    run = started("run", {**os.environ}, f"CONFIG={hub.config}")
    assert run.stdout is not None
    until(run.stdout, "watching")
    wait_for(lambda: is_up(hub))
    hub.track("ann", "Product Added")
    seen = until(run.stdout, "delivered")
    run.send_signal(number)
    run.wait(30)
    rest = run.stdout.read()
    run.stdout.close()

    assert "product_added" in seen
    assert "run: stopping" in rest


def started(target: str, environment: dict[str, str], *more: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        ["make", "--no-print-directory", target, *more],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def until(lines: IO[str], word: str) -> str:
    """What is printed up to the line with a word; everything, where that never comes."""
    seen = []
    for line in lines:
        seen.append(line)
        if word in line:
            break
    return "".join(seen)


def is_up(hub: RunningHub) -> bool:
    try:
        return hub.get("/readyz")[0] == 200
    except OSError:
        return False
