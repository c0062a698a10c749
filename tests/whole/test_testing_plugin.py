"""The pytest plugin: what it keeps of an examination, and when it refuses what is kept."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import hub
from connectors.console import Console
from hub.cli.new import make
from hub.plugins.grades import FORMS, KIT, Findings, digest, kept, objection, record
from hub.testing.checking import checks
from hub.testing.examinations import Graded, grade_at, graded, suite_for

FORM = "http sink"
ALL = checks(suite_for(FORMS[FORM]), FORMS[FORM])


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A package whose sink passes."""
    make("toy_shop", "sink", tmp_path / "toy-shop")
    return tmp_path / "toy-shop"


def pytest_in(package: Path, *options: str) -> tuple[int, str]:
    """Runs a package's tests; the exit code, and what was printed."""
    plugins = ["-p", "hub.testing.plugin", "-p", "no:cacheprovider", "-p", "no:asyncio"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *plugins, *options],
        cwd=package,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    return done.returncode, done.stdout


def test_what_was_found_is_kept_also_by_several_processes_and_is_then_current(package: Path):
    code, told = pytest_in(package, "-n", "2", "--hub-grades=write")
    found = kept(package / "toy_shop")["sink toy_shop"]

    assert code == 0
    assert "sink toy_shop: silver" in told
    assert found.form == FORM
    assert set(found.exempt) == {"people_can_be_forgotten", "batches_are_exact"}
    assert set(found.passed) < set(ALL)
    assert pytest_in(package, "--hub-grades=check")[0] == 0


def test_a_change_of_the_code_or_of_an_exemption_makes_it_stale(package: Path):
    pytest_in(package, "--hub-grades=write")
    sink, tests = package / "toy_shop" / "sink.py", package / "tests" / "test_sink.py"
    sink.write_text(sink.read_text() + "\nMORE = 1\n")

    code, told = pytest_in(package, "--hub-grades=check")
    assert (code, "sink toy_shop: its grade is not current" in told) == (1, True)

    pytest_in(package, "--hub-grades=write")
    more = 'exempt = {\n        "exact_host": "it goes everywhere",\n'
    tests.write_text(tests.read_text().replace("exempt = {\n", more))
    assert pytest_in(package, "--hub-grades=check")[0] == 1


def test_a_part_of_the_checks_or_a_failed_one_gives_no_grade(package: Path):
    code, _ = pytest_in(package, "-k", "exact_host", "--hub-grades=write")
    assert (code, record(package / "toy_shop").exists()) == (0, False)

    sink = package / "toy_shop" / "sink.py"
    sink.write_text(sink.read_text().replace('headers={"idempotency-key": delivery.id},', ""))
    code, told = pytest_in(package, "--hub-grades=write")

    assert (code, record(package / "toy_shop").exists()) == (1, False)
    assert "sink toy_shop: no grade, for a check failed" in told


# What a grade is


def place(tmp_path: Path) -> Path:
    (tmp_path / "drawer.py").write_text("NAME = 1\n")
    return tmp_path / "drawer.py"


def found(where: Path, *grades: str) -> Findings:
    return Findings(FORM, digest(where), tuple(name for name, one in ALL.items() if one.grade in grades))


@pytest.mark.parametrize(
    ("passed", "grade"),
    [
        ((), "none"),
        (("bronze",), "bronze"),
        (("bronze", "silver"), "silver"),
        (("bronze", "silver", "gold"), "gold"),
        (("silver", "gold"), "none"),
        (("bronze", "gold"), "bronze"),
    ],
)
def test_a_grade_needs_its_checks_and_those_below(passed: tuple[str, ...], grade: str, tmp_path: Path):
    where = place(tmp_path)

    assert graded(where, found(where, *passed)).grade == grade


def test_one_check_that_is_missing_costs_the_grade_and_is_named(tmp_path: Path):
    where = place(tmp_path)
    whole = found(where, "bronze")
    part = replace(whole, passed=tuple(name for name in whole.passed if name != "exact_host"))

    assert graded(where, part) == Graded("none", "for bronze it lacks exact_host")
    assert graded(where, replace(part, exempt={"exact_host": "it has many"})).grade == "bronze"


def test_a_grade_is_of_exactly_this_code_and_this_version_of_the_kit(tmp_path: Path):
    where = place(tmp_path)
    before = found(where, "bronze")

    assert objection(where, before) == ""
    assert objection(where, replace(before, kit=KIT + 1)).startswith("it was examined by version")
    where.write_text("NAME = 2\n")
    assert objection(where, before).startswith("its code has changed")
    assert objection(where, None).startswith("it took no examination")


def test_a_package_is_all_its_code_and_only_its_code(tmp_path: Path):
    folder = tmp_path / "drawer"
    (folder / "inside").mkdir(parents=True)
    (folder / "__init__.py").write_text("A = 1\n")
    (folder / "inside" / "more.py").write_text("B = 1\n")
    before = digest(folder)

    (folder / "grades.json").write_text("{}")
    (folder / "__init__.py").write_bytes(b"A = 1\r\n")
    assert digest(folder) == before

    (folder / "inside" / "more.py").write_text("B = 2\n")
    assert digest(folder) != before


@pytest.mark.parametrize("said", ["", "[]", "{", '{"sink drawer": 1}', '{"sink drawer": {"kit": 1}}', "\xff"])
def test_a_record_that_cannot_be_read_is_none(said: str, tmp_path: Path):
    where = place(tmp_path)
    record(where).write_text(said, encoding="latin-1")

    assert kept(where) == {}
    assert grade_at(where, "drawer").grade == "none"


def test_a_record_of_a_form_that_is_unknown_counts_for_nothing(tmp_path: Path):
    where = place(tmp_path)
    said = {"kit": KIT, "form": "cupboard", "digest": digest(where), "passed": [], "exempt": {}}
    record(where).write_text(json.dumps({"sink drawer": said}))

    assert grade_at(where, "drawer").grade == "none"


# The fixtures


def test_the_far_side_keeps_what_it_is_sent(far_side):
    from http.client import HTTPConnection

    connection = HTTPConnection("127.0.0.1", far_side.port, timeout=10)
    connection.request("POST", "/in", b'{"n": 1}')
    status = connection.getresponse().status
    connection.close()

    assert (status, far_side.objects) == (204, [{"n": 1}])


def test_the_clock_goes_when_it_is_told_to(clock):
    before = clock.now()

    assert clock.now() == before
    assert clock.forward(seconds=1) == before + 1_000_000


def test_checks_that_are_not_for_a_kind_of_connector_are_not_run():
    needed = checks(suite_for(Console), Console)

    assert "golden_deliveries" in needed
    assert not {"retry_after_is_obeyed", "exact_host"} & set(needed)
    assert issubclass(Console, hub.Sink)
