"""What this machine is like, so that figures from different machines compare."""

from __future__ import annotations

import os
import time
from pathlib import Path

from tests.bench.figures import median, percentile

TURNS = 1000


def loop_us() -> float:
    """CPU microseconds of a loop of 1,000 turns in pure Python, the median of many."""
    took = []
    for _ in range(501):
        start = time.perf_counter_ns()
        total = 0
        for n in range(TURNS):
            total += n & 7
        took.append((time.perf_counter_ns() - start) / 1000)
    return median(took)


def fdatasync_ms(folder: Path) -> tuple[float, float]:
    """Milliseconds (p50, p99) until 4 KB at the end of a file are on disk."""
    sync = getattr(os, "fdatasync", os.fsync)
    path = folder / "calibration"
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    took = []
    try:
        for _ in range(300):
            start = time.perf_counter_ns()
            os.write(handle, b"\0" * 4096)
            sync(handle)
            took.append((time.perf_counter_ns() - start) / 1e6)
    finally:
        os.close(handle)
        path.unlink()
    return median(took), percentile(took, 99)
