"""Whatever a file says, it is a configuration or a list of faults that each have a place."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hub.config import from_resolved, hub_options, read
from hub.config.lines import lines_of
from hub.errors import ConfigRefused
from hub.plugins import discover

CONNECTOR = '''
import hub


class Inner(hub.Settings):
    word: str = hub.Option("A word.", default="a")
    key: hub.Secret | None = hub.Option("A key.", default=None)


class Settings(hub.Settings):
    key: hub.Secret = hub.Option("A key.")
    keys: list[hub.Secret] = hub.Option("Keys.", default=[])
    name: str | Inner = hub.Option("A name.", default="a")
    many: dict[str, int | list[int]] = hub.Option("Many.", default={})
    wait: hub.Duration | None = hub.Option("How long.", default=None)
    inner: Inner = hub.Option("Inside.", default=Inner())


class Toy(hub.HttpSink[Settings]):
    """A toy."""

    name = "toy"
    base_url = "https://toy.example.com"

    @hub.action("track")
    def track(self, deliveries):
        """Plays."""
        yield


class ToyBox(hub.Source[Settings]):
    """Toys."""

    name = "toy"


@hub.hookimpl
def connectors():
    return [Toy, ToyBox]
'''

OPTIONS = sorted(
    {part for table in hub_options().values() for one in table for part in one.name.split(".")}
    | {"key", "keys", "name", "many", "wait", "inner", "word", "env", "file", "toy", "x y", "ö", '"', ""}
)
words = st.sampled_from([*OPTIONS, "toy.track", "toy.", "source:toy", "a or", "15m", "32KB", "SET", "."])
texts = st.text("aZ0 ö\t\n\0\"'\\#[]{}=.,", max_size=5)
plain = st.one_of(words, texts, st.booleans(), st.integers(), st.floats(), st.just({"env": "SET"}))
values = st.recursive(
    plain,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(OPTIONS), inner, max_size=3),
    max_leaves=8,
)
blocks = st.dictionaries(
    st.sampled_from(["toy", "a", "kinds", "categories"]),
    st.dictionaries(st.sampled_from(OPTIONS), values, max_size=6).map(
        lambda said: {"connector": "toy", **said}
    ),
    max_size=2,
)
tables = st.dictionaries(
    st.sampled_from(["hub", "sources", "sinks", "routes", "transforms", "consent", "identity", "rules", "x"]),
    st.one_of(values, blocks, st.dictionaries(st.sampled_from(OPTIONS), values, max_size=4)),
    max_size=4,
)


def quoted(text: str) -> str:
    """A text in quotes; JSON's are TOML's, but for characters beyond 16 bits."""
    return json.dumps(text, ensure_ascii=False)


def toml(value: Any) -> str:
    """A value as it stands behind an equals sign."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{quoted(key)} = {toml(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list):
        return "[\n  " + ", # one\n  ".join([*map(toml, value), ""]) + "]"
    if isinstance(value, str):
        return quoted(value)
    return repr(value)


def document(content: dict[str, Any]) -> str:
    """Tables with headers where that can be, else as one line."""
    lines = [f"{quoted(name)} = {toml(one)}" for name, one in content.items() if not isinstance(one, dict)]
    for name, table in content.items():
        if isinstance(table, dict):
            lines.append(f"\n[ {quoted(name)} ] # a table")
            lines += [f"{quoted(key)}={toml(one)}" for key, one in table.items()]
    return "\n".join(lines) + "\n"


def paths(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Where something stands in a document."""
    if path:
        yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield from paths(inner, (*path, key))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("config")
    (folder / "own").mkdir()
    (folder / "own" / "toy.py").write_text(CONNECTOR)
    return folder


@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=150)
@given(content=st.dictionaries(texts, values, max_size=4))
def test_every_key_and_item_has_a_line(content):
    lines = lines_of(document(content))

    assert set(lines) == set(paths(content))


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=100)
@given(content=tables, more=tables)
def test_files_are_a_configuration_or_faults_with_places(place, content, more):
    hub = content.get("hub", {})
    ours = {"include": ["more.toml"], "plugins": ["own"]}
    owned = {**content, "hub": {**hub, **ours}} if isinstance(hub, dict) else content
    file = place / "plugins.toml"
    file.write_text(document(owned), encoding="utf-8")
    (place / "more.toml").write_text(document(more), encoding="utf-8")
    environ = {"SET": "s3cr3t"}

    try:
        good = read(file, discover, environ=environ)
    except ConfigRefused as refused:
        assert all(fault.line and fault.problem for fault in refused.faults)
        assert "s3cr3t" not in str(refused)
    else:
        stored = from_resolved(good.resolved, discover, base=place, environ=environ)
        assert (stored.sinks, stored.routes) == (good.sinks, good.routes)
