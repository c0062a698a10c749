"""Draws docs/pictures/demo.svg: the end of `hub demo` as a terminal shows it.

python docs/picture.py
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text

from hub.cli.demo_telling import COLOURS, WIDTH

PICTURE = Path(__file__).parent / "pictures" / "demo.svg"
BEFORE = 8
"""Lines of the day that are shown before its sum."""
FONTS = re.compile(r"\s*@font-face \{.*?\}\n", re.DOTALL)


def played() -> list[str]:
    """What the demo prints, until the hub stays up."""
    command = [str(Path(sys.executable).with_name("hub")), "demo", "--listen", "127.0.0.1:0"]
    lines: list[str] = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as demo:
        assert demo.stdout is not None
        for line in demo.stdout:
            if line.startswith("The hub stays up"):
                break
            lines.append(line.rstrip())
        demo.send_signal(signal.SIGINT)
    return lines


def drawn(lines: list[str]) -> str:
    """These lines on a terminal, as a picture that fetches nothing."""
    with Path(os.devnull).open("w") as nowhere:
        console = Console(record=True, width=WIDTH, file=nowhere)
        console.print(Text("$ make run", style="bold"))
        for line in lines:
            text = Text(line if len(line) <= WIDTH else f"{line[: WIDTH - 1]}…")
            for pattern, style in COLOURS.items():
                text.highlight_regex(pattern, style)
            console.print(text)
        return FONTS.sub("", console.export_svg(title="a day of a small shop", unique_id="demo"))


def main() -> None:
    lines = played()
    sums = next(number for number, line in enumerate(lines) if line.startswith("What came in"))
    PICTURE.parent.mkdir(exist_ok=True)
    PICTURE.write_text(drawn(["…", *lines[sums - BEFORE :]]), encoding="utf-8")


if __name__ == "__main__":
    main()
