"""`hub connectors new`: a package of one's own, made after the example that the hub is tested with."""

from __future__ import annotations

import re
from importlib import resources
from importlib.util import find_spec
from keyword import iskeyword
from pathlib import Path
from typing import Literal

import click

from hub.cli.connectors import registry

Kind = Literal["sink", "source", "both"]

_EXAMPLE = "acme-loyalty"
_NOT_FOR_COPIES = ("grades.json", "__pycache__", ".pytest_cache", ".ruff_cache")
_NO_SUCH_PROGRAMME = re.compile(r"There is no such programme: .*?\n\n", re.DOTALL)


@click.command()
@click.argument("name")
@click.option("--kind", type=click.Choice(["sink", "source", "both"]), default="sink", help="What it is.")
@click.option(
    "--in",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(),
    help="The folder in which it gets one of its own; here by default.",
)
def new(name: str, kind: Kind, folder: Path) -> None:
    """Makes the package of a new connector, with tests that pass at once."""
    from hub.plugins.examine import SNAKE_CASE

    if not SNAKE_CASE.fullmatch(name):
        raise click.UsageError(f"'{name}' is not in snake_case; use a-z, 0-9 and _, such as my_shop")
    if name in registry().names:
        raise click.UsageError(f"there is a connector '{name}' already; choose another name")
    if iskeyword(name) or find_spec(name) is not None:
        raise click.UsageError(f"'{name}' is a word or a module of Python already; choose another name")
    made = folder / name.replace("_", "-")
    if made.exists():
        raise click.UsageError(f"{made} exists already; choose another name, or another folder with --in")
    make(name, kind, made)
    print(f"{made}: made. Try it where pytest is installed:\n")
    print(f"  cd {made}\n  pytest\n\nREADME.md has the blocks that configure it.")


def make(name: str, kind: Kind, into: Path) -> None:
    """Writes the package of a connector of this name and kind into a folder."""
    words = _words(name)
    for file in _files(_example()):
        # The example's own words for its kinds stand in its files' names too.
        where = file.relative_to(_example()).as_posix()
        if not _is_wanted(where, kind):
            continue
        text = file.read_text(encoding="utf-8")
        path = into / _renamed(where, words)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(_renamed(_for_kind(where, text, kind), words), encoding="utf-8")


def _example() -> Path:
    inside = Path(str(resources.files("hub"))) / "examples" / _EXAMPLE
    return inside if inside.is_dir() else Path(__file__).parents[2] / "examples" / _EXAMPLE


def _files(folder: Path) -> list[Path]:
    return [
        file
        for file in sorted(folder.rglob("*"))
        if file.is_file() and not set(file.relative_to(folder).parts) & set(_NOT_FOR_COPIES)
    ]


def _words(name: str) -> dict[str, str]:
    """The example's name in all its spellings, and this one's."""
    parts = name.split("_")
    titled = [part.capitalize() for part in parts]
    return {
        "acme_loyalty": name,
        "acme-loyalty": "-".join(parts),
        "ACME_LOYALTY": name.upper(),
        "AcmeLoyalty": "".join(titled),
        "Acme Loyalty": " ".join(titled),
        "x-acme": f"x-{'-'.join(parts)}",
        "X-Acme": f"X-{'-'.join(titled)}",
    }


def _renamed(text: str, words: dict[str, str]) -> str:
    return re.sub("|".join(map(re.escape, words)), lambda found: words[found[0]], text)


def _is_wanted(where: str, kind: Kind) -> bool:
    other = {"sink": "source", "source": "sink"}.get(kind)
    if other == "sink" and where == "tests/acme-loyalty.json":
        return False
    return other is None or not re.search(rf"(^|[/_]){other}(\.py|/)", where)


def _for_kind(where: str, text: str, kind: Kind) -> str:
    """A file of the example without what is about the other kind."""
    text = _NO_SUCH_PROGRAMME.sub("", text)
    if kind == "both":
        return text
    if where == "acme_loyalty/__init__.py":
        dropped = "AcmeLoyaltyWebhooks" if kind == "sink" else "AcmeLoyalty"
        text = re.sub(rf"^from \.\w+ import {dropped}\n", "", text, flags=re.MULTILINE)
        return re.sub(rf"\b{dropped}(, |\])", lambda found: found[1].strip(", "), text).replace(", ]", "]")
    if where == "README.md":
        dropped = r"\[sources\.loyalty\]" if kind == "sink" else r"\[(?:sinks|routes)\.\w+\]"
        return re.sub(rf"\n{dropped}\n(?:[^\n`]+\n)+", "", text)
    return text
