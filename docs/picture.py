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

PICTURE = Path(__file__).parent / "pictures" / "demo.svg"
WIDTH = 118
BEFORE = 14
"""Lines of the day that are shown before its sum."""
FONTS = re.compile(r"\s*@font-face \{.*?\}\n", re.DOTALL)
COLOURS = {
    r"\bdelivered\b|\bsent\b": "green",
    r"\bdropped\b.*|\bskipped\b|\bdead\b": "yellow",
    r"^(What|Who|[A-Z]\w+) [\w ]*?:": "bold cyan",
    r"^\d\d:\d\d:\d\d\.\d+": "bright_black",
    r"\b(firing|message|delivery|event)\b(?=  )": "magenta",
}


def played() -> list[str]:
    """What the demo prints, until the hub stays up."""
    command = [str(Path(sys.executable).with_name("hub")), "demo", "--listen", "127.0.0.1:8090"]
    environ = {**os.environ, "COLUMNS": str(WIDTH)}
    lines: list[str] = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environ) as demo:
        assert demo.stdout is not None
        for line in demo.stdout:
            lines.append(line.rstrip())
            if line.startswith("Orders received"):
                break
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
