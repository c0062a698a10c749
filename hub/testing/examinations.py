"""Results of checks gathered to what was found of each connector, and what grade that is."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from hub.connector import ConnectorType, PollingSource, Source, Transform
from hub.plugins.grades import FORMS, Findings, digest, form, keep, kept, key, objection, place
from hub.testing.checking import GRADES, Check, checks

Key = tuple[str, str]


@dataclass(slots=True)
class _Examined:
    """One class of checks in a test file, and what has become of its checks."""

    exempt: Mapping[str, str]
    outcomes: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Examinations:
    """What was found in one session of tests; `settle` keeps it, or compares it with what is kept."""

    lines: list[str] = field(default_factory=list)
    """What there is to say of it."""
    stale: list[str] = field(default_factory=list)
    """What is kept and was not found, or the other way round."""
    _of: dict[Key, _Examined] = field(default_factory=dict)

    def note(self, about: Mapping[str, Any], when: str, outcome: str) -> None:
        """The result of one step of a check: it passed if no step of it failed or was left out."""
        examined = self._of.setdefault((about["module"], about["connector"]), _Examined(about["exempt"]))
        before = examined.outcomes.get(about["check"], "passed")
        if outcome != "passed":
            before = outcome if before == "passed" or outcome == "failed" else before
        if when == "call" or before != "passed":
            examined.outcomes[about["check"]] = before

    def settle(self, *, write: bool) -> None:
        """Goes through all connectors that were examined as a whole."""
        for (module, name), examined in sorted(self._of.items()):
            connector: ConnectorType = getattr(_imported(module), name)
            needed = checks(suite_for(connector), connector)
            if set(examined.outcomes) != set(needed):
                continue
            found = _findings(connector, examined)
            if "failed" in examined.outcomes.values():
                self.lines.append(f"{key(connector)}: no grade, for a check failed")
            elif write:
                keep(connector, found)
                self.lines.append(f"{key(connector)}: {graded(place(connector), found).grade}")
            else:
                self._compare(connector, examined, found)

    def _compare(self, connector: ConnectorType, examined: _Examined, found: Findings) -> None:
        where = place(connector)
        before = kept(where).get(key(connector))
        # What could not be tried here (no contracts, say) proves nothing against what is kept.
        open_here = {name for name, outcome in examined.outcomes.items() if outcome == "skipped"}
        open_here -= set(found.exempt)
        stale = before is None or bool(objection(where, before))
        if before is not None and not stale:
            stale = set(before.passed) - open_here != set(found.passed) or before.exempt != found.exempt
        if stale:
            self.stale.append(f"{key(connector)}: its grade is not current; run pytest --hub-grades=write")


def about(suite: Any, check: Check) -> dict[str, Any]:
    """What has to be known of a check where its result is noted, which may be another process."""
    connector = suite.connector
    return {
        "module": connector.__module__,
        "connector": connector.__qualname__,
        "check": check.name,
        "exempt": dict(suite.exempt),
    }


def suite_for(connector: ConnectorType) -> type:
    """The suite that examines a connector of this kind."""
    from hub.testing import PollingConformance, SinkConformance, SourceConformance, TransformConformance

    if issubclass(connector, PollingSource):
        return PollingConformance
    if issubclass(connector, Source):
        return SourceConformance
    return TransformConformance if issubclass(connector, Transform) else SinkConformance


class Graded(NamedTuple):
    """none, bronze, silver or gold, and what stands between it and the next (empty above gold)."""

    grade: str
    reason: str


def graded(where: Path, found: Findings | None) -> Graded:
    """The highest grade of which every check was passed or exempted, and those of the grades below.

    What was found counts only for the code, and for the version of the kit, of which it was found.
    """
    reason = objection(where, found)
    if reason or found is None:
        return Graded("none", reason)
    reached = "none"
    for one in GRADES:
        lacks = _missing(found, one)
        if lacks:
            return Graded(reached, f"for {one} it lacks {', '.join(lacks)}")
        reached = one
    return Graded(reached, "")


def grade_of(connector: ConnectorType) -> Graded:
    """The grade of a connector that is loaded."""
    where = place(connector)
    return graded(where, kept(where).get(key(connector)))


def grade_at(where: Path, name: str) -> Graded:
    """The grade of the connectors of this name at a place where nothing is loaded; the lowest, if several."""
    found = [graded(where, one) for key, one in kept(where).items() if key.partition(" ")[2] == name]
    order = ("none", *GRADES)
    return min(found, key=lambda one: order.index(one.grade), default=Graded("none", objection(where, None)))


def _missing(found: Findings, wanted: str) -> list[str]:
    """The checks of a grade that were neither passed nor exempted."""
    base = FORMS[found.form]
    needed = checks(suite_for(base), base).values()
    done = {*found.passed, *found.exempt}
    return [check.name for check in needed if check.grade == wanted and check.name not in done]


def _findings(connector: ConnectorType, examined: _Examined) -> Findings:
    passed = [name for name, outcome in examined.outcomes.items() if outcome == "passed"]
    where = place(connector)
    return Findings(form(connector), digest(where), tuple(sorted(passed)), dict(examined.exempt))


def _imported(module: str) -> Any:
    from importlib import import_module

    return sys.modules.get(module) or import_module(module)
