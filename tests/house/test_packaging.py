"""What is published holds the product, all of it and nothing else."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from source_tree import ROOT, modules


def built(tmp_path: Path, kind: str) -> Path:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(tmp_path)],
        cwd=ROOT,
        check=True,
        capture_output=True,
        timeout=120,
    )
    [package] = tmp_path.iterdir()
    return package


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    package = built(tmp_path_factory.mktemp("wheel"), "wheel")
    return set(zipfile.ZipFile(package).namelist())


def test_the_wheel_holds_every_module(wheel: set[str]):
    ours = {str(module.path.relative_to(ROOT)) for module in modules().values()}

    assert ours <= wheel


def test_the_wheel_says_that_it_is_typed(wheel: set[str]):
    assert {"hub/py.typed", "connectors/py.typed"} <= wheel


def test_the_wheel_holds_nothing_but_the_product(wheel: set[str]):
    others = {name for name in wheel if name.split("/")[0] not in ("hub", "connectors")}

    assert all(".dist-info/" in name for name in others)
    assert any(name.endswith("licenses/LICENSE") for name in others)
    assert not any("__pycache__" in name for name in wheel)


def test_the_wheel_holds_the_grades_and_what_new_connectors_are_made_after(wheel: set[str]):
    assert "connectors/klaviyo/grades.json" in wheel
    assert {"hub/examples/acme-loyalty/pyproject.toml", "hub/examples/shop/shop.toml"} <= wheel


def test_the_source_package_can_build_the_wheel(tmp_path: Path):
    with tarfile.open(built(tmp_path, "sdist")) as package:
        names = {name.partition("/")[2] for name in package.getnames()}

    assert {"pyproject.toml", "README.md", "LICENSE", "hub/__init__.py", "connectors/py.typed"} <= names
    assert not any(name.startswith((".venv", "data", "dist")) for name in names)
