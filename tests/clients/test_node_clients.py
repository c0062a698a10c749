"""The official Node libraries lose nothing on a bad road, and nothing counts twice."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from arrivals import assert_arrived_once
from flaky_road import FlakyRoad
from running_hub import RunningHub

pytestmark = pytest.mark.clients

HERE = Path(__file__).parent


@pytest.mark.parametrize("library", ["segment", "rudder"])
def test_a_node_session_arrives_whole_and_once(hub: RunningHub, road: FlakyRoad, library: str):
    command = ["node", "node_session.mjs", library, road.url, "pk_test"]
    sent = subprocess.run(command, check=True, capture_output=True, timeout=100, cwd=HERE).stdout

    assert_arrived_once(hub, road, json.loads(sent.splitlines()[-1]))
