"""Who may import whom: the house stays readable because knowledge points one way."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from source_tree import Module, cycles, imports, is_foreign, modules

ROWS = (
    ("words", ("catalogue", "event", "errors", "wire", "liquid", "option", "schema")),
    ("contract", ("connector", "hooks")),
    ("thinking", ("identity", "profiles", "rules", "policy", "templates", "journeys")),
    ("hands", ("store", "transport", "clock", "telemetry")),
    ("house", ("config", "plugins", "ingest", "pipeline", "delivery", "daemon")),
    ("doors", ("web", "testing", "cli")),
)
MAY_IMPORT = {
    "words": set(),
    "contract": {"words"},
    "thinking": {"words", "contract"},
    "hands": {"words", "contract"},
    "house": {"words", "contract", "thinking", "hands"},
    "doors": {"words", "contract", "thinking", "hands", "house"},
}
"""Besides the modules that a row names before the importer."""

ROW_OF = {part: row for row, parts in ROWS for part in parts}
PLACE_OF = {part: place for _, parts in ROWS for place, part in enumerate(parts)}

PURE_ROWS = ("words", "contract", "thinking")
IMPURE = {
    *(
        "asyncio",
        "concurrent",
        "fcntl",
        "http",
        "io",
        "logging",
        "multiprocessing",
        "os",
        "pathlib",
        "random",
    ),
    *(
        "secrets",
        "select",
        "selectors",
        "shutil",
        "signal",
        "socket",
        "sqlite3",
        "ssl",
        "subprocess",
        "tempfile",
    ),
    *("threading", "time", "apsw", "structlog", "prometheus_client", "rich", "uvicorn"),
}
IMPURE_CALLS = {"open", "print", "input", "now", "utcnow", "today", "uuid1", "uuid4", "getenv"}
FOREIGN_IN_PURE = {"msgspec", "pydantic", "pydantic_core", "pluggy", "phonenumbers", "liquid"}

HTTP_CLIENTS = {"httpx", "httpcore", "tenacity", "aiohttp", "requests", "urllib3", "urllib.request"}


def part_of(name: str) -> str:
    """The room of a module: `hub.store.sqlite.journal` is in `store`; the front door is ``."""
    parts = name.split(".")
    return parts[1] if len(parts) > 1 else ""


def hub_modules() -> Iterator[Module]:
    yield from (module for name, module in modules().items() if name.startswith("hub."))


def offences(importer: str, target: str) -> str | None:
    """Why this import is not allowed; None where it is."""
    here, there = part_of(importer), part_of(target)
    if there == "":
        return (
            None if ROW_OF[here] in ("house", "doors") else "only the house and its doors use the front door"
        )
    if here == there:
        return None
    if there not in ROW_OF:
        return f"no module of that name is part of the house ({there})"
    rows = ROW_OF[here], ROW_OF[there]
    if rows[0] == rows[1]:
        return (
            None
            if PLACE_OF[there] < PLACE_OF[here]
            else f"{there} stands behind {here} in the row of {rows[0]}"
        )
    return None if rows[1] in MAY_IMPORT[rows[0]] else f"{rows[0]} may not import {rows[1]}"


def test_every_module_has_a_place_in_the_house():
    homeless = {module.name for module in hub_modules() if part_of(module.name) not in ROW_OF}

    assert homeless == set()


def test_imports_point_one_way():
    known = modules()
    wrong = [
        f"{found.importer}:{found.line} imports {found.target}: {why}"
        for module in hub_modules()
        if part_of(module.name) in ROW_OF
        for found in imports(module, known)
        if found.target.partition(".")[0] == "hub" and (why := offences(module.name, found.target))
    ]

    assert wrong == []


def test_the_front_door_only_opens_to_words_and_contract():
    known = modules()
    wrong = [
        f"hub:{found.line} imports {found.target}"
        for found in imports(known["hub"], known)
        if found.target.startswith("hub.") and ROW_OF.get(part_of(found.target)) not in ("words", "contract")
    ]

    assert wrong == []


def test_nobody_imports_in_a_circle():
    known = modules()
    graph = {
        module.name: {found.target for found in imports(module, known) if found.target in known}
        for module in known.values()
        if module.name != "hub"
    }

    assert cycles(graph) == []


def test_connectors_know_the_front_door_and_nothing_behind_it():
    known = modules()
    wrong = [
        f"{found.importer}:{found.line} imports {found.target}"
        for module in known.values()
        if module.name.startswith("connectors.")
        for found in imports(module, known)
        if not allowed_for_a_connector(module.name, found.target)
    ]

    assert wrong == []


def allowed_for_a_connector(importer: str, target: str) -> bool:
    top = target.partition(".")[0]
    if top == "hub":
        return target == "hub"
    if top == "connectors":
        return part_of(importer) == part_of(target)
    return target not in HTTP_CLIENTS and top not in HTTP_CLIENTS


def test_only_transport_speaks_http():
    known = modules()
    wrong = [
        f"{found.importer}:{found.line} imports {found.target}"
        for module in hub_modules()
        if part_of(module.name) != "transport"
        for found in imports(module, known)
        if found.target in HTTP_CLIENTS or found.target.partition(".")[0] in HTTP_CLIENTS
    ]

    assert wrong == []


def pure_modules() -> list[Module]:
    return [module for module in hub_modules() if ROW_OF.get(part_of(module.name)) in PURE_ROWS]


def test_thinking_reads_no_clock_no_file_and_no_dice():
    known = modules()
    wrong = [
        f"{found.importer}:{found.line} imports {found.target}"
        for module in pure_modules()
        for found in imports(module, known)
        if found.target.partition(".")[0] in IMPURE
    ]
    wrong += [
        f"{module.name}:{node.lineno} calls {called(node)}"
        for module in pure_modules()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call) and called(node) in IMPURE_CALLS
    ]

    assert wrong == []


def called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def test_words_contract_and_thinking_need_few_packages():
    known = modules()
    wrong = [
        f"{found.importer}:{found.line} imports {found.target}"
        for module in pure_modules()
        for found in imports(module, known)
        if is_foreign(found.target) and found.target.partition(".")[0] not in FOREIGN_IN_PURE
    ]

    assert wrong == []


@pytest.mark.parametrize(
    ("text", "targets"),
    [
        ("import hub.store.port", {"hub.store.port"}),
        ("def later():\n    from hub import daemon", {"hub.daemon"}),
        ("if TYPE_CHECKING:\n    from .port import Draft", {"hub.store.port"}),
        ("from importlib import import_module\nimport_module('hub.web')", {"importlib", "hub.web"}),
    ],
)
def test_no_way_of_importing_hides_from_these_tests(tmp_path: Path, text: str, targets: set[str]):
    path = tmp_path / "sample.py"
    path.write_text(text)
    known = {
        name: Module(name, path) for name in ("hub.store.port", "hub.store.sample", "hub.daemon", "hub.web")
    }

    assert {found.target for found in imports(known["hub.store.sample"], known)} == targets


def test_a_circle_is_found_however_long():
    graph = {"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}

    assert cycles(graph) == [["a", "b", "c"]]
