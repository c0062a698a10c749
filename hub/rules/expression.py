"""One expression about a person: a trait, or what can be counted and calculated of their past."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from hub.errors import RuleFault
from hub.rules.condition_grammar import Names, read_condition
from hub.rules.conditions import Compiler, Read
from hub.rules.situation import SituationScope
from hub.rules.tree import Aggregate, Path


@dataclass(frozen=True)
class Expressed:
    """An expression, ready to be asked of a Situation."""

    read: Read
    trait: str | None
    """The trait that it names, where it does no more than that."""


class _OfPerson(SituationScope):
    """As in an `if`, but of the person alone: nothing triggers it, and no clock changes it."""

    def path(self, path: Path) -> Read:
        if path.parts[0] != "person":
            raise RuleFault(path.character, f"'{path}' is not known here; write person.{path.parts[-1]}")
        return super().path(path)

    def aggregate(self, aggregate: Aggregate) -> Read:
        if aggregate.function == "since":
            raise RuleFault(aggregate.character, "since changes all the time; write last(name.property)")
        return super().aggregate(aggregate)


def express(text: str, events: Mapping[str, Any], *, protected: Iterable[str] = ()) -> Expressed:
    """What a text such as `person.plan` or `count(order_completed, 365d)` means; raises RuleFault.

    `events` are the names of `[events]`; `protected` as for `compile`.
    """
    names = Names({name: said for name, said in events.items() if isinstance(said, str)}, {})
    tree = read_condition(text, names)
    scope = _OfPerson((), {}, keyed=False, protected=frozenset(protected))
    trait = tree.parts[1] if isinstance(tree, Path) and len(tree.parts) == 2 else None
    return Expressed(Compiler(scope, {}).read(tree), trait)
