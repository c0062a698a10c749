"""The pytest plugin: fixtures for connectors' tests, golden files, and grades computed from what passed.

--hub-write            writes the golden files anew instead of comparing them
--hub-grades=write     keeps the results of whole examinations beside the connectors' code
--hub-grades=check     fails where what is kept is not what was found
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from hub.clock import DrivenClock
    from hub.testing.vendors.receiver import Receiver

_PROPERTY = "hub_check"
_EXAMINATIONS = pytest.StashKey[Any]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options of the plugin."""
    group = parser.getgroup("hub", "examinations of connectors")
    group.addoption("--hub-write", action="store_true", help="write golden files instead of comparing them")
    group.addoption(
        "--hub-grades",
        choices=("write", "check"),
        help="keep the results of examinations beside the code, or fail where others are kept",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Golden files are written or compared from now on."""
    if config.getoption("--hub-write"):
        from hub.testing import golden

        golden.write(True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Takes out checks of other kinds of connector, and leaves out exempted ones with their reason."""
    kept = [item for item in items if _is_for_its_connector(item)]
    for item in kept:
        found = _check(item)
        if found is None:
            continue
        check, suite = found
        why = suite.exempt.get(check.name)
        if why is not None:
            item.add_marker(pytest.mark.skip(reason=f"exempt: {why}"))
        from hub.testing.examinations import about

        item.user_properties.append((_PROPERTY, json.dumps(about(suite, check))))
    items[:] = kept


def _check(item: pytest.Item) -> tuple[Any, Any] | None:
    suite = getattr(item, "cls", None)
    check = getattr(getattr(item, "function", None), "hub_check", None)
    return None if suite is None or check is None else (check, suite)


def _is_for_its_connector(item: pytest.Item) -> bool:
    found = _check(item)
    return found is None or bool(found[0].is_for(found[1].connector))


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Notes the result of a check, also of one that another process ran."""
    said = dict(report.user_properties).get(_PROPERTY)
    if said is not None and _session is not None:
        from hub.testing.examinations import Examinations

        kept: Examinations = _session.stash.setdefault(_EXAMINATIONS, Examinations())
        kept.note(json.loads(str(said)), report.when or "", report.outcome)


_session: pytest.Session | None = None


def pytest_sessionstart(session: pytest.Session) -> None:
    """Remembers whose results these are."""
    global _session
    _session = session


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Keeps the grades, or says which of them are not current."""
    found = session.stash.get(_EXAMINATIONS, None)
    mode = session.config.getoption("--hub-grades")
    if found is None or mode is None or hasattr(session.config, "workerinput"):
        return
    found.settle(write=mode == "write")
    if found.stale and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """The grades that were computed, and those that are not current."""
    found = _session.stash.get(_EXAMINATIONS, None) if _session is not None else None
    if found is None or not (found.lines or found.stale):
        return
    terminalreporter.section("connectors' grades")
    for line in [*found.lines, *found.stale]:
        terminalreporter.write_line(line)


@pytest.fixture
def clock() -> DrivenClock:
    """A clock that stands still until it is told to go on."""
    from hub.clock import DrivenClock

    return DrivenClock()


@pytest.fixture
def far_side() -> Iterator[Receiver]:
    """A system on 127.0.0.1 that takes everything, keeps it, and fails when it is told to."""
    from hub.testing.vendors.receiver import Receiver

    with Receiver() as receiver:
        yield receiver
