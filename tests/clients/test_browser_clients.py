"""The official browser libraries lose nothing on a bad road, and nothing counts twice."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from functools import partial
from pathlib import Path

import pytest
from arrivals import assert_arrived_once
from flaky_road import FlakyRoad
from running_hub import RunningHub, wait_for

pytestmark = pytest.mark.clients

HERE = Path(__file__).parent
BROWSERS = (os.environ.get("CHROMIUM"), "chromium", "chromium-browser", "google-chrome")


def chromium() -> str:
    found = next((place for name in BROWSERS if name and (place := shutil.which(name))), None)
    assert found, "no Chromium: install it, or name it with CHROMIUM=/path/to/chromium"
    return found


def has_events(hub: RunningHub, count: int) -> bool:
    return len(hub.exported("events")) >= count


@pytest.mark.parametrize("library", ["segment", "segment-batching", "rudder"])
def test_a_browser_session_arrives_whole_and_once(hub: RunningHub, road: FlakyRoad, library: str):
    command = ["node", "browser_session.mjs", library, road.url, "pk_test", chromium()]
    sent: list[str] = []
    with subprocess.Popen(command, cwd=HERE, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as browser:
        assert browser.stdin and browser.stdout
        try:
            for _ in range(4):
                browser.stdin.write(b"visit\n")
                browser.stdin.flush()
                sent += json.loads(browser.stdout.readline())
                wait_for(partial(has_events, hub, len(sent)), seconds=90)
        finally:
            browser.stdin.close()

    assert_arrived_once(hub, road, sent)
