"""The official Python libraries lose nothing on a bad road, and nothing counts twice."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from arrivals import assert_arrived_once
from flaky_road import FlakyRoad
from running_hub import RunningHub

SESSION = Path(__file__).with_name("python_session.py")


@pytest.mark.parametrize("library", ["segment", "rudder"])
def test_a_python_session_arrives_whole_and_once(hub: RunningHub, road: FlakyRoad, library: str):
    command = [sys.executable, str(SESSION), library, road.url, "pk_test"]
    sent = subprocess.run(command, check=True, capture_output=True, timeout=100).stdout

    assert_arrived_once(hub, road, json.loads(sent))
