"""Figures as people read them: a Markdown table, with ratios that hold on other machines too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tests.bench.measure import Found


def table(found: Sequence[Found]) -> str:
    """A line a figure, a column a contestant, and how many times the hub is what the best other is."""
    hub, *others = found
    names = list(dict.fromkeys(name for one in found for name in one.figures))
    lines = [
        "| | " + " | ".join(one.who for one in found) + " | hub ÷ other |",
        "|---" * (len(found) + 2) + "|",
    ]
    for name in names:
        values = [_number(one.figures.get(name)) for one in found]
        lines.append(f"| {name} | " + " | ".join(values) + f" | {_ratio(name, hub, others)} |")
    return "\n".join(lines)


def legs_table(legs: Mapping[str, float], loop_us: float) -> str:
    """A line a leg: microseconds an event, and the same in turns of the calibration loop."""
    lines = ["| leg | µs an event | loops of 1,000 |", "|---|---|---|"]
    lines += [f"| {name} | {value:.2f} | {value / loop_us:.3f} |" for name, value in legs.items()]
    return "\n".join(lines)


def _ratio(name: str, hub: Found, others: Sequence[Found]) -> str:
    ours = hub.figures.get(name)
    theirs = [other.figures[name] for other in others if other.figures.get(name)]
    if not ours or not theirs:
        return ""
    best = max(theirs) if "/s," in name.partition(",")[0] + "," else min(theirs)
    return f"{ours / best:.2f}"


def _number(value: float | None) -> str:
    if value is None:
        return ""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"
