"""Connector packages: how they are found, and what is refused before it can do harm."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from hub.config import UnknownConnector
from hub.errors import PluginBroken
from hub.plugins import Known, Registry, discover

SINK = '''
import hub


class Drawer(hub.Sink[hub.Settings]):
    """Keeps things."""

    name = "drawer"

    @hub.action("send")
    async def send(self, deliveries):
        """Puts them in."""


@hub.hookimpl
def connectors():
    return [Drawer]
'''

Folder = Callable[..., Registry]


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """A registry with a folder that holds these modules."""

    def make(**modules: str) -> Registry:
        for name, text in modules.items():
            (tmp_path / f"{name}.py").write_text(textwrap.dedent(text))
        return discover([tmp_path])

    return make


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Puts a distribution with entry points of the group "hub" on the path."""

    def make(distribution: str, entry_points: dict[str, str], **modules: str) -> None:
        site = tmp_path / "site"
        info = site / f"{distribution}-1.2.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.2\n")
        lines = "".join(f"{name} = {module}\n" for name, module in entry_points.items())
        (info / "entry_points.txt").write_text(f"[hub]\n{lines}")
        for name, text in modules.items():
            (site / f"{name}.py").write_text(textwrap.dedent(text))
        monkeypatch.syspath_prepend(str(site))
        monkeypatch.setattr(sys, "dont_write_bytecode", True)
        for name in modules:
            monkeypatch.delitem(sys.modules, name, raising=False)

    return make


def broken(registry: Registry, name: str = "drawer") -> str:
    """What is said of a package that cannot be used."""
    with pytest.raises(PluginBroken) as refused:
        registry.sink(name)
    return refused.value.reason


# Finding


def test_a_module_in_a_folder_brings_the_connector_of_its_name(folder):
    assert folder(drawer=SINK).sink("drawer").__doc__ == "Keeps things."


def test_a_package_in_a_folder_may_spread_over_files(tmp_path):
    (tmp_path / "drawer").mkdir()
    (tmp_path / "drawer" / "sink.py").write_text(SINK)
    (tmp_path / "drawer" / "__init__.py").write_text(
        "import hub\nfrom .sink import Drawer\n\n@hub.hookimpl\ndef connectors():\n    return [Drawer]\n"
    )

    assert discover([tmp_path]).sink("drawer").name == "drawer"
    assert discover([tmp_path / "drawer"]).sink("drawer").name == "drawer"


def test_an_installed_package_brings_the_connectors_of_its_entry_points(install):
    install("acme-drawers", {"drawer": "acme_drawers"}, acme_drawers=SINK)

    registry = discover()

    assert Known("drawer", None, "acme-drawers", "1.2", loaded=False) in registry.known()
    assert registry.sink("drawer").__module__ == "acme_drawers"
    assert Known("drawer", "sink", "acme-drawers", "1.2", loaded=True) in registry.known()


def test_nothing_is_imported_before_its_name_is_asked_for(folder):
    registry = folder(drawer=SINK, other="raise RuntimeError('imported')")

    assert registry.sink("drawer").name == "drawer"
    assert [one.loaded for one in registry.known() if one.name == "other"] == [False]


def test_finding_connectors_imports_none_of_them():
    found = subprocess.run(
        [
            sys.executable,
            "-c",
            "from hub.plugins import discover; discover(); import sys; print(*sys.modules)",
        ],
        capture_output=True,
        text=True,
        check=True,
    )

    assert not [name for name in found.stdout.split() if name.startswith("connectors.")]


def test_an_unknown_name_is_answered_with_the_nearest(folder):
    with pytest.raises(UnknownConnector, match="no connector 'drawr' is installed; did you mean 'drawer'?"):
        folder(drawer=SINK).sink("drawr")


def test_a_name_of_another_kind_is_said_to_be_so(folder):
    with pytest.raises(UnknownConnector, match="'drawer' is a sink, not a source"):
        folder(drawer=SINK).source("drawer")


def test_a_source_and_a_sink_may_share_a_name(folder):
    both = SINK.replace("[Drawer]", "[Drawer, Visits]") + (
        '\nclass Visits(hub.Source[hub.Settings]):\n    """Who came."""\n\n    name = "drawer"\n'
    )
    registry = folder(drawer=both)

    assert [one.__name__ for one in registry.all("drawer")] == ["Drawer", "Visits"]


def test_a_folder_hides_nothing_that_is_installed(folder):
    folder(json=SINK.replace("drawer", "json")).sink("json")

    import json

    assert isinstance(json, ModuleType)
    assert json.loads("1") == 1


# Refusing


def test_an_unknown_hook_is_refused(folder):
    text = SINK + "\n@hub.hookimpl\ndef conectors():\n    return []\n"

    assert "drawer.py: unknown hook 'conectors' in plugin" in broken(folder(drawer=text))


def test_an_unknown_hook_argument_is_refused(folder):
    reason = broken(folder(drawer=SINK.replace("def connectors()", "def connectors(config)")))

    assert (
        "Argument(s) {'config'} are declared in the hookimpl but can not be found in the hookspec" in reason
    )


def test_a_refused_package_is_not_held_against_the_next(folder):
    registry = folder(
        bad=SINK + "\n@hub.hookimpl\ndef conectors():\n    return []\n",
        drawer=SINK,
    )

    assert "bad.py: unknown hook" in broken(registry, "bad")
    assert "bad.py: unknown hook" in broken(registry, "bad")
    assert registry.sink("drawer").name == "drawer"


def test_two_sinks_of_one_name_are_refused(folder, install):
    install("acme-drawers", {"drawer": "acme_drawers"}, acme_drawers=SINK)

    assert "brings a sink 'drawer', and so does" in broken(folder(drawer=SINK))


def test_one_package_may_not_bring_the_same_sink_twice(folder):
    text = SINK.replace("[Drawer]", "[Drawer, Second]") + ('\nclass Second(Drawer):\n    """Keeps more."""\n')

    assert "brings a sink 'drawer', and so does" in broken(folder(drawer=text))


@pytest.mark.parametrize(
    ("deed", "told"),
    [
        ("import socket; socket.socket()", "uses the network (socket.__new__)"),
        ("import socket; socket.getaddrinfo('127.0.0.1', 80)", "uses the network (socket.getaddrinfo)"),
        ("import subprocess; subprocess.run(['true'])", "starts a process"),
        ("import os; os.system('true')", "starts a process"),
        ("import os; os.fork()", "starts a process"),
        ("open(__file__ + '.txt', 'w')", "for writing"),
        ("import os; os.open(__file__ + '.txt', os.O_CREAT | os.O_WRONLY)", "for writing"),
        ("import sqlite3; sqlite3.connect(__file__ + '.db')", "opens a database"),
        (
            "import os\ntry:\n    os.system('true')\nexcept BaseException:\n    pass",
            "starts a process",
        ),
    ],
)
def test_what_an_import_must_not_do_is_stopped_and_told(folder, tmp_path, deed, told):
    reason = broken(folder(drawer=f"{deed}\n{SINK}"))

    assert "drawer.py: its import" in reason
    assert told in reason
    assert "that belongs in open(), not here" in reason
    assert not list(tmp_path.glob("*.txt")) + list(tmp_path.glob("*.db"))


def test_an_import_that_was_stopped_is_not_let_through_the_second_time(folder):
    deed = "import socket\ntry:\n    socket.socket()\nexcept BaseException:\n    pass"
    registry = folder(drawer=f"{deed}\n{SINK}")

    assert "uses the network" in broken(registry)
    assert "uses the network" in broken(registry)


def test_asking_for_connectors_must_not_do_io_either(folder):
    text = SINK.replace("    return [Drawer]", "    open(__file__ + '.txt', 'w')\n    return [Drawer]")

    assert "its connectors() opens" in broken(folder(drawer=text))


def test_reading_a_file_of_its_own_at_import_is_allowed(folder):
    assert folder(drawer=f"text = open(__file__).read()\n{SINK}").sink("drawer")


def test_keeping_compiled_code_is_allowed(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    monkeypatch.setattr(sys, "pycache_prefix", None)

    assert folder(drawer=SINK).sink("drawer")
    assert list((tmp_path / "__pycache__").glob("drawer.*.pyc"))


def test_the_guard_sleeps_once_the_import_is_over(folder, tmp_path):
    folder(drawer=SINK).sink("drawer")

    (tmp_path / "written.txt").write_text("fine")


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (
            "import hub\n",
            "import hub\nimport no_such_thing\n",
            "its import failed: ModuleNotFoundError: No module",
        ),
        ("import hub\n", "import hub\nraise SystemExit(0)\n", "its import failed: SystemExit: 0"),
        ("    return [Drawer]", "    raise SystemExit", "its connectors() failed: SystemExit"),
        ("    return [Drawer]", "    return 1 / 0", "its connectors() failed: ZeroDivisionError"),
        ("    return [Drawer]", "    return [Drawer(hub.Settings())]", "connectors() returns classes"),
        ("    return [Drawer]", "    return [int]", "connectors() returns classes"),
        ("@hub.hookimpl\n", "", "brings nothing; add `@hub.hookimpl def connectors()"),
        ('    """Keeps things."""\n', "", "Drawer: has no docstring; its first line is the summary"),
        ('    name = "drawer"\n', "", 'Drawer: has no name; add name = "…" in its class'),
        ('"drawer"', '"Drawer"', "the name 'Drawer' is not in snake_case"),
        ('"drawer"', '"shelf"', "brings the sink 'shelf', but no file, folder or entry point is named so"),
        ("[Drawer]", "[]", "brings no connector named 'drawer'"),
        ('@hub.action("send")', '@hub.action("sendNow")', "the action 'sendNow' is not in snake_case"),
        ('    @hub.action("send")\n', "", "offers no action; mark a method with @hub.action"),
    ],
)
def test_a_package_that_is_not_in_order_is_told_what_to_change(folder, old, new, told):
    assert old in SINK

    reason = broken(folder(drawer=SINK.replace(old, new)))

    assert "drawer.py: " in reason
    assert told in reason


def test_an_option_may_not_have_the_name_of_one_of_the_hubs(folder):
    settings = 'class Settings(hub.Settings):\n    limits: int = hub.Option("How much.", default=1)\n\n'
    text = SINK.replace("class Drawer(hub.Sink[hub.Settings])", f"{settings}class Drawer(hub.Sink[Settings])")

    assert "the option 'limits' is the hub's own; choose another name" in broken(folder(drawer=text))


def test_a_folder_that_is_not_there_is_told(tmp_path):
    with pytest.raises(PluginBroken, match="no such folder"):
        discover([tmp_path / "ours"])


# The connectors that come with the hub


def test_every_connector_that_comes_with_the_hub_is_in_order():
    assert all(one.loaded for one in discover().known() if one.package.startswith("connectors."))
