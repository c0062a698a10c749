"""`hub render`: what a template would say to somebody."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from hub.cli import NO
from hub.cli.options import config_option, data_folder, data_option, json_option

if TYPE_CHECKING:
    from hub.config import Config
    from hub.event import Event, Instant, Message, Profile
    from hub.pipeline import Definitions
    from hub.rules import Rule, Send, Situation
    from hub.store.sqlite.journal import SqliteJournal
    from hub.store.sqlite.state import SqliteStateReader

MOST = 10_000
"""How many of a person's newest events are looked at."""


@click.command()
@click.argument("template", metavar="TEMPLATE")
@click.argument("person", metavar="PERSON")
@config_option
@data_option
@json_option
@click.option(
    "--trigger",
    metavar="EVENT",
    type=click.File("rb"),
    help="A file with the event that triggers the message; by default the person's newest that would.",
)
@click.option("--rule", metavar="RULE", help="The rule whose variables are used; by default the first one.")
@click.option(
    "--source", metavar="LABEL", help="The source that reads EVENT; by default the only segment source."
)
def render(
    template: str,
    person: str,
    *,
    config: Path,
    data: Path | None,
    as_json: bool,
    trigger: IO[bytes] | None,
    rule: str | None,
    source: str | None,
) -> None:
    """Shows what a template would say to a person now, and what is missing; nothing is sent.

    TEMPLATE is the name of a template in the configuration as it is written now, PERSON the hub's id of a
    person, kind:value (email:ann@example.com), or a bare value where it is unique. EVENT holds a JSON
    message as the source receives it.
    """
    from hub.cli.lines import json_line
    from hub.config import read
    from hub.pipeline import Definitions
    from hub.plugins import discover

    good = read(config, discover, unset="placeholder")
    definitions = Definitions.of(good.resolved, 0)
    _refuse_unknown(template, definitions.templates)
    chosen = _sender(definitions, template, rule)
    told = None if trigger is None else _event(good, trigger, source)
    profile, past = _known(data_folder(config, data), person)
    shown = _Rendering(definitions, profile, past, chosen).show(template, told)
    if as_json:
        json_line(shown)
    else:
        _print(shown)
    if shown["lacking"] or shown["reason"]:
        sys.exit(NO)


def _refuse_unknown(template: str, templates: dict[str, Any]) -> None:
    from hub.config.reading import near

    if template not in templates:
        raise click.UsageError(f"no template '{template}'; {near(template, templates)}")


def _sender(definitions: Definitions, template: str, rule: str | None) -> tuple[Rule, Send] | None:
    """The rule that sends a template (or falls back to it), and its `send`; None where none does."""
    from hub.config.reading import near

    rules = definitions.rules.rules
    if rule is not None and rule not in {one.name for one in rules}:
        raise click.UsageError(f"no rule '{rule}'; {near(rule, [one.name for one in rules])}")
    senders = [
        (one, send)
        for one in rules
        for send in one.sends
        if template in _spoken(send, definitions.templates) and rule in (None, one.name)
    ]
    if rule is not None and not senders:
        raise click.UsageError(f"rule {rule} does not send {template}")
    return senders[0] if senders else None


def _spoken(send: Send, templates: dict[str, Any]) -> set[str]:
    names: set[str] = set()
    for name in (send.template, send.fallback):
        while name in templates and name not in names:
            names.add(name)
            name = templates[name].get("fallback", "")
    return names


def _event(config: Config, file: IO[bytes], source: str | None) -> Event:
    """The event of a file, as the source reads it."""
    import asyncio
    import json

    import msgspec

    from hub.cli.sending import source_of
    from hub.event import Event
    from hub.ingest import lines

    name = getattr(file, "name", "-")
    try:
        line = json.dumps(json.loads(file.read())).encode()
    except ValueError:
        raise click.UsageError(f"{name}: must hold one JSON object: the event") from None
    drafts, refused = asyncio.run(lines(config, source_of(config, source), line))
    if not drafts:
        raise click.UsageError(f"{name}: {refused[0][1] if refused else 'holds no event'}")
    return msgspec.json.decode(drafts[0].body, type=Event)


def _known(folder: Path, person: str) -> tuple[Profile, list[Event]]:
    """Who a text means, and their past."""
    from hub.cli import stores
    from hub.cli.people import find

    with stores.state(folder) as state, stores.journal(folder) as journal:
        found = find(state, person)
        if found is None:
            click.echo(f"no person is known as '{person}'", err=True)
            sys.exit(NO)
        profile = state.profiles([found])[found]
        return profile, _past(state, journal, profile)


def _past(state: SqliteStateReader, journal: SqliteJournal, profile: Profile) -> list[Event]:
    """The person's events, the newest first."""
    from hub.pipeline import read

    entries = journal.get(state.timeline(profile.heads, MOST))
    return [read(entry) for _, entry in sorted(entries.items(), reverse=True) if entry.body]


@dataclass(frozen=True)
class _Rendering:
    """One person, whose events are known, and the rule that speaks to them."""

    definitions: Definitions
    profile: Profile
    past: Sequence[Event]
    sender: tuple[Rule, Send] | None

    def show(self, template: str, told: Event | None) -> dict[str, Any]:
        """The words, and what they were made of."""
        import time

        from hub.errors import GiveUp
        from hub.event import person_text
        from hub.templates import Said, values_for

        now = time.time_ns() // 1000
        trigger = told or self._trigger()
        message = self._message(template, trigger, now)
        events = {} if trigger is None else {trigger.name: trigger}
        values = values_for(message, self.profile, trigger, events)
        said, reason = Said(template), ""
        try:
            said = self.definitions.words.say(template, values)
        except GiveUp as fault:
            reason = str(fault)
        return {
            "template": said.template,
            "person": person_text(self.profile.id),
            "rule": message.rule or None,
            "trigger": None if trigger is None else {"name": trigger.name, "id": trigger.id},
            "words": said.words,
            "missing": list(said.empty),
            "lacking": [*self._lacking(message), *said.lacking],
            "reason": reason or None,
        }

    def _trigger(self) -> Event | None:
        """The person's newest event that may end a match of the rule."""
        steps = [one.steps[-1] for one in self.sender[0].alternatives if one.steps] if self.sender else []
        return next((event for event in self.past if any(step.matches(event) for step in steps)), None)

    def _message(self, template: str, trigger: Event | None, now: Instant) -> Message:
        from hub.event import Message

        rule, send = self.sender or (None, None)
        read = send.variables if send else {}
        situation = self._situation(trigger, now)
        values = {name: reads(situation) for name, reads in read.items()}
        return Message(
            id="0" * 32,
            rule=rule.name if rule else "",
            channel=send.channel if send else "",
            purpose=send.purpose if send else "",
            template=template,
            variables={name: value for name, value in values.items() if value is not None},
            created_at=now,
            expires_at=now,
        )

    def _situation(self, trigger: Event | None, now: Instant) -> Situation:
        from hub.rules import Situation

        return Situation(
            profile=self.profile,
            history=self._history,
            now=now,
            timezone=self.definitions.rules.timezone,
            moment=now,
            trigger=trigger,
            events={} if trigger is None else {trigger.name: trigger},
        )

    def _history(self) -> Iterator[tuple[Event, Instant]]:
        return ((event, event.received_at) for event in self.past)

    def _lacking(self, message: Message) -> list[str]:
        """What the rule itself needs and has not."""
        send = self.sender[1] if self.sender else None
        needs = send.needs if send and not send.fallback else ()
        return [name for name in needs if name not in message.variables]


def _print(shown: dict[str, Any]) -> None:
    from hub.cli.lines import plain

    by = f", as rule {shown['rule']} sends it" if shown["rule"] else ", which no rule sends"
    after = (
        f" after {shown['trigger']['name']}" if shown["trigger"] else ", without an event that triggers it"
    )
    print(f"template {plain(shown['template'])} to person {shown['person']}{plain(by)}{plain(after)}")
    for name, text in shown["words"].items():
        print(f"\n{name}")
        for line in text.splitlines():
            print(f"  {plain(line)}")
    if shown["missing"]:
        print(f"\nempty, for want of a value: {plain(', '.join(shown['missing']))}")
    if shown["lacking"]:
        print(f"\nnothing is sent: it needs {plain(', '.join(shown['lacking']))}")
    if shown["reason"]:
        print(f"\nnothing is sent: {plain(shown['reason'])}")
