"""What `make run` starts runs on as long as make does, also on a system with little on it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from running_hub import wait_for
from source_tree import ROOT


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="without /proc it takes ps")
def test_a_command_runs_on_where_the_system_has_no_ps(tmp_path: Path) -> None:
    looked = tmp_path / "looked"
    for name in ("bash", "env", "sleep"):
        (tmp_path / name).symlink_to(shutil.which(name) or name)
    sed = tmp_path / "sed"
    sed.write_text(f'#!/bin/bash\n{shutil.which("sed")} "$@"\n: > {looked}\n')
    sed.chmod(0o755)
    command = [str(ROOT / "scripts" / "attended"), "bash", "-c", "read line; echo $line"]
    process = subprocess.Popen(
        command, env={"PATH": str(tmp_path)}, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )

    wait_for(lambda: looked.exists() or process.poll() is not None)
    said, _ = process.communicate("still here\n", timeout=60)

    assert said == "still here\n"


def test_a_configuration_that_is_not_there_is_named(tmp_path: Path) -> None:
    watched = [sys.executable, str(ROOT / "scripts" / "run_watched.py"), "nope.toml"]

    done = subprocess.run(watched, cwd=tmp_path, capture_output=True, text=True, timeout=60)

    assert (done.returncode, done.stderr) == (2, "run: nope.toml: No such file or directory\n")
