"""The grades that are shown are those that the connectors' code has earned."""

from __future__ import annotations

import ast

import pytest
from source_tree import ROOT

from hub import testing
from hub.connector import ConnectorType, kind
from hub.plugins import discover
from hub.plugins.grades import kept, key, objection, place
from hub.testing.checking import GRADES, checks
from hub.testing.examinations import grade_of, suite_for


def built_in() -> list[ConnectorType]:
    registry = discover()
    names = {one.name for one in registry.known() if one.package.startswith("connectors.")}
    return [connector for name in sorted(names) for connector in registry.all(name)]


@pytest.mark.parametrize("connector", built_in(), ids=key)
def test_every_built_in_connector_has_earned_bronze_with_the_code_that_is_here(connector: ConnectorType):
    where = place(connector)
    reason = objection(where, kept(where).get(key(connector)))

    assert reason == "", f"{key(connector)}: {reason}; run `make grades`"
    assert grade_of(connector).grade in GRADES, grade_of(connector).reason


@pytest.mark.parametrize("connector", built_in(), ids=key)
def test_every_exemption_has_its_reason(connector: ConnectorType):
    found = kept(place(connector)).get(key(connector))
    known = checks(suite_for(connector), connector)

    assert found is not None
    assert {name.partition(":")[0] for name in found.exempt} <= set(known)
    assert [name for name, why in found.exempt.items() if len(why.split()) < 3] == []


def test_every_built_in_connector_is_of_a_kind_that_has_a_suite():
    assert {kind(connector) for connector in built_in()} <= {"source", "sink", "transform"}


# The door


def test_names_for_tests_are_listed_by_hand_and_sorted():
    assert list(testing.__all__) == sorted(testing.__all__)
    assert set(testing._HOMES) == set(testing.__all__)


def test_type_checkers_and_python_see_the_same_names_for_tests():
    tree = ast.parse((ROOT / "hub" / "testing" / "__init__.py").read_text(encoding="utf-8"))
    [block] = [node for node in tree.body if isinstance(node, ast.If)]
    typed = {
        alias.name: node.module
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }

    assert typed == testing._HOMES


@pytest.mark.parametrize("name", testing.__all__)
def test_every_name_for_tests_can_be_had_and_is_documented(name: str):
    page = (ROOT / "docs/reference/examination.md").read_text(encoding="utf-8")

    assert (getattr(testing, name).__doc__ or "").strip()
    assert f"`{name}`" in page


def test_the_example_outside_the_house_imports_the_doors_alone():
    example = ROOT / "examples" / "acme-loyalty"
    imported = {
        alias.name if isinstance(node, ast.Import) else str(node.module)
        for file in example.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Import) or (isinstance(node, ast.ImportFrom) and not node.level)
        for alias in node.names
    }

    assert {name for name in imported if name.partition(".")[0] == "hub"} == {"hub", "hub.testing"}
    assert not [name for name in imported if name.partition(".")[0] == "connectors"]
