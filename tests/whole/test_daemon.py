"""The processes: they start, stop, are killed and started again, and nothing is lost."""

from __future__ import annotations

import json
import os
import signal
import socket
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from running_hub import SITE, RunningHub, wait_for

FILE = SITE + '[sinks.kept]\nconnector = "file"\npath = "kept.jsonl"\n[routes.keep]\nto = "kept.send"\n'
Hubs = Callable[..., RunningHub]


def kept(hub: RunningHub) -> list[str]:
    path = hub.folder / "kept.jsonl"
    return path.read_text().splitlines() if path.exists() else []


def test_an_event_becomes_a_person_and_a_delivery(hubs: Hubs) -> None:
    hub = hubs(FILE).start()

    hub.track("ann", "Product Added", properties={"product_id": "A"})

    assert "product_added" in wait_for(lambda: kept(hub))[0]
    [event] = hub.exported("events")
    assert hub.exported("people")[0]["person"] == event["person"]
    hub.command("audit")


def test_an_orderly_stop_exits_0_and_the_next_start_goes_on(hubs: Hubs) -> None:
    hub = hubs(FILE).start()
    hub.track("ann", "Product Added")

    assert hub.stop() == 0
    hub.start().track("ann", "Order Completed")

    wait_for(lambda: len(kept(hub)) == 2)
    assert len(hub.exported("events")) == 2


def test_nothing_outlives_a_killed_supervisor(hubs: Hubs) -> None:
    hub = hubs(FILE).start()
    children = hub.children()
    assert hub.process is not None

    hub.process.kill()
    hub.process.wait()

    wait_for(lambda: not any(_runs(pid) for pid in children))
    hub.start().track("ann", "Product Added")


def test_a_killed_role_is_started_again_and_no_connection_is_refused(hubs: Hubs) -> None:
    hub = hubs(FILE).start()
    engine, gateway = hub.children()
    refused: list[OSError] = []

    def send() -> None:
        for number in range(40):
            try:
                hub.track("ann", "Product Added", messageId=f"m{number}")
            except ConnectionResetError:
                pass  # In flight when the process died; the sender would try again.
            except OSError as fault:
                refused.append(fault)

    sender = threading.Thread(target=send)
    sender.start()
    os.kill(gateway, signal.SIGKILL)
    os.kill(engine, signal.SIGKILL)
    sender.join()

    assert refused == []
    assert set(wait_for(lambda: hub.children() if len(hub.children()) == 2 else None)).isdisjoint(
        {engine, gateway}
    )
    wait_for(hub.is_ready)
    wait_for(lambda: hub.health()["status"] == "ok")


def test_each_role_can_live_in_a_process_of_its_own(hubs: Hubs) -> None:
    gateway = hubs(FILE)
    others = [hubs(FILE, folder=gateway.folder, port=gateway.port) for _ in range(2)]
    gateway.start("--role", "gateway")

    gateway.track("ann", "Product Added")
    others[0].start("--role", "engine", ready=False)
    others[1].start("--role", "delivery", ready=False)

    wait_for(lambda: kept(gateway))
    for hub in (gateway, *others):
        assert hub.stop() == 0


def test_the_end_of_one_role_leaves_the_commands_of_the_others_alone(hubs: Hubs) -> None:
    gateway = hubs(FILE).start("--role", "gateway")
    delivery = hubs(FILE, folder=gateway.folder, port=gateway.port)
    delivery.start("--role", "delivery", ready=False)
    wait_for(lambda: "runs delivery" in delivery.log)

    assert delivery.stop() == 0

    gateway.command("reload")


def test_a_token_that_a_crash_left_empty_is_made_anew(hubs: Hubs) -> None:
    hub = hubs(FILE)
    (hub.folder / "data").mkdir(mode=0o700)
    (hub.folder / "data" / "token").touch(mode=0o600)

    hub.start()

    assert (hub.folder / "data" / "token").read_text()
    hub.command("reload")


def test_a_second_hub_on_one_data_folder_is_refused(hubs: Hubs) -> None:
    first = hubs(FILE).start()
    second = hubs(FILE, folder=first.folder)

    second.start(ready=False)
    assert second.process is not None

    assert second.process.wait(20) == 4
    assert "another hub" in second.log


def test_an_address_that_is_taken_is_said_so(hubs: Hubs) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        hub = hubs(FILE, port=taken.getsockname()[1]).start(ready=False)
        assert hub.process is not None

        assert hub.process.wait(20) == 4

    assert "HUB_LISTEN" in hub.log


def test_a_changed_configuration_applies_whole_or_not_at_all(hubs: Hubs) -> None:
    hub = hubs(FILE).start()

    hub.configure(FILE.replace("kept.send", "kept.sned"))
    assert "did you mean 'send'?" in hub.command("reload", code=2)
    hub.track("ann", "Product Added")
    hub.configure(FILE + 'when = "order_completed"\n')
    hub.command("reload")
    hub.track("ann", "Product Viewed")
    hub.track("ann", "Order Completed")

    wait_for(lambda: len(kept(hub)) == 2)
    assert "order_completed" in kept(hub)[1]


def test_a_hangup_reloads_and_a_bad_file_changes_nothing(hubs: Hubs) -> None:
    hub = hubs(FILE).start()
    assert hub.process is not None

    hub.configure("[sources.site]\nconnector = 'segmnet'\n")
    hub.process.send_signal(signal.SIGHUP)

    wait_for(lambda: "config refused" in hub.log)
    hub.track("ann", "Product Added")


def test_what_was_reloaded_stays_in_force_when_a_role_is_killed(hubs: Hubs) -> None:
    hub = hubs(FILE).start()
    hub.configure(FILE + 'when = "order_completed"\n')
    hub.command("reload")
    # Edited since, but nobody has asked to read it again.
    hub.configure(FILE)

    _, gateway = hub.children()
    os.kill(gateway, signal.SIGKILL)
    wait_for(lambda: len(hub.children()) == 2 and gateway not in hub.children())
    wait_for(hub.is_ready)
    hub.track("ann", "Product Viewed")
    hub.track("ann", "Order Completed")

    wait_for(lambda: kept(hub))
    assert ["order_completed" in line for line in kept(hub)] == [True]


def test_a_hangup_while_the_hub_starts_ends_nobody_and_reloads_when_it_is_ready(hubs: Hubs) -> None:
    hub = hubs(FILE).start(ready=False)
    assert hub.process is not None
    wait_for(lambda: len(hub.children()) == 2)

    hub.process.send_signal(signal.SIGHUP)

    wait_for(lambda: "config applied" in hub.log)
    assert "role ended" not in hub.log


def test_a_reload_that_would_need_a_restart_is_refused_with_the_reason(hubs: Hubs) -> None:
    hub = hubs(FILE).start()

    hub.config.write_text(hub.config.read_text().replace("[hub]", '[hub]\ndrain = "5s"'))

    assert "hub.drain was changed: that needs a restart" in hub.command("reload", code=2)


def test_the_data_folder_may_lie_deep(hubs: Hubs, tmp_path: Path) -> None:
    deep = tmp_path / ("a" * 60) / ("b" * 60)
    deep.mkdir(parents=True)
    hub = hubs(FILE, folder=deep).start()

    hub.command("reload")

    assert hub.stop() == 0


def test_events_accepted_while_no_engine_runs_are_applied_later(hubs: Hubs) -> None:
    gateway = hubs(FILE).start("--role", "gateway")
    gateway.track("ann", "Product Added")
    assert gateway.stop() == 0

    gateway.start()

    wait_for(lambda: kept(gateway))
    gateway.command("audit")


LETTERS = '''
import hub


class Settings(hub.Settings):
    url: str = hub.Option("Where the letters lie.")


class Letters(hub.PollingSource[Settings]):
    """Letters, from a box that is emptied page by page."""

    name = "letters"

    def pages(self, cursor):
        start = int(cursor or 0)
        answer = yield hub.Request("GET", f"{self.settings.url}?after={start}")
        said = answer.json()
        events = [
            hub.normalise(type="track", id=f"letter-{n}", name="Letter Came", identifiers={"user_id": "ann"})
            for n in said["letters"]
        ]
        yield hub.Page(events, str(start + len(events)))


@hub.hookimpl
def connectors():
    return [Letters]
'''


def test_a_polled_system_is_read_once_over_a_restart(hubs: Hubs, tmp_path: Path) -> None:
    asked: list[int] = []

    class Box(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            after = int(self.path.partition("after=")[2])
            asked.append(after)
            body = json.dumps({"letters": list(range(after, 3))}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Box)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    plugins = tmp_path / "ours"
    plugins.mkdir()
    (plugins / "letters.py").write_text(LETTERS)
    url = f"http://127.0.0.1:{server.server_address[1]}/box"
    hub = hubs(FILE + f'[sources.letters]\nurl = "{url}"\n')
    hub.config.write_text(hub.config.read_text().replace("[hub]", f'[hub]\nplugins = ["{plugins}"]'))

    hub.start()
    wait_for(lambda: len(kept(hub)) == 3)
    hub.kill()
    hub.start()
    wait_for(lambda: asked[-1] == 3 and len(asked) > 1)

    assert sorted(event["id"] for event in hub.exported("events")) == ["letter-0", "letter-1", "letter-2"]
    server.shutdown()


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
