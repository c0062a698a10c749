"""`make bench`: what the hub costs on this machine, beside what people would otherwise write.

python -m tests.bench [--quick] [--only hub] [--json FILE]
python -m tests.bench legs        the parts of the line, each by itself
python -m tests.bench rules       the hub with 20 rules, of which 3 look at each event, beside the hub without
python -m tests.bench waiting     a million people who wait on one rule
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from pathlib import Path
from typing import Any

from tests.bench.calibrate import fdatasync_ms, loop_us
from tests.bench.measure import FULL, QUICK, Found, bench
from tests.bench.processes import ROOT
from tests.bench.table import legs_table, table

KEPT = ROOT / ".bench" / "latest.json"


def main() -> None:
    asked = _arguments()
    if not sys.platform.startswith("linux"):
        sys.exit("bench: reads /proc; it needs Linux")
    KEPT.parent.mkdir(exist_ok=True)
    sync = fdatasync_ms(KEPT.parent)
    machine = {
        "cores": os.cpu_count() or 1,
        "python": platform.python_version(),
        "loop_us": loop_us(),
        "fdatasync_p50_ms": sync[0],
        "fdatasync_p99_ms": sync[1],
    }
    print(
        f"calibration: {machine['cores']} cores, Python {machine['python']}; 1,000 turns of a loop"
        f" {machine['loop_us']:.1f} µs; fdatasync of 4 KB p50 {sync[0]:.2f} ms, p99 {sync[1]:.2f} ms\n"
    )
    if asked.what == "waiting":
        figures = _waiting(quick=asked.quick)
    elif asked.what == "legs":
        figures = _legs(machine, quick=asked.quick)
    else:
        figures = _rules(asked) if asked.what == "rules" else _whole(asked)
    (asked.json or KEPT).write_text(json.dumps({"machine": machine, "figures": figures}, indent=2) + "\n")
    print(f"\nfigures in {asked.json or KEPT.relative_to(ROOT)}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("what", nargs="?", choices=("whole", "legs", "rules", "waiting"), default="whole")
    parser.add_argument("--quick", action="store_true", help="a rough look, in less than a minute")
    parser.add_argument("--only", choices=("hub", "peer"), help="one side alone")
    parser.add_argument("--json", type=Path, help="where the figures go")
    return parser.parse_args()


def _whole(asked: argparse.Namespace) -> dict[str, Any]:
    began = time.monotonic()
    found: list[Found] = []
    with bench(QUICK if asked.quick else FULL, _say) as running:
        if asked.only != "peer":
            found.append(running.hub())
        if asked.only != "hub":
            found += [running.peer(), running.careful_peer()]
    _say(f"done in {time.monotonic() - began:.0f} s")
    print(table(found))
    return {one.who: one.figures for one in found}


def _rules(asked: argparse.Namespace) -> dict[str, Any]:
    with bench(QUICK if asked.quick else FULL, _say) as running:
        found = running.rules()
    print(table(found))
    return {one.who: one.figures for one in found}


def _legs(machine: dict[str, Any], *, quick: bool) -> dict[str, Any]:
    from tests.bench.legs import legs  # the whole house: the other measurements only talk to it

    found = legs(_say, quick=quick)
    print(legs_table(found, machine["loop_us"]))
    return found


def _waiting(*, quick: bool) -> dict[str, Any]:
    from tests.bench.waiting import report

    found = report(110_000 if quick else 1_000_000)
    print("\n".join(f"| {name} | {value} |" for name, value in found))
    return dict(found)


def _say(what: str) -> None:
    print(f"bench: {what}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
