"""What `hub demo` says of its day: each thing as it happens, and at the end all of it at a glance."""

from __future__ import annotations

import os
import re
import sys
import textwrap
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import click

from hub.cli.watching import Watch, line_of

if TYPE_CHECKING:
    from hub.cli.stores import Stores
    from hub.event import Profile

QUIET = frozenset({"page_viewed", "product_viewed", "checkout_started"})
"""Events that are counted, and not shown: there are too many to read."""

LEGEND = """
  event      came in, and belongs to this person (views and checkouts are only counted)
  firing     a rule found what it looks for; skip: it did, and its `if` (guard) or `repeat` said no
  message    what the firing wants to say: sent, or dropped by a gate such as consent
  delivery   a sink (label.action) received it

A visitor is called by their browser (browser-7), and by the shop's name for them once they said who they are.
"""

WHY = {
    "consent": "they never agreed to it",
    "unreachable": "no address of theirs is known",
    "guard_false": "its `if` was not true",
    "repeat": "it had fired for them before",
}
"""What reasons mean, in a newcomer's words."""

WIDTH = 118

COLOURS = {
    r"\bdelivered\b|\bsent\b|\barrives at\b": "green",
    r"\bdropped\b|\bskipped\b|\bdead\b": "yellow",
    r"^(What|Who|The day)[^:]*:": "cyan",
    r"^(  )?\d\d:\d\d:\d\d(\.\d+)?": "bright_black",
    r"\b(firing|message|delivery|event)\b(?=  )": "magenta",
}
"""What stands out on a terminal."""


def tell(line: str = "") -> None:
    """One line, at once; in colours where people look at it."""
    if sys.stdout.isatty() and "NO_COLOR" not in os.environ:
        for pattern, colour in COLOURS.items():
            line = re.sub(pattern, click.style(r"\g<0>", fg=colour), line)
    print(line, flush=True)


class Show:
    """Prints what is worth reading, and remembers everything."""

    def __init__(self, data: Path, *, from_start: bool) -> None:
        self._data = data
        self._from_start = from_start
        self._opened = ExitStack()
        self._stores: Stores | None = None
        self._watch: Watch | None = None
        self.names: dict[str, str] = {}
        self.rows: list[dict[str, Any]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()

    def until(self, now: int) -> None:
        """Everything that has happened by this instant of the day is shown, but for what is only counted."""
        from hub.event import iso

        news = self._news()
        for row in news:
            if row["kind"] == "delivery":
                row["at"] = iso(now)
        # The order of time, in which the causes stay before what follows from them.
        news.sort(key=lambda row: row["at"])
        self.rows += news
        self._tell(row for row in news if row["kind"] != "event" or row["name"] not in QUIET)

    def all(self) -> None:
        """Everything is shown that has happened since the last call."""
        self._tell(self._news())

    def _news(self) -> list[dict[str, Any]]:
        from hub.cli import stores

        if self._stores is None or self._watch is None:
            self._stores = self._opened.enter_context(stores.all_of(self._data))
            self._watch = Watch(self._stores, from_start=self._from_start)
        news = list(self._watch.news())
        self._name(self._stores, {row["person"] for row in news if row.get("person")})
        return news

    def _tell(self, rows: Iterable[dict[str, Any]]) -> None:
        for row in rows:
            who = self.names.get(row.get("person") or "")
            tell(line_of({**row, "person": who} if who else row))

    def _name(self, stores: Stores, people: set[str]) -> None:
        """Who these people are, as far as is known by now."""
        from hub.event import PersonId

        ids = {PersonId(int(person, 16)): person for person in people}
        profiles = stores.state.profiles(ids) if stores.state else {}
        self.names |= {ids[person]: name for person, one in profiles.items() if (name := name_of(one))}


def name_of(profile: Profile) -> str | None:
    """What the shop calls a person: their user id, before that their browser."""
    known = {one.kind: one.value for one in reversed(profile.identifiers)}
    return known.get("user_id") or known.get("anonymous_id")


def sum_up(rows: list[dict[str, Any]], people: list[Profile], rules: dict[str, Any]) -> None:
    """What came in, who it was, what fired and why."""
    names = Counter(row["name"] for row in rows if row["kind"] == "event")
    known = sum(any(one.kind == "user_id" for one in person.identifiers) for person in people)
    fired = sum(row["kind"] == "firing" for row in rows)
    tell()
    tell(f"What came in: {names.total()} events")
    tell("  " + ", ".join(f"{count} {name}" for name, count in names.most_common()))
    tell()
    tell(f"Who it was: {len(people)} people")
    tell(f"  {known} said who they are; the others are visitors, known by their browser")
    tell()
    tell(f"What fired, and why: {len(rules)} rules, {fired} times")
    for name, rule in rules.items():
        tell(f"  {name:<20} {rule['when']}")
        told = "; ".join(_fates(row for row in rows if row.get("rule") == name))
        tell(textwrap.fill(told, WIDTH, initial_indent=" " * 23, subsequent_indent=" " * 23))


def _fates(rows: Iterable[dict[str, Any]]) -> Iterator[str]:
    """What became of a rule's moments, each kind with its number."""
    counted = Counter(_fate(row) for row in rows if row["kind"] in ("message", "skip"))
    for (_, said), count in sorted(counted.items()):
        yield f"{count} {said}"


def _fate(row: dict[str, Any]) -> tuple[int, str]:
    """How it ended, in words, and how far behind in the list that stands."""
    reason = (row["reason"] or "").partition(":")[0]
    if row["kind"] == "skip":
        return 3, f"skipped: {WHY.get(reason, reason)}"
    if reason == "fallback":
        return 1, "of them by the channel's next sink, as the first gave up"
    if row["outcome"] == "sent":
        return 0, f"sent by {row['channel']}"
    return 2, f"{row['outcome']}: {WHY.get(reason, reason)}"


def tell_one(show: Show, rules: dict[str, Any]) -> str | None:
    """The day of somebody who came back after a message, step by step; returns who it was."""
    days: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in show.rows:
        days[row.get("person") or ""].append(row)
    found = [person for person, day in days.items() if _came_back(day)]
    if not found:
        return None
    # Of the last ones to come: their day is still in the terminal.
    person = max(found[-10:], key=lambda one: len(days[one]))
    who = show.names.get(person, person)
    tell()
    tell(f"The day of one of them, {who}:")
    for said, alike in groupby(days[person], lambda row: step(row, rules)):
        same = list(alike)
        sinks = ", ".join(row["sink"] for row in same if row["kind"] == "delivery")
        times = f", {len(same)} times" if len(same) > 1 and not sinks else ""
        tell(f"  {same[0]['at'][11:19]}  {said}{sinks}{times}")
    return who


def _came_back(day: list[dict[str, Any]]) -> bool:
    """Whether a message was sent, and an order came after it."""
    sent = [number for number, row in enumerate(day) if row.get("outcome") == "sent"]
    return bool(sent) and any(row.get("name") == "order_completed" for row in day[sent[0] :])


def step(row: dict[str, Any], rules: dict[str, Any]) -> str:
    """One thing that happened to somebody, in a few words; steps of the same words are one line."""
    if row["kind"] == "event":
        return _seen(row)
    if row["kind"] == "delivery":
        what = row["cause"].get("rule") or row["cause"]["name"]
        return f"  {what} {'arrives' if row['state'] == 'delivered' else 'is ' + row['state']} at "
    if row["kind"] == "firing":
        return f"{row['rule']} fires: {rules[row['rule']]['when']}"
    return f"{row['rule']}: {_fate(row)[1]}"


def _seen(row: dict[str, Any]) -> str:
    if row["name"] in ("page_viewed", "product_viewed"):
        return "looks around"
    if row["name"] == "traits_updated":
        return "says who they are"
    product = row["properties"].get("name")
    return f"{row['name']}: {product}" if product else str(row["name"])
