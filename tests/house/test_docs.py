"""The docs are true: what they show runs, what they name exists, what exists is in them."""

from __future__ import annotations

import importlib.util
import re
import shlex
import tomllib
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import click
import pytest
from source_tree import ROOT

from hub.cli import root
from hub.config import read
from hub.errors import ConfigRefused
from hub.plugins import discover
from hub.telemetry import SAID

FENCE = re.compile(r"^( *)```([\w-]*)[^\n]*\n(.*?)^\1```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


class Block(NamedTuple):
    """One fenced block of a page."""

    page: Path
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def pages() -> list[Path]:
    return [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]


def blocks(language: str) -> Iterator[Block]:
    for page in pages():
        text = page.read_text(encoding="utf-8")
        for match in FENCE.finditer(text):
            if match[2] == language:
                indent = len(match[1])
                inside = "\n".join(line[indent:] for line in match[3].splitlines())
                yield Block(page, text.count("\n", 0, match.start()) + 1, language, inside + "\n")


def pages_with(language: str) -> list[Path]:
    return list(dict.fromkeys(block.page for block in blocks(language)))


def names(paths: list[Path]) -> list[str]:
    return [str(path.relative_to(ROOT)) for path in paths]


@pytest.mark.parametrize("page", pages_with("python"), ids=names(pages_with("python")))
def test_python_in_the_docs_runs(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    shared: dict[str, object] = {"__name__": "__docs__"}

    for block in blocks("python"):
        if block.page == page:
            exec(compile("\n" * block.line + block.text, str(page), "exec"), shared)


@pytest.mark.parametrize("block", list(blocks("toml")), ids=str)
def test_configuration_in_the_docs_passes_the_check(block: Block, tmp_path: Path):
    file = tmp_path / "plugins.toml"
    file.write_text(block.text, encoding="utf-8")

    try:
        read(file, discover, unset="warn")
    except ConfigRefused as refused:
        pytest.fail(f"{block}:\n{refused}", pytrace=False)


def typed_lines() -> list[tuple[Block, str]]:
    return [
        (block, line.strip()[2:])
        for block in blocks("console")
        for line in block.text.replace("\\\n", "").splitlines()
        if line.strip().startswith("$ ")
    ]


def test_commands_in_the_docs_exist_with_their_options():
    wrong = [
        f"{block}: {line}: {fault}"
        for block, line in typed_lines()
        for words in commands_of(line)
        if (fault := fault_of(words))
    ]

    assert wrong == []


SPOKEN_OF = re.compile(r"`hub ([a-z][a-z ]*[a-z])")


@pytest.mark.parametrize("page", pages(), ids=names(pages()))
def test_commands_that_the_text_speaks_of_exist(page: Path):
    text = FENCE.sub("", page.read_text(encoding="utf-8"))

    spoken = [f"hub {said[1]}" for said in SPOKEN_OF.finditer(text)]
    wrong = [words for words in spoken if words not in SAID and not is_command(words.split()[1:])]

    assert wrong == []


def is_command(words: list[str]) -> bool:
    """Whether these words begin with a command's; what stands behind it is free."""
    command: click.Command | None = root
    with click.Context(root) as context:
        for word in words:
            if not isinstance(command, click.Group):
                break
            command = command.get_command(context, word)
    return command is not None


def commands_of(line: str) -> Iterator[list[str]]:
    """The commands of a line that a shell would start: each side of a pipe, without assignments."""
    words: list[str] = []
    for word in [*shlex.split(line, comments=True), "|"]:
        if word in ("|", "&&", ";", "&"):
            if words:
                yield words
            words = []
        elif words or "=" not in word.partition("/")[0]:
            words.append(word)


def fault_of(words: list[str]) -> str | None:
    if words[0] == "make":
        return unknown_target(words[1:])
    if words[0].rpartition("/")[2] != "hub":
        return None
    command: click.Command = root
    with click.Context(root, info_name="hub") as context:
        rest = words[1:]
        while isinstance(command, click.Group) and rest and not rest[0].startswith("-"):
            found = command.get_command(context, rest[0])
            if found is None:
                return f"no command {rest[0]}"
            command, rest = found, rest[1:]
    try:
        command.make_context(command.name, list(until_redirection(rest)), resilient_parsing=False)
    except click.exceptions.Exit:
        return None
    except click.UsageError as fault:
        return fault.format_message()
    return None


def until_redirection(words: list[str]) -> Iterator[str]:
    for word in words:
        if word.startswith((">", "<", "2>")):
            return
        yield word


def unknown_target(words: list[str]) -> str | None:
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    unknown = [word for word in words if "=" not in word and not word.startswith("-") and word not in targets]
    return f"make has no target {unknown[0]}" if unknown else None


def anchors(page: Path) -> set[str]:
    """What headings are called in links."""
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    return {
        re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")
        for heading in HEADING.findall(text)
    }


def dead_links(page: Path) -> Iterator[str]:
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    for link in LINK.findall(text):
        target, _, anchor = link.partition("#")
        if re.match(r"[a-z]+:", link):
            continue
        file = (page.parent / target).resolve() if target else page
        if not file.exists():
            yield f"{page.relative_to(ROOT)}: {link}"
        elif anchor and file.suffix == ".md" and anchor not in anchors(file):
            yield f"{page.relative_to(ROOT)}: {link} (no such heading)"


def test_links_lead_somewhere():
    assert [link for page in pages() for link in dead_links(page)] == []


def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_generate", ROOT / "docs" / "generate.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_generated_pages_say_what_the_code_says():
    assert generator().stale() == [], "run `make docs`"


def test_every_page_is_listed_in_the_index_of_its_kind():
    unlisted = [
        str(page.relative_to(ROOT))
        for page in pages()
        if page.name != "README.md" and page.parent.parent == ROOT / "docs" and page.parent.name != "changes"
        if f"({page.name})" not in (page.parent / "README.md").read_text(encoding="utf-8")
    ]

    assert unlisted == []


NOTES = [page for page in pages() if page.parent.name == "changes" and page.name != "README.md"]


@pytest.mark.parametrize("note", NOTES, ids=names(NOTES))
def test_a_change_is_told_in_sentences_and_says_first_what_is_taken_away(note: Path):
    text = note.read_text(encoding="utf-8")

    assert not text.startswith(("#", "-", "* "))
    assert set(re.findall(r"\*\*(.+?)\*\*", text)) <= {"Removed", "Security"}


def test_every_decision_is_told_where_people_look_for_reasons():
    index = (ROOT / "docs/explanation/README.md").read_text(encoding="utf-8")

    untold = [page.name for page in decisions() if f"(decisions/{page.name})" not in index]

    assert untold == []


def test_every_proof_of_a_promise_exists():
    text = (ROOT / "docs/explanation/promises.md").read_text(encoding="utf-8")
    named = re.findall(r"`([a-z]+/(?:test_\w+\.py)?)`", text)

    missing = [name for name in named if name != "tests/" and not (ROOT / "tests" / name).exists()]

    assert len(named) > 10
    assert missing == []


def test_every_dependency_has_its_reason():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    extras = project["project"]["optional-dependencies"]
    wanted = [*project["project"]["dependencies"], *chain(*extras.values())]
    wanted += [
        one for group in project["dependency-groups"].values() for one in group if isinstance(one, str)
    ]
    told = set(re.findall(r"`([\w.\[\]-]+)`", "".join(page.read_text("utf-8") for page in decisions())))

    untold = {match[0] for one in wanted if (match := re.match(r"[\w.-]+(\[\w+\])?", one))} - told

    assert untold == set()


def decisions() -> list[Path]:
    return sorted((ROOT / "docs" / "explanation" / "decisions").glob("*.md"))


def test_every_word_of_the_glossary_stands_in_it_once():
    text = (ROOT / "docs/glossary.md").read_text(encoding="utf-8")
    words = [
        word.strip()
        for row in re.findall(r"^\| ([^|]+) \|", text, re.MULTILINE)
        for word in re.split(r"[,;]", row)
    ]

    words.remove("word")  # the head of the table

    assert sorted(words) == sorted(set(words))
